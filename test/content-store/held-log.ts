/** A log in memory whose commits the test holds, lets go and fails. */

import { RamaxError } from '../../src/core/errors.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogWrite, LogWriteOutcome } from '../../src/event-store/port.js';

/** What becomes of a commit: as usual, answered only when it is released, or in doubt although it was or was not written. */
export type Fate = 'usual' | 'writtenAnsweredLate' | 'writtenInDoubt' | 'notWrittenInDoubt';

/** See the head of this file. */
export class HeldLog extends MemoryLogStore {
  /** Commits wait until `release`. */
  isHeld = false;
  /** The fates of the next commits, in order; `usual` when there are no more. */
  readonly fates: Fate[] = [];
  /** Requests of all commits that were begun. */
  readonly begun: LogWrite[] = [];
  /** Batches of all commits that were begun. */
  commits = 0;
  readonly #waiting: (() => void)[] = [];

  /** Commits that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets the commits that wait go on, all or the first few. */
  release(count = this.#waiting.length): void {
    for (const proceed of this.#waiting.splice(0, count)) proceed();
  }

  /** Holds no commit any more. */
  releaseAll(): void {
    this.isHeld = false;
    this.release();
  }

  override async commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]> {
    this.commits++;
    this.begun.push(...batch);
    const fate = this.fates.shift() ?? 'usual';
    const hold = () => new Promise<void>((proceed) => this.#waiting.push(proceed));
    if (this.isHeld && fate !== 'writtenAnsweredLate') await hold();
    if (fate === 'notWrittenInDoubt') throw inDoubt();
    const outcomes = await super.commit(batch);
    if (fate === 'writtenInDoubt') throw inDoubt();
    if (fate === 'writtenAnsweredLate') await hold();
    return outcomes;
  }
}

function inDoubt(): RamaxError {
  return new RamaxError('storage', 'the disk failed while it committed');
}
