/**
 * Whether a log is what its witness knows of it. Pure. Asked at each opening for writing, before anything is changed.
 *
 * The answers:
 *   - A log that is as far as its witness, or further, is whole: a kill may have come between a commit and the witness.
 *   - A log that is shorter, has another event where the witness had its last, or is another log, is `corrupt`.
 *   - A log that has lost no more than its durability allows (level `os` loses commits with the machine) is taken as it is, and
 *     what it has lost is told. What was synced when it was opened for that level must be there.
 *   - No witness: a log that never had one, because it is new or of an older format, gets its first. Any other one is
 *     `witness_missing`, unless somebody says that it is to be taken without.
 *
 * Events that are gone with their space are no loss: the high-water mark was raised before they went, so the last event id
 * does not fall, and the change number has grown with each chunk of them.
 */

import { RamaxError } from '../../core/errors.js';
import type { LostTail } from '../port.js';
import { witnessedFromVersion } from './log-format.js';
import type { LogState } from './log-state.js';
import type { FoundWitness } from './witness-file.js';
import type { WitnessRecord } from './witness-record.js';

/** What a log is held against its witness with. */
export interface WitnessCheck {
  /** The log's file, for messages. */
  readonly file: string;
  /** Undefined: the file is not there, or empty. */
  readonly log: LogState | undefined;
  readonly witness: FoundWitness;
  /** A log whose witness is missing or damaged is taken as it is. */
  readonly acceptMissing: boolean;
}

/**
 * Throws when the log is not what it was; see the head of this file. Gives what it has lost as its durability allows.
 *
 * @throws {RamaxError} `corrupt`, `witness_missing`
 */
export function checkWitness(check: WitnessCheck): LostTail | undefined {
  const { file, log, witness, acceptMissing } = check;
  if (witness.kind === 'found') return checkRecord(file, log, witness.record);
  const hadOne = witness.kind === 'damaged' || isWitnessed(log);
  if (hadOne && !acceptMissing) throw witnessMissing(file, witness.kind);
  return undefined;
}

/** Whether a log must have had a witness: it has held something since it has a version that comes with one. */
function isWitnessed(log: LogState | undefined): boolean {
  if (log === undefined || log.version < witnessedFromVersion) return false;
  return log.lastEventId > 0 || log.lastSpaceId > 0;
}

function checkRecord(file: string, log: LogState | undefined, witness: WitnessRecord): LostTail | undefined {
  if (log === undefined) throw corrupt(file, 'is gone, but its witness is there', log, witness);
  if (log.logId !== witness.logId) throw corrupt(file, 'is another log than its witness knows', log, witness);
  if (log.changeNumber < witness.changeNumber || log.lastEventId < witness.lastEventId) {
    if (hasSynced(log, witness)) return lostTail(log, witness);
    throw corrupt(file, 'has lost its end', log, witness);
  }
  if (!isSame(log, witness)) throw corrupt(file, 'is not the log that its witness knows', log, witness);
  return undefined;
}

function hasSynced(log: LogState, witness: WitnessRecord): boolean {
  return log.changeNumber >= witness.syncedChangeNumber && log.lastEventId >= witness.syncedEventId;
}

/** Whether what the witness knows is in a log that is as far or further. */
function isSame(log: LogState, witness: WitnessRecord): boolean {
  if (log.lastSpaceId < witness.lastSpaceId) return false;
  const isAsFar = log.changeNumber === witness.changeNumber && log.lastEventId === witness.lastEventId;
  if (isAsFar && log.lastSpaceId !== witness.lastSpaceId) return false;
  if (witness.lastEventId === 0) return true;
  const hash = log.hashOf(witness.lastEventId);
  if (hash === undefined) return witness.lastEventId <= log.eventIdMark;
  return Buffer.compare(hash, witness.lastHash) === 0;
}

function lostTail(log: LogState, witness: WitnessRecord): LostTail {
  return {
    events: Math.max(0, witness.lastEventId - log.lastEventId),
    changes: Math.max(0, witness.changeNumber - log.changeNumber),
    lastEventId: log.lastEventId,
  };
}

function corrupt(file: string, what: string, log: LogState | undefined, witness: WitnessRecord): RamaxError {
  const { changeNumber, lastEventId, writtenAt } = witness;
  const known = `the witness knows event ${lastEventId} and change ${changeNumber}, written at ${new Date(writtenAt).toISOString()}`;
  const found =
    log === undefined
      ? 'there is none'
      : `the log ends at event ${log.lastEventId} and change ${log.changeNumber}`;
  return new RamaxError('corrupt', `${file} ${what}: ${known}; ${found}`, {
    details: {
      file,
      witness: { ...witness, lastHash: hex(witness.lastHash) },
      log: log === undefined ? null : factsOf(log, witness),
    },
  });
}

function factsOf(log: LogState, witness: WitnessRecord): Readonly<Record<string, unknown>> {
  const { logId, changeNumber, lastEventId, lastSpaceId, eventIdMark } = log;
  const hash = log.hashOf(witness.lastEventId);
  return {
    logId,
    changeNumber,
    lastEventId,
    lastSpaceId,
    eventIdMark,
    hashOfWitnessedEvent: hash === undefined ? null : hex(hash),
  };
}

function witnessMissing(file: string, kind: 'missing' | 'damaged'): RamaxError {
  const advice = 'if you know that the log is whole, open it once with acceptMissingWitness: true';
  return new RamaxError('witness_missing', `the witness of ${file} is ${kind}: ${advice}`, {
    details: { file, witness: kind },
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
