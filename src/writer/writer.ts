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
import { asRamaxError, isDamageOf, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { Line } from '../core/line.js';
import { SteadyTime } from '../core/steady-time.js';
import type { Vitals } from '../core/vitals.js';
import type {
  BackupProgress,
  CursorWrite,
  LogStore,
  LogWrite,
  LogWriteOutcome,
  ParkWrite,
} from '../event-store/port.js';
import type { CommitNotice, SpaceChange } from '../protocol/links.js';
import type { WriterStats } from '../protocol/stats.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { Recorder } from '../telemetry/recorder.js';
import { CommitListeners } from './commit-listeners.js';
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
  /** Where commits are measured while somebody listens. Default: nobody ever does. */
  readonly recorder?: Recorder | undefined;
}

/** Who asked for a backup. */
interface BackupServing {
  readonly cancelled: boolean;
  report(progress: BackupProgress): void;
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
  readonly #recorder: Recorder | undefined;
  readonly #generations: Generations;
  #queue: QueuedWrite[] = [];
  readonly #transactions = new Line();
  readonly #listeners = new CommitListeners();
  #running = false;
  #isDrained = false;
  /** What is asked for and has not begun. */
  #scrubbing: Promise<void> | undefined;
  #scrubBytes = 0;
  #isDraining = false;
  #backup: Promise<void> | undefined;
  #failure: RamaxError | undefined;
  /** When the earliest is due of the timers that main does not know of. */
  #scheduled: number | undefined;
  #onScheduled: () => void = () => {};
  readonly #idleWaiters: (() => void)[] = [];
  /** See `WriterStats`. */
  readonly #batchSizes: number[] = [];
  readonly #stats = { commits: 0, commands: 0, events: 0, fenced: 0 };

  constructor({ log, clock, limits, onFailure, vitals, recorder }: WriterOptions) {
    this.#vitals = vitals;
    this.#recorder = recorder;
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
    return {
      ...this.#stats,
      batchSizes: [...this.#batchSizes],
      queued: this.#queue.length,
      log: this.#log.health,
    };
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
    const head = await this.#orFail(() => this.#log.spaceHead(spaceId), spaceId);
    const space = await this.#orFail(() => this.#log.findSpaceById(spaceId));
    if (head === undefined || space === undefined) throw spaceNotFound(spaceId);
    return { generation, head, encryption: space.settings.encryption };
  }

  /** Changes the registry of spaces in the next transaction. */
  async changeSpace(change: SpaceChange): Promise<LogWriteOutcome> {
    const outcome = await new Promise<LogWriteOutcome>((settle) => {
      this.#enqueue({ write: change, generation: undefined, settle });
    });
    if (outcome.kind === 'marked' && change.kind === 'markSpaceDeleted')
      this.#generations.close(change.spaceId);
    if (outcome.kind === 'space' && change.kind === 'publishDraft' && change.replaces !== undefined)
      this.#generations.close(change.replaces);
    return outcome;
  }

  /** See `WriterCalls.timersScheduled`. One caller at a time: main. */
  async timersScheduled(
    ownerGeneration: number,
  ): Promise<{ readonly ownerGeneration: number; readonly dueAt: number }> {
    const own = this.#log.ownerGeneration;
    if (ownerGeneration !== own) {
      // It looks for itself, and sees all that was committed until now.
      this.#scheduled = undefined;
      return { ownerGeneration: own, dueAt: 0 };
    }
    while (this.#scheduled === undefined) {
      await new Promise<void>((resolve) => {
        this.#onScheduled = resolve;
      });
    }
    const dueAt = this.#scheduled;
    this.#scheduled = undefined;
    return { ownerGeneration: own, dueAt };
  }

  #noteScheduled(): void {
    const dueAt = this.#log.takeScheduled();
    if (dueAt === undefined) return;
    this.#scheduled = Math.min(dueAt, this.#scheduled ?? dueAt);
    this.#onScheduled();
  }

