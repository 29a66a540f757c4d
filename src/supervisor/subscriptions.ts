/**
 * Subscriptions on main: who goes over the events of a space or of all, now and on; and the positions that are kept under names.
 *
 * Owns: the subscribers that are gone over, which names are taken, the notices and the pages that they share (`subscriber.ts`).
 *
 * Invariant: a name has one consumer at a time in each space, and one over all spaces; its position is not changed by anybody else
 * meanwhile.
 */

import type { Clock } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import { checkEventQuery, type EventQuery } from '../core/event-query.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { everySpace } from '../event-store/cursor.js';
import type { CursorRow, CursorWrite, LogReader } from '../event-store/port.js';
import { CommitNotices } from './commit-notices.js';
import { DurablePosition } from './durable-position.js';
import type { EventReads } from './event-reads.js';
import { Subscriber, type SubscriberRequest, type SubscriberRoom } from './subscriber.js';
import { TailReads } from './tail-reads.js';
import type { WriterHandle } from './writer-handle.js';

/** Which events to subscribe to. */
export interface SubscribeOptions {
  /**
   * Events after this place, or after the latest one when it begins, which its `position` shows soon after the first `next()`: `spaceSequence > from` in one space, `eventId > from` over
   * all. Counts for a named subscription only while the name is new. Default 0.
   */
  readonly from?: number | 'now' | undefined;
  /** Only events that match. Default: all. */
  readonly query?: EventQuery | undefined;
  /** Ends the subscription with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** The same, with a position that is kept. */
export interface NamedSubscribeOptions extends SubscribeOptions {
  /** What the position is kept under, in this space or over all. */
  readonly name: string;
}

const optionNames = [
  'from',
  'query',
  'signal',
  'name',
] as const satisfies readonly (keyof NamedSubscribeOptions)[];

/** How a named subscription stands. */
export interface SubscriptionStatus {
  readonly name: string;
  /** Undefined: it goes over all spaces. */
  readonly spaceId: number | undefined;
  /** The last one that was acknowledged, and is durable: a `spaceSequence`, or an `eventId` over all spaces. */
  readonly position: number;
  /** How many events, or over all spaces event ids, that is behind the end. */
  readonly lag: number;
  /** Whether a consumer goes over it in this runtime. */
  readonly isConnected: boolean;
  /** When the position was written last: milliseconds since the Unix epoch. */
  readonly updatedAt: number;
}

/** How the subscriptions of this runtime are. */
export interface SubscriptionFigures {
  /** Those that somebody goes over. */
  readonly open: number;
  /** Of those, the first that have a name, and how far what is acknowledged is behind the end; over all spaces, in event ids. */
  readonly named: readonly Pick<SubscriptionStatus, 'name' | 'spaceId' | 'lag'>[];
}

/** Which named subscription. */
export interface SubscriptionPlace {
  /** The space that it goes over. Default: all. */
  readonly spaceId?: number | undefined;
}

const placeNames = ['spaceId'] as const satisfies readonly (keyof SubscriptionPlace)[];

/** What they stand on. */
export interface SubscriptionsOptions {
  readonly reads: EventReads;
  readonly log: Pick<LogReader, 'cursors'>;
  readonly writer: Pick<WriterHandle, 'call' | 'onCommit'>;
  readonly clock: Clock;
  readonly limits: Limits;
}

const kind = 'subscription';
/** Named ones in the figures: each takes a read of where its place ends. */
const figuresMax = 64;
const pageRowsMax = 256;

/** See the head of this file. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #open = new Set<Subscriber>();
  readonly #named = new Map<string, Subscriber>();
  readonly #room: SubscriberRoom;
  #closed: RamaxError | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    const { reads, limits } = options;
    const notices = new CommitNotices(options.writer);
    const closed = (): RamaxError | undefined => this.#closed;
    this.#room = {
      notices,
      tails: new TailReads({
        notices,
        read: (...parameters) => reads.pageAfter(...parameters),
        bytesMax: limits.tailBytesMax,
      }),
      get closed() {
        return closed();
      },
      enter: (subscriber) => this.#enter(subscriber),
      leave: (subscriber) => this.#leave(subscriber),
      end: (spaceId) => this.#endOf(spaceId),
    };
  }

  /** Ends every subscription with `error`; resolves when what was acknowledged is written, or cannot be. */
  async close(error: RamaxError): Promise<void> {
    this.#closed ??= error;
    const open = [...this.#open];
    for (const subscriber of open) subscriber.stop(error);
    await Promise.all(open.map((subscriber) => subscriber.flushed()));
  }

  /** @throws {RamaxError} `invalid_input` */
  subscribe(spaceId: number, options: SubscribeOptions | NamedSubscribeOptions): Subscriber {
    checkOptions(options);
    checkOptionNames(options, optionNames, 'subscribe()');
    const { limits } = this.#options;
    const { from = 0, signal, query, name } = options as Partial<NamedSubscribeOptions>;
    if (from !== 'now') checkInteger(from, 'from', 0);
    checkSignal(signal);
    if (name !== undefined) checkId(name, 'name', limits.idBytesMax);
    const checked = query === undefined ? undefined : checkEventQuery(query, 'query', limits);
    // Now, and not when the first event is asked for.
    const place = from === 'now' ? this.#endOf(spaceId) : Promise.resolve(from);
    place.catch(() => {});
    const begin: SubscriberRequest['begin'] =
      name === undefined
        ? async () => ({ from: await place, durable: undefined })
        : () => this.#beginNamed(name, spaceId, place);
    return new Subscriber({ spaceId, query: checked, signal, name, begin }, this.#room);
  }

  /**
   * All named subscriptions, in the order of their names.
   *
   * @throws {RamaxError} `closed`, `unavailable`
   */
  async list(): Promise<readonly SubscriptionStatus[]> {
    const rows: CursorRow[] = [];
    for (;;) {
      const page = await this.#options.log.cursors(kind, { after: rows.at(-1), limit: pageRowsMax });
      rows.push(...page);
      if (page.length < pageRowsMax) break;
    }
    const listed: SubscriptionStatus[] = [];
    for (const row of rows) {
      const end = await this.#endOf(row.spaceId).catch(() => undefined);
      // A space that is deleted meanwhile has none any more.
      if (end !== undefined) listed.push(this.#statusOf(row, end));
    }
    return listed;
  }

  /** Never rejects: what cannot be read is left out. */
  async figures(): Promise<SubscriptionFigures> {
    const asked = [...this.#named.values()].slice(0, figuresMax).map(async (subscriber) => {
      const { name, spaceId } = subscriber;
      const lag = await subscriber.lag().catch(() => undefined);
      return lag === undefined ? [] : { name, spaceId: spaceId === everySpace ? undefined : spaceId, lag };
    });
    return { open: this.#open.size, named: (await Promise.all(asked)).flat() };
  }

  /**
   * Forgets a named subscription, if there is one.
   *
   * @throws {RamaxError} `invalid_input`; `conflict` while it is connected; `closed`, `unavailable`, `storage`
   */
  async delete(name: string, place: SubscriptionPlace = {}): Promise<void> {
    const spaceId = this.#checkedPlace(name, place, 'subscriptions.delete()');
    await this.#write({ kind: 'dropCursor', cursor: { kind, name, spaceId } });
  }

  /**
   * Takes a named subscription to a position, forwards or backwards: the next event is the one after it.
   *
   * @throws {RamaxError} `invalid_input`; `not_found` when the space is not there; `conflict` while it is connected; `closed`,
   *   `unavailable`, `storage`
   */
  async reset(name: string, position: number, place: SubscriptionPlace = {}): Promise<void> {
    const spaceId = this.#checkedPlace(name, place, 'subscriptions.reset()');
    checkInteger(position, 'position', 0);
    await this.#write({ kind: 'moveCursor', cursor: { kind, name, spaceId, position } });
  }

  #checkedPlace(name: string, place: SubscriptionPlace, of: string): number {
    checkId(name, 'name', this.#options.limits.idBytesMax);
    checkOptions(place);
    checkOptionNames(place, placeNames, of);
    const { spaceId = everySpace } = place;
    checkInteger(spaceId, 'spaceId', 0);
    if (this.#named.has(keyOf(name, spaceId))) throw isConnected(name, spaceId);
    if (this.#closed !== undefined) throw this.#closed;
    return spaceId;
  }

  #statusOf({ name, spaceId, position, updatedAt }: CursorRow, end: number): SubscriptionStatus {
    return {
      name,
      spaceId: spaceId === everySpace ? undefined : spaceId,
      position,
      lag: Math.max(0, end - position),
      isConnected: this.#named.has(keyOf(name, spaceId)),
      updatedAt,
    };
  }

  async #beginNamed(
    name: string,
    spaceId: number,
    place: Promise<number>,
  ): Promise<{ readonly from: number; readonly durable: DurablePosition }> {
    const { writer, clock, limits } = this.#options;
    const write = (position: number): Promise<void> =>
      this.#write({ kind: 'moveCursor', cursor: { kind, name, spaceId, position } });
    const known = await writer.call('cursor', { kind, name, spaceId });
    const from = known?.position ?? (await place);
    // From now on the name is known, and where it began: also when its consumer acknowledges nothing before it crashes.
    if (known === null) await write(from);
    const durable = new DurablePosition({ clock, delayMs: limits.acknowledgeDelayMs, write, from });
    return { from, durable };
  }

  async #write(request: CursorWrite): Promise<void> {
    const outcome = await this.#options.writer.call('writeCursor', request);
    if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
  }

  #endOf(spaceId: number): Promise<number> {
    const { reads } = this.#options;
    return spaceId === everySpace ? reads.latestEventId() : reads.latestSequence(spaceId);
  }

  #enter(subscriber: Subscriber): void {
    const { subscriptionsMax } = this.#options.limits;
    if (this.#open.size >= subscriptionsMax) {
      throw new RamaxError('overloaded', `${this.#open.size} subscriptions are gone over already`, {
        details: { subscriptionsMax },
      });
    }
    const { name, spaceId } = subscriber;
    if (name !== '') {
      if (this.#named.has(keyOf(name, spaceId))) throw isConnected(name, spaceId);
      this.#named.set(keyOf(name, spaceId), subscriber);
    }
    this.#open.add(subscriber);
  }

  #leave(subscriber: Subscriber): void {
    if (!this.#open.delete(subscriber)) return;
    if (subscriber.name !== '') this.#named.delete(keyOf(subscriber.name, subscriber.spaceId));
  }
}

function keyOf(name: string, spaceId: number): string {
  return `${spaceId} ${name}`;
}

function isConnected(name: string, spaceId: number): RamaxError {
  const details = spaceId === everySpace ? { name } : { name, spaceId };
  return new RamaxError('conflict', `the subscription '${name}' has a consumer already`, { details });
}
