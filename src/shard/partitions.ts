/** The projection stores of the partitions that this shard owns, opened when their first space is. */

import { partitionOf } from '../core/routing.js';
import type { PStateStore } from '../pstate/port.js';

/** Open projection stores by partition. */
export class Partitions {
  readonly #open: (partition: number) => PStateStore;
  readonly #stores = new Map<number, PStateStore>();

  constructor(open: (partition: number) => PStateStore) {
    this.#open = open;
  }

  /** The store that holds the projections of a space. */
  of(spaceId: number): PStateStore {
    const partition = partitionOf(spaceId);
    const known = this.#stores.get(partition);
    if (known !== undefined) return known;
    const store = this.#open(partition);
    this.#stores.set(partition, store);
    return store;
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
  }
}
