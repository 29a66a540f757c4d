/** Something that stores can be opened over, one after the other or side by side: a file, or data in memory. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryPStateData, MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { openSqlitePStateStore } from '../../src/pstate/sqlite/sqlite-pstate-store.js';

export interface OpenOptions {
  readonly logId?: string;
  readonly fence?: number;
}

export interface StoreBed {
  open(options?: OpenOptions): PStateStore;
  /** Closes every store and removes what they stood on. */
  remove(): void;
}

export type MakeBed = () => StoreBed;

export function memoryBed(): StoreBed {
  const data = new MemoryPStateData();
  return bedOf((options) => new MemoryPStateStore({ data, ...options }));
}

export function sqliteBed(): StoreBed & { readonly file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'ramax-pstate-'));
  const file = join(directory, 'pstate.db');
  const bed = bedOf((options) => openSqlitePStateStore({ file, ...options }));
  return {
    file,
    open: bed.open,
    remove() {
      bed.remove();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Every kind of store, for suites that run on all. */
export const beds: readonly (readonly [name: string, make: MakeBed])[] = [
  ['memory', memoryBed],
  ['sqlite', sqliteBed],
];

function bedOf(open: (options: Required<OpenOptions>) => PStateStore): StoreBed {
  const stores: PStateStore[] = [];
  return {
    open({ logId = 'log-a', fence = 1 } = {}) {
      const store = open({ logId, fence });
      stores.push(store);
      return store;
    },
    remove() {
      for (const store of stores) store.close();
    },
  };
}
