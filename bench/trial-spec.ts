/** What crosses between the runner and the child process of a trial: plain JSON both ways. */

import type { WorkloadName } from './workloads.js';

/** Who is measured. */
export type SubjectName = 'ramax' | 'by hand' | 'naive' | 'raw';

/** What is measured: one subject under one workload. */
export interface Configuration {
  readonly workload: WorkloadName;
  readonly subject: SubjectName;
  /** Null for `raw`, which answers nobody. */
  readonly inFlight: number | null;
}

/** A phase ends at whichever comes first. */
export interface Bound {
  readonly countMax: number;
  readonly timeMsMax: number;
}

/** One trial. */
export interface TrialSpec extends Configuration {
  /** From 0. */
  readonly round: number;
  readonly seed: number;
  /** Where the trial makes its files; empty when it starts, removed afterwards by the runner. */
  readonly directory: string;
  /** Null leaves the choice to the runtime. */
  readonly shards: number | null;
  readonly warmUp: Bound;
  readonly measured: Bound;
}

/** Transactions, and the commands in them. */
export interface CommitCounts {
  readonly commits: number;
  readonly commands: number;
}

/** What a trial has found, all of it inside the measured phase unless it says otherwise. */
export interface TrialResult {
  readonly commands: number;
  readonly elapsedMs: number;
  /** User and system time of all threads of the process, the client's own included. */
  readonly cpuMicros: number;
  readonly committed: CommitCounts;
  /** An HdrHistogram of microseconds from call to answer, compressed, in base64; null where nobody is answered. */
  readonly latencies: string | null;
  /** Of the whole process, warm-up included. */
  readonly peakRssBytes: number;
  /** Commands acknowledged over the whole trial; as many events were then counted in the file. */
  readonly acknowledged: number;
}
