/** The log in SQLite for verification: rows as they lie in their table, found over the index of their space. */

import { bytesToUuid } from '../../core/uuid-text.js';
import { type Connection, openConnection, type Statement, storageError } from '../../sqlite/connection.js';
import type { EventPlace, InspectedEvent, InspectedSpace, LogInspector } from '../inspector.js';
import type { CommandRecord, ReadBounds, StoredEvent } from '../port.js';
import { lookupFileOf } from './lookup-format.js';
import { type EntryRange, LookupReader } from './lookup-reader.js';
import { readSql } from './read-sql.js';
import {
  type CommandTuple,
  commandColumns,
  type EventTuple,
  eventColumns,
  isWhole,
  toCommandRecord,
  toStoredEvent,
} from './rows.js';
import { busyTimeoutMs } from './sqlite-log-reader.js';

/** The outer table is read by its key, so that what it says of its space and sequence is its own and not that of the index. */
const eventsSql = `SELECT place, ${eventColumns} FROM (
    SELECT event_id AS id, space_sequence AS place FROM events
    WHERE space_id = ? AND space_sequence > ? ORDER BY space_sequence LIMIT ?) AS found
  CROSS JOIN events ON events.event_id = found.id`;

const commandsSql = `SELECT ${commandColumns} FROM commands
  WHERE space_id = ? AND command_id > ? ORDER BY command_id LIMIT ?`;

/** Records go with their space, and the oldest first; so where no space was ever deleted, the numbers that are left are dense. */
const missingCommandsSql = `SELECT before + 1 FROM (
    SELECT command_number, lag(command_number) OVER (ORDER BY command_number) AS before
    FROM (SELECT command_number FROM commands WHERE command_number > ? ORDER BY command_number LIMIT ?))
  WHERE command_number <> before + 1`;

const anyDeletedSql = `SELECT EXISTS (SELECT 1 FROM purged_spaces)
  OR EXISTS (SELECT 1 FROM spaces WHERE deleted_at IS NOT NULL)`;

/** Rows of one look at the numbers of records. */
const commandNumbersAtOnce = 10_000;
const structureProblemsMax = 20;

/** See the head of this file. */
export class SqliteLogInspector implements LogInspector {
  readonly #connection: Connection;
  readonly #lookups: LookupReader;
  readonly #statements = new Map<string, Statement>();

  /** @throws {RamaxError} `storage`, `corrupt` */
  constructor(file: string) {
    this.#connection = openConnection({ file, use: 'reader', busyTimeoutMs });
    this.#lookups = new LookupReader(lookupFileOf(file));
  }

