/**
 * What the witness tells of the log, and how it lies in its file. Pure.
 *
 * The log cannot notice that it has lost its end: one damaged bit in the write-ahead log silently drops every commit behind it,
 * and an older copy of the file is a sound database. So a small file beside the log, `ramax.witness`, tells how far the
 * log has come.
 *
 * What has to be told, so that every shortened log is noticed:
 *   - The id of the last event, and the change number: each transaction that writes anything raises one of them, and neither
 *     ever falls. So whatever is missing shows, also a deletion, a change of metadata, a command without events, an
 *     opening. One number of all transactions would do, too, and cost a commit 8 µs and a page of its write-ahead log; an event
 *     id costs nothing that is not there. Counts for each kind of change could forget one.
 *   - The hash of the last event: a log that has lost its end and then went on elsewhere may be as far by now.
 *   - The log's own id: a log that was made anew is another one.
 *   - The last of both numbers that is known to be synced: what a weaker durability may lose, and no more (`witness-check.ts`).
 *   - The last space id, so that ids are not given again after such a loss; and when it was written, for people.
 *
 * The file has two slots, each in a page of its own, and each with a sequence number and a checksum. All writes between two
 * syncs go to the same slot; the other one was synced before. So a write that a power cut has torn leaves one that counts.
 */

import { crc32 } from 'node:zlib';
import { assert } from '../../core/assert.js';

/** What the witness tells. */
export interface WitnessRecord {
  readonly logId: string;
  readonly changeNumber: number;
  readonly lastEventId: number;
  /** Nothing up to these two may be missing, whatever happened. */
  readonly syncedChangeNumber: number;
  readonly syncedEventId: number;
  /** 16 bytes; zeros where the event is not there, because there is none or its space was deleted. */
  readonly lastHash: Uint8Array;
  readonly lastSpaceId: number;
  /** Milliseconds since the Unix epoch. */
  readonly writtenAt: number;
}

/** Bytes of a record. */
export const recordBytes = 128;

/** Where slot 0 and slot 1 begin: no write to one touches a sector, or a page of memory, of the other. */
export const slotOffsets = [0, 4_096] as const;

/** Bytes of the file. */
export const witnessBytes = 8_192;

/** "RMXW" in ASCII. */
const magic = 0x524d5857;
const version = 1;

const at = {
  magic: 0,
  version: 4,
  sequence: 8,
  logId: 16,
  changeNumber: 56,
  lastEventId: 64,
  syncedChangeNumber: 72,
  syncedEventId: 80,
  lastHash: 88,
  lastSpaceId: 104,
  writtenAt: 112,
  checksum: 124,
} as const;

const logIdBytes = at.changeNumber - at.logId;
const hashBytes = at.lastSpaceId - at.lastHash;

/** Writes a record into `slot`, which is zeroed or has held a record of the same log. */
export function encodeRecord(slot: Buffer, record: WitnessRecord, sequence: number): void {
  assert(record.logId.length <= logIdBytes, 'a log id fits into its field');
  slot.writeUInt32BE(magic, at.magic);
  slot.writeUInt32LE(version, at.version);
  writeNumber(slot, sequence, at.sequence);
  slot.write(record.logId, at.logId, 'latin1');
  writeNumber(slot, record.changeNumber, at.changeNumber);
  writeNumber(slot, record.lastEventId, at.lastEventId);
  writeNumber(slot, record.syncedChangeNumber, at.syncedChangeNumber);
  writeNumber(slot, record.syncedEventId, at.syncedEventId);
  slot.set(record.lastHash, at.lastHash);
  writeNumber(slot, record.lastSpaceId, at.lastSpaceId);
  writeNumber(slot, record.writtenAt, at.writtenAt);
  slot.writeUInt32LE(crc32(slot.subarray(0, at.checksum)), at.checksum);
}

/** A record as a slot holds it. */
export interface SlotContent {
  readonly record: WitnessRecord;
  readonly sequence: number;
}

/** The record in `slot`, or undefined when it holds none that is whole. */
export function decodeRecord(slot: Buffer): SlotContent | undefined {
  if (slot.length < recordBytes || slot.readUInt32BE(at.magic) !== magic) return undefined;
  if (slot.readUInt32LE(at.checksum) !== crc32(slot.subarray(0, at.checksum))) return undefined;
  if (slot.readUInt32LE(at.version) !== version) return undefined;
  return {
    sequence: readNumber(slot, at.sequence),
    record: {
      logId: slot.toString('latin1', at.logId, at.logId + logIdBytes).replace(/\0+$/, ''),
      changeNumber: readNumber(slot, at.changeNumber),
      lastEventId: readNumber(slot, at.lastEventId),
      syncedChangeNumber: readNumber(slot, at.syncedChangeNumber),
      syncedEventId: readNumber(slot, at.syncedEventId),
      lastHash: new Uint8Array(slot.subarray(at.lastHash, at.lastHash + hashBytes)),
      lastSpaceId: readNumber(slot, at.lastSpaceId),
      writtenAt: readNumber(slot, at.writtenAt),
    },
  };
}

const wordSize = 2 ** 32;

/** Eight bytes, little-endian. Two words, because a BigInt for each number would cost more than the rest. */
function writeNumber(slot: Buffer, value: number, offset: number): void {
  slot.writeUInt32LE(value % wordSize, offset);
  slot.writeUInt32LE(Math.floor(value / wordSize), offset + 4);
}

function readNumber(slot: Buffer, offset: number): number {
  return slot.readUInt32LE(offset + 4) * wordSize + slot.readUInt32LE(offset);
}
