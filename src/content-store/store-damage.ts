/**
 * Notices what the projection store of a space finds damaged, whatever the code between makes of the error: an app may catch it.
 *
 * Owns: the damage found since the turn began, and the epoch of the store that the views were loaded from.
 * Called by: the live space, whose views and upkeep use the store through this.
 *
 * Invariant: nothing is read from or written to a store that has lost what the views were loaded from. (A flush of what has changed since
 * would be taken for the whole of a view.)
 */

import { isRamaxError, RamaxError } from '../core/errors.js';
import type { PStateStore } from '../pstate/port.js';

/** See the head of this file. */
export class StoreDamage {
  readonly #store: PStateStore;
  readonly #onLost: () => void;
  #epoch: number;
  #found: RamaxError | undefined;
  #isTold = false;
  /** The same store, watched. */
  readonly store: PStateStore;

  /** @param onLost the views have to be loaded again */
  constructor(store: PStateStore, onLost: () => void) {
    this.#store = store;
    this.#onLost = onLost;
    this.#epoch = store.epoch ?? 0;
    this.store = this.#watched();
  }

  /** What the store has found damaged since `forget`. */
  get found(): RamaxError | undefined {
    return this.#found;
  }

  /** Whether the store has lost what the views were loaded from. */
  get isLost(): boolean {
    return (this.#store.epoch ?? 0) !== this.#epoch;
  }

  /** A turn begins. */
  forget(): void {
    this.#found = undefined;
  }

  /** The views are loaded from what the store has now. */
  loading(): void {
    this.#epoch = this.#store.epoch ?? 0;
    this.#found = undefined;
    this.#isTold = false;
  }

  /** @throws {RamaxError} `corrupt`, what was found */
  assertNone(): void {
    if (this.#found !== undefined) throw this.#found;
  }

  #run<Result>(work: (store: PStateStore) => Result): Result {
    try {
      if (this.isLost) throw new RamaxError('corrupt', 'the stored projections were lost and are made again');
      return work(this.#store);
    } catch (error) {
      if (isRamaxError(error, 'corrupt')) this.#found = error;
      this.#tellWhenLost();
      throw error;
    }
  }

  #tellWhenLost(): void {
    if (this.#isTold || !this.isLost) return;
    this.#isTold = true;
    this.#onLost();
  }

  #watched(): PStateStore {
    const run = <Result>(work: (store: PStateStore) => Result): Result => this.#run(work);
    return {
      get: (spaceId, view, key) => run((store) => store.get(spaceId, view, key)),
      getMany: (spaceId, view, keys) => run((store) => store.getMany(spaceId, view, keys)),
      scan: (spaceId, view, range) => run((store) => store.scan(spaceId, view, range)),
      count: (spaceId, view) => run((store) => store.count(spaceId, view)),
      builds: (spaceId) => run((store) => store.builds(spaceId)),
      listSpaces: (after, limit) => run((store) => store.listSpaces(after, limit)),
      skips: (spaceId, view) => run((store) => store.skips(spaceId, view)),
      flush: (spaceId, views) => run((store) => store.flush(spaceId, views)),
      swap: (spaceId, views) => run((store) => store.swap(spaceId, views)),
      retire: (spaceId, views) => run((store) => store.retire(spaceId, views)),
      sweep: (spaceId, rowsMax) => run((store) => store.sweep(spaceId, rowsMax)),
      skip: (spaceId, view, spaceSequence) => run((store) => store.skip(spaceId, view, spaceSequence)),
      dropSpace: (spaceId, rowsMax) => run((store) => store.dropSpace(spaceId, rowsMax)),
      scrub: (rewriteBytesMax) => run((store) => store.scrub(rewriteBytesMax)),
      close: () => this.#store.close(),
    };
  }
}