  async spaces(after: number, limit: number): Promise<readonly InspectedSpace[]> {
    const rows = this.#all(
      'SELECT space_id, space_name, metadata, deleted_at FROM spaces WHERE space_id > ? ORDER BY space_id LIMIT ?',
      after,
      limit,
    );
    return (rows as [number, string, string, number | null][]).map(
      ([spaceId, spaceName, metadata, deletedAt]) => ({
        spaceId,
        spaceName,
        metadata,
        isDeleted: deletedAt !== null,
      }),
    );
  }

  async nextSpaceWithEvents(after: number): Promise<number | undefined> {
    const [row] = this.#all(
      'SELECT space_id FROM events WHERE space_id > ? ORDER BY space_id LIMIT 1',
      after,
    );
    return row?.[0] as number | undefined;
  }

  async isLive(spaceId: number): Promise<boolean> {
    return this.#all(readSql.isLive, spaceId)[0]?.[0] === 1;
  }

  async events(
    spaceId: number,
    after: number,
    { limit, bytesMax }: ReadBounds,
  ): Promise<readonly InspectedEvent[]> {
    const events: InspectedEvent[] = [];
    let bytes = 0;
    for (const row of this.#iterate(eventsSql, spaceId, after, limit)) {
      const [place, ...columns] = row as readonly unknown[];
      const tuple = columns as unknown as EventTuple;
      const event = isWhole(tuple) ? toStoredEvent(tuple) : undefined;
      events.push({ place: Number(place), eventId: Number(tuple[0]), event });
      bytes += event?.payload.byteLength ?? 0;
      if (bytes > bytesMax) break;
    }
    return events;
  }

  async eventAt(spaceId: number, spaceSequence: number): Promise<EventPlace | undefined> {
    const [row] = this.#all(
      'SELECT event_id, invocation_id FROM events WHERE space_id = ? AND space_sequence = ?',
      spaceId,
      spaceSequence,
    );
    if (row === undefined) return undefined;
    return { eventId: Number(row[0]), invocationId: row[1] instanceof Uint8Array ? bytesToUuid(row[1]) : '' };
  }

  async commands(spaceId: number, after: string, limit: number): Promise<readonly CommandRecord[]> {
    return (this.#all(commandsSql, spaceId, after, limit) as unknown as CommandTuple[]).map(toCommandRecord);
  }

  async missingCommandNumbers(limit: number): Promise<readonly number[]> {
    const missing: number[] = [];
    for (let after = 0; missing.length < limit; after += commandNumbersAtOnce - 1) {
      if (this.#all(anyDeletedSql)[0]?.[0] === 1) return [];
      const [first] = this.#all('SELECT min(command_number), max(command_number) FROM commands');
      if (first === undefined || after >= Number(first[1])) break;
      after = Math.max(after, Number(first[0]) - 1);
      missing.push(
        ...this.#all(missingCommandsSql, Math.max(0, after - 1), commandNumbersAtOnce).map((row) =>
          Number(row[0]),
        ),
      );
    }
    // Some may have been forgotten in between, with all before them.
    const oldest = Number(this.#all('SELECT min(command_number) FROM commands')[0]?.[0] ?? 0);
    return [...new Set(missing)].filter((number) => number > oldest).slice(0, limit);
  }

  async notInLookups(
    spaceId: number,
    events: readonly Pick<StoredEvent, 'eventId' | 'entityId' | 'tags'>[],
  ): Promise<readonly number[]> {
    return this.#lookups.read((lookups) => {
      const logId = this.#all(readSql.logId)[0]?.[0];
      if (lookups === undefined || lookups.logId !== logId || lookups.isSwept(spaceId)) return [];
      const mark = lookups.mark(
        ({ eventId, spaceId: of, hash }) => this.#all(readSql.isMarked, eventId, of, hash)[0]?.[0] === 1,
      );
      if (mark === undefined) return [];
      const has = (of: EntryRange['of'], key: string, eventId: number) =>
        lookups.entries({ of, spaceId, key, after: eventId - 1, upTo: eventId }, 1).length === 1;
      return events.flatMap(({ eventId, entityId, tags }) => {
        if (eventId > mark.eventId) return [];
        const isThere =
          has('entity', entityId, eventId) && tagsIn(tags).every((tag) => has('tag', tag, eventId));
        return isThere ? [] : eventId;
      });
    });
  }

  async structure(): Promise<readonly string[]> {
    return quickCheck(this.#connection);
  }

  async close(): Promise<void> {
    this.#lookups.close();
    this.#connection.close();
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql) ?? this.#connection.prepare(sql).raw();
    this.#statements.set(sql, known);
    return known;
  }

  #all(sql: string, ...parameters: readonly unknown[]): readonly (readonly unknown[])[] {
    try {
      return this.#statement(sql).all(...parameters) as readonly (readonly unknown[])[];
    } catch (error) {
      throw storageError(error, 'cannot read the log');
    }
  }

  *#iterate(sql: string, ...parameters: readonly unknown[]): Iterable<unknown> {
    try {
      yield* this.#statement(sql).iterate(...parameters);
    } catch (error) {
      throw storageError(error, 'cannot read the log');
    }
  }
}

/** Those that cannot be read are damage of the event, and said by its chain. */
function tagsIn(text: string | null): readonly string[] {
  if (text === null) return [];
  try {
    const tags: unknown = JSON.parse(text);
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  } catch {
    return [];
  }
}

/** What SQLite finds, one table at a time: one read transaction for each. */
export function quickCheck(connection: Connection): readonly string[] {
  const problems: string[] = [];
  const tables = connection
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all() as string[];
  for (const table of tables) {
    const rows = connection.prepare(`PRAGMA quick_check('${table}')`).pluck().all() as string[];
    problems.push(...rows.filter((row) => row !== 'ok').map((row) => `${table}: ${row}`));
    if (problems.length >= structureProblemsMax) break;
  }
  return problems.slice(0, structureProblemsMax);
}
