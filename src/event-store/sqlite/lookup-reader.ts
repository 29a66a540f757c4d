/**
 * The reading end of `lookups.db`: a read-only connection that is opened when it is first needed. The lookups are a help
 * and never a condition: when they are missing, of another log, of another format or damaged, readers go on without them.
 *
 * Invariant: one `read` sees one committed state of the lookups, and holds no transaction when it returns.
 */

import { statSync } from 'node:fs';
import { RamaxError } from '../../core/errors.js';
import { type Connection, openConnection, type Statement } from '../../sqlite/connection.js';
import { isCurrent } from '../../sqlite/file-format.js';
import { FileIdentity } from '../../sqlite/file-identity.js';
import { lookupFormat, lookupMetaKeys } from './lookup-format.js';

/** A run of the filler holds no lock that a reader waits for; this covers the moments of opening and of recovery. */
const busyTimeoutMs = 1_000;

/** Up to where the lookups are complete. */
export interface Mark {
  readonly eventId: number;
  readonly spaceId: number;
  readonly hash: Uint8Array;
}

/** The lookups during one read. */
export interface Lookups {
  /** The log that they are derived from. */
  readonly logId: string;
  /** The newest mark that counts for a log, or undefined when none does. */
  mark(counts: (mark: Mark) => boolean): Mark | undefined;
  /** Whether entries of this space were taken away. */
  isSwept(spaceId: number): boolean;
  /** Ids of events in the range, in order, or the last ones of it from its end. */
  entries(range: EntryRange, limit: number, direction?: 'forwards' | 'backwards'): readonly number[];
}

/** Which entries to read: those of one entity or of one tag in a space, with `after < event id <= upTo`. */
export interface EntryRange {
  readonly of: 'entity' | 'tag';
  readonly spaceId: number;
  /** The entity id, or the tag. */
  readonly key: string;
  readonly after: number;
  readonly upTo: number;
}

/** See the head of this file. */
export class LookupReader {
  readonly #file: string;
  #opened: OpenedLookups | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Runs `work` on the lookups, and without them where there are none, or where they fail. */
  read<Result>(work: (lookups: Lookups | undefined) => Result): Result {
    const opened = this.#open();
    if (opened === undefined) return work(undefined);
    try {
      return opened.read(work);
    } catch (error) {
      if (!(error instanceof LookupsFailed)) throw error;
      this.close();
      return work(undefined);
    }
  }

  /** Closes the connection; the next read opens it again. */
  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  #open(): OpenedLookups | undefined {
    if (this.#opened?.isStillThere() === false) this.close();
    if (this.#opened === undefined && statSync(this.#file, { throwIfNoEntry: false }) !== undefined) {
      this.#opened = tryOpening(this.#file);
    }
    return this.#opened;
  }
}

/** Something about the lookups is wrong: what was asked of them has to be found in the log itself. */
class LookupsFailed extends Error {}

function tryOpening(file: string): OpenedLookups | undefined {
  try {
    const connection = openConnection({ file, use: 'reader', busyTimeoutMs, check: checkCurrent });
    try {
      return new OpenedLookups(connection);
    } catch {
      connection.close();
      return undefined;
    }
  } catch {
    // Missing again, damaged, or of another format: the filler makes them anew.
    return undefined;
  }
}

function checkCurrent(connection: Connection): void {
  if (!isCurrent(connection, lookupFormat))
    throw new RamaxError('storage', 'the lookups have another format');
}

/** spaceId, key, after, up to, limit */
type EntryRead = Statement<[number, string, number, number, number], number>;

