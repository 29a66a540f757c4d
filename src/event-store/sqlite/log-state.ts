/** How far a log has come, as it is found before anything of it is changed: what a witness is compared with. */

import type { Connection } from '../../sqlite/connection.js';
import { formatVersion } from '../../sqlite/file-format.js';
import { metaKeys } from './log-format.js';
import { readSql } from './read-sql.js';

/** See the head of this file. */
export interface LogState {
  /** The version of its format. */
  readonly version: number;
  readonly logId: string;
  /** 0 where the version has none. */
  readonly changeNumber: number;
  readonly lastEventId: number;
  readonly lastSpaceId: number;
  /** Events up to this one may be gone, with their spaces. */
  readonly eventIdMark: number;
  /** The hash of an event, when it is there. */
  hashOf(eventId: number): Uint8Array | undefined;
}

/** The state of the log, or undefined when the file is empty. */
export function readLogState(connection: Connection): LogState | undefined {
  const version = formatVersion(connection);
  if (version === 0) return undefined;
  const meta = connection.prepare<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck();
  const hash = connection.prepare<[number], Buffer>('SELECT hash FROM events WHERE event_id = ?').pluck();
  const numberOf = (sql: string): number => Number(connection.prepare(sql).pluck().get() ?? 0);
  return {
    version,
    logId: String(meta.get(metaKeys.logId)),
    changeNumber: Number(meta.get(metaKeys.changeNumber) ?? 0),
    lastEventId: numberOf(readSql.latestEventId),
    lastSpaceId: numberOf(readSql.latestSpaceId),
    eventIdMark: Number(meta.get(metaKeys.eventIdMark) ?? 0),
    hashOf(eventId) {
      const found = hash.get(eventId);
      return found === undefined ? undefined : new Uint8Array(found);
    },
  };
}
