/**
 * One runtime under load whose writer and shards are harmed again and again: `faults.js '{"directory": …}'`. At the end
 * everything is settled, the states are told, and the runtime closes.
 */

import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { defaultLimits, Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import { writerHarms } from '../adapters/faulty.js';
import type app from '../apps/torture.app.js';
import { Client, floorsOf, unsettled } from '../client.js';
import { commandsOf, Ledger, readLedger } from '../ledger.js';
import { Meter } from '../meter.js';

/** What the program is told. */
export interface FaultsPlan {
  readonly directory: string;
  readonly ledger: string;
  readonly seed: number;
  readonly seconds: number;
  /** The longest pause between two faults. */
  readonly pauseMsMax: number;
  /** The only harm to the writer, and none to shards: for controls. */
  readonly onlyWriter?: string;
  readonly adapter: string;
  readonly isMetered?: boolean;
}

const plan = JSON.parse(process.argv[2] ?? '') as FaultsPlan;
const random = new SeededRandom(plan.seed);
const ledger = new Ledger(plan.ledger);
const writerOrder = join(plan.directory, 'writer-order');
const isWatched = 'hangTimeoutMs' in defaultLimits;
const shardHarms = ['exit', 'throw', 'reject', 'heap', 'pause', ...(isWatched ? ['loop'] : [])];
/** Enough that every fault meets several commands; more would only make more to check. */
const inFlight = 8;
const hang = isWatched ? { hangTimeoutMs: 1_000 } : {};
const storage = sqlite({ directory: plan.directory });

const ramax = await Ramax.start<typeof app>({
  app: new URL('../apps/faulty.app.js', import.meta.url),
  storage: { module: plan.adapter, options: { ...storage.options, order: writerOrder } },
  shards: 2,
  limits: {
    ...hang,
    ...{ flushDelayMs: 20, dirtyKeysMax: 32, cacheEntriesMax: 64, openSpacesMax: 3, readEventsMax: 200 },
    restartsMax: 1_000_000,
    // Else pauses between restarts would grow, and most of the time nothing would happen.
    restartWindowMs: 300,
  },
});
const names = Array.from({ length: 6 }, (_, index) => `space-${index}`);
const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
const runs = readLedger(plan.ledger).filter(({ k }) => k === 'run').length;
ledger.write({ k: 'run', seed: plan.seed });
const floors = floorsOf(commandsOf(readLedger(plan.ledger)).values());
const client = new Client({ ramax, ledger, seed: plan.seed, prefix: `f${runs}`, spaces, floors });
const load = client.run(inFlight, Number.MAX_SAFE_INTEGER);
const meter = plan.isMetered ? new Meter(plan.directory) : undefined;

const end = performance.now() + plan.seconds * 1_000;
let faults = 0;
const kinds = new Map<string, number>();
const harming: Promise<void>[] = [];
while (performance.now() < end) {
  await pause(plan.pauseMsMax / 4 + random.below(plan.pauseMsMax));
  harm();
}
client.stop();
await Promise.all([load, ...harming]);
await settle();
if (ramax.failure !== undefined)
  ledger.write({ k: 'wrong', what: `the runtime has failed: ${ramax.failure.message}` });
meter?.stop((what) => ledger.write({ k: 'wrong', what }));
await ramax.close();
ledger.close();
writeSync(1, `${JSON.stringify({ faults, kinds: Object.fromEntries(kinds), ...meter?.figures })}\n`);

function harm(): void {
  faults++;
  const isWriter = plan.onlyWriter !== undefined || random.oneIn(2);
  const what = plan.onlyWriter ?? random.pick(isWriter ? writerHarms : shardHarms) ?? 'exit';
  const kind = `${isWriter ? 'writer' : 'shard'} ${what}`;
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  if (isWriter) writeFileSync(writerOrder, what);
  else harming.push(harmShard(what));
}

/** An ordinary command as far as the ledger goes: sent again by the runtime, it puts. */
async function harmShard(what: string): Promise<void> {
  const order = join(plan.directory, `shard-order-${faults}`);
  writeFileSync(order, what);
  const marker = `f${runs}-harm-${faults}`;
  const params = { marker, key: 'harm', amount: faults, order };
  const space = random.pick(names) ?? '';
  const harmful = { space, command: 'harm', marker, parts: 1, id: `id-${marker}`, params, calls: [] };
  await client.resend(harmful);
}

async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const open = unsettled(commandsOf(readLedger(plan.ledger)).values());
    if (open.length === 0) break;
    await Promise.all(open.map((command) => client.resend(command)));
  }
  for (const [index, name] of names.entries()) {
    await client.look(name);
    await client.tell(name, 'live');
    await spaces[index]?.rebuild();
    await client.tell(name, 'rebuilt');
  }
}
