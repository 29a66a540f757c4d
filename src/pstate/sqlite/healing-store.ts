/**
 * A store over one file that is made anew when SQLite finds the file damaged. All that is in it can be made again from the log.
 *
 * Owns: the store that is open, and the decision that its file is of no use any more.
 *
 * Invariants:
 *   - A damaged file is set aside only after its connection was closed.
 *   - Each new file has a new `epoch`. Who has loaded something of an earlier one must load it again before writing: the call that
 *     finds the damage fails with `corrupt`, and whoever compares epochs learns of it (`content-store/store-damage.ts`).
 *   - A value that fails its checksum is no damage of the file: its view is made anew, not the whole partition.
 */

import { isRamaxError, RamaxError } from '../../core/errors.js';
import type { PStateStore } from '../port.js';
import { closedError } from '../store-errors.js';

/** How to open the file, and how to get a damaged one out of the way. */
export interface HealingStoreOptions {
  readonly open: () => PStateStore;
  readonly setAside: () => void;
  /** Deletes what was set aside. */
  readonly removeSetAside: () => void;
}

/**
 * Opens the store, over a fresh file where the one that is there is damaged.
 *
 * @throws {RamaxError} what `open` throws besides
 */
export function openHealingStore(options: HealingStoreOptions): PStateStore {
  const healing = new Healing(options);
  healing.opened();
  const run = <Result>(work: (store: PStateStore) => Result): Result => healing.run(work);
  return {
    get epoch() {
      return healing.epoch;
    },
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
    scrub(rewriteBytesMax) {
      run((store) => store.scrub(rewriteBytesMax));
      // What was set aside has all that was ever deleted since.
      options.removeSetAside();
    },
    close: () => healing.close(),
  };
}

class Healing {
  readonly #options: HealingStoreOptions;
  #store: PStateStore | undefined;
  #isClosed = false;
  epoch = 0;

  constructor(options: HealingStoreOptions) {
    this.#options = options;
  }

  opened(): PStateStore {
    if (this.#isClosed) throw closedError();
    this.#store ??= this.#open();
    return this.#store;
  }

  run<Result>(work: (store: PStateStore) => Result): Result {
    const store = this.opened();
    try {
      return work(store);
    } catch (error) {
      if (!isFileDamage(error)) throw error;
      this.#replace(store);
      throw new RamaxError('corrupt', `${error.message}; the file was set aside, and is made again`, {
        cause: error,
        details: { ...error.details, isSetAside: true },
      });
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#store?.close();
  }

  #open(): PStateStore {
    try {
      return this.#options.open();
    } catch (error) {
      if (!isFileDamage(error)) throw error;
      this.#options.setAside();
      this.epoch++;
      return this.#options.open();
    }
  }

  /** Where the new file cannot be opened now, the next call tries again. */
  #replace(store: PStateStore): void {
    this.#store = undefined;
    this.epoch++;
    closeQuietly(store);
    this.#options.setAside();
  }
}

/** SQLite says so of its file; a value that fails its checksum has a view. */
function isFileDamage(error: unknown): error is RamaxError {
  return isRamaxError(error, 'corrupt') && error.details['sqliteCode'] !== undefined;
}

function closeQuietly(store: PStateStore): void {
  try {
    store.close();
  } catch {
    // What could not be moved out of its write-ahead log is damaged as well.
  }
}
