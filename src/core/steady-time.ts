/**
 * Time for remembering: how long something was kept is counted by the monotonic clock, so that a wall clock which jumps
 * forgets nothing before its time. Used for the retention of command ids: what is remembered is stamped with the later of
 * both clocks, what is forgotten is found by the earlier. A jump, or a machine that slept, makes the memory longer, never
 * shorter. One life only: the next start believes the wall clock that it finds.
 */

import type { Clock } from './clock.js';

/** See the head of this file. */
export class SteadyTime {
  readonly #clock: Clock;
  readonly #wallMs: number;
  readonly #monotonicMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallMs = clock.now();
    this.#monotonicMs = clock.monotonicMs();
  }

  /** For stamps: milliseconds since the epoch, by whichever clock is ahead. */
  latest(): number {
    return Math.max(this.#clock.now(), this.#steady());
  }

  /** For what is forgotten: by whichever clock is behind. */
  earliest(): number {
    return Math.min(this.#clock.now(), this.#steady());
  }

  #steady(): number {
    return this.#wallMs + this.#clock.monotonicMs() - this.#monotonicMs;
  }
}
