/** What threads report to main while somebody listens: plain data, in batches. */

/** What a thread is asked to measure. With neither, it measures nothing and sends nothing. */
export interface Observed {
  /** The time of turns. */
  readonly turns: boolean;
  /** Commits, one by one. */
  readonly commits: boolean;
  /** Spans of traced commands. */
  readonly spans: boolean;
}

/** What is measured while nobody listens. */
export const nothingObserved: Observed = Object.freeze({ turns: false, commits: false, spans: false });

/** One transaction of the writer. */
export interface CommitFigures {
  readonly commands: number;
  readonly events: number;
  /** Milliseconds since the Unix epoch, with a fraction. */
  readonly startedAt: number;
  /** Until it was on disk. */
  readonly durationMs: number;
}

/** What becomes a span on main. */
export interface SpanRecord {
  readonly name: string;
  /** The span that it is a child of. */
  readonly traceparent: string;
  /** Milliseconds since the Unix epoch, with a fraction, comparable between threads. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** One batch of a thread. */
export interface Measurements {
  /** How long turns of commands took, each. */
  readonly turnsMs: readonly number[];
  readonly commits: readonly CommitFigures[];
  readonly spans: readonly SpanRecord[];
  /** Records over the bound since the batch before. */
  readonly spansDropped: number;
}
