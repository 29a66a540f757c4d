import { copyFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import type { LogFixtureFactory } from './log-fixture.js';

/** An empty directory that is removed afterwards. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ramax-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Puts an older copy of a closed log in its place, as somebody does who means to; to be opened with `acceptMissingWitness`. */
export function putLogBack(copy: string, file: string): void {
  copyFileSync(copy, file);
  rmSync(witnessFileOf(file));
}

/** A log in a file of its own. */
export const createSqliteFixture: LogFixtureFactory = async (platform) => {
  const directory = await temporaryDirectory();
  const file = join(directory.path, 'ramax.db');
  return {
    open: async () => openSqliteLogStore(file, platform),
    openReader: async () => openSqliteLogReader(file, platform),
    fill: async () => {
      const filler = new SqliteLookupFiller(file);
      while (!filler.fill(1_000));
      filler.stop();
    },
    dispose: directory.remove,
  };
};
