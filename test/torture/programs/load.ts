/**
 * Starts a runtime on a data directory, asks again about everything that an earlier run left open, and goes on with a
 * random load until it has sent enough or is killed: `load.js '{"directory": …}'`. With `mode: 'settle'` it asks until
 * everything is definite, tells the states of all spaces before and after a rebuild, and closes.
 */

import { existsSync, writeSync } from 'node:fs';
import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import type app from '../apps/torture.app.js';
import { Client, floorsOf, unsettled } from '../client.js';
import { commandsOf, Ledger, readLedger } from '../ledger.js';

/** What the program is told. */
export interface LoadPlan {
  readonly directory: string;
  readonly ledger: string;
  readonly seed: number;
  readonly mode: 'load' | 'settle';
  readonly spaces: number;
  readonly shards: number;
  readonly inFlight: number;
  readonly callsMax: number;
  /** A module that exports an adapter in place of the one of SQLite storage. */
  readonly adapter?: string;
  /** For clocks that jump: nobody gives up early, command ids are forgotten after this time and repeated before it. */
  readonly retentionMs?: number;
  /** The load ends after this time, however many calls that were. */
  readonly forMs?: number;
  /** When all is sent, the process kills itself, so that its write-ahead log stays. */
  readonly isAbandoned?: boolean;
  /** Spaces are made and deleted meanwhile. */
  readonly isDeleting?: boolean;
}

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const resentMax = 20;

const lines = existsSync(plan.ledger) ? readLedger(plan.ledger) : [];
const earlier = commandsOf(lines);
const runs = lines.filter(({ k }) => k === 'run').length;
const ledger = new Ledger(plan.ledger);
const storage = sqlite({ directory: plan.directory });
const ramax = await Ramax.start<typeof app>({
  app: new URL('../apps/torture.app.js', import.meta.url),
  storage: plan.adapter === undefined ? storage : { ...storage, module: plan.adapter },
  shards: plan.shards,
  // Small, so that flushes, evictions and several reads happen in a short life.
  limits: {
    flushDelayMs: 20,
    dirtyKeysMax: 32,
    cacheEntriesMax: 64,
    openSpacesMax: 3,
    readEventsMax: 200,
    // One open space: the others forget what they have in memory, and ask the log.
    ...(plan.retentionMs === undefined ? {} : { commandRetentionMs: plan.retentionMs, openSpacesMax: 1 }),
  },
});
const names = Array.from({ length: plan.spaces }, (_, index) => `space-${index}`);
const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
ledger.write({ k: 'run', seed: plan.seed });
const client = new Client({
  ...{ ramax, ledger, seed: plan.seed, prefix: `r${runs}`, spaces },
  floors: floorsOf(earlier.values()),
  ...(plan.retentionMs === undefined ? {} : { isPatient: true, isRepeating: true }),
});
writeSync(1, 'ready\n');

const random = new SeededRandom(plan.seed + 1);
const settled = [...earlier.values()].filter(({ calls }) => calls.some(({ answer }) => answer?.k === 'ok'));
const again = [
  ...unsettled(earlier.values()),
  ...Array.from({ length: resentMax }, () => random.pick(settled)),
];
if (plan.retentionMs === undefined)
  await Promise.all(again.map((command) => command && client.resend(command)));

if (plan.forMs !== undefined) setTimeout(() => client.stop(), plan.forMs);
let isLoaded = false;
const deleting = plan.isDeleting === true && plan.mode === 'load' ? makeAndDelete() : undefined;
if (plan.mode === 'load') await client.run(plan.inFlight, plan.callsMax);
if (plan.isAbandoned === true) process.kill(process.pid, 'SIGKILL');
isLoaded = true;
await deleting;
if (plan.mode === 'settle' || plan.retentionMs !== undefined) {
  for (let round = 0; round < 10; round++) {
    const open = unsettled(commandsOf(readLedger(plan.ledger)).values());
    if (open.length === 0) break;
    for (const command of open) await client.resend(command);
  }
  for (const name of names) {
    await client.look(name);
    await client.tell(name, 'live');
    await spaces[names.indexOf(name)]?.rebuild();
    await client.tell(name, 'rebuilt');
  }
}
await ramax.close();
ledger.close();

/** Spaces without events: what is left of a deleted space shows in its rows, and in those of the others. */
async function makeAndDelete(): Promise<void> {
  for (let n = 0; !isLoaded; n++) {
    const name = `deleted-${n % 3}`;
    await ramax.spaces.getOrCreate(name);
    await ramax.spaces.delete(name);
  }
}
