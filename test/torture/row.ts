/**
 * A row of the torture suite: one kind of trouble, tried many times, each trial with a seed of its own. Rows are run by
 * `run-rows.ts`, from the command line (`main.ts`) and from the ordinary tests.
 *
 * Invariants: trial n of a run with seed s is the trial of seed s + n, so a seed that failed is run again alone with
 * `trials: 1`. A row ends by itself, and ends only processes that it has started, by their pid. A control plants a bug or
 * weakens the engine: one that yields no violation fails the row, because a check that finds nothing proves nothing.
 */

/** What a run of a row is given. */
export interface RowOptions {
  /** How many trials; what one trial is stands in `Row.unit`. */
  readonly trials: number;
  /** The seed of the first trial. */
  readonly seed: number;
  /** Told how far it is, now and then. */
  readonly report: (progress: string) => void;
}

/** One broken promise. */
export interface Violation {
  /** The trial's seed. */
  readonly seed: number;
  readonly what: string;
}

/** What came of a run. */
export interface RowOutcome {
  readonly trials: number;
  /** Faults that were injected: kills, deaths of threads, hostile calls, damaged files. */
  readonly faults: number;
  /** Commands with an ok answer, all of which were looked for. */
  readonly acknowledged: number;
  readonly violations: readonly Violation[];
  /** Facts for the reader that are no violation. */
  readonly notes?: readonly string[];
}

/** A planted bug, or an engine that was weakened: must be found. */
export interface Control {
  /** What is wrong, in words. */
  readonly name: string;
  /** What the violation must say. */
  readonly found: RegExp;
  run(options: Pick<RowOptions, 'seed' | 'report'>): Promise<RowOutcome>;
}

/** See the head of this file. */
export interface Row {
  readonly name: string;
  /** What it does, in one line. */
  readonly what: string;
  /** What one trial is: `kills`, `seconds`, `seeds` … */
  readonly unit: string;
  /** Trials in the ordinary tests; 0: not run there. */
  readonly ciTrials: number;
  readonly fullTrials: number;
  run(options: RowOptions): Promise<RowOutcome>;
  readonly controls: readonly Control[];
}

/** Outcomes of several runs as one. */
export function sumOf(outcomes: readonly RowOutcome[]): RowOutcome {
  const total = (of: (outcome: RowOutcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
  return {
    trials: total(({ trials }) => trials),
    faults: total(({ faults }) => faults),
    acknowledged: total(({ acknowledged }) => acknowledged),
    violations: outcomes.flatMap(({ violations }) => violations),
    notes: outcomes.flatMap(({ notes = [] }) => notes),
  };
}
