/**
 * When migrated values are written back: behind the reads that have migrated them, in batches, coalesced.
 *
 * Owns: the timer. Called by: the live space; told by the states that something waits.
 *
 * Invariants:
 *   Y1  A migrated value waits at most `migrationDelayMs` while its space is open, or for its turn in the batches.
 *   Y2  A batch that fails is reported and tried again; nothing is lost by it, for the value is migrated again when it is read.
 */

import type { Clock, Timer } from '../core/clock.js';
import { asRamaxError, type RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Views } from './views.js';

/** What became of values that had an older shape when they were read. */
export interface MigrationCounts {
  /** Values that were brought to their present shape. */
  readonly entries: number;
  /** Values that were written back. */
  readonly written: number;
  /** Values that wait to be written back. */
  readonly pending: number;
  /** Values whose migration failed, each time they were read. */
  readonly failed: number;
}

/** Before anything was migrated. */
export const noMigrations: MigrationCounts = { entries: 0, written: 0, pending: 0, failed: 0 };

/** Sums two counts. */
export function addMigrations(left: MigrationCounts, right: MigrationCounts): MigrationCounts {
  return {
    entries: left.entries + right.entries,
    written: left.written + right.written,
    pending: left.pending + right.pending,
    failed: left.failed + right.failed,
  };
}

/** What writing back works on. */
export interface WriteBackOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'migrationDelayMs'>;
  readonly views: Views;
  readonly onError: (error: RamaxError) => void;
}

/** See the head of this file. */
export class WriteBack {
  readonly #options: WriteBackOptions;
  #timer: Timer | undefined;

  constructor(options: WriteBackOptions) {
    this.#options = options;
  }

  get counts(): MigrationCounts {
    const sum = { entries: 0, written: 0, pending: 0, failed: 0 };
    for (const { migrated } of this.#options.views.pstates) {
      sum.entries += migrated.entities;
      sum.written += migrated.written;
      sum.pending += migrated.pending;
      sum.failed += migrated.failed;
    }
    return sum;
  }

  /** Values wait. */
  arm(): void {
    const { clock, limits } = this.#options;
    this.#timer ??= clock.after(limits.migrationDelayMs, () => {
      this.#timer = undefined;
      this.#write();
    });
  }

  /** Writes all that waits. Throws what the store throws. */
  now(): void {
    this.close();
    while (this.#options.views.writeMigrated());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** One batch; the next one after the ports and the other spaces had their turn. */
  #write(): void {
    const { views, clock, onError } = this.#options;
    try {
      if (views.writeMigrated()) this.#timer = clock.after(0, () => this.#again());
    } catch (error) {
      onError(asRamaxError(error, 'storage', 'migrated values could not be written back'));
      this.arm();
    }
  }

  #again(): void {
    this.#timer = undefined;
    this.#write();
  }
}
