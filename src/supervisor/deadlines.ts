/**
 * Deadlines of calls. Calls with the same timeout end in the order in which they began, so one queue and one timer per
 * timeout serve any number of calls: a timer per call would cost more than the call's own bookkeeping.
 *
 * Invariant: a deadline is let go when it is cleared; only an idle queue may stay behind, and a bounded number of them.
 */

import { Chain, type Chained } from '../core/chain.js';
import type { Clock, Timer } from '../core/clock.js';

/**
 * Something with a deadline: it is itself the place in the queue, so that a deadline costs no object. The fields belong to
 * `Deadlines`.
 */
export abstract class Expirable implements Chained<Expirable> {
  queue: Queue | undefined = undefined;
  before: Expirable | undefined = undefined;
  after: Expirable | undefined = undefined;
  atMs = 0;

  /** The deadline has passed. */
  abstract expired(): void;
}

/** Timeouts that keep their queue and timer while they have no deadline: nearly all calls have one of a few. */
const idleTimeoutsMax = 64;

/** The deadlines of one timeout, in the order in which they expire. */
interface Queue {
  readonly timeoutMs: number;
  readonly chain: Chain<Expirable>;
  timer: Timer | undefined;
}

/** All deadlines of a runtime. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `one.expired()` after `timeoutMs`, unless it is cleared before. It has one deadline at a time. */
  set(one: Expirable, timeoutMs: number): void {
    this.clear(one);
    const queue = this.#queueOf(timeoutMs);
    one.atMs = this.#clock.monotonicMs() + timeoutMs;
    one.queue = queue;
    queue.chain.push(one);
    if (queue.timer === undefined) this.#arm(queue, timeoutMs);
  }

  /** The deadline no longer matters. */
  clear(one: Expirable): void {
    const { queue } = one;
    if (queue === undefined) return;
    one.queue = undefined;
    queue.chain.remove(one);
    if (queue.chain.size === 0 && this.#queues.size > idleTimeoutsMax) this.#forget(queue);
  }

  close(): void {
    for (const queue of this.#queues.values()) this.#forget(queue);
  }

  #queueOf(timeoutMs: number): Queue {
    const known = this.#queues.get(timeoutMs);
    if (known !== undefined) return known;
    const queue: Queue = { timeoutMs, chain: new Chain(), timer: undefined };
    this.#queues.set(timeoutMs, queue);
    return queue;
  }

  #arm(queue: Queue, delayMs: number): void {
    queue.timer = this.#clock.after(delayMs, () => this.#expire(queue));
  }

  #forget(queue: Queue): void {
    queue.timer?.cancel();
    queue.timer = undefined;
    if (this.#queues.get(queue.timeoutMs) === queue) this.#queues.delete(queue.timeoutMs);
  }

  #expire(queue: Queue): void {
    queue.timer = undefined;
    const now = this.#clock.monotonicMs();
    for (let next = queue.chain.first; next !== undefined; next = queue.chain.first) {
      if (next.atMs > now) {
        // What has just expired may have set a deadline of the same timeout, and armed the timer with it.
        if (queue.timer === undefined) this.#arm(queue, next.atMs - now);
        return;
      }
      next.queue = undefined;
      queue.chain.remove(next);
      next.expired();
    }
    this.#forget(queue);
  }
}
