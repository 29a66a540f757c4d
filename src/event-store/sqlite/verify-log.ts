/**
 * Goes over a log in a file that nobody has open: whether the events of every live space follow one another, and fit their chain.
 * It reads only what every version of the format has.
 */

import { createHash } from 'node:crypto';
import { RamaxError } from '../../core/errors.js';
import { bytesToUuid } from '../../core/uuid-text.js';
import type { Connection } from '../../sqlite/connection.js';
import type { SealedEvent } from '../port.js';
import { genesisHash, headerOf } from '../seal.js';
import { metaKeys } from './log-format.js';

/** What a log is, as a whole. */
export interface LogSummary {
  readonly logId: string;
  /** Live spaces. */
  readonly spaces: number;
  /** The largest event id that was ever given. */
  readonly lastEventId: number;
  /** The hash of the newest event that is there, in hexadecimal; null when there is none. */
  readonly lastEventHash: string | null;
}

/** Events between two yields. */
const pageEvents = 500;

type Row = readonly [
  spaceSequence: number,
  entityId: string,
  type: string,
  version: number,
  timestamp: number,
  causationId: string | null,
  correlationId: string | null,
  tags: string | null,
  metadata: string | null,
  invocationId: Uint8Array,
  hash: Uint8Array,
  payload: Uint8Array,
];

const pageSql = `SELECT space_sequence, entity_id, event_type, event_version, timestamp, causation_id, correlation_id,
    tags, metadata, invocation_id, hash, payload
  FROM events WHERE space_id = ? AND space_sequence > ? ORDER BY space_sequence LIMIT ${pageEvents}`;

/** The summary of a log. */
export function summaryOf(connection: Connection): LogSummary {
  const meta = connection.prepare<[string], string | number>('SELECT value FROM meta WHERE key = ?').pluck();
  const newest = connection
    .prepare<[], readonly [number, Uint8Array]>(
      'SELECT event_id, hash FROM events ORDER BY event_id DESC LIMIT 1',
    )
    .raw()
    .get();
  const spaces = connection
    .prepare<[], number>('SELECT count(*) FROM spaces WHERE deleted_at IS NULL')
    .pluck()
    .get();
  return {
    logId: String(meta.get(metaKeys.logId)),
    spaces: spaces ?? 0,
    lastEventId: Math.max(newest?.[0] ?? 0, Number(meta.get(metaKeys.eventIdMark) ?? 0)),
    lastEventHash: newest === undefined ? null : hex(newest[1]),
  };
}

/**
 * Verifies the chains of all live spaces; says how many events there are.
 *
 * @param pause called now and then, for others who want to work in this thread
 * @throws {RamaxError} `corrupt` with the place
 */
export async function verifyChains(connection: Connection, pause: () => Promise<void>): Promise<number> {
  const spaceIds = connection
    .prepare<[], number>('SELECT space_id FROM spaces WHERE deleted_at IS NULL ORDER BY space_id')
    .pluck()
    .all();
  const page = connection.prepare<[number, number], Row>(pageSql).raw();
  let events = 0;
  for (const spaceId of spaceIds) {
    let sequence = 0;
    let hash = genesisHash;
    for (let rows = page.all(spaceId, 0); rows.length > 0; rows = page.all(spaceId, sequence)) {
      for (const row of rows) {
        sequence += 1;
        if (row[0] !== sequence) throw broken(spaceId, sequence, 'it is missing');
        const expected = digestOf(hash, row);
        if (hex(expected) !== hex(row[10])) throw broken(spaceId, sequence, 'it does not fit its chain');
        hash = row[10];
      }
      await pause();
    }
    events += sequence;
  }
  return events;
}

function digestOf(previous: Uint8Array, row: Row): Uint8Array {
  const [spaceSequence, entityId, type, version, timestamp, causationId, correlationId, tags, metadata] = row;
  const [, , , , , , , , , invocationId, hash, payload] = row;
  const facts: SealedEvent = {
    ...{ entityId, type, version, timestamp, causationId, correlationId, tags, metadata, hash, payload },
  };
  const header = headerOf({ ...facts, spaceSequence, invocationId: bytesToUuid(invocationId) });
  const digest = createHash('sha256').update(previous).update(header).update(payload).digest();
  return digest.subarray(0, genesisHash.length);
}

function broken(spaceId: number, spaceSequence: number, why: string): RamaxError {
  return new RamaxError('corrupt', `event ${spaceSequence} of space ${spaceId}: ${why}`, {
    details: { spaceId, spaceSequence },
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
