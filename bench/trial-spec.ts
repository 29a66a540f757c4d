/** What crosses between the runner and the child process of a trial: plain JSON both ways. */

import type { Configuration, History } from './configuration.js';
import type { Sizes } from './sizes.js';

/** A phase ends at whichever comes first. */
export interface Bound {
  readonly countMax: number;
  readonly timeMsMax: number;
}

/** What every child process is told. */
interface ChildSpec {
  /** Where the child makes its files, or finds its history; removed afterwards by the runner. */
  readonly directory: string;
  readonly sizes: Sizes;
  /** Null leaves the choice to the runtime. */
  readonly shards: number | null;
}

/** One trial. */
export interface TrialSpec extends ChildSpec {
  readonly task: 'trial';
  readonly configuration: Configuration;
  readonly seed: number;
  readonly warmUp: Bound;
  readonly measured: Bound;
}

/** The making of a history. */
export interface HistorySpec extends ChildSpec {
  readonly task: 'history';
  readonly history: History;
}

/** Transactions, and the commands in them. */
export interface CommitCounts {
  readonly commits: number;
  readonly commands: number;
}

/** Every figure that a trial can find, with its unit at the end of its name. */
export type FigureName =
  | 'perSecond'
  | 'offeredPerSecond'
  | 'p50Micros'
  | 'p99Micros'
  | 'p999Micros'
  | 'maxMicros'
  | 'cpuMicros'
  | 'perTransaction'
  | 'elapsedMs'
  | 'readyMs'
  | 'firstAnswerMs'
  | 'coldP50Ms'
  | 'coldP99Ms'
  | 'coldMaxMs'
  | 'bytesPerSpace'
  | 'secondQuarterBytes'
  | 'lastQuarterBytes'
  | 'createSpaceMs'
  | 'findByNameMs'
  | 'appendMs'
  | 'rebuild1kMs'
  | 'rebuild10kMs'
  | 'getManyMs'
  | 'putManyMs'
  | 'preloadMs'
  | 'firstMigratedReadMs'
  | 'secondMigratedReadMs'
  | 'warmGetPerSecond'
  | 'coldGetPerSecond';

export type Figures = Readonly<Partial<Record<FigureName, number>>>;

/** What a trial has found, all of it inside the measured phase unless it says otherwise. */
export interface TrialResult {
  readonly figures: Figures;
  /** An HdrHistogram of microseconds from call to answer, compressed, in base64; null where nobody is answered. */
  readonly latencies: string | null;
  /** Of the whole process, warm-up included. */
  readonly peakRssBytes: number;
}
