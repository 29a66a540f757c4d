/**
 * The reads of the log on one connection: prepared once, answered at once. The writer and every reader have one.
 */

import type { Connection, Statement } from '../../sqlite/connection.js';
import type { CommandRecord, ReadBounds, SpaceHead, SpaceRow, StoredEvent } from '../port.js';
import { readSql } from './read-sql.js';
import {
  type CommandTuple,
  type EventTuple,
  type HeadTuple,
  payloadBytes,
  type SpaceTuple,
  toCommandRecord,
  toSpaceHead,
  toSpaceRow,
  toStoredEvent,
} from './rows.js';

/** See `LogReader`, whose reads these are. */
export class LogQueries {
  readonly #space: Statement<[number, number, number, number], EventTuple>;
  readonly #entity: Statement<[number, string, number, number, number, number], EventTuple>;
  readonly #all: Statement<[number, number], EventTuple>;
  readonly #event: Statement<[number, number, number], EventTuple>;
  readonly #commands: Statement<[string, number, number], CommandTuple>;
  readonly #allCommands: Statement<[number, number, number], CommandTuple>;
  readonly #latestEventId: Statement<[], number>;
  readonly #latestSpaceId: Statement<[], number>;
  readonly #head: Statement<[number], HeadTuple>;
  readonly #spaceByName: Statement<[string], SpaceTuple>;
  readonly #spaceById: Statement<[number], SpaceTuple>;
  readonly #spaces: Statement<[number, number], SpaceTuple>;
  readonly #deletedSpaces: Statement<[], number>;

  constructor(connection: Connection) {
    this.#space = connection.prepare<[number, number, number, number], EventTuple>(readSql.space).raw();
    this.#entity = connection
      .prepare<[number, string, number, number, number, number], EventTuple>(readSql.entity)
      .raw();
    this.#all = connection.prepare<[number, number], EventTuple>(readSql.all).raw();
    this.#event = connection.prepare<[number, number, number], EventTuple>(readSql.event).raw();
    this.#commands = connection.prepare<[string, number, number], CommandTuple>(readSql.commands).raw();
    this.#allCommands = connection.prepare<[number, number, number], CommandTuple>(readSql.allCommands).raw();
    this.#latestEventId = connection.prepare<[], number>(readSql.latestEventId).pluck();
    this.#latestSpaceId = connection.prepare<[], number>(readSql.latestSpaceId).pluck();
    this.#head = connection.prepare<[number], HeadTuple>(readSql.head).raw();
    this.#spaceByName = connection.prepare<[string], SpaceTuple>(readSql.spaceByName).raw();
    this.#spaceById = connection.prepare<[number], SpaceTuple>(readSql.spaceById).raw();
    this.#spaces = connection.prepare<[number, number], SpaceTuple>(readSql.spaces).raw();
    this.#deletedSpaces = connection.prepare<[], number>(readSql.deletedSpaces).pluck();
  }

  readSpace(spaceId: number, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    return takeWithin(this.#space.iterate(spaceId, after, spaceId, bounds.limit), bounds.bytesMax);
  }

  readEntity(spaceId: number, entityId: string, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    const rows = this.#entity.iterate(spaceId, entityId, spaceId, after, spaceId, bounds.limit);
    return takeWithin(rows, bounds.bytesMax);
  }

  readAll(after: number, bounds: ReadBounds): readonly StoredEvent[] {
    return takeWithin(this.#all.iterate(after, bounds.limit), bounds.bytesMax);
  }

  readEvent(spaceId: number, eventId: number): StoredEvent | undefined {
    const row = this.#event.get(eventId, spaceId, spaceId);
    return row === undefined ? undefined : toStoredEvent(row);
  }

  findCommands(spaceId: number, commandIds: readonly string[]): readonly CommandRecord[] {
    const wanted = JSON.stringify([...new Set(commandIds)]);
    return this.#commands.all(wanted, spaceId, spaceId).map(toCommandRecord);
  }

  allCommands(spaceId: number, limit: number): readonly CommandRecord[] | undefined {
    const rows = this.#allCommands.all(spaceId, spaceId, limit + 1);
    return rows.length > limit ? undefined : rows.map(toCommandRecord);
  }

  latestEventId(): number {
    return this.#latestEventId.get() ?? 0;
  }

  latestSpaceId(): number {
    return this.#latestSpaceId.get() ?? 0;
  }

  spaceHead(spaceId: number): SpaceHead | undefined {
    const row = this.#head.get(spaceId);
    return row === undefined ? undefined : toSpaceHead(row);
  }

  findSpaceByName(spaceName: string): SpaceRow | undefined {
    const row = this.#spaceByName.get(spaceName);
    return row === undefined ? undefined : toSpaceRow(row);
  }

  findSpaceById(spaceId: number): SpaceRow | undefined {
    const row = this.#spaceById.get(spaceId);
    return row === undefined ? undefined : toSpaceRow(row);
  }

  listSpaces(after: number, limit: number): readonly SpaceRow[] {
    return this.#spaces.all(after, limit).map(toSpaceRow);
  }

  deletedSpaces(): readonly number[] {
    return this.#deletedSpaces.all();
  }
}

/** The events of `rows` until their payloads fill `bytesMax`; leaving the loop ends the statement. */
function takeWithin(rows: Iterable<EventTuple>, bytesMax: number): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += payloadBytes(row);
    if (bytes > bytesMax && events.length > 0) break;
    events.push(toStoredEvent(row));
  }
  return events;
}
