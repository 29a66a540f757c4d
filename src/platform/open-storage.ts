/** A storage opened in this thread, for apps that use the nouns alone, without the runtime. */

import { partitionOf } from '../core/routing.js';
import type { LogStore } from '../event-store/port.js';
import type { PStateStore } from '../pstate/port.js';
import type { StorageRef } from '../storage/adapter.js';
import { loadAdapter } from './load-module.js';
import { nodePlatform } from './node-platform.js';

/** More than any number of shard restarts of one owner: an opening here is newer than all of them. */
const fencesPerOwner = 2 ** 20;

/** An open storage; it owns its data directory until it is closed. */
export interface OpenStorage {
  readonly log: LogStore;
  /** The store that holds the projections of a space. */
  pstates(spaceId: number): PStateStore;
  /** Closes everything and lets the directory go. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a storage for `EventStore`, `SpaceRegistry`, `PState` and `ContentStore` in this thread.
 *
 * @throws {RamaxError} `already_owned`, `storage_unsuitable`, `format_newer`, `corrupt`, `witness_missing`, `storage`,
 *   `invalid_input`
 * @example
 * ```ts
 * const storage = await openStorage(sqlite({ directory: './data' }));
 * const registry = new SpaceRegistry({ log: storage.log, clock: nodePlatform.clock });
 * const space = await registry.getOrCreate('acme');
 * const pstates = storage.pstates(space.spaceId);
 * const acme = await ContentStore.open({ space, app, log: storage.log, pstates, platform: nodePlatform });
 * ```
 */
export async function openStorage(
  storage: StorageRef,
  options: { readonly ownershipWaitMs?: number } = {},
): Promise<OpenStorage> {
  const { ownershipWaitMs = 0 } = options;
  const adapter = await loadAdapter(storage);
  const ownership = await adapter.acquireOwnership(storage, nodePlatform, { ownershipWaitMs });
  let log: LogStore;
  try {
    log = await adapter.openLog(storage, nodePlatform, { isAlone: true });
  } catch (error) {
    await ownership.release();
    throw error;
  }
  const stores = new Map<number, PStateStore>();
  const fence = (log.ownerGeneration + 1) * fencesPerOwner - 1;
  const close = async (): Promise<void> => {
    for (const store of stores.values()) store.close();
    stores.clear();
    await log.close();
    await ownership.release();
  };
  return {
    log,
    pstates(spaceId) {
      const partition = partitionOf(spaceId);
      const store =
        stores.get(partition) ?? adapter.openPStateStore(storage, { partition, logId: log.logId, fence });
      stores.set(partition, store);
      return store;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
