/**
 * One subscription: what a consumer goes over. It reads the log from its position, page by page, and waits for a commit notice when it is at
 * the end; there is no other way by which an event comes, so there is no switch at which one could be lost or come twice.
 *
 * Written by hand, like `Watcher`: a generator that waits does not hear its consumer leave.
 *
 * Invariants:
 *   S1  It joins the notices before its first read, and looks at their version before each one (N1): no wake-up is missed.
 *   S2  It holds one page at most, and reads the next one when that is used up.
 *   S3  When it has ended, for whatever reason, it has left the notices, its name is free, and what was acknowledged is written.
 */

import { invalidInput, RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import { type CheckedEventQuery, matchesQuery } from '../core/event-query.js';
import { Line } from '../core/line.js';
import { everySpace } from '../event-store/cursor.js';
import type { CommitNotices } from './commit-notices.js';
import type { DurablePosition } from './durable-position.js';
import type { TailPage, TailReads } from './tail-reads.js';

type Step = IteratorResult<RecordedEvent, void>;

/** The live events of one space or of all: from a position, and on. */
export interface Subscription extends AsyncIterableIterator<RecordedEvent, void, void> {
  /** The last event that was looked at, whether it was wanted or not: a `spaceSequence`, or an `eventId` over all spaces. */
  readonly position: number;
  /** How many events its position is behind the end; over all spaces, how many event ids. */
  lag(): Promise<number>;
  [Symbol.asyncIterator](): this;
  /** Ends it; resolves when what was acknowledged is written. */
  return(): Promise<IteratorResult<RecordedEvent, void>>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A subscription whose position is kept under its name. `lag` and `list` count from what is acknowledged. */
export interface NamedSubscription extends Subscription {
  readonly name: string;
  /**
   * The consumer is done with this event, or with the one at this position, and with all before it. Resolves when that is
   * durable; it need not be waited for. Where an upcaster has made several of one event, it is acknowledged with the last of them.
   *
   * @throws {RamaxError} `invalid_input` at the call for an event that was not given yet; then what writing throws
   */
  acknowledge(upTo: RecordedEvent | number): Promise<void>;
}

/** What a subscriber is made of. */
export interface SubscriberRequest {
  /** A space, or `everySpace`. */
  readonly spaceId: number;
  readonly query: CheckedEventQuery | undefined;
  readonly signal: AbortSignal | undefined;
  readonly name: string | undefined;
  /** Asked once: where to begin, and what keeps the position of a named one. */
  readonly begin: () => Promise<{ readonly from: number; readonly durable: DurablePosition | undefined }>;
}

/** What subscribers share. */
export interface SubscriberRoom {
  readonly notices: CommitNotices;
  readonly tails: TailReads;
  /** Why nobody may go on. */
  readonly closed: RamaxError | undefined;
  /** @throws {RamaxError} `overloaded`, `conflict` */
  enter(subscriber: Subscriber): void;
  leave(subscriber: Subscriber): void;
  /** The end of the log of a place. */
  end(spaceId: number): Promise<number>;
}

/** See the head of this file. */
export class Subscriber implements NamedSubscription {
  readonly #request: SubscriberRequest;
  readonly #room: SubscriberRoom;
  readonly #nexts = new Line();
  #state: 'new' | 'open' | 'ended' = 'new';
  #failure: RamaxError | undefined;
  #page: TailPage | undefined;
  #index = 0;
  /** What is wanted of the event at the position and was not given yet: an upcaster may have made several of it. */
  #parts: RecordedEvent[] = [];
  /** Those after which more of the same event are wanted. */
  readonly #unfinished = new WeakSet<RecordedEvent>();
  #after = 0;
  #durable: DurablePosition | undefined;
  /** Its name is not free before. */
  #begun: Promise<unknown> = Promise.resolve();
  /** Ends the wait that is under way. */
  #interrupt: () => void = () => {};
  #leaveNotices: () => void = () => {};
  readonly #onAbort = (): void => this.stop(aborted(this.#request.signal));

  constructor(request: SubscriberRequest, room: SubscriberRoom) {
    this.#request = request;
    this.#room = room;
  }

  get name(): string {
    return this.#request.name ?? '';
  }

  get spaceId(): number {
    return this.#request.spaceId;
  }

  get position(): number {
    return this.#after;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    return this.#nexts.run(() => this.#next());
  }

  async return(): Promise<Step> {
    await this.#end();
    return { done: true, value: undefined };
  }

  async throw(error?: unknown): Promise<Step> {
    await this.#end();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async lag(): Promise<number> {
    const end = await this.#room.end(this.spaceId);
    return Math.max(0, end - (this.#durable?.acknowledged ?? this.#after));
  }

  acknowledge(upTo: RecordedEvent | number): Promise<void> {
    const durable = this.#durable;
    if (this.#request.name === undefined || durable === undefined) {
      throw invalidInput('upTo', 'an event that this subscription, which has a name, has given', upTo);
    }
    if (typeof upTo === 'number') return durable.acknowledge(upTo);
    const position = this.#positionOf(upTo);
    return this.#unfinished.has(upTo) ? durable.acknowledgeBefore(position) : durable.acknowledge(position);
  }

  /** Ends it with an error, which the next call of `next` throws. */
  stop(error: RamaxError): void {
    if (this.#state === 'ended') return;
    this.#failure = error;
    void this.#end();
  }

  /** Resolves when what was acknowledged is written, or cannot be. */
  async flushed(): Promise<void> {
    await this.#durable?.flush().catch(() => {});
  }

  async #end(): Promise<void> {
    if (this.#state === 'ended') return this.flushed();
    this.#state = 'ended';
    this.#page = undefined;
    this.#parts = [];
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#leaveNotices();
    this.#interrupt();
    await this.#begun;
    await this.flushed();
    this.#room.leave(this);
  }

  async #next(): Promise<Step> {
    try {
      if (this.#state === 'new') await this.#open();
      while (this.#state === 'open') {
        const event = this.#taken();
        if (event !== undefined) return { done: false, value: event };
        await this.#turnPage();
      }
    } catch (error) {
      this.#failure ??= error as RamaxError;
      void this.#end();
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return { done: true, value: undefined };
  }

  async #open(): Promise<void> {
    const { signal, spaceId } = this.#request;
    if (this.#room.closed !== undefined) throw this.#room.closed;
    if (signal?.aborted === true) throw aborted(signal);
    this.#room.enter(this);
    this.#state = 'open';
    this.#leaveNotices = this.#room.notices.join(spaceId);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const beginning = this.#request.begin();
    this.#begun = beginning.catch(() => {});
    const begun = await this.#unlessInterrupted(beginning);
    if (begun === undefined) return;
    this.#after = begun.from;
    this.#durable = begun.durable;
  }

  /** The next event of the page that is wanted. */
  #taken(): RecordedEvent | undefined {
    const { query } = this.#request;
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) {
        if (this.#parts.length > 0) this.#unfinished.add(part);
        else this.#durable?.delivered(this.#after);
        return part;
      }
      const next = this.#page?.at(this.#index);
      if (next === undefined) return undefined;
      this.#index += 1;
      this.#after = this.#positionOf(next.stored);
      this.#parts = next.events.filter((event) => query === undefined || matchesQuery(query, event));
    }
  }

  async #turnPage(): Promise<void> {
    const { spaceId } = this.#request;
    this.#page = undefined;
    this.#durable?.passed(this.#after);
    const page = await this.#unlessInterrupted(this.#room.tails.page(spaceId, this.#after));
    if (page === undefined) return;
    if (page.length === 0) return this.#noticed(page.version);
    this.#page = page;
    this.#index = 0;
  }

  #noticed(version: number): Promise<void> {
    return new Promise((resolve) => {
      const takeBack = this.#room.notices.wait(this.#request.spaceId, version, resolve);
      this.#interrupt = () => {
        takeBack();
        resolve();
      };
    });
  }

  /** What the promise gives, or undefined when the subscription ends before. */
  #unlessInterrupted<Result>(promise: Promise<Result>): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      promise.then((result) => resolve(this.#state === 'ended' ? undefined : result), reject);
    });
  }

  #positionOf(event: Pick<RecordedEvent, 'eventId' | 'spaceSequence'>): number {
    return this.#request.spaceId === everySpace ? event.eventId : event.spaceSequence;
  }
}

function aborted(signal: AbortSignal | undefined): RamaxError {
  return new RamaxError('aborted', 'the subscription was aborted', { cause: signal?.reason });
}
