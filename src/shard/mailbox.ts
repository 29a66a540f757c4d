/**
 * The mailbox: the serialised, bounded queue of one space.
 *
 * Owns: the turns that are not decided yet, and the p-queue that runs one task of this space at a time.
 * Called by: the resident space, and the rounds of its shard.
 *
 * Nearly every turn can be taken at once: its space is open, has room, and the log need not be asked for it. Such turns are
 * taken in the rounds, without a promise. Whatever has to wait for something waits in a task of the p-queue, and so do
 * opening and closing; while there is such a task, no turn is taken beside it.
 *
 *   resting -> ready -> draining -> resting     ready: in the line of the rounds
 *                ^        |  |         ^
 *                +--------+  +-> preparing      preparing: in a task, until what the next turns wait for has come
 *
 * Invariants:
 *   M1  Turns are decided in the order in which they were posted.
 *   M2  One task or drain of a space runs at a time; it goes on for `turnBudgetMs` and 64 turns at most (or one turn, if that
 *       takes longer) and then lets the ports and the other spaces go first.
 *   M3  A task ends when its turns are decided, not when they are committed.
 */

import PQueue from 'p-queue';
import type { LiveSpace } from '../content-store/live-space.js';
import type { AnyTurn } from '../content-store/turn.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { Fifo } from '../core/fifo.js';
import type { Limits } from '../core/limits.js';
import type { Drainable, Rounds } from './rounds.js';

/** Turns that are prepared together, or taken in one drain; more would only delay the first, or the other spaces. */
const turnsPerDrainMax = 64;

/** What a mailbox is made of. */
export interface MailboxOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'mailboxTurnsMax' | 'turnBudgetMs'>;
  /** Shared by the mailboxes of a shard. */
  readonly rounds: Rounds;
  /** The space while it is open, and nothing is under way that opens or closes it. */
  readonly current: () => LiveSpace | undefined;
  /** Opens the space, or gives the open one. */
  readonly open: () => Promise<LiveSpace>;
}

/** See the head of this file. */
export class Mailbox implements Drainable {
  readonly #options: MailboxOptions;
  readonly #tasks = new PQueue({ concurrency: 1 });
  readonly #turns = new Fifo<AnyTurn>();
  #state: 'resting' | 'ready' | 'draining' | 'preparing' = 'resting';
  #decided = 0;
  isSlow = false;

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

  /** Called by the rounds. */
  drain(endMs: number): boolean {
    this.#state = 'draining';
    const space = this.#hasTasks ? undefined : this.#options.current();
    if (space !== undefined && this.#takeAtOnce(space, endMs)) {
      this.#state = 'ready';
      return true;
    }
    if (this.#turns.size > 0) this.#prepare();
    else this.#state = 'resting';
    return false;
  }

  get #hasTasks(): boolean {
    return this.#tasks.pending > 0 || this.#tasks.size > 0;
  }

  #schedule(): void {
    if (this.#state !== 'resting' || this.#turns.size === 0) return;
    this.#state = 'ready';
    this.#options.rounds.add(this);
  }

  /** Takes turns that wait for nothing. Says whether it stopped before the first that does. */
  #takeAtOnce(space: LiveSpace, endMs: number): boolean {
    const { clock } = this.#options;
    for (let taken = 1; ; taken++) {
      const turn = this.#turns.peek();
      if (turn === undefined || !space.takesAtOnce(turn)) return false;
      this.#turns.shift();
      space.take(turn);
      this.#decided++;
      if (taken === turnsPerDrainMax || clock.monotonicMs() >= endMs) return this.#turns.size > 0;
    }
  }

  #prepare(): void {
    this.#state = 'preparing';
    void this.#tasks.add(async () => {
      await this.#takePrepared();
      this.#state = 'resting';
      this.#schedule();
    });
  }

  async #takePrepared(): Promise<void> {
    let batch: readonly AnyTurn[] | undefined;
    try {
      const space = await this.#options.open();
      // Not before: what has come with the first turn in one message goes with it.
      batch = this.#turns.peekMany(turnsPerDrainMax);
      await space.prepare(batch);
      this.#take(space, batch);
    } catch (error) {
      const failure = asRamaxError(error, 'storage', 'the space cannot be opened');
      for (const turn of batch ?? this.#turns.peekMany(turnsPerDrainMax)) {
        if (this.#turns.peek() === turn) this.#turns.shift();
        turn.refuse(failure);
      }
    }
  }

  #take(space: LiveSpace, batch: readonly AnyTurn[]): void {
    const { clock, limits } = this.#options;
    const endMs = clock.monotonicMs() + limits.turnBudgetMs;
    for (const turn of batch) {
      if (!space.hasRoom || space.mustPrepare(turn)) return;
      this.#turns.shift();
      space.take(turn);
      this.#decided++;
      if (clock.monotonicMs() >= endMs) return;
    }
  }
}
