/**
 * Reads a log with plain SQL and its own decoding, after what `docs/format.md` says. Part of the independent checker: no
 * file of this folder imports anything of Ramax (a test holds it to that).
 */

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Unpackr } from 'msgpackr';

/** An event as its row has it. */
export interface LogEvent {
  readonly eventId: number;
  readonly spaceId: number;
  readonly sequence: number;
  readonly entityId: string;
  readonly type: string;
  readonly version: number;
  readonly timestamp: number;
  readonly causationId: string | null;
  readonly correlationId: string | null;
  readonly tags: string | null;
  readonly metadata: string | null;
  readonly invocation: Buffer;
  readonly hash: Buffer;
  readonly payloadBytes: Buffer;
  /** Decoded; undefined when its bytes do not decode. */
  readonly payload: unknown;
}

/** A record of an accepted command. */
export interface LogCommand {
  readonly number: number;
  readonly spaceId: number;
  readonly commandId: string;
  readonly invocation: Buffer;
  readonly firstEventId: number;
  readonly eventCount: number;
  readonly sequence: number;
}

/** A whole log. */
export interface LogContents {
  readonly logId: string;
  /** Names of live spaces by id. */
  readonly spaces: ReadonlyMap<number, string>;
  /** Events of live spaces in the order of their ids. */
  readonly events: readonly LogEvent[];
  readonly commands: readonly LogCommand[];
  /** Events of spaces that the registry does not know, not even as deleted. */
  readonly orphans: number;
  /** What SQLite's own check says; `ok` when it finds nothing. */
  readonly integrity: string;
}

/** A build of a view as a projection file has it. */
export interface StoredView {
  readonly spaceId: number;
  readonly view: string;
  readonly version: number;
  readonly build: number;
  readonly state: string;
  readonly lastEventId: number;
  readonly lastSequence: number;
  readonly entries: ReadonlyMap<
    string,
    { readonly value: unknown; readonly bytes: Buffer; readonly checksum: number }
  >;
}

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** What the bytes say, or undefined. */
export function decoded(bytes: Buffer): unknown {
  try {
    return unpackr.unpack(bytes) as unknown;
  } catch {
    return undefined;
  }
}

const eventColumns = `event_id, space_id, space_sequence, entity_id, event_type, event_version, timestamp, causation_id,
  correlation_id, tags, metadata, invocation_id, hash, payload`;

type EventRow = [
  number,
  number,
  number,
  string,
  string,
  number,
  number,
  string | null,
  string | null,
  string | null,
  string | null,
  Buffer,
  Buffer,
  Buffer,
];

function eventOf(row: EventRow): LogEvent {
  const [eventId, spaceId, sequence, entityId, type, version, timestamp, causationId, correlationId] = row;
  const [, , , , , , , , , tags, metadata, invocation, hash, payloadBytes] = row;
  return {
    ...{ eventId, spaceId, sequence, entityId, type, version, timestamp, causationId, correlationId },
    ...{ tags, metadata, invocation, hash, payloadBytes, payload: decoded(payloadBytes) },
  };
}

/** The log of a data directory, or undefined where there is none yet, or one without tables. */
export function readLog(directory: string): LogContents | undefined {
  const file = join(directory, 'ramax.db');
  if (!existsSync(file)) return undefined;
  return reading(file, (database) => {
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get() === undefined)
      return undefined;
    // One transaction: one moment of the log, also while a runtime writes it.
    return database.transaction(() => contentsOf(database))();
  });
}

/**
 * Reads a file as it lies. Of one that was killed while it was made, a rollback journal may be left: it can only be rolled
 * back where it can be written, in a copy.
 */
function reading<Result>(file: string, read: (database: Database.Database) => Result): Result {
  const isHalfMade = existsSync(`${file}-journal`);
  const copies = isHalfMade ? mkdtempSync(join(tmpdir(), 'ramax-checked-')) : undefined;
  const place = copies === undefined ? file : join(copies, 'copy');
  if (copies !== undefined)
    for (const suffix of ['', '-journal']) copyFileSync(file + suffix, place + suffix);
  const database = new Database(place, { readonly: !isHalfMade, timeout: 5_000 });
  try {
    return read(database);
  } finally {
    database.close();
    if (copies !== undefined) rmSync(copies, { recursive: true });
  }
}

function contentsOf(database: Database.Database): LogContents {
  const rows = <Row>(sql: string): Row[] => database.prepare(sql).raw().all() as Row[];
  const live = 'space_id IN (SELECT space_id FROM spaces WHERE deleted_at IS NULL)';
  const commandColumns =
    'command_number, space_id, command_id, invocation_id, first_event_id, event_count, space_sequence';
  return {
    logId: String(database.prepare("SELECT value FROM meta WHERE key = 'log_id'").pluck().get()),
    spaces: new Map(
      rows<[number, string]>('SELECT space_id, space_name FROM spaces WHERE deleted_at IS NULL'),
    ),
    events: rows<EventRow>(`SELECT ${eventColumns} FROM events WHERE ${live} ORDER BY event_id`).map(eventOf),
    commands: rows<[number, number, string, Buffer, number, number, number]>(
      `SELECT ${commandColumns} FROM commands WHERE ${live} ORDER BY command_number`,
    ).map(([number, spaceId, commandId, invocation, firstEventId, eventCount, sequence]) => ({
      ...{ number, spaceId, commandId, invocation, firstEventId, eventCount, sequence },
    })),
    orphans: Number(
      database
        .prepare('SELECT count(*) FROM events WHERE space_id NOT IN (SELECT space_id FROM spaces)')
        .pluck()
        .get(),
    ),
    integrity: String(database.pragma('integrity_check', { simple: true })),
  };
}

/** The builds of all views in all projection files that follow this log. */
export function readViews(directory: string, logId: string): StoredView[] {
  const views: StoredView[] = [];
  for (let partition = 0; partition < 16; partition++) {
    const file = join(directory, `pstate-${String(partition).padStart(2, '0')}.db`);
    if (!existsSync(file)) continue;
    views.push(...reading(file, (database) => database.transaction(() => viewsOf(database, logId))()));
  }
  return views;
}

function viewsOf(database: Database.Database, logId: string): StoredView[] {
  const isMade = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'pstate_entities'").get();
  if (isMade === undefined) return [];
  if (database.prepare('SELECT log_id FROM pstate_meta').pluck().get() !== logId) return [];
  const builds = database
    .prepare(
      `SELECT space_id, view, view_version, build, state, last_event_id, last_space_sequence
       FROM projection_checkpoints`,
    )
    .raw()
    .all() as [number, string, number, number, string, number, number][];
  const entries = database.prepare(
    'SELECT key, value, checksum FROM pstate_entities WHERE space_id = ? AND view = ? AND view_version = ? AND build = ?',
  );
  return builds.map(([spaceId, view, version, build, state, lastEventId, lastSequence]) => ({
    ...{ spaceId, view, version, build, state, lastEventId, lastSequence },
    entries: new Map(
      (entries.raw().all(spaceId, view, version, build) as [string, Buffer, number][]).map(
        ([key, bytes, checksum]) => [key, { value: decoded(bytes), bytes, checksum }],
      ),
    ),
  }));
}