class OpenedLookups implements Lookups {
  readonly #connection: Connection;
  readonly #identity: FileIdentity;
  readonly #begin: Statement<[]>;
  readonly #end: Statement<[]>;
  readonly #logId: Statement<[string], string>;
  readonly #markBefore: Statement<[number], Mark>;
  readonly #isSwept: Statement<[number], number>;
  readonly #entries: Readonly<
    Record<EntryRange['of'], Readonly<Record<'forwards' | 'backwards', EntryRead>>>
  >;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#identity = new FileIdentity([connection.name]);
    this.#begin = connection.prepare('BEGIN');
    this.#end = connection.prepare('COMMIT');
    this.#logId = connection.prepare<[string], string>(lookupSql.meta).pluck();
    this.#markBefore = connection.prepare<[number], Mark>(lookupSql.markBefore);
    this.#isSwept = connection.prepare<[number], number>(lookupSql.isSwept).pluck();
    const entryRead = (sql: string): EntryRead =>
      connection.prepare<[number, string, number, number, number], number>(sql).pluck();
    this.#entries = {
      entity: {
        forwards: entryRead(lookupSql.entityEvents),
        backwards: entryRead(lookupSql.entityEventsBack),
      },
      tag: { forwards: entryRead(lookupSql.tagEvents), backwards: entryRead(lookupSql.tagEventsBack) },
    };
  }

  get logId(): string {
    return this.#guard(() => this.#logId.get(lookupMetaKeys.logId) ?? '');
  }

  isStillThere(): boolean {
    return this.#identity.areSame();
  }

  read<Result>(work: (lookups: Lookups) => Result): Result {
    this.#guard(() => this.#begin.run());
    try {
      return work(this);
    } finally {
      if (this.#connection.inTransaction) this.#end.run();
    }
  }

  mark(counts: (mark: Mark) => boolean): Mark | undefined {
    return newestMark((eventId) => this.#guard(() => this.#markBefore.get(eventId)), counts);
  }

  isSwept(spaceId: number): boolean {
    return this.#guard(() => this.#isSwept.get(spaceId) === 1);
  }

  entries(
    { of, spaceId, key, after, upTo }: EntryRange,
    limit: number,
    direction: 'forwards' | 'backwards' = 'forwards',
  ): readonly number[] {
    return this.#guard(() => this.#entries[of][direction].all(spaceId, key, after, upTo, limit));
  }

  close(): void {
    this.#connection.close();
  }

  #guard<Result>(ask: () => Result): Result {
    try {
      return ask();
    } catch (cause) {
      throw new LookupsFailed('the lookups cannot be read', { cause });
    }
  }
}

/** The newest mark that counts: the newest of all, but after its space was purged or the log was replaced by an older copy. */
export function newestMark(
  markBefore: (eventId: number) => Mark | undefined,
  counts: (mark: Mark) => boolean,
): Mark | undefined {
  let mark = markBefore(Number.MAX_SAFE_INTEGER);
  while (mark !== undefined && !counts(mark)) mark = markBefore(mark.eventId);
  return mark;
}

const entityEventsSql = `SELECT event_id FROM entity_events
    WHERE space_id = ? AND entity_id = ? AND event_id > ? AND event_id <= ?`;
const tagEventsSql = `SELECT event_id FROM tag_events
    WHERE space_id = ? AND tag = ? AND event_id > ? AND event_id <= ?`;

/** The statements of a reader, for the test of their plans. */
export const lookupSql = {
  /** key */
  meta: 'SELECT value FROM meta WHERE key = ?',
  /** eventId */
  markBefore: `SELECT event_id AS eventId, space_id AS spaceId, hash FROM marks
    WHERE event_id < ? ORDER BY event_id DESC LIMIT 1`,
  /** spaceId */
  isSwept: 'SELECT EXISTS (SELECT 1 FROM swept_spaces WHERE space_id = ?)',
  /** spaceId, entityId, after, up to, limit */
  entityEvents: `${entityEventsSql} ORDER BY event_id LIMIT ?`,
  entityEventsBack: `${entityEventsSql} ORDER BY event_id DESC LIMIT ?`,
  /** spaceId, tag, after, up to, limit */
  tagEvents: `${tagEventsSql} ORDER BY event_id LIMIT ?`,
  tagEventsBack: `${tagEventsSql} ORDER BY event_id DESC LIMIT ?`,
} as const;
