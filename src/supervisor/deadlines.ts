/**
 * Deadlines of calls. Calls with the same timeout end in the order in which they began, so one queue and one timer per
 * timeout serve any number of calls: a timer per call would cost more than the call's own bookkeeping.
 */

import type { Clock, Timer } from '../core/clock.js';
import { Fifo } from '../core/fifo.js';

/** A deadline that has been set. */
export interface Deadline {
  /** The call has ended; the deadline no longer matters. */
  clear(): void;
}

class SetDeadline implements Deadline {
  readonly atMs: number;
  #expire: (() => void) | undefined;

  constructor(atMs: number, expire: () => void) {
    this.atMs = atMs;
    this.#expire = expire;
  }

  get isCleared(): boolean {
    return this.#expire === undefined;
  }

  clear(): void {
    this.#expire = undefined;
  }

  expire(): void {
    this.#expire?.();
    this.#expire = undefined;
  }
}

/** All deadlines of a runtime. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Fifo<SetDeadline>>();
  readonly #timers = new Map<number, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `expire` after `timeoutMs`, unless it is cleared before. */
  set(timeoutMs: number, expire: () => void): Deadline {
    const deadline = new SetDeadline(this.#clock.monotonicMs() + timeoutMs, expire);
    const queue = this.#queues.get(timeoutMs) ?? new Fifo<SetDeadline>();
    this.#queues.set(timeoutMs, queue);
    dropCleared(queue);
    queue.push(deadline);
    if (queue.size % compactEvery === 0) compact(queue);
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

  #expire(timeoutMs: number): void {
    this.#timers.delete(timeoutMs);
    const queue = this.#queues.get(timeoutMs);
    if (queue === undefined) return;
    const now = this.#clock.monotonicMs();
    for (;;) {
      dropCleared(queue);
      const next = queue.peek();
      if (next === undefined) {
        this.#queues.delete(timeoutMs);
        return;
      }
      if (next.atMs > now) {
        // What has just expired may have set a deadline of the same timeout, and armed the timer with it.
        if (!this.#timers.has(timeoutMs)) this.#arm(timeoutMs, next.atMs - now);
        return;
      }
      queue.shift()?.expire();
    }
  }
}

/** How often cleared deadlines behind one that is not are swept out: each time the queue's length reaches a multiple. */
const compactEvery = 4_096;

function compact(queue: Fifo<SetDeadline>): void {
  for (const deadline of queue.takeAll()) if (!deadline.isCleared) queue.push(deadline);
}

function dropCleared(queue: Fifo<SetDeadline>): void {
  while (queue.peek()?.isCleared === true) queue.shift();
}
