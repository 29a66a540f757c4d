/**
 * The reads of the log on one connection: prepared once, answered at once. The writer and every reader have one.
 */

import { eventsOfPage } from '../../codec/event-page.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { CommandRecord, EventPage, ReadBounds, SpaceHead, SpaceRow, StoredEvent } from '../port.js';
import type { Mark } from './lookup-reader.js';
import { readSql } from './read-sql.js';
import {
  type CommandTuple,
  type EventTuple,
  type HeadTuple,
  type PageTuple,
  payloadBytes,
  type SpaceTuple,
  toCommandRecord,
  toSpaceHead,
  toSpaceRow,
  toStoredEvent,
} from './rows.js';

/** See `LogReader`, whose reads these are. */
export class LogQueries {
  /** The log's own id. */
  readonly logId: string;
  readonly #space: Statement<[number, number, number, number], EventTuple>;
  readonly #spacePage: Statement<[number, number, number, number, number], PageTuple>;
  readonly #sequenceUpTo: Statement<[number, number], number>;
  readonly #eventIdUpTo: Statement<[number, number], number>;
  readonly #entityEvent: Statement<[number, number, string, number], EventTuple>;
  readonly #entityScan: Statement<[number, number, string, number, number], EventTuple>;
  readonly #isMarked: Statement<[number, number, Uint8Array], number>;
  readonly #all: Statement<[number, number], EventTuple>;
  readonly #allPage: Statement<[number, number, number], PageTuple>;
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
    this.#spacePage = connection
      .prepare<[number, number, number, number, number], PageTuple>(readSql.spacePage)
      .raw();
    this.#sequenceUpTo = connection.prepare<[number, number], number>(readSql.sequenceUpTo).pluck();
    this.#eventIdUpTo = connection.prepare<[number, number], number>(readSql.eventIdUpTo).pluck();
    this.#entityEvent = connection
      .prepare<[number, number, string, number], EventTuple>(readSql.entityEvent)
      .raw();
    this.#entityScan = connection
      .prepare<[number, number, string, number, number], EventTuple>(readSql.entityScan)
      .raw();
    this.#isMarked = connection.prepare<[number, number, Uint8Array], number>(readSql.isMarked).pluck();
    this.logId = String(connection.prepare(readSql.logId).pluck().get());
    this.#all = connection.prepare<[number, number], EventTuple>(readSql.all).raw();
    this.#allPage = connection.prepare<[number, number, number], PageTuple>(readSql.allPage).raw();
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
    const page = this.spacePage(spaceId, after, bounds);
    if (page !== undefined) return eventsOfPage(page);
    return takeWithin(this.#space.iterate(spaceId, after, spaceId, bounds.limit), bounds.bytesMax);
  }

  /** Undefined where payloads are so large that they have to be counted. */
  spacePage(spaceId: number, after: number, bounds: ReadBounds): EventPage | undefined {
    return pageOf(this.#spacePage.get(eventShare(bounds), spaceId, after, spaceId, bounds.limit));
  }

  /** The last sequence of a space up to an event id; 0 before its first event. */
  sequenceUpTo(spaceId: number, eventId: number): number {
    return this.#sequenceUpTo.get(spaceId, eventId) ?? 0;
  }

  /** The id of a space's last event up to a sequence; 0 before the first. */
  eventIdUpTo(spaceId: number, sequence: number): number {
    return this.#eventIdUpTo.get(spaceId, sequence) ?? 0;
  }

  /** An event by its id, when it is of this entity of this space. */
  entityEvent(eventId: number, spaceId: number, entityId: string): StoredEvent | undefined {
    const row = this.#entityEvent.get(eventId, spaceId, entityId, spaceId);
    return row === undefined ? undefined : toStoredEvent(row);
  }

  /** Events of one entity with `spaceSequence > after`, out of all of its space. */
  scanEntity(spaceId: number, entityId: string, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    return takeWithin(
      this.#entityScan.iterate(spaceId, after, entityId, spaceId, bounds.limit),
      bounds.bytesMax,
    );
  }

  /** Whether a mark of the lookups counts for this log. */
  isMarked({ eventId, spaceId, hash }: Mark): boolean {
    return this.#isMarked.get(eventId, spaceId, hash) === 1;
  }

  readAll(after: number, bounds: ReadBounds): readonly StoredEvent[] {
    const page = this.allPage(after, bounds);
    if (page !== undefined) return eventsOfPage(page);
    return takeWithin(this.#all.iterate(after, bounds.limit), bounds.bytesMax);
  }

  /** Undefined as in `spacePage`. */
  allPage(after: number, bounds: ReadBounds): EventPage | undefined {
    return pageOf(this.#allPage.get(eventShare(bounds), after, bounds.limit));
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

/** The bytes that each payload may have, however many events come. */
function eventShare({ limit, bytesMax }: ReadBounds): number {
  return Math.floor(bytesMax / limit);
}

function pageOf(row: PageTuple | undefined): EventPage | undefined {
  if (row === undefined || row[0] > 0) return undefined;
  return { facts: row[1], bytes: row[2] ?? new Uint8Array() };
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
