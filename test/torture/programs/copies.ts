/**
 * Makes copies of every kind while a load goes on: a backup that is restored and started, an export that is imported elsewhere,
 * a clone, and a clone that is taken back to a sequence. What it has made, and out of what, it tells in lines of JSON on its
 * standard output; whether that is right is for the row to say, from the files.
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { Ramax, type SpaceHandle } from 'ramax';
import { restoreBackup, sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import type app from '../apps/torture.app.js';
import { Client } from '../client.js';
import { Ledger, readLedger } from '../ledger.js';

type Space = SpaceHandle<typeof app>;

/** What the program is told. */
export interface CopiesPlan {
  /** Holds `data`, `backup`, `restored`, `elsewhere` and `ledger.jsonl`. */
  readonly directory: string;
  readonly seed: number;
  /** A bug: the backup is as old as the load, or a clone is of another space than it says. */
  readonly weakness?: 'an old backup' | 'a clone of another space' | undefined;
}

/** One copy. */
export type MadeCopy =
  | {
      readonly kind: 'backup';
      /** Lines of the ledger that were there before the call. */
      readonly linesBefore: number;
    }
  | {
      readonly kind: 'space';
      readonly how: string;
      readonly from: string;
      readonly to: string;
      /** Where the copy is: a directory beside `data`, or that. */
      readonly in: 'data' | 'elsewhere';
      /** The copy has at least this, and at most that, of its original. */
      readonly sequenceMin: number;
      readonly sequenceMax: number;
      /** What its query `everything` says. */
      readonly state: unknown;
    };

const spaceCount = 4;
const inFlight = 32;
const callsMax = 1_000_000;
const firstCalls = 200;

const plan = JSON.parse(process.argv[2] ?? '') as CopiesPlan;
const random = new SeededRandom(plan.seed);
const appUrl = new URL('../apps/torture.app.js', import.meta.url);
const place = (name: string): string => join(plan.directory, name);
const limits = { flushDelayMs: 20, readEventsMax: 100, openSpacesMax: 3 };

const ledgerFile = place('ledger.jsonl');
const ledger = new Ledger(ledgerFile);
const start = (name: string): Promise<Ramax<typeof app>> =>
  Ramax.start<typeof app>({ app: appUrl, storage: sqlite({ directory: place(name) }), shards: 2, limits });
const [ramax, elsewhere] = await Promise.all([start('data'), start('elsewhere')]);
const names = Array.from({ length: spaceCount }, (_, index) => `space-${index}`);
const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
ledger.write({ k: 'run', seed: plan.seed });
const client = new Client({ ramax, ledger, seed: plan.seed, prefix: 'r', spaces });
const early = new Client({ ramax, ledger, seed: plan.seed + 1, prefix: 'e', spaces });
await early.run(inFlight, firstCalls);
if (plan.weakness === 'an old backup') await ramax.backup({ directory: place('backup') });
ledger.write({ k: 'run', seed: plan.seed });
const load = client.run(inFlight, callsMax);

for (const copy of shuffled([backUp, exportAndImport, clone, takeBack])) await copy();
client.stop();
await load;
const problems = (await ramax.verify()).problems;
if (problems.length > 0) ledger.write({ k: 'wrong', what: `verify says ${JSON.stringify(problems)}` });
for (const name of names) await client.tell(name, 'at the end');
await Promise.all([ramax.close(), elsewhere.close()]);
ledger.close();

async function backUp(): Promise<void> {
  const linesBefore = readLedger(ledgerFile).length;
  if (plan.weakness !== 'an old backup') await ramax.backup({ directory: place('backup') });
  await restoreBackup({ from: place('backup'), to: place('restored') });
  // It is a log to go on with.
  const restored = await start('restored');
  for (const name of names) await (await restored.spaces.getOrCreate(name)).query('everything');
  await restored.close();
  say({ kind: 'backup', linesBefore });
}

async function exportAndImport(): Promise<void> {
  const original = anySpace();
  const sequenceMin = await original.latestSequence();
  const to = random.oneIn(2) ? original.spaceName : 'imported';
  const copy = await elsewhere.spaces.import(original.export(), { spaceName: to });
  await sayCopied('import', original, copy, 'elsewhere', sequenceMin);
}

async function clone(): Promise<void> {
  const original = anySpace();
  const sequenceMin = await original.latestSequence();
  const other = names[(names.indexOf(original.spaceName) + 1) % spaceCount] ?? '';
  const from = plan.weakness === 'a clone of another space' ? other : original.spaceName;
  const copy = await ramax.spaces.clone(from, 'clone');
  await sayCopied('clone', original, copy, 'data', sequenceMin);
}

async function takeBack(): Promise<void> {
  const original = anySpace();
  const clone = await ramax.spaces.clone(original.spaceName, 'clone-taken-back');
  const sequence = random.below((await clone.latestSequence()) + 1);
  const copy = await ramax.spaces.restoreTo(clone.spaceName, sequence);
  await sayCopied('restore', original, copy, 'data', sequence, sequence);
}

async function sayCopied(
  how: string,
  original: Space,
  copy: Space,
  where: 'data' | 'elsewhere',
  sequenceMin: number,
  sequenceMax?: number,
): Promise<void> {
  const [from, to] = [original.spaceName, copy.spaceName];
  const max = sequenceMax ?? (await original.latestSequence());
  const state = await copy.query('everything');
  say({ kind: 'space', how, from, to, in: where, sequenceMin, sequenceMax: max, state });
}

function anySpace(): Space {
  const space = random.pick(spaces);
  if (space === undefined) throw new Error('there are no spaces');
  return space;
}

function shuffled<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, at: random.below(1e9) }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}

function say(copy: MadeCopy): void {
  writeSync(1, `${JSON.stringify(copy)}\n`);
}
