/**
 * The writer: the one place that commits. It gathers what has arrived while the last transaction was syncing, commits
 * it as one, and acknowledges.
 *
 * Owns: the log store, the queue of requests, the generations of spaces.
 * Called by: shards (appends) and main (registry), through `serve-writer.ts`.
 *
 * Invariants:
 *   T1  Nothing is acknowledged before its transaction is durable.
 *   T2  The requests of one space are committed in the order in which they came, and so are those of the registry; where more
 *       waits than one transaction takes, each space has its share of it.
 *   T3  An append with a stale generation is refused, and the check is made when the transaction is put together, so
 *       that everything older than an `openSpace` is committed before its answer, or never.
 *   T4  A commit that fails is in doubt: nothing is answered, the writer is finished, and its thread ends. The
 *       requesters settle by the log once a new writer has opened it.
 *   T5  The log does one thing at a time: a transaction, or a chunk of a deletion.
 */

import type { Appended, FencedAppend, OpenedSpace } from '../content-store/log-link.js';
import type { Answerable } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import { type Clock, yieldToPorts } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { Line } from '../core/line.js';
import { SteadyTime } from '../core/steady-time.js';
import type { Vitals } from '../core/vitals.js';
import type {
  CreateSpaceRequest,
  LogStore,
  LogWrite,
  LogWriteOutcome,
  MarkSpaceDeletedRequest,
  UpdateSpaceRequest,
} from '../event-store/port.js';
import type { WriterStats } from '../protocol/stats.js';
import { spaceNotFound } from '../space/space-errors.js';
import { gather } from './gather.js';
import { Generations } from './generations.js';

/** What a writer is made of. */
export interface WriterOptions {
  readonly log: LogStore;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The writer is finished (T4): its thread must end. */
  readonly onFailure: (error: RamaxError) => void;
  readonly vitals?: Vitals | undefined;
}

/** A request that waits for its transaction. */
interface QueuedWrite {
  readonly write: LogWrite;
  /** Undefined for registry requests, which are not fenced. */
  readonly generation: number | undefined;
  settle(outcome: LogWriteOutcome): void;
}

class QueuedAppend implements QueuedWrite {
  readonly write: FencedAppend;
  readonly #waiter: Answerable<Appended>;

  constructor(append: FencedAppend, waiter: Answerable<Appended>) {
    this.write = append;
    this.#waiter = waiter;
  }

  get generation(): number {
    return this.write.generation;
  }

  settle(outcome: LogWriteOutcome): void {
    if (outcome.kind === 'refused') {
      this.#waiter.failed(RamaxError.fromData(outcome.error));
      return;
    }
    assert(outcome.kind === 'appended', 'an append is answered as one');
    const { firstEventId, spaceSequence } = outcome;
    this.#waiter.answered({ firstEventId, spaceSequence });
  }
}

/** See the head of this file. */
export class Writer {
  readonly #log: LogStore;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #limits: Limits;
  readonly #onFailure: (error: RamaxError) => void;
  readonly #vitals: Vitals | undefined;
  readonly #generations: Generations;
  #queue: QueuedWrite[] = [];
  readonly #transactions = new Line();
  #running = false;
  #isDrained = false;
  /** What is asked for and has not begun. */
  #scrubbing: Promise<void> | undefined;
  #scrubBytes = 0;
  #failure: RamaxError | undefined;
  readonly #idleWaiters: (() => void)[] = [];
  /** See `WriterStats`. */
  readonly #batchSizes: number[] = [];
  readonly #stats = { commits: 0, commands: 0, events: 0, fenced: 0 };

  constructor({ log, clock, limits, onFailure, vitals }: WriterOptions) {
    this.#vitals = vitals;
    this.#log = log;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#limits = limits;
    this.#onFailure = onFailure;
    this.#generations = new Generations(log.ownerGeneration);
  }

  get log(): LogStore {
    return this.#log;
  }

