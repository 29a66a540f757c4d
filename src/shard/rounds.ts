/**
 * The rounds of a shard: whose turns are taken next. One task of the event loop serves all spaces that have turns, in the order in
 * which they came; a task for each space would cost more than most turns do.
 *
 * Owns: the line of those that have something to take. Called by: mailboxes.
 *
 * Invariants:
 *   R1  Who has been served and has more goes to the end of the line: no backlog gets ahead of another by more than a drain.
 *   R2  After `turnBudgetMs` (or one turn, if that takes longer) the ports go first, however long the line is.
 */

import type { Clock } from '../core/clock.js';
import { Fifo } from '../core/fifo.js';
import type { Limits } from '../core/limits.js';

/** Who has turns to be taken. */
export interface Drainable {
  /** Takes turns, one at least, until the monotonic clock is at `endMs`. Says whether it is to be served again. */
  drain(endMs: number): boolean;
}

/** See the head of this file. */
export class Rounds {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #line = new Fifo<Drainable>();
  #isScheduled = false;

  constructor(clock: Clock, { turnBudgetMs }: Pick<Limits, 'turnBudgetMs'>) {
    this.#clock = clock;
    this.#budgetMs = turnBudgetMs;
  }

  /** Puts one that is not in the line at its end. */
  add(drainable: Drainable): void {
    this.#line.push(drainable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(this.#go);
  }

  readonly #go = (): void => {
    const endMs = this.#clock.monotonicMs() + this.#budgetMs;
    for (let left = this.#line.size; left > 0; left--) {
      const next = this.#line.shift();
      if (next?.drain(endMs) === true) this.#line.push(next);
      if (this.#clock.monotonicMs() >= endMs) break;
    }
    this.#isScheduled = this.#line.size > 0;
    if (this.#isScheduled) this.#clock.soon(this.#go);
  };
}
