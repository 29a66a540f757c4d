/** Storage that content stores can be opened over again and again, as processes that follow one another do. */

import { ContentStore } from '../../src/content-store/content-store.js';
import type { App } from '../../src/core/define-app.js';
import type { LimitsOptions } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogStore, StoredEvent } from '../../src/event-store/port.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { createSpace, wide } from '../event-store/log-fixture.js';
import { createSqliteFixture } from '../event-store/sqlite-fixture.js';
import { memoryBed, type StoreBed, sqliteBed } from '../pstate/store-bed.js';
import { manualPlatform } from '../testing/manual-clock.js';

/** See the head of this file. */
export class Storage {
  readonly platform = manualPlatform();
  readonly #openLog: () => Promise<LogStore>;
  readonly #projections: StoreBed;
  readonly #dispose: () => Promise<void>;
  #fence = 0;
  log: LogStore | undefined;
  pstates: PStateStore | undefined;

  constructor(openLog: () => Promise<LogStore>, projections: StoreBed, dispose: () => Promise<void>) {
    this.#openLog = openLog;
    this.#projections = projections;
    this.#dispose = dispose;
  }

  /** Opens the log and the projections as a new process does; the one before has closed them or has died. */
  async process(): Promise<{ readonly log: LogStore; readonly pstates: PStateStore }> {
    const log = await this.#openLog();
    this.#fence++;
    const pstates = this.#projections.open({ logId: log.logId, fence: this.#fence });
    this.log = log;
    this.pstates = pstates;
    if ((await log.findSpaceById(1)) === undefined) await createSpace(log, 'acme');
    return { log, pstates };
  }

  /** A content store of space 1 in a new process. */
  async open<A extends App>(app: A, limits: LimitsOptions = {}): Promise<ContentStore<A>> {
    const { log, pstates } = await this.process();
    const space = { spaceId: 1, spaceName: 'acme' };
    return ContentStore.open<A>({ space, app, log, pstates, platform: this.platform, limits });
  }

  /** The space's events. */
  async events(): Promise<readonly StoredEvent[]> {
    return (await this.log?.readSpace(1, 0, wide)) ?? [];
  }

  async remove(): Promise<void> {
    await this.log?.close();
    this.#projections.remove();
    await this.#dispose();
  }
}

/** Every kind of storage, for suites that run on all. */
export const storages: readonly (readonly [name: string, make: () => Promise<Storage>])[] = [
  ['memory', memoryStorage],
  ['SQLite', sqliteStorage],
];

async function memoryStorage(): Promise<Storage> {
  const data = new MemoryLog('log-a');
  const { clock } = manualPlatform();
  return new Storage(
    async () => new MemoryLogStore(data, clock),
    memoryBed(),
    async () => {},
  );
}

async function sqliteStorage(): Promise<Storage> {
  const fixture = await createSqliteFixture(manualPlatform());
  return new Storage(fixture.open, sqliteBed(), fixture.dispose);
}
