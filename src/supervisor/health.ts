/** The health of a runtime: what a probe asks, and what a person looks at first. */

import type { Clock } from '../core/clock.js';
import type { ErrorData, RamaxError } from '../core/errors.js';
import type { LogHealth, LogReader } from '../event-store/port.js';
import type { ReactorFigures, Repairs, ShardHealth, ViewProblem, WriterStats } from '../protocol/stats.js';
import type { LookupHealth } from './lookup-filling.js';
import type { RefusedCall } from './quarantine.js';
import type { Supervisor } from './supervisor.js';
import type { TimerHealth } from './timers.js';

/** How long a thread may take to say how it is. */
const answerMsMax = 2_000;
const problemsShownMax = 100;

/** One thread. */
export interface ThreadHealth {
  /** It is up and has answered within two seconds. */
  readonly isAnswering: boolean;
  /** How often it was started again. */
  readonly restarts: number;
}

/** See the head of this file. */
export interface RamaxHealth {
  /**
   * `ok`; `degraded`: a thread does not answer (its calls wait until it does), nothing can be written (`writer.trouble`), a
   * view has stopped, or the lookups or the witness of the log cannot be written; `failed`: the runtime has stopped, and
   * `failure` says why; `closed`.
   */
  readonly status: 'ok' | 'degraded' | 'failed' | 'closed';
  readonly failure: ErrorData | undefined;
  readonly writer: ThreadHealth & {
    /** Why nothing can be written at present: a full disk, say. It is tried again and again; reads go on. */
    readonly trouble: ErrorData | undefined;
  };
  readonly shards: readonly ThreadHealth[];
  /**
   * How the log is kept: what a commit survives, what was lost before this runtime was started (which changes no status), and why
   * its witness cannot be written. While the writer does not answer, as it was when the log was opened.
   */
  readonly log: LogHealth;
  /** What helps reads by entity and by tags. Answers are right without it, and slower. */
  readonly lookups: LookupHealth;
  /**
   * Calls, and events of views, that have ended their shard three times and are refused until the process ends: the latest, at
   * most 1,000. A warning: nothing else waits for them.
   */
  readonly refused: readonly RefusedCall[];
  readonly views: {
    /** Views of open spaces that have stopped. */
    readonly stopped: number;
    /** Views whose projections are other ones than those that made them, under the same version: a warning. */
    readonly changed: number;
    /** Views that are being filled. */
    readonly building: number;
    /** Those that have stopped or were changed, at most 100. */
    readonly problems: readonly ViewProblem[];
  };
  /**
   * What was found damaged of the stored projections and made again from the log, since the threads of the shards have begun. Nothing is lost
   * by it, so it is no trouble by itself; a disk that damages what it stores is (see `verify`).
   */
  readonly repairs: Repairs;
  /** Timers that are due and wait: no trouble of the runtime, but somebody may miss them. */
  readonly timers: TimerHealth;
  /** Each reactor of the app: how far it is behind, and how many events it has parked. A warning: it changes no status. */
  readonly reactors: readonly ReactorHealth[];
}

/** One reactor over all spaces. */
export interface ReactorHealth extends ReactorFigures {
  /** Events that it has parked; undefined while the log cannot be read. */
  readonly parked: number | undefined;
}

/**
 * Asks every thread how it is.
 *
 * Invariant: a thread that does not answer is not asked again before it does, so that probes do not pile up before it.
 */
export class HealthProbe {
  readonly #supervisor: Supervisor;
  readonly #clock: Clock;
  readonly #timers: () => TimerHealth;
  /** Questions without an answer, by thread. */
  readonly #asked = new Map<string, Promise<unknown>>();

  constructor(supervisor: Supervisor, clock: Clock, timers: () => TimerHealth) {
    this.#timers = timers;
    this.#supervisor = supervisor;
    this.#clock = clock;
  }

