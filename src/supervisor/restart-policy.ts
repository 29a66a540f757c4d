/** Whether and when a thread is started again: with backoff, and not for ever. Pure over the clock it is asked with. */

import type { Limits } from '../core/limits.js';

const firstDelayMs = 10;
const longestDelayMs = 2_000;

/** What to do about a thread that has ended. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'giveUp' };

/** The restarts of one thread. */
export class RestartPolicy {
  readonly #limits: Pick<Limits, 'restartsMax' | 'restartWindowMs'>;
  /** Times of restarts inside the window, oldest first. */
  #restarts: number[] = [];

  constructor(limits: Pick<Limits, 'restartsMax' | 'restartWindowMs'>) {
    this.#limits = limits;
  }

  /** Restarts inside the window. */
  get recent(): number {
    return this.#restarts.length;
  }

  /** The thread has ended at `nowMs` (monotonic). */
  ended(nowMs: number): RestartDecision {
    const windowStart = nowMs - this.#limits.restartWindowMs;
    this.#restarts = this.#restarts.filter((at) => at > windowStart);
    if (this.#restarts.length >= this.#limits.restartsMax) return { kind: 'giveUp' };
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#restarts.length);
    this.#restarts.push(nowMs);
    return { kind: 'restart', delayMs };
  }
}
