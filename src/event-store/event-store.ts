/**
 * The event store: one append-only log of all spaces, usable alone in one thread. The runtime does not use it; its
 * writer and shards work on the same port (`port.ts`) from their own threads.
 *
 * It does not own the log that it is given until `close`, which closes it. One event store appends to a log at a time.
 */

import type { Platform } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { EventSpec, RecordedEvent } from '../core/event.js';
import { checkFailIfEventsMatch, type FailIfEventsMatch } from '../core/event-query.js';
import { type Limits, type LimitsOptions, resolveLimits } from '../core/limits.js';
import { loadUpcasters } from '../core/loaded-app.js';
import { checkId, checkInteger } from '../core/names.js';
import type { EventShapes, Upcasters } from '../core/upcasters.js';
import { AppendQueue, type AppendResult } from './append-queue.js';
import { noSuchSpace } from './log-errors.js';
import type { EventSelection, LogReader, LogStore, ReadBounds, StoredEvent } from './port.js';
import { selectedParts, storedSelection } from './present-query.js';
import { openForReader } from './seal.js';
import { copySpecs } from './spec-copy.js';
import { type StreamOptions, type StreamPlan, streamPlan } from './stream-options.js';
import { streamPages } from './stream-pages.js';
import { streamSelection } from './stream-selection.js';
import { openReadable, readable } from './upcasting.js';

/** What an event store is made of. */
export interface EventStoreOptions {
  /** The log: of SQLite, of memory, or of another adapter. Closed with the store. */
  readonly log: LogStore;
  readonly platform: Platform;
  /** Default: `defaultLimits`. */
  readonly limits?: LimitsOptions;
  /**
   * The upcasters of the app: events are read in their present shapes, and appended in them when they say no version. Default: every event
   * is read as it was written.
   */
  readonly upcasters?: Upcasters;
}

/** How to append. */
export interface AppendOptions {
  /** The space's latest sequence as the caller knows it; the append is refused with `conflict` at any other. */
  readonly expectedSequence?: number;
  /** The append is refused with `conflict` when an event of the space behind `after` (default 0) matches. */
  readonly failIfEventsMatch?: FailIfEventsMatch;
  /** What caused the events. Default: an id of this append. */
  readonly causationId?: string;
  /** What the events belong to. Default: an id of this append. */
  readonly correlationId?: string;
}

/** Which events to read. */
export interface ReadOptions {
  /** Only events with `spaceSequence > from`. Default 0. */
  readonly from?: number;
  /** Events at most. Default and upper bound: `limits.readEventsMax`. */
  readonly limit?: number;
}

/**
 * An append-only log of events in spaces.
 *
 * @example
 * ```ts
 * const { eventIds, spaceSequence } = await store.append(space.spaceId, {
 *   entityId: 'contact:c1', type: 'contact.added', payload: { name: 'John' },
 * });
 * for await (const event of store.streamSpaceEvents(space.spaceId, { from: 0 })) handle(event);
 * ```
 */
export class EventStore {
  readonly #log: LogStore;
  readonly #clock: Platform['clock'];
  readonly #limits: Limits;
  readonly #bounds: ReadBounds;
  readonly #queue: AppendQueue;
  /** Undefined: nobody says which versions are the present ones. */
  readonly #shapes: EventShapes | undefined;
  #isClosed = false;

  private constructor({ log, platform, limits, upcasters }: EventStoreOptions) {
    this.#log = log;
    this.#clock = platform.clock;
    this.#limits = resolveLimits(limits);
    this.#bounds = { limit: this.#limits.readEventsMax, bytesMax: this.#limits.readBytesMax };
    this.#shapes = upcasters === undefined ? undefined : loadUpcasters(upcasters);
    this.#queue = new AppendQueue(log, platform, this.#limits, this.#shapes);
  }

  /** An event store over `options.log`. */
  static async open(options: EventStoreOptions): Promise<EventStore> {
    return new EventStore(options);
  }

