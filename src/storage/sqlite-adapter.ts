/** The adapter behind `sqlite()`: which file of the data directory holds what. */

import { join } from 'node:path';
import { assert } from '../core/assert.js';
import { openSqliteLogReader } from '../event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../event-store/sqlite/sqlite-lookup-filler.js';
import { openSqlitePStateStore } from '../pstate/sqlite/sqlite-pstate-store.js';
import type { StorageAdapter, StorageRef } from './adapter.js';
import { prepareDataDirectory } from './data-directory.js';
import { DirectoryOwnership } from './directory-ownership.js';

/** Storage in the SQLite files of one directory. */
export const adapter: StorageAdapter = {
  readsBesideWriter: true,
  hasLookups: true,
  async acquireOwnership(ref, platform, options) {
    const directory = directoryOf(ref);
    await prepareDataDirectory(directory, {
      allowNetworkFileSystem: ref.options['allowNetworkFileSystem'] === true,
    });
    return DirectoryOwnership.acquire(directory, platform.clock, options);
  },

  async openLog(ref, platform, options) {
    return openSqliteLogStore(logFile(ref), platform, {
      ...options,
      durability: ref.options['durability'] === 'os' ? 'os' : 'synced',
      acceptMissingWitness: ref.options['acceptMissingWitness'] === true,
    });
  },

  async openLookupFiller(ref) {
    return new SqliteLookupFiller(logFile(ref));
  },

  async openLogReader(ref) {
    return openSqliteLogReader(logFile(ref));
  },

  openPStateStore(ref, { partition, logId, fence }) {
    return openSqlitePStateStore({ file: partitionFile(ref, partition), logId, fence });
  },
};

function logFile(ref: StorageRef): string {
  return join(directoryOf(ref), 'ramax.db');
}

function partitionFile(ref: StorageRef, partition: number): string {
  return join(directoryOf(ref), `pstate-${String(partition).padStart(2, '0')}.db`);
}

function directoryOf(ref: StorageRef): string {
  const directory = ref.options['directory'];
  assert(typeof directory === 'string', 'a reference to SQLite storage names its directory');
  return directory;
}
