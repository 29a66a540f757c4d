/** The adapter behind `memory()`. */

import { assert } from '../core/assert.js';
import { MemoryLog } from '../event-store/memory/memory-log.js';
import { MemoryLogStore } from '../event-store/memory/memory-log-store.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';
import type { StorageAdapter } from './adapter.js';

/** Storage in memory. Every log is a fresh one, nobody else can own it, and only the writer's thread can read it. */
export const adapter: StorageAdapter = {
  readsBesideWriter: false,
  hasLookups: false,
  acquireOwnership: async () => ({ release: async () => {} }),
  openLog: async (_ref, platform) => new MemoryLogStore(new MemoryLog(platform.ids.newId()), platform.clock),
  async openLookupFiller() {
    assert(false, 'a log in memory has no lookups to fill');
  },
  openLogReader: async () => undefined,
  openPStateStore: () => new MemoryPStateStore(),
};