  /**
   * Appends one event, or several all or none. Resolves when they are as durable as the log makes them. Appends to one
   * space are taken in the order of their calls.
   *
   * @throws {RamaxError} `invalid_input`; `not_found` when there is no such space; `conflict`, with `expectedSequence`
   * and `actualSequence`, or `matchingSequence` and `after`, in the details; `overloaded`; `outcome_unknown` when the commit failed: the store has to be
   * opened again, and the events are there or not; `storage`; `closed`
   */
  async append(
    spaceId: number,
    events: EventSpec | readonly EventSpec[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const { expectedSequence, causationId, correlationId } = options;
    const failIfEventsMatch =
      options.failIfEventsMatch === undefined
        ? undefined
        : checkFailIfEventsMatch(options.failIfEventsMatch, 'failIfEventsMatch', this.#limits);
    if (expectedSequence !== undefined) checkInteger(expectedSequence, 'expectedSequence', 0);
    if (causationId !== undefined) checkId(causationId, 'causationId', this.#limits.idBytesMax);
    if (correlationId !== undefined) checkId(correlationId, 'correlationId', this.#limits.idBytesMax);
    const specs = this.#versioned(copySpecs(events, this.#limits));
    const timestamp = Math.trunc(this.#clock.now());
    const facts = { causationId, correlationId, failIfEventsMatch };
    return this.#queue.append({ spaceId, specs, timestamp, expectedSequence, ...facts });
  }

  /**
   * Events of one space, in order: one bounded read. There may be more although fewer than `limit` came; there are no
   * more when none came. (Where upcasters make several events of one, `limit` counts it once.)
   */
  async readSpaceEvents(spaceId: number, options: ReadOptions = {}): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const { after, bounds } = this.#readRange(options);
    return this.#opened(after, (from) => this.#log.readSpace(spaceId, from, bounds));
  }

  /** Events of one entity of one space, in order: one bounded read, as `readSpaceEvents`. */
  async readEntityEvents(
    spaceId: number,
    entityId: string,
    options: ReadOptions = {},
  ): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    checkId(entityId, 'entityId', this.#limits.idBytesMax);
    const { after, bounds } = this.#readRange(options);
    return this.#opened(after, (from) => this.#log.readEntity(spaceId, entityId, from, bounds));
  }

  /**
   * One event, or undefined when this space has none of this id. Where upcasters have made several events of it, the one that `part`
   * says.
   */
  async readEvent(
    spaceId: number,
    eventId: number,
    { part = 0 }: { readonly part?: number } = {},
  ): Promise<RecordedEvent | undefined> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    checkInteger(eventId, 'eventId', 1);
    const stored = await this.#log.readEvent(spaceId, eventId);
    return stored === undefined ? undefined : [this.#open(stored)].flat()[part];
  }

  /**
   * The events of one space, in order, lazily; ends where the space ends, or when it is deleted. From a place, up to one, by query, by time, backwards,
   * and with a limit: see `StreamOptions`.
   *
   * @throws {RamaxError} `invalid_input` at the call; then `aborted`, `upcast_failed`, `corrupt`, `storage`, `closed`
   */
  streamSpaceEvents(spaceId: number, options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const plan = streamPlan(options, 'streamSpaceEvents()', this.#limits);
    if (plan.selection !== undefined) return this.#selected(plan, { ...plan.selection, spaceId });
    const { from, signal } = plan;
    return streamPages({
      readAfter: async (after) => this.#openLog().readSpace(spaceId, after, this.#bounds),
      positionOf: (event) => event.spaceSequence,
      open: (stored) => this.#open(stored),
      from,
      signal,
    });
  }

  /** The events of all spaces in the order of their commits, lazily; ends at the log's end. Options as in `streamSpaceEvents`, over event ids. */
  streamAllEvents(options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    this.#assertOpen();
    const plan = streamPlan(options, 'streamAllEvents()', this.#limits);
    if (plan.selection !== undefined) return this.#selected(plan, plan.selection);
    const { from, signal } = plan;
    return streamPages({
      readAfter: async (after) => this.#openLog().readAll(after, this.#bounds),
      positionOf: (event) => event.eventId,
      open: (stored) => this.#open(stored),
      from,
      signal,
    });
  }

  /**
   * The space's latest sequence; 0 before its first event.
   *
   * @throws {RamaxError} `not_found` when there is no such space
   */
  async getSpaceLatestSequence(spaceId: number): Promise<number> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const head = await this.#log.spaceHead(spaceId);
    if (head !== undefined) return head.lastSpaceSequence;
    throw noSuchSpace(spaceId);
  }

  /** The largest event id ever committed; 0 before the first. */
  async getLatestEventId(): Promise<number> {
    this.#assertOpen();
    return this.#log.latestEventId();
  }

  /** Waits for the appends that were called, then closes the log. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue.drain();
    await this.#log.close();
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #versioned(specs: readonly EventSpec[]): readonly EventSpec[] {
    const shapes = this.#shapes;
    if (shapes === undefined) return specs;
    return specs.map((spec) => ({ ...spec, version: spec.version ?? shapes.versionOf(spec.type) }));
  }

  #open(stored: StoredEvent): RecordedEvent | readonly RecordedEvent[] {
    return this.#shapes === undefined ? openForReader(stored) : openReadable(readable(stored, this.#shapes));
  }

  /** What is read after `from`; events of which upcasters make nothing are no end. */
  async #opened(
    from: number,
    read: (from: number) => Promise<readonly StoredEvent[]>,
  ): Promise<readonly RecordedEvent[]> {
    for (let after = from; ; ) {
      const page = await read(after);
      const opened = page.flatMap((stored) => this.#open(stored));
      const last = page.at(-1);
      if (last === undefined || opened.length > 0) return opened;
      after = last.spaceSequence;
    }
  }

  #selected({ limit, signal }: StreamPlan, selection: EventSelection): AsyncIterableIterator<RecordedEvent> {
    const { scanEventsMax } = this.#limits;
    const bounds = { ...this.#bounds, limit: Math.min(limit ?? this.#bounds.limit, this.#bounds.limit) };
    return streamSelection({
      selection: storedSelection(selection, this.#shapes?.versions),
      read: async (next) => this.#openLog().selectEvents(next, { ...bounds, scanEventsMax }),
      open: (stored) => selectedParts(this.#open(stored), selection),
      limit,
      signal,
    });
  }

  #openLog(): LogReader {
    this.#assertOpen();
    return this.#log;
  }

  #readRange({ from = 0, limit = this.#bounds.limit }: ReadOptions): { after: number; bounds: ReadBounds } {
    checkInteger(from, 'from', 0);
    checkInteger(limit, 'limit', 1, this.#bounds.limit);
    return { after: from, bounds: { ...this.#bounds, limit } };
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new RamaxError('closed', 'the event store is closed');
  }
}