  /** Never rejects. */
  async health(closed: RamaxError | undefined): Promise<RamaxHealth> {
    const { writer, shards } = this.#supervisor;
    const [writerAnswer, ...shardAnswers] =
      (closed ?? this.#supervisor.failure) === undefined
        ? await Promise.all([
            this.#ask('writer', () => writer.call('stats', null)),
            ...shards.map((shard, index) =>
              this.#ask(`shard ${index}`, () => shard.call('health', null).answer),
            ),
          ])
        : [undefined, ...shards.map(() => undefined)];
    const counts =
      this.#supervisor.app.reactors.length === 0 || writerAnswer === undefined
        ? undefined
        : await this.#ask('parked', () => this.#supervisor.log.parkedCounts());
    const all = summary(this.#supervisor, closed, writerAnswer, shardAnswers, counts);
    return { ...all, timers: this.#timers() };
  }

  /** The answer, or undefined when there is none in time. */
  async #ask<T>(thread: string, question: () => Promise<T>): Promise<T | undefined> {
    const answer =
      (this.#asked.get(thread) as Promise<T> | undefined) ??
      question().finally(() => this.#asked.delete(thread));
    this.#asked.set(thread, answer);
    const timeIsUp = new Promise<undefined>((resolve) => {
      const timer = this.#clock.after(answerMsMax, () => resolve(undefined));
      answer.catch(() => {}).finally(() => timer.cancel());
    });
    return Promise.race([answer.catch(() => undefined), timeIsUp]);
  }
}

function summary(
  {
    restarts,
    failure,
    logHealth,
    writerTrouble,
    lookups: { health: lookups },
    quarantine: { refused },
    app,
  }: Supervisor,
  closed: RamaxError | undefined,
  writer: WriterStats | undefined,
  shards: readonly (ShardHealth | undefined)[],
  counts: Awaited<ReturnType<LogReader['parkedCounts']>> | undefined,
): Omit<RamaxHealth, 'timers'> {
  const views = { stopped: 0, changed: 0, building: 0, problems: [] as ViewProblem[] };
  const repairs = { views: 0, files: 0 };
  for (const shard of shards) {
    if (shard === undefined) continue;
    views.stopped += shard.stopped;
    views.changed += shard.changed;
    views.building += shard.building;
    repairs.views += shard.repairs.views;
    repairs.files += shard.repairs.files;
    views.problems.push(...shard.problems.slice(0, problemsShownMax - views.problems.length));
  }
  const log = { ...(writer?.log ?? logHealth), lost: logHealth.lost };
  const isAnswering = writer !== undefined && shards.every((shard) => shard !== undefined);
  const isWritten = lookups.failure === undefined && log.witnessFailure === undefined;
  const isWell = isAnswering && views.stopped === 0 && isWritten;
  return {
    status: failure !== undefined ? 'failed' : closed !== undefined ? 'closed' : isWell ? 'ok' : 'degraded',
    failure: failure?.toData(),
    writer: {
      isAnswering: writer !== undefined,
      restarts: restarts.writer,
      trouble: writerTrouble?.toData(),
    },
    shards: shards.map((shard, index) => ({
      isAnswering: shard !== undefined,
      restarts: restarts.shards[index] ?? 0,
    })),
    log,
    lookups,
    refused,
    views,
    repairs,
    reactors: reactorHealth(app.reactors, shards, counts),
  };
}

function reactorHealth(
  reactors: readonly { readonly name: string }[],
  shards: readonly (ShardHealth | undefined)[],
  counts: Awaited<ReturnType<LogReader['parkedCounts']>> | undefined,
): readonly ReactorHealth[] {
  return reactors.map(({ name: reactor }) => {
    const of = { reactor, spaces: 0, waiting: 0, stopped: 0, lagMax: 0 };
    for (const figures of shards.flatMap((shard) => shard?.reactors ?? [])) {
      if (figures.reactor !== reactor) continue;
      of.spaces += figures.spaces;
      of.waiting += figures.waiting;
      of.stopped += figures.stopped;
      of.lagMax = Math.max(of.lagMax, figures.lagMax);
    }
    const parked = counts && (counts.find((count) => count.reactor === reactor)?.parked ?? 0);
    return { ...of, parked };
  });
}
