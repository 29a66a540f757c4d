/**
 * How fast the commands of one space are admitted: a bucket of tokens that fills at a steady rate, one for each command.
 *
 * Invariants: in any stretch of time `burstMax` commands and those of its length are admitted at most; an empty bucket has
 * its next token after `waitMs`, never before.
 */

import type { Clock } from '../core/clock.js';

const msPerSecond = 1_000;
/** What sums of fractions may miss of a whole token. */
const roundingError = 1e-6;

/** See the head of this file. */
export class CommandPace {
  readonly #clock: Clock;
  readonly perSecondMax: number;
  readonly burstMax: number;
  #tokens: number;
  #countedMs: number;

  /** A bucket that is full. */
  constructor(clock: Clock, perSecondMax: number, burstMax: number) {
    this.#clock = clock;
    this.perSecondMax = perSecondMax;
    this.burstMax = burstMax;
    this.#tokens = burstMax;
    this.#countedMs = clock.monotonicMs();
  }

  /** Whether a command may go now. */
  get allows(): boolean {
    return this.#count() >= 1 - roundingError;
  }

  /** Nothing is known that a new bucket would not know. */
  get isFull(): boolean {
    return this.#count() >= this.burstMax - roundingError;
  }

  /** Milliseconds until a command may go, a whole number. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(((1 - roundingError - this.#count()) * msPerSecond) / this.perSecondMax));
  }

  take(): void {
    this.#tokens = this.#count() - 1;
  }

  #count(): number {
    const nowMs = this.#clock.monotonicMs();
    const grown = ((nowMs - this.#countedMs) * this.perSecondMax) / msPerSecond;
    this.#tokens = Math.min(this.burstMax, this.#tokens + grown);
    this.#countedMs = nowMs;
    return this.#tokens;
  }
}
