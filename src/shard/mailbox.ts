/**
 * The mailbox: the serialised, bounded queue of one space.
 *
 * Owns: the turns that are not decided yet, and the p-queue that runs one task of this space at a time.
 * Called by: the resident space.
 *
 * Invariants:
 *   M1  Turns are decided in the order in which they were posted.
 *   M2  One task of a space runs at a time; it drains for `turnBudgetMs` at most (or one turn, if that takes longer)
 *       and then lets the ports and the other spaces go first.
 *   M3  A task ends when its turns are decided, not when they are committed.
 */

import PQueue from 'p-queue';
import type { LiveSpace } from '../content-store/live-space.js';
import type { AnyTurn } from '../content-store/turn.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { Fifo } from '../core/fifo.js';
import type { Limits } from '../core/limits.js';

/** Turns looked up in the log together; more would only delay the first. */
const preparedTogetherMax = 64;

/** What a mailbox is made of. */
export interface MailboxOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'mailboxTurnsMax' | 'turnBudgetMs'>;
  /** Opens the space, or gives the open one. */
  readonly open: () => Promise<LiveSpace>;
}

/** See the head of this file. */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #tasks = new PQueue({ concurrency: 1 });
  readonly #turns = new Fifo<AnyTurn>();
  #draining = false;
  #decided = 0;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Turns that wait to be decided. */
  get size(): number {
    return this.#turns.size;
  }

  /** Turns decided so far. */
  get decided(): number {
    return this.#decided;
  }

  /**
   * Queues a turn.
   *
   * @throws {RamaxError} `overloaded`
   */
  post(turn: AnyTurn): void {
    if (this.#turns.size >= this.#options.limits.mailboxTurnsMax) {
      throw new RamaxError('overloaded', `the mailbox of the space is full (${this.#turns.size} turns)`, {
        details: { mailboxTurnsMax: this.#options.limits.mailboxTurnsMax },
      });
    }
    this.#turns.push(turn);
    this.#schedule();
  }

  /** Runs `task` while no turn is being decided, after the task under way. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    return this.#tasks.add(task, { priority: 1 });
  }

  /** Refuses every turn that waits. */
  refuseAll(error: RamaxError): void {
    for (const turn of this.#turns.takeAll()) turn.refuse(error);
  }

  #schedule(): void {
    if (this.#draining || this.#turns.size === 0) return;
    this.#draining = true;
    void this.#tasks.add(() => this.#drain());
  }

  async #drain(): Promise<void> {
    let batch: readonly AnyTurn[] | undefined;
    try {
      const space = await this.#options.open();
      // Not before: what has come with the first turn in one message goes with it.
      batch = this.#turns.peekMany(preparedTogetherMax);
      await space.prepare(batch);
      this.#take(space, batch);
    } catch (error) {
      const failure = asRamaxError(error, 'storage', 'the space cannot be opened');
      for (const turn of batch ?? this.#turns.peekMany(preparedTogetherMax)) {
        if (this.#turns.peek() === turn) this.#turns.shift();
        turn.refuse(failure);
      }
    }
    this.#options.clock.soon(() => {
      this.#draining = false;
      this.#schedule();
    });
  }

  #take(space: LiveSpace, batch: readonly AnyTurn[]): void {
    const end = this.#options.clock.monotonicMs() + this.#options.limits.turnBudgetMs;
    for (const turn of batch) {
      if (!space.hasRoom) return;
      this.#turns.shift();
      space.take(turn);
      this.#decided++;
      if (this.#options.clock.monotonicMs() >= end) return;
    }
  }
}
