/**
 * Who waits at the calling end of a link, by call id.
 *
 * An id is a place in an array, used again when its call has ended: the last frame of a call is its answer, so nothing that comes
 * later can be taken for another one's. (A `Map` of all calls keeps ended ones alive: see `core/chain.ts`.)
 */

import type { Waiter } from './call-table.js';

type AnyWaiter = Waiter<unknown, unknown>;

/** See the head of this file. */
export class Waiters {
  readonly #waiters: (AnyWaiter | undefined)[] = [];
  /** In which order the calls at these places were made. */
  readonly #orders: number[] = [];
  readonly #free: number[] = [];
  #added = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the id of the call */
  add(waiter: AnyWaiter): number {
    const callId = this.#free.pop() ?? this.#waiters.length;
    this.#waiters[callId] = waiter;
    this.#orders[callId] = this.#added++;
    this.#size++;
    return callId;
  }

  get(callId: number): AnyWaiter | undefined {
    return this.#waiters[callId];
  }

  /** Who waited for the call, and does no longer; nobody, when it has ended before. */
  take(callId: number): AnyWaiter | undefined {
    const waiter = this.#waiters[callId];
    if (waiter === undefined) return undefined;
    this.#waiters[callId] = undefined;
    this.#free.push(callId);
    this.#size--;
    return waiter;
  }

  /** Everybody, in the order of the calls. */
  takeAll(): AnyWaiter[] {
    const callIds = [...this.#waiters.keys()].filter((callId) => this.#waiters[callId] !== undefined);
    callIds.sort((left, right) => (this.#orders[left] ?? 0) - (this.#orders[right] ?? 0));
    return callIds.flatMap((callId) => this.take(callId) ?? []);
  }
}
