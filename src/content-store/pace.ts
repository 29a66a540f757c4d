/**
 * The pace of long work beside turns: while turns come, it rests as long as it has worked, so that it takes half of the thread
 * at most; while none come, it only lets the ports have their turn.
 */

import { type Clock, delay, yieldToPorts } from '../core/clock.js';

/** A rest longer than this would make the work as slow as its slowest step. */
const restMsMax = 50;

/** Counts the turns that a shard takes. */
export interface TurnCount {
  turns: number;
}

/** See the head of this file. */
export class Pace {
  readonly #clock: Clock;
  readonly #count: Readonly<TurnCount>;
  #turnsSeen: number;
  #since: number;

  constructor(clock: Clock, count: Readonly<TurnCount>) {
    this.#clock = clock;
    this.#count = count;
    this.#turnsSeen = count.turns;
    this.#since = clock.monotonicMs();
  }

  /** To be awaited between two steps. */
  async rest(): Promise<void> {
    const worked = Math.min(this.#clock.monotonicMs() - this.#since, restMsMax);
    const turnsCome = this.#count.turns !== this.#turnsSeen;
    this.#turnsSeen = this.#count.turns;
    if (turnsCome && worked >= 1) await delay(this.#clock, worked);
    else await yieldToPorts(this.#clock);
    this.#since = this.#clock.monotonicMs();
  }
}
