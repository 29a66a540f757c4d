/**
 * The recorder of a thread: gathers what is measured there and reports it to main in batches.
 *
 * Owns: the batch, and the timer that sends it. Called by: turns (shard), commits (writer), reactors; begun and ended by main, over
 * the call `observe` of its link, which stays open while anything is wanted.
 *
 * Invariants:
 *   O1  While nobody listens nothing is gathered, no timer is set and no message is sent; who measures asks `wants` before
 *       it reads a clock.
 *   O2  A batch has at most `figuresMax` figures and `spansMax` span records: figures over the bound go at once in a batch of their
 *       own, span records are dropped and counted.
 *   O3  What is recorded waits `batchMs` at most.
 */

import { type Clock, preciseNow, type Timer } from '../core/clock.js';
import {
  type CommitFigures,
  type Measurements,
  nothingObserved,
  type Observed,
  type SpanRecord,
} from './measurements.js';

/** Figures of one batch: some ten kilobytes. */
const figuresMax = 1_024;
/** Span records of one batch, so 5,000 in a second of a thread: whoever samples more has no use for them. */
export const spansMax = 1_024;
/** Long beside a commit, short beside the interval of any exporter. */
const batchMs = 200;

/** Who is reported to. */
export interface Listener {
  report(batch: Measurements): void;
  /** It is reported to no more. */
  answered(end: null): void;
}

/** See the head of this file. */
export class Recorder {
  readonly #clock: Clock;
  #listener: Listener | undefined;
  #timer: Timer | undefined;
  #turnsMs: number[] = [];
  #commits: CommitFigures[] = [];
  #spans: SpanRecord[] = [];
  #spansDropped = 0;
  /** What somebody listens to. */
  wants: Observed = nothingObserved;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reports to this listener from now on, and to the one before no more. */
  observe(wants: Observed, listener: Listener): void {
    this.flush();
    this.#listener?.answered(null);
    this.#listener = undefined;
    this.wants = wants;
    if (wants.turns || wants.commits || wants.spans) this.#listener = listener;
    else listener.answered(null);
  }

  /** The present moment in the time of span records. */
  now(): number {
    return preciseNow(this.#clock);
  }

  /** A command had its turn. */
  turn(durationMs: number): void {
    if (this.wants.turns) this.#gathered(this.#turnsMs.push(durationMs));
  }

  /** A transaction is on disk. */
  commit(figures: CommitFigures): void {
    if (this.wants.commits) this.#gathered(this.#commits.push(figures));
  }

  /** Something was done for a traced command. */
  span(record: SpanRecord): void {
    if (!this.wants.spans) return;
    if (this.#spans.length < spansMax) this.#spans.push(record);
    else this.#spansDropped++;
    this.#gathered(0);
  }

  /** Sends what is gathered. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = {
      turnsMs: this.#turnsMs,
      commits: this.#commits,
      spans: this.#spans,
      spansDropped: this.#spansDropped,
    };
    if (batch.turnsMs.length + batch.commits.length + batch.spans.length === 0) return;
    this.#turnsMs = [];
    this.#commits = [];
    this.#spans = [];
    this.#spansDropped = 0;
    this.#listener?.report(batch);
  }

  #gathered(figures: number): void {
    if (figures >= figuresMax) this.flush();
    else this.#timer ??= this.#clock.after(batchMs, () => this.flush());
  }
}