  get stats(): WriterStats {
    return { ...this.#stats, batchSizes: [...this.#batchSizes], queued: this.#queue.length };
  }

  /**
   * Appends in the next transaction. Never answers when that is in doubt.
   *
   * @throws {RamaxError} `unavailable` when the writer has failed
   */
  append(append: FencedAppend, waiter: Answerable<Appended>): void {
    this.#enqueue(new QueuedAppend(append, waiter));
  }

  /** Gives the space to a new owner, behind everything that an earlier one has committed. */
  async openSpace(spaceId: number): Promise<OpenedSpace> {
    this.#assertAlive();
    const generation = this.#generations.raise(spaceId);
    await this.#transactions.done();
    const head = await this.#orFail(() => this.#log.spaceHead(spaceId));
    const space = await this.#orFail(() => this.#log.findSpaceById(spaceId));
    if (head === undefined || space === undefined) throw spaceNotFound(spaceId);
    return { generation, head, encryption: space.settings.encryption };
  }

  /** Changes the registry of spaces in the next transaction. */
  async changeSpace(
    change: CreateSpaceRequest | UpdateSpaceRequest | MarkSpaceDeletedRequest,
  ): Promise<LogWriteOutcome> {
    const outcome = await new Promise<LogWriteOutcome>((settle) => {
      this.#enqueue({ write: change, generation: undefined, settle });
    });
    if (outcome.kind === 'marked' && change.kind === 'markSpaceDeleted')
      this.#generations.close(change.spaceId);
    return outcome;
  }

  /** Removes a space that is marked as deleted, a bounded number of rows between two transactions at a time. */
  async purgeSpace(spaceId: number): Promise<void> {
    await this.#inChunks(() => this.#log.purgeSpace(spaceId, this.#limits.purgeRowsMax));
  }

  /**
   * Leaves nothing of what was deleted in the files. All that ask for it before it begins get one and the same. It fails alone: the
   * log is as it was.
   */
  scrub(rewriteBytesMax: number): Promise<void> {
    this.#assertAlive();
    this.#scrubBytes = Math.max(this.#scrubBytes, rewriteBytesMax);
    this.#scrubbing ??= this.#transactions.run(() => {
      const bytesMax = this.#scrubBytes;
      this.#scrubbing = undefined;
      this.#scrubBytes = 0;
      // It may be a file of many gigabytes, written anew in one piece: that is no hang.
      this.#vitals?.worksLong();
      return this.#log.scrub(bytesMax).finally(() => this.#vitals?.rests());
    });
    return this.#scrubbing;
  }

  /** Forgets command ids that are older than their retention. */
  async pruneCommands(): Promise<void> {
    const before = Math.trunc(this.#time.earliest()) - this.#limits.commandRetentionMs;
    await this.#inChunks(() => this.#log.pruneCommands(before, this.#limits.purgeRowsMax));
  }

  /** Resolves when everything that was asked for is committed and the log is left alone; a deletion ends where it is. */
  async drain(): Promise<void> {
    while (this.#running && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
    this.#isDrained = true;
    await this.#transactions.done();
  }

  async #inChunks(chunk: () => Promise<{ readonly done: boolean }>): Promise<void> {
    while (!this.#isDrained) {
      if ((await this.#transactions.run(() => this.#orFail(chunk))).done) return;
      await yieldToPorts(this.#clock);
    }
    throw new RamaxError('closed', 'the writer has drained');
  }

  /** A log that fails in any other work has failed for commits, too (T4). */
  async #orFail<T>(work: () => Promise<T>): Promise<T> {
    this.#assertAlive();
    try {
      return await work();
    } catch (error) {
      const failure = asRamaxError(error, 'storage', 'the log failed');
      this.#fail(failure);
      throw failure;
    }
  }

  #enqueue(queued: QueuedWrite): void {
    this.#assertAlive();
    this.#queue.push(queued);
    if (this.#running) return;
    this.#running = true;
    // At the end of the turn of the event loop: the rest of the message that brought this one joins the group.
    this.#clock.soon(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && this.#failure === undefined) {
      await this.#transactions.run(() => this.#commitNext());
      await yieldToPorts(this.#clock);
    }
    this.#running = false;
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  async #commitNext(): Promise<void> {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    try {
      const outcomes = await this.#log.commit(group.map(({ write }) => write));
      this.#count(group);
      for (let index = 0; index < group.length; index++) {
        const outcome = outcomes[index];
        assert(outcome !== undefined, 'every request of a batch has an outcome');
        group[index]?.settle(outcome);
      }
    } catch (error) {
      this.#fail(asRamaxError(error, 'storage', 'the commit is in doubt'));
    }
  }

  /** The next group, without those that another owner has overtaken: they are refused here. */
  #takeGroup(): readonly QueuedWrite[] {
    const { group, rest } = gather(this.#queue, this.#limits);
    this.#queue = rest;
    return group.filter((queued) => {
      const { write, generation } = queued;
      if (write.kind !== 'append' || generation === undefined) return true;
      if (this.#generations.isCurrent(write.spaceId, generation)) return true;
      this.#stats.fenced++;
      queued.settle({ kind: 'refused', error: fencedError(write.spaceId).toData() });
      return false;
    });
  }

  #count(group: readonly QueuedWrite[]): void {
    let commands = 0;
    for (const { write } of group) {
      if (write.kind !== 'append') continue;
      commands++;
      this.#stats.events += write.events.length;
    }
    this.#stats.commits++;
    this.#stats.commands += commands;
    if (commands > 0) this.#countBatch(Math.floor(Math.log2(commands)));
  }

  #countBatch(power: number): void {
    while (this.#batchSizes.length <= power) this.#batchSizes.push(0);
    this.#batchSizes[power] = (this.#batchSizes[power] ?? 0) + 1;
  }

  #fail(error: RamaxError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#queue = [];
    this.#onFailure(error);
  }

  #assertAlive(): void {
    if (this.#failure === undefined) return;
    throw new RamaxError('unavailable', `the writer has failed: ${this.#failure.message}`, {
      cause: this.#failure,
      details: { writerHasFailed: true },
    });
  }
}

function fencedError(spaceId: number): RamaxError {
  return new RamaxError('fenced', `space ${spaceId} has a newer owner`, { details: { spaceId } });
}
