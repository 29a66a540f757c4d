/**
 * The rounds of a shard: whose turns are taken next. One task of the event loop serves all spaces that have turns, in the order in
 * which they came; a task for each space would cost more than most turns do.
 *
 * Those whose turns are long beside the budget stand in a line of their own, and one of them is served behind the others in each
 * round: what they do to others is one of their turns in a round, however many of them there are.
 *
 * Owns: the lines of those that have something to take. Called by: mailboxes.
 *
 * Invariants:
 *   R1  Who has been served and has more goes to the end of its line: no backlog gets ahead of another by more than a drain.
 *   R2  After `turnBudgetMs` (or one turn, if that takes longer) the slow one whose turn it is, and then the ports go first, however
 *       long the lines are.
 *   R3  What has been decided leaves before a slow turn begins, and behind it: it is on its way meanwhile.
 */

import type { Clock } from '../core/clock.js';
import { Fifo } from '../core/fifo.js';
import type { Limits } from '../core/limits.js';

/** A turn that ends so many budgets late is long; a garbage collection now and then is not. */
const slowShare = 0.5;

/** Who has turns to be taken. */
export interface Drainable {
  /** Whether its turns are long beside the budget of a round; kept by the rounds. */
  isSlow: boolean;
  /** Takes turns, one at least, until the monotonic clock is at `endMs`. Says whether it is to be served again. */
  drain(endMs: number): boolean;
}

/** See the head of this file. */
export class Rounds {
  readonly #clock: Clock;
  readonly #budgetMs: number;
  readonly #line = new Fifo<Drainable>();
  readonly #slowLine = new Fifo<Drainable>();
  #isScheduled = false;
  #sendNow: () => void = () => {};

  constructor(clock: Clock, { turnBudgetMs }: Pick<Limits, 'turnBudgetMs'>) {
    this.#clock = clock;
    this.#budgetMs = turnBudgetMs;
  }

  /** What sends the answers and appends that turns have made and that wait for the end of the event loop's turn. */
  set sendNow(sendNow: () => void) {
    this.#sendNow = sendNow;
  }

  /** Puts one that is not in a line at the end of its line. */
  add(drainable: Drainable): void {
    this.#lineOf(drainable).push(drainable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(this.#go);
  }

  readonly #go = (): void => {
    let nowMs = this.#clock.monotonicMs();
    const endMs = nowMs + this.#budgetMs;
    // Who turns out to be slow in this round has had its turn.
    const hasSlow = this.#slowLine.size > 0;
    for (let left = this.#line.size; left > 0 && nowMs < endMs; left--) {
      nowMs = this.#serve(this.#line, endMs);
    }
    if (hasSlow) {
      this.#sendNow();
      this.#serve(this.#slowLine, nowMs + this.#budgetMs);
      this.#sendNow();
    }
    this.#isScheduled = this.#line.size > 0 || this.#slowLine.size > 0;
    if (this.#isScheduled) this.#clock.soon(this.#go);
  };

  /** Serves the first of a line; says when that was done. */
  #serve(line: Fifo<Drainable>, endMs: number): number {
    const next = line.shift();
    const isLeft = next?.drain(endMs) === true;
    const nowMs = this.#clock.monotonicMs();
    if (next !== undefined) {
      // No turn begins after `endMs`: what lies behind it was one.
      next.isSlow = nowMs - endMs > this.#budgetMs * slowShare;
      if (isLeft) this.#lineOf(next).push(next);
    }
    return nowMs;
  }

  #lineOf({ isSlow }: Drainable): Fifo<Drainable> {
    return isSlow ? this.#slowLine : this.#line;
  }
}
