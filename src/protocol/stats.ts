/** Figures that threads report. */

/** What the writer has done since it started. */
export interface WriterStats {
  /** Transactions. */
  readonly commits: number;
  /** Commands in them; `commands / commits` is the size of a group commit. */
  readonly commands: number;
  readonly events: number;
  /** Appends refused because their shard had lost the space. */
  readonly fenced: number;
  /** Requests that wait for the next transaction. */
  readonly queued: number;
}

/** What a shard holds and has done since it started. */
export interface ShardStats {
  /** Spaces that are open. */
  readonly openSpaces: number;
  /** Turns in mailboxes, and answers held back behind their commits. */
  readonly queuedTurns: number;
  readonly heldAnswers: number;
  /** Keys that are changed and not persisted yet. */
  readonly dirtyKeys: number;
  /** Turns decided. */
  readonly turns: number;
  /** Events applied when spaces were opened: those after their checkpoints. */
  readonly caughtUpEvents: number;
  /** Speculations thrown away after a failed commit. */
  readonly recoveries: number;
  /** Flushes of projections that failed and are tried again. */
  readonly flushFailures: number;
}
