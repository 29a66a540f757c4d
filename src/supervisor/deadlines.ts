/**
 * Deadlines of calls. Calls with the same timeout end in the order in which they began, so one queue and one timer per
 * timeout serve any number of calls: a timer per call would cost more than the call's own bookkeeping.
 *
 * Invariant: what is kept is bounded by the deadlines that may still expire, whatever was set and cleared meanwhile.
 */

import type { Clock, Timer } from '../core/clock.js';
import { Fifo } from '../core/fifo.js';

/** A deadline that has been set. */
export interface Deadline {
  /** The call has ended; the deadline no longer matters. */
  clear(): void;
}

/** Cleared deadlines that a queue keeps before it looks for them behind one that is not. */
const clearedMin = 1_024;

/** Timeouts that keep their queue and timer while they have no deadline: nearly all calls have one of a few. */
const idleTimeoutsMax = 64;

class SetDeadline implements Deadline {
  readonly atMs: number;
  #expire: (() => void) | undefined;
  readonly #onClear: () => void;

  constructor(atMs: number, expire: () => void, onClear: () => void) {
    this.atMs = atMs;
    this.#expire = expire;
    this.#onClear = onClear;
  }

  get isCleared(): boolean {
    return this.#expire === undefined;
  }

  clear(): void {
    if (this.isCleared) return;
    this.#expire = undefined;
    this.#onClear();
  }

  expire(): void {
    const expire = this.#expire;
    this.#expire = undefined;
    expire?.();
  }
}

/** The deadlines of one timeout, in the order in which they expire. */
class Queue {
  readonly #deadlines = new Fifo<SetDeadline>();
  #cleared = 0;

  get isIdle(): boolean {
    return this.#cleared === this.#deadlines.size;
  }

  push(deadline: SetDeadline): void {
    this.#dropCleared();
    this.#deadlines.push(deadline);
  }

  /** The first one that was not cleared. */
  next(): SetDeadline | undefined {
    this.#dropCleared();
    return this.#deadlines.peek();
  }

  shift(): void {
    this.#deadlines.shift();
  }

  /** One of them was cleared. */
  cleared(): void {
    this.#cleared++;
    if (this.#cleared < clearedMin || this.#cleared * 2 < this.#deadlines.size) return;
    for (const deadline of this.#deadlines.takeAll()) if (!deadline.isCleared) this.#deadlines.push(deadline);
    this.#cleared = 0;
  }

  #dropCleared(): void {
    while (this.#deadlines.peek()?.isCleared === true) {
      this.#deadlines.shift();
      this.#cleared--;
    }
  }
}

/** All deadlines of a runtime. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();
  readonly #timers = new Map<number, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `expire` after `timeoutMs`, unless it is cleared before. */
  set(timeoutMs: number, expire: () => void): Deadline {
    const queue = this.#queues.get(timeoutMs) ?? new Queue();
    this.#queues.set(timeoutMs, queue);
    const atMs = this.#clock.monotonicMs() + timeoutMs;
    const deadline = new SetDeadline(atMs, expire, () => this.#cleared(timeoutMs, queue));
    queue.push(deadline);
    if (!this.#timers.has(timeoutMs)) this.#arm(timeoutMs, timeoutMs);
    return deadline;
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#queues.clear();
  }

  #arm(timeoutMs: number, delayMs: number): void {
    this.#timers.set(
      timeoutMs,
      this.#clock.after(delayMs, () => this.#expire(timeoutMs)),
    );
  }

  #cleared(timeoutMs: number, queue: Queue): void {
    queue.cleared();
    if (queue.isIdle && this.#queues.size > idleTimeoutsMax) this.#forget(timeoutMs, queue);
  }

  #forget(timeoutMs: number, queue: Queue): void {
    if (this.#queues.get(timeoutMs) !== queue) return;
    this.#timers.get(timeoutMs)?.cancel();
    this.#timers.delete(timeoutMs);
    this.#queues.delete(timeoutMs);
  }

  #expire(timeoutMs: number): void {
    this.#timers.delete(timeoutMs);
    const queue = this.#queues.get(timeoutMs);
    if (queue === undefined) return;
    const now = this.#clock.monotonicMs();
    for (let next = queue.next(); next !== undefined; next = queue.next()) {
      if (next.atMs > now) {
        // What has just expired may have set a deadline of the same timeout, and armed the timer with it.
        if (!this.#timers.has(timeoutMs)) this.#arm(timeoutMs, next.atMs - now);
        return;
      }
      queue.shift();
      next.expire();
    }
    this.#forget(timeoutMs, queue);
  }
}
