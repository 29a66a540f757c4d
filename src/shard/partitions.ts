/**
 * The projection stores of the partitions that this shard owns, opened when their first space is.
 *
 * Invariant: whoever finds a store fenced, the shard learns of it: its files belong to another now.
 */

import { isRamaxError, type RamaxError } from '../core/errors.js';
import { partitionOf } from '../core/routing.js';
import type { PStateStore } from '../pstate/port.js';

/** Open projection stores by partition. */
export class Partitions {
  readonly #open: (partition: number) => PStateStore;
  readonly #onFenced: (error: RamaxError) => void;
  readonly #stores = new Map<number, PStateStore>();

  constructor(open: (partition: number) => PStateStore, onFenced: (error: RamaxError) => void) {
    this.#open = open;
    this.#onFenced = onFenced;
  }

  /** The store that holds the projections of a space. */
  of(spaceId: number): PStateStore {
    const partition = partitionOf(spaceId);
    const known = this.#stores.get(partition);
    if (known !== undefined) return known;
    const store = telling(this.#onFenced, this.#open(partition));
    this.#stores.set(partition, store);
    return store;
  }

  /** Files of projections that were damaged and are made again, since this shard has begun. */
  get setAside(): number {
    let files = 0;
    for (const { epoch = 0 } of this.#stores.values()) files += epoch;
    return files;
  }

  /** Closes all of them, whatever one says. */
  close(): void {
    const stores = [...this.#stores.values()];
    this.#stores.clear();
    let failure: { readonly error: unknown } | undefined;
    for (const store of stores) {
      try {
        store.close();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }
}

/** The same store; its writes tell when they are refused because a newer owner has opened it. */
function telling(onFenced: (error: RamaxError) => void, store: PStateStore): PStateStore {
  const watched = <Result>(write: () => Result): Result => {
    try {
      return write();
    } catch (error) {
      if (isRamaxError(error, 'fenced')) onFenced(error);
      throw error;
    }
  };
  return {
    get epoch() {
      return store.epoch ?? 0;
    },
    get: (spaceId, view, key) => store.get(spaceId, view, key),
    getMany: (spaceId, view, keys) => store.getMany(spaceId, view, keys),
    scan: (spaceId, view, range) => store.scan(spaceId, view, range),
    count: (spaceId, view) => store.count(spaceId, view),
    builds: (spaceId) => store.builds(spaceId),
    listSpaces: (after, limit) => store.listSpaces(after, limit),
    skips: (spaceId, view) => store.skips(spaceId, view),
    flush: (spaceId, views) => watched(() => store.flush(spaceId, views)),
    swap: (spaceId, views) => watched(() => store.swap(spaceId, views)),
    retire: (spaceId, views) => watched(() => store.retire(spaceId, views)),
    sweep: (spaceId, rowsMax) => watched(() => store.sweep(spaceId, rowsMax)),
    skip: (spaceId, view, spaceSequence) => watched(() => store.skip(spaceId, view, spaceSequence)),
    dropSpace: (spaceId, rowsMax) => watched(() => store.dropSpace(spaceId, rowsMax)),
    scrub: (rewriteBytesMax) => store.scrub(rewriteBytesMax),
    close: () => store.close(),
  };
}
