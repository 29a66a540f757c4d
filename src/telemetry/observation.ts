/**
 * The observation of a runtime, on main: between what happens there and whoever listens, on channels or by hooks.
 *
 * Owns: the hooks, and the knowledge of what threads are to measure. Called by: handles of spaces, the supervisor, the runtime.
 *
 * Invariants:
 *   V1  While nobody listens, a command costs the look `observesCommands`, and no object is made for it.
 *   V2  Whatever a hook throws reaches nobody but the count of failures. (What a subscriber of a channel throws, Node throws as an
 *       uncaught exception, as for all channels, and not to the caller.)
 *   V3  Threads measure what somebody listens to, no more. Whether `ramax:commit` has subscribers is looked at with each command.
 */

import { type Channels, noChannels } from './channels.js';
import { type Measurements, nothingObserved, type Observed } from './measurements.js';
import type {
  CallObserver,
  ObservedCommand,
  ObservedResult,
  ObservedUpkeep,
  TelemetryHooks,
  TelemetryStats,
} from './telemetry.js';

/** See the head of this file. */
export class Observation {
  readonly #hooks: TelemetryHooks | undefined;
  readonly #counts = { spansDropped: 0, failures: 0 };
  #hasCommitSubscribers: boolean;
  #isClosed = false;
  readonly channels: Channels;
  /** What threads are to measure has changed. */
  onChange: (observed: Observed) => void = () => {};

  constructor(channels: Channels = noChannels, hooks?: TelemetryHooks) {
    this.channels = channels;
    this.#hooks = hooks;
    this.#hasCommitSubscribers = channels.commit.hasSubscribers;
  }

  get stats(): TelemetryStats {
    return { ...this.#counts };
  }

  /** What threads are to measure, or undefined: nothing. */
  get observed(): Observed | undefined {
    const { turns, commits, spans } = this.#hooks?.observes ?? nothingObserved;
    const observed = { turns, spans, commits: commits || this.#hasCommitSubscribers };
    return observed.turns || observed.commits || observed.spans ? observed : undefined;
  }

  /** Whether `command` must be asked to run the next one. */
  get observesCommands(): boolean {
    const { command, commit } = this.channels;
    return (
      this.#hooks !== undefined ||
      command.hasSubscribers ||
      commit.hasSubscribers !== this.#hasCommitSubscribers
    );
  }

  /** Runs a command while it is observed. */
  command<Result extends ObservedResult>(
    facts: ObservedCommand,
    run: (traceparent: string | undefined) => Promise<Result>,
  ): Promise<Result> {
    this.#lookAtCommits();
    const observer = this.#guarded(() => this.#hooks?.command?.(facts));
    const { command } = this.channels;
    const runTraced = (): Promise<Result> => run(observer?.traceparent);
    const answer = command.hasSubscribers ? command.trace({ ...facts }, runTraced) : runTraced();
    if (observer !== undefined) this.#tell(observer, answer);
    return answer;
  }

  /** Runs a rebuild or a migration while it is observed. */
  upkeep<Result>({ kind, ...facts }: ObservedUpkeep, run: () => Promise<Result>): Promise<Result> {
    const observer = this.#guarded(() => this.#hooks?.upkeep?.({ kind, ...facts }));
    const channel = this.channels[kind];
    const answer = channel.hasSubscribers ? channel.trace(facts, run) : run();
    if (observer !== undefined) this.#tell(observer, answer);
    return answer;
  }

  /** A thread has reported. */
  measured(batch: Measurements): void {
    this.#counts.spansDropped += batch.spansDropped;
    const { commit } = this.channels;
    if (commit.hasSubscribers) for (const figures of batch.commits) commit.publish(figures);
    this.#guarded(() => this.#hooks?.measured?.(batch));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#guarded(() => this.#hooks?.close?.());
  }

  #lookAtCommits(): void {
    const { hasSubscribers } = this.channels.commit;
    if (hasSubscribers === this.#hasCommitSubscribers) return;
    this.#hasCommitSubscribers = hasSubscribers;
    this.onChange(this.observed ?? nothingObserved);
  }

  #tell<Result>(observer: CallObserver<Result>, answer: Promise<Result>): void {
    answer.then(
      (result) => this.#guarded(() => observer.answered(result)),
      (error: unknown) => this.#guarded(() => observer.failed(error)),
    );
  }

  #guarded<T>(hook: () => T): T | undefined {
    try {
      return hook();
    } catch {
      this.#counts.failures++;
      return undefined;
    }
  }
}
