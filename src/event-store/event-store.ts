/**
 * The event store: one append-only log of all spaces, usable alone in one thread. The runtime does not use it; its
 * writer and shards work on the same port (`port.ts`) from their own threads.
 *
 * It does not own the log that it is given until `close`, which closes it. One event store appends to a log at a time.
 */

import type { Platform } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { EventSpec, RecordedEvent } from '../core/event.js';
import { type Limits, type LimitsOptions, resolveLimits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import { AppendQueue, type AppendResult } from './append-queue.js';
import { noSuchSpace } from './log-errors.js';
import type { LogReader, LogStore, ReadBounds } from './port.js';
import { openForReader } from './seal.js';
import { copySpecs } from './spec-copy.js';
import { streamPages } from './stream-pages.js';

/** What an event store is made of. */
export interface EventStoreOptions {
  /** The log: of SQLite, of memory, or of another adapter. Closed with the store. */
  readonly log: LogStore;
  readonly platform: Platform;
  /** Default: `defaultLimits`. */
  readonly limits?: LimitsOptions;
}

/** How to append. */
export interface AppendOptions {
  /** The space's latest sequence as the caller knows it; the append is refused with `conflict` at any other. */
  readonly expectedSequence?: number;
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

/** Which events to stream. */
export interface StreamOptions {
  /** Only events after this place: `spaceSequence > from` in one space, `eventId > from` over all. Default 0. */
  readonly from?: number;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal;
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
  #isClosed = false;

  private constructor({ log, platform, limits }: EventStoreOptions) {
    this.#log = log;
    this.#clock = platform.clock;
    this.#limits = resolveLimits(limits);
    this.#bounds = { limit: this.#limits.readEventsMax, bytesMax: this.#limits.readBytesMax };
    this.#queue = new AppendQueue(log, platform, this.#limits);
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
   * and `actualSequence` in the details; `overloaded`; `outcome_unknown` when the commit failed: the store has to be
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
    if (expectedSequence !== undefined) checkInteger(expectedSequence, 'expectedSequence', 0);
    if (causationId !== undefined) checkId(causationId, 'causationId', this.#limits.idBytesMax);
    if (correlationId !== undefined) checkId(correlationId, 'correlationId', this.#limits.idBytesMax);
    const specs = copySpecs(events, this.#limits);
    const timestamp = Math.trunc(this.#clock.now());
    return this.#queue.append({ spaceId, specs, timestamp, expectedSequence, causationId, correlationId });
  }

  /**
   * Events of one space, in order: one bounded read. There may be more although fewer than `limit` came; there are no
   * more when none came.
   */
  async readSpaceEvents(spaceId: number, options: ReadOptions = {}): Promise<readonly RecordedEvent[]> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const { after, bounds } = this.#readRange(options);
    return (await this.#log.readSpace(spaceId, after, bounds)).map(openForReader);
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
    return (await this.#log.readEntity(spaceId, entityId, after, bounds)).map(openForReader);
  }

  /** One event, or undefined when this space has none of this id. */
  async readEvent(spaceId: number, eventId: number): Promise<RecordedEvent | undefined> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    checkInteger(eventId, 'eventId', 1);
    const stored = await this.#log.readEvent(spaceId, eventId);
    return stored === undefined ? undefined : openForReader(stored);
  }

  /** The events of one space, in order, lazily; ends where the space ends, or when it is deleted. */
  streamSpaceEvents(spaceId: number, options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    this.#assertOpen();
    checkInteger(spaceId, 'spaceId', 1);
    const { from = 0, signal } = options;
    checkInteger(from, 'from', 0);
    return streamPages({
      readAfter: async (after) => this.#openLog().readSpace(spaceId, after, this.#bounds),
      positionOf: (event) => event.spaceSequence,
      open: openForReader,
      from,
      signal,
    });
  }

  /** The events of all spaces in the order of their commits, lazily; ends at the log's end. */
  streamAllEvents(options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    this.#assertOpen();
    const { from = 0, signal } = options;
    checkInteger(from, 'from', 0);
    return streamPages({
      readAfter: async (after) => this.#openLog().readAll(after, this.#bounds),
      positionOf: (event) => event.eventId,
      open: openForReader,
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
