/** The adapter behind `sqlite()`: which file of the data directory holds what. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../core/assert.js';
import { partitionOf } from '../core/routing.js';
import { SqliteLogInspector } from '../event-store/sqlite/log-inspector.js';
import { openSqliteLogReader } from '../event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../event-store/sqlite/sqlite-lookup-filler.js';
import type { PStateInspector } from '../pstate/inspector.js';
import { openHealingStore } from '../pstate/sqlite/healing-store.js';
import { openSqlitePStateInspector } from '../pstate/sqlite/pstate-inspector.js';
import { openSqlitePStateStore } from '../pstate/sqlite/sqlite-pstate-store.js';
import { removeSetAside, setAside } from '../sqlite/set-aside.js';
import type { StorageAdapter, StorageRef } from './adapter.js';
import { prepareDataDirectory } from './data-directory.js';
import { DirectoryOwnership } from './directory-ownership.js';
import { beginBackup } from './sqlite-backup.js';

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

  async openLogReader(ref, platform) {
    return openSqliteLogReader(logFile(ref), platform);
  },

  async openInspector(ref, platform) {
    const reader = openSqliteLogReader(logFile(ref), platform);
    const log = new SqliteLogInspector(logFile(ref));
    const opened: PStateInspector[] = [];
    return {
      reader,
      log,
      pstates(spaceId) {
        const file = partitionFile(ref, partitionOf(spaceId));
        const inspector = existsSync(file) ? openSqlitePStateInspector(file) : undefined;
        if (inspector !== undefined) opened.push(inspector);
        return inspector;
      },
      async close() {
        for (const inspector of opened) inspector.close();
        await log.close();
        await reader.close();
      },
    };
  },

  beginBackup: (directory, { clock }) => beginBackup(directory, () => Math.trunc(clock.now())),

  openPStateStore(ref, { partition, logId, fence }) {
    const file = partitionFile(ref, partition);
    return openHealingStore({
      open: () => openSqlitePStateStore({ file, logId, fence }),
      setAside: () => setAside(file, Date.now()),
      removeSetAside: () => removeSetAside(file),
    });
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