  /**
   * Tells of every transaction that changes what readers see, from now on, when it is durable; and once at once, for what was
   * committed before. While nobody listens, it costs nothing.
   */
  onCommit(listener: (notice: CommitNotice) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Writes a cursor in the next transaction. */
  writeCursor(write: CursorWrite | ParkWrite): Promise<LogWriteOutcome> {
    return new Promise((settle) => this.#enqueue({ write, generation: undefined, settle }));
  }

  /** Removes a space that is marked as deleted, a bounded number of rows between two transactions at a time. */
  async purgeSpace(spaceId: number): Promise<void> {
    await this.#inChunks(() => this.#log.purgeSpace(spaceId, this.#limits.purgeRowsMax));
    // It may have been a draft, before which readers of all spaces have waited.
    this.#listeners.changed(spaceId);
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

  /**
   * Copies the log as it is at the end of the copy into a file, some pages between two transactions at a time. One at a time.
   *
   * @throws {RamaxError} `unsupported`, `overloaded` while another one is made, `aborted`, `closed`, `storage`
   */
  async backup(file: string, serving: BackupServing): Promise<void> {
    this.#assertAlive();
    const { backup } = this.#log;
    if (backup === undefined) throw new RamaxError('unsupported', 'this storage has no backups');
    if (this.#backup !== undefined) throw new RamaxError('overloaded', 'a backup is being made already');
    const isStopped = (): boolean => serving.cancelled || this.#isDraining || this.#failure !== undefined;
    this.#backup = backup.call(this.#log, file, {
      report: (progress) => serving.report(progress),
      isStopped,
    });
    try {
      await this.#backup;
    } catch (error) {
      if (this.#isDraining) throw new RamaxError('closed', 'the writer has drained', { cause: error });
      throw error;
    } finally {
      this.#backup = undefined;
    }
  }

  /** Resolves when everything that was asked for is committed and the log is left alone; a deletion ends where it is. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#backup?.catch(() => {});
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

  /** A log that fails in any other work has failed for commits, too (T4); but what is damaged of one space is no failure of it. */
  async #orFail<T>(work: () => Promise<T>, spaceId?: number): Promise<T> {
    this.#assertAlive();
    try {
      return await work();
    } catch (error) {
      if (spaceId !== undefined && isDamageOf(error, spaceId)) throw error;
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
    const startedAt = this.#isObserved ? this.#recorder?.now() : undefined;
    try {
      const outcomes = await this.#log.commit(group.map(({ write }) => write));
      this.#noteScheduled();
      this.#count(group);
      if (startedAt !== undefined) recordCommit(this.#recorder, group, startedAt);
      for (let index = 0; index < group.length; index++) {
        const outcome = outcomes[index];
        assert(outcome !== undefined, 'every request of a batch has an outcome');
        group[index]?.settle(outcome);
      }
      this.#listeners.committed(group, outcomes);
    } catch (error) {
      this.#fail(asRamaxError(error, 'storage', 'the commit is in doubt'));
    }
  }

  get #isObserved(): boolean {
    const wants = this.#recorder?.wants;
    return wants !== undefined && (wants.commits || wants.spans);
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

/** A commit, and a span for each traced command in it. Transactions of the registry alone are none. */
function recordCommit(
  recorder: Recorder | undefined,
  group: readonly QueuedWrite[],
  startedAt: number,
): void {
  if (recorder === undefined) return;
  const appends = group.flatMap(({ write }) => (write.kind === 'append' ? (write as FencedAppend) : []));
  if (appends.length === 0) return;
  const endedAt = recorder.now();
  const commands = appends.length;
  const events = appends.reduce((sum, append) => sum + append.events.length, 0);
  recorder.commit({ commands, events, startedAt, durationMs: endedAt - startedAt });
  const attributes = { 'ramax.commit.commands': commands, 'ramax.commit.events': events };
  for (const { traceparent } of appends) {
    if (traceparent === undefined) continue;
    recorder.span({ name: 'ramax.commit', traceparent, startedAt, endedAt, attributes });
  }
}

function fencedError(spaceId: number): RamaxError {
  return new RamaxError('fenced', `space ${spaceId} has a newer owner`, { details: { spaceId } });
}
