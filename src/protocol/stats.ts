/** Figures that threads report. */

import type { ViewStatus } from '../content-store/view-status.js';
import type { MigrationCounts } from '../content-store/write-back.js';
import type { LogHealth } from '../event-store/port.js';
import type { ValueCacheStats } from '../pstate/value-cache.js';

/** What the writer has done since it started. */
export interface WriterStats {
  /** Transactions. */
  readonly commits: number;
  /** Commands in them; `commands / commits` is the size of a group commit. */
  readonly commands: number;
  readonly events: number;
  /**
   * How large the group commits were: `batchSizes[n]` transactions had from 2^n to 2^(n+1) - 1 commands; those of the
   * registry alone are not counted.
   */
  readonly batchSizes: readonly number[];
  /** Appends refused because their shard had lost the space. */
  readonly fenced: number;
  /** Requests that wait for the next transaction. */
  readonly queued: number;
  /** How the log is kept. */
  readonly log: LogHealth;
}

/** What a shard holds and has done since it started. */
export interface ShardStats {
  /** Spaces that are open. */
  readonly openSpaces: number;
  /** Turns in mailboxes, and answers held back behind their commits. */
  readonly queuedTurns: number;
  readonly heldAnswers: number;
  /** Bytes of the answers held back, commands apart. */
  readonly heldBytes: number;
  /** Turns in the fullest mailbox. */
  readonly deepestMailbox: number;
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
  /** Watchers that wait for a change. */
  readonly watchers: number;
  /** The memory of values, with its hit rate. */
  readonly cache: ValueCacheStats;
  /** Values that had an older shape when they were read. */
  readonly migrations: MigrationCounts;
  /** Each view over the open spaces. */
  readonly views: readonly ViewFigures[];
  /** Each reactor over the spaces that it has something to do in. */
  readonly reactors: readonly ReactorFigures[];
}

/** One reactor over the spaces of a shard that it has something to do in. */
export interface ReactorFigures {
  readonly reactor: string;
  /** Spaces whose events it has not handled to the end. */
  readonly spaces: number;
  /** Those in which it waits for its next attempt. */
  readonly waiting: number;
  /** Those in which it has stopped, until somebody decides (`space.reactors.stopped()`). */
  readonly stopped: number;
  /** Events behind the end of the space, where it lags most. */
  readonly lagMax: number;
}

/** One view over the open spaces of a shard. */
export interface ViewFigures {
  readonly view: string;
  /** Spaces in which it follows every event, is being filled, or has stopped. */
  readonly live: number;
  readonly building: number;
  readonly stopped: number;
  /** Events that it has not applied, where it lags most. */
  readonly lagMax: number;
}

/** A view of a space that needs somebody's attention. */
export interface ViewProblem extends ViewStatus {
  readonly spaceId: number;
  readonly spaceName: string;
}

/** What is wrong in a shard's open spaces. */
export interface ShardHealth {
  /** Views that have stopped or whose projections have changed under the same version; the first 100. */
  readonly problems: readonly ViewProblem[];
  readonly stopped: number;
  readonly changed: number;
  /** Views that are being filled. */
  readonly building: number;
  /** What was damaged and made again from the log, since the shard's thread has begun. */
  readonly repairs: Repairs;
  readonly reactors: readonly ReactorFigures[];
}

/** What was damaged of the projections and was made again from the log. */
export interface Repairs {
  /** Times that views of a space were found damaged and discarded. */
  readonly views: number;
  /** Partition files that were set aside. */
  readonly files: number;
}
