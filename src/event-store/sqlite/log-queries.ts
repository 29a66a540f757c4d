/**
 * The reads of the log on one connection: prepared once, answered at once. The writer and every reader have one.
 *
 * Invariant: every event that comes out was checked against the chain of its space (`chain-check.ts`), in the snapshot in which it was
 * read. A page that does not pass is read once more row by row, which says what is wrong where.
 */

import { eventsOfPage } from '../../codec/event-page.js';
import type { ChainDigest } from '../../core/clock.js';
import type { ErrorData } from '../../core/errors.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import { ChainCheck } from '../chain-check.js';
import { damagedLog } from '../log-errors.js';
import type {
  CommandRecord,
  CursorKind,
  CursorPage,
  CursorRow,
  EventPage,
  ParkedEvent,
  ParkedPage,
  ReadBounds,
  SpaceHead,
  SpaceRow,
  StoredCommand,
  StoredEvent,
} from '../port.js';
import type { Mark } from './lookup-reader.js';
import { readSql } from './read-sql.js';
import {
  type CommandTuple,
  type EventTuple,
  type HeadTuple,
  isWhole,
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
  readonly #connection: Connection;
  readonly #transact: (read: () => unknown) => unknown;
  readonly #chain: ChainCheck;
  readonly #space: Statement<[number, number, number, number], EventTuple>;
  readonly #spacePage: Statement<[number, number, number, number, number], PageTuple>;
  readonly #placeUpTo: Statement<[number, number], PlaceTuple>;
  readonly #sequenceOf: Statement<[number, number], number>;
  readonly #entryEvent: Statement<[number], EventTuple>;
  readonly #isLive: Statement<[number], number>;
  readonly #isMarked: Statement<[number, number, Uint8Array], number>;
  readonly #all: Statement<[number, number], EventTuple>;
  readonly #allPage: Statement<[number, number, number], PageTuple>;
  readonly #spaceBack: Statement<[number, number, number], BackTuple>;
  readonly #allBack: Statement<[number, number], BackTuple>;
  readonly #event: Statement<[number, number, number], EventTuple>;
  readonly #commands: Statement<[string, number, number], CommandTuple>;
  readonly #allCommands: Statement<[number, number, number], CommandTuple>;
  readonly #commandPage: Statement<[number, string, number, number], [...CommandTuple, acceptedAt: number]>;
  readonly #latestEventId: Statement<[], number>;
  readonly #latestSpaceId: Statement<[], number>;
  readonly #head: Statement<[number], HeadTuple>;
  readonly #spaceByName: Statement<[string], SpaceTuple>;
  readonly #spaceById: Statement<[number], SpaceTuple>;
  readonly #spaces: Statement<[number, number], SpaceTuple>;
  readonly #deletedSpaces: Statement<[], number>;
  readonly #cursors: Statement<[string, string, number, number], CursorTuple>;
  readonly #cursor: Statement<[string, string, number], CursorTuple>;
  readonly #parked: Statement<[number, number, number, string, number, number, number], ParkedTuple>;
  readonly #parkedCounts: Statement<[], readonly [reactor: string, parked: number]>;

  constructor(connection: Connection, digest: ChainDigest) {
    this.#connection = connection;
    this.#transact = connection.transaction((read: () => unknown) => read());
    const linkAt = connection
      .prepare<[number, number], readonly [eventId: number, hash: Uint8Array]>(readSql.linkAt)
      .raw();
    this.#chain = new ChainCheck(digest, (spaceId, spaceSequence) => {
      const row = linkAt.get(spaceId, spaceSequence);
      return row && { eventId: row[0], hash: row[1] };
    });
    this.#space = connection.prepare<[number, number, number, number], EventTuple>(readSql.space).raw();
    this.#spacePage = connection
      .prepare<[number, number, number, number, number], PageTuple>(readSql.spacePage)
      .raw();
    this.#placeUpTo = connection.prepare<[number, number], PlaceTuple>(readSql.placeUpTo).raw();
    this.#sequenceOf = connection.prepare<[number, number], number>(readSql.sequenceOf).pluck();
    this.#entryEvent = connection.prepare<[number], EventTuple>(readSql.entryEvent).raw();
    this.#isLive = connection.prepare<[number], number>(readSql.isLive).pluck();
    this.#isMarked = connection.prepare<[number, number, Uint8Array], number>(readSql.isMarked).pluck();
    this.logId = String(connection.prepare(readSql.logId).pluck().get());
    this.#all = connection.prepare<[number, number], EventTuple>(readSql.all).raw();
    this.#allPage = connection.prepare<[number, number, number], PageTuple>(readSql.allPage).raw();
    this.#spaceBack = connection.prepare<[number, number, number], BackTuple>(readSql.spaceBack).raw();
    this.#allBack = connection.prepare<[number, number], BackTuple>(readSql.allBack).raw();
    this.#event = connection.prepare<[number, number, number], EventTuple>(readSql.event).raw();
    this.#commands = connection.prepare<[string, number, number], CommandTuple>(readSql.commands).raw();
    this.#allCommands = connection.prepare<[number, number, number], CommandTuple>(readSql.allCommands).raw();
    this.#commandPage = connection
      .prepare<[number, string, number, number], [...CommandTuple, number]>(readSql.commandPage)
      .raw();
    this.#latestEventId = connection.prepare<[], number>(readSql.latestEventId).pluck();
    this.#latestSpaceId = connection.prepare<[], number>(readSql.latestSpaceId).pluck();
    this.#head = connection.prepare<[number], HeadTuple>(readSql.head).raw();
    this.#spaceByName = connection.prepare<[string], SpaceTuple>(readSql.spaceByName).raw();
    this.#spaceById = connection.prepare<[number], SpaceTuple>(readSql.spaceById).raw();
    this.#spaces = connection.prepare<[number, number], SpaceTuple>(readSql.spaces).raw();
    this.#deletedSpaces = connection.prepare<[], number>(readSql.deletedSpaces).pluck();
    this.#cursors = connection.prepare<[string, string, number, number], CursorTuple>(readSql.cursors).raw();
    this.#cursor = connection.prepare<[string, string, number], CursorTuple>(readSql.cursor).raw();
    this.#parked = connection
      .prepare<[number, number, number, string, number, number, number], ParkedTuple>(readSql.parked)
      .raw();
    this.#parkedCounts = connection.prepare<[], readonly [string, number]>(readSql.parkedCounts).raw();
  }

  readSpace(spaceId: number, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    const page = this.spacePage(spaceId, after, bounds);
    if (page !== undefined) return eventsOfPage(page);
    return this.inSnapshot(() => {
      const rows = this.#space.iterate(spaceId, after, spaceId, bounds.limit);
      const events = takeWithin(rows, bounds.bytesMax, spaceId);
      this.#chain.spaceEvents(events, spaceId, after);
      return events;
    });
  }

  /** Undefined where payloads are so large that they have to be counted, and where something is damaged. */
  spacePage(spaceId: number, after: number, bounds: ReadBounds): EventPage | undefined {
    return this.#checkedPage(
      () => this.#spacePage.get(eventShare(bounds), spaceId, after, spaceId, bounds.limit),
      (page) => this.#chain.spacePage(page, spaceId, after),
    );
  }

  /** Runs reads that belong together. */
  inSnapshot<Result>(read: () => Result): Result {
    return this.#connection.inTransaction ? read() : (this.#transact(read) as Result);
  }

  #checkedPage(read: () => PageTuple | undefined, check: (page: EventPage) => void): EventPage | undefined {
    return this.inSnapshot(() => {
      try {
        const page = pageOf(read());
        if (page !== undefined) check(page);
        return page;
      } catch {
        // Also what SQLite cannot write as JSON: the rows say what is wrong, and where.
        return undefined;
      }
    });
  }

  /** The last sequence of a space; 0 before its first event. */
  lastSequence(spaceId: number): number {
    return this.#placeUpTo.get(spaceId, Number.MAX_SAFE_INTEGER)?.[0] ?? 0;
  }

  /** The last sequence of a space up to an event id; 0 before its first event. Ids grow with the sequences, so few places are looked at. */
  sequenceUpTo(spaceId: number, eventId: number): number {
    return lastUpTo(eventId, (sequence) => this.#placeUpTo.get(spaceId, sequence));
  }

  /** The sequence of an event, when it is in this space. */
  sequenceOf(spaceId: number, eventId: number): number | undefined {
    return this.#sequenceOf.get(eventId, spaceId);
  }

  /** The id of a space's last event up to a sequence; 0 before the first. */
  eventIdUpTo(spaceId: number, sequence: number): number {
    return this.#placeUpTo.get(spaceId, sequence)?.[1] ?? 0;
  }

  /** Whether the space is there and not deleted. */
  isLive(spaceId: number): boolean {
    return this.#isLive.get(spaceId) === 1;
  }

  /** The event of this id, when it is of this space. One that is of another is checked all the same: it may be this one, and damaged. */
  entryEvent(eventId: number, spaceId: number): StoredEvent | undefined {
    const row = this.#entryEvent.get(eventId);
    if (row === undefined) return undefined;
    const event = wholeEvent(row, spaceId);
    if (event.spaceId === spaceId || this.isLive(event.spaceId)) this.#chain.event(event, event.spaceId);
    return event.spaceId === spaceId ? event : undefined;
  }

  /**
   * Events of one entity with `spaceSequence > after`, out of all of its space: those of other entities are checked, too, because one of
   * them may be the entity's, and damaged.
   */
  scanEntity(spaceId: number, entityId: string, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    const found: StoredEvent[] = [];
    let bytes = 0;
    for (let from = after; ; ) {
      const events = this.readSpace(spaceId, from, scanBounds);
      const last = events.at(-1);
      if (last === undefined) return found;
      from = last.spaceSequence;
      for (const event of events) {
        if (event.entityId !== entityId) continue;
        bytes += event.payload.byteLength;
        if (bytes > bounds.bytesMax && found.length > 0) return found;
        found.push(event);
        if (found.length === bounds.limit) return found;
      }
    }
  }

  /** Whether a mark of the lookups counts for this log. */
  isMarked({ eventId, spaceId, hash }: Mark): boolean {
    return this.#isMarked.get(eventId, spaceId, hash) === 1;
  }

  readAll(after: number, bounds: ReadBounds): readonly StoredEvent[] {
    const page = this.allPage(after, bounds);
    if (page !== undefined) return eventsOfPage(page);
    return this.inSnapshot(() => {
      const events = takeWithin(this.#all.iterate(after, bounds.limit), bounds.bytesMax);
      this.#chain.allEvents(events);
      return events;
    });
  }

  /** Undefined as in `spacePage`. */
  allPage(after: number, bounds: ReadBounds): EventPage | undefined {
    return this.#checkedPage(
      () => this.#allPage.get(eventShare(bounds), after, bounds.limit),
      (page) => this.#chain.allPage(page),
    );
  }

  /** Events of one space up to a sequence, the last one first. They are read and checked in order. */
  readSpaceBack(spaceId: number, upTo: number, bounds: ReadBounds): readonly StoredEvent[] {
    return this.inSnapshot(() => {
      if (!this.isLive(spaceId)) return [];
      const step = stepBack(this.#spaceBack.iterate(spaceId, upTo, bounds.limit), bounds.bytesMax);
      // A hole at the end of the step shows in no chain: the events that are there begin behind it.
      const { first = 0, last = 0, count } = step;
      if (last < upTo && this.sequenceUpTo(spaceId, Number.MAX_SAFE_INTEGER) > last)
        throw damagedLog({ spaceId, spaceSequence: last + 1 }, 'it is missing');
      if (count === 0) return [];
      const events = this.readSpace(spaceId, first - 1, { limit: count, bytesMax: step.bytesMax });
      return [...events].reverse();
    });
  }

  /** Events of all spaces up to an id, the last one first. */
  readAllBack(upTo: number, bounds: ReadBounds): readonly StoredEvent[] {
    return this.inSnapshot(() => {
      const step = stepBack(this.#allBack.iterate(upTo, bounds.limit), bounds.bytesMax);
      if (step.first === undefined) return [];
      return [...this.readAll(step.first - 1, { limit: step.count, bytesMax: step.bytesMax })].reverse();
    });
  }

  readEvent(spaceId: number, eventId: number): StoredEvent | undefined {
    return this.inSnapshot(() => {
      const row = this.#event.get(eventId, spaceId, spaceId);
      if (row === undefined) return undefined;
      const event = wholeEvent(row, spaceId);
      this.#chain.event(event, spaceId);
      return event;
    });
  }

  findCommands(spaceId: number, commandIds: readonly string[]): readonly CommandRecord[] {
    const wanted = JSON.stringify([...new Set(commandIds)]);
    return this.#commands.all(wanted, spaceId, spaceId).map(toCommandRecord);
  }

  allCommands(spaceId: number, limit: number): readonly CommandRecord[] | undefined {
    const rows = this.#allCommands.all(spaceId, spaceId, limit + 1);
    return rows.length > limit ? undefined : rows.map(toCommandRecord);
  }

  readCommands(spaceId: number, after: string, limit: number): readonly StoredCommand[] {
    return this.#commandPage
      .all(spaceId, after, spaceId, limit)
      .map((row) => ({ ...toCommandRecord(row), acceptedAt: row[7] }));
  }

  latestEventId(): number {
    return this.#latestEventId.get() ?? 0;
  }

  latestSpaceId(): number {
    return this.#latestSpaceId.get() ?? 0;
  }

  /** The last event is checked, too: what is appended rests on its hash. */
  spaceHead(spaceId: number): SpaceHead | undefined {
    return this.inSnapshot(() => {
      const row = this.#head.get(spaceId);
      const head = row && toSpaceHead(row);
      if (head === undefined || head.lastSpaceSequence === 0) return head;
      const last = this.#entryEvent.get(head.lastEventId);
      if (last === undefined) throw damagedLog({ spaceId, eventId: head.lastEventId }, 'it is missing');
      this.#chain.event(wholeEvent(last, spaceId), spaceId);
      return head;
    });
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

  cursors(kind: CursorKind, { after, limit }: CursorPage): readonly CursorRow[] {
    const { name, spaceId } = after ?? { name: '', spaceId: -1 };
    return this.#cursors.all(kind, name, spaceId, limit).map((row) => cursorOf(kind, row));
  }

  cursor(kind: CursorKind, name: string, spaceId: number): CursorRow | undefined {
    const row = this.#cursor.get(kind, name, spaceId);
    return row && cursorOf(kind, row);
  }

  parkedEvents({ spaceId = 0, after, limit }: ParkedPage): readonly ParkedEvent[] {
    const { reactor = '', spaceSequence = -1, part = -1 } = after ?? {};
    return this.#parked
      .all(spaceId, spaceId, after?.spaceId ?? spaceId, reactor, spaceSequence, part, limit)
      .map(parkedOf);
  }

  parkedCounts(): readonly { readonly reactor: string; readonly parked: number }[] {
    return this.#parkedCounts.all().map(([reactor, parked]) => ({ reactor, parked }));
  }
}

type PlaceTuple = readonly [spaceSequence: number, eventId: number];

/**
 * The last sequence whose event id is not above `eventId`, or 0. From the end back in steps that double, then by halves: 1 look where
 * the end is meant, 20 in the middle of a million, where a walk over the index takes 0.2 µs for each event in between.
 */
function lastUpTo(eventId: number, placeUpTo: (sequence: number) => PlaceTuple | undefined): number {
  const end = placeUpTo(Number.MAX_SAFE_INTEGER);
  if (end === undefined || end[1] <= eventId) return end?.[0] ?? 0;
  let [below, above, found] = [0, end[0], 0];
  for (let step = 1; above - below > 1; step *= 2) {
    const half = Math.floor((below + above) / 2);
    const middle = below === 0 ? Math.max(half, above - step) : half;
    const [sequence, id] = placeUpTo(middle) ?? [0, 0];
    if (id > eventId) above = sequence;
    else [below, found] = [middle, sequence];
  }
  return found;
}

type ParkedTuple = readonly [
  spaceId: number,
  reactor: string,
  spaceSequence: number,
  part: number,
  attempts: number,
  error: string,
  parkedAt: number,
];

function parkedOf(row: ParkedTuple): ParkedEvent {
  const [spaceId, reactor, spaceSequence, part, attempts, error, parkedAt] = row;
  return { spaceId, reactor, spaceSequence, part, attempts, error: errorIn(error), parkedAt };
}

/** It is for people alone: one that cannot be read keeps nobody from the event. */
function errorIn(text: string): ErrorData {
  try {
    return JSON.parse(text) as ErrorData;
  } catch {
    return { code: 'corrupt', message: 'what it failed of cannot be read' };
  }
}

type CursorTuple = readonly [name: string, spaceId: number, position: number, updatedAt: number];

function cursorOf(kind: CursorKind, [name, spaceId, position, updatedAt]: CursorTuple): CursorRow {
  return { kind, name, spaceId, position, updatedAt };
}

type BackTuple = readonly [position: number, payloadBytes: number];

/** A step backwards: the events between two positions, both included. */
interface StepBack {
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly count: number;
  /** Not less than their payloads have. */
  readonly bytesMax: number;
}

/** As many as fit; the first of them whatever its size. */
function stepBack(rows: Iterable<BackTuple>, bytesMax: number): StepBack {
  let [count, bytes] = [0, 0];
  let first: number | undefined;
  let last: number | undefined;
  for (const [position, payloadBytes] of rows) {
    if (count > 0 && bytes + payloadBytes > bytesMax) break;
    bytes += payloadBytes;
    count++;
    first = position;
    last ??= position;
  }
  return { first, last, count, bytesMax: Math.max(bytes, bytesMax) };
}

/** The bytes that each payload may have, however many events come. */
function eventShare({ limit, bytesMax }: ReadBounds): number {
  return Math.floor(bytesMax / limit);
}

function pageOf(row: PageTuple | undefined): EventPage | undefined {
  if (row === undefined || row[0] > 0) return undefined;
  return { facts: row[1], bytes: row[2] ?? new Uint8Array() };
}

/** The event in a row. */
function wholeEvent(row: EventTuple, spaceId: number): StoredEvent {
  if (isWhole(row)) return toStoredEvent(row);
  throw damagedLog({ spaceId, spaceSequence: row[2], eventId: row[0] }, 'its columns are not of their types');
}

/** The events of `rows` until their payloads fill `bytesMax`; leaving the loop ends the statement. */
function takeWithin(rows: Iterable<EventTuple>, bytesMax: number, spaceId?: number): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  let bytes = 0;
  for (const row of rows) {
    const event = wholeEvent(row, spaceId ?? row[1]);
    bytes += payloadBytes(row);
    if (bytes > bytesMax && events.length > 0) break;
    events.push(event);
  }
  return events;
}

/** What a scan looks at in one step. */
const scanEventsMax = 1_000;
const scanBounds: ReadBounds = { limit: scanEventsMax, bytesMax: 4 * 1024 * 1024 };
