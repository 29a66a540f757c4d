/**
 * Damages copies of a sound data directory, one after the other, and starts a runtime on each: `damage.js '{…}'`. Whatever
 * it serves must be what the sound one serves; to refuse is right, to serve less or something else is not.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Ramax, RamaxError } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import type app from '../apps/torture.app.js';

/** Ways of damage, in the order of the seeds. */
export const damages = [
  'a bit flipped in the log',
  'a sector of zeroes in the log',
  'a stale page in the log',
  'a log cut short',
  'a bit flipped in the write-ahead log',
  'a write-ahead log cut short',
  'a write-ahead log lost',
  'a bit flipped in a projection file',
  'a sector of zeroes in a projection file',
] as const;

/** What the program is told. */
export interface DamagePlan {
  /** A directory as a killed runtime has left it, with its write-ahead log. */
  readonly sound: string;
  /** An older copy of the same directory, for stale pages. */
  readonly older: string;
  readonly scratch: string;
  readonly first: number;
  readonly count: number;
  /** A control: what is served is compared with something else. */
  readonly isForgery?: boolean;
}

/** What a runtime serves: a digest, or the code of the error. */
type Served = Readonly<Record<string, string>>;

const sectorBytes = 512;
const pageBytes = 4_096;
const plan = JSON.parse(process.argv[2] ?? '') as DamagePlan;
const violations: { seed: number; what: string }[] = [];
const noticed: Record<string, number> = {};
let isCaught = true;
process.on('uncaughtException', (error) => {
  isCaught = false;
  violations.push({ seed: -1, what: `nobody caught ${error.stack}` });
});

const truth = await servedBy(copyOf(plan.sound));
for (let trial = 0; trial < plan.count && isCaught; trial++) {
  const seed = plan.first + trial;
  const random = new SeededRandom(seed);
  const kind = damages[trial % damages.length] ?? damages[0];
  const directory = copyOf(plan.sound);
  if (!damage(directory, kind, random)) continue;
  const served = await servedBy(directory);
  const wrong = Object.entries(truth).filter(([door, right]) => {
    const given = served[door] ?? served['start'] ?? 'nothing';
    if (given.startsWith('error ')) return false;
    return given !== (plan.isForgery ? 'forged' : right);
  });
  const isRefused = Object.values(served).some((given) => given.startsWith('error '));
  if (isRefused) noticed[kind] = (noticed[kind] ?? 0) + 1;
  for (const [door] of wrong.slice(0, 2))
    violations.push({ seed, what: `${kind}: ${door} served something wrong` });
  for (const given of Object.values(served)) {
    if (given.startsWith('untyped ')) violations.push({ seed, what: `${kind}: ${given}` });
  }
}
writeSync(1, `${JSON.stringify({ trials: plan.count, violations, noticed })}\n`);

function copyOf(sound: string): string {
  const directory = join(plan.scratch, 'copy');
  rmSync(directory, { recursive: true, force: true });
  cpSync(sound, directory, { recursive: true });
  return directory;
}

/** Whether there was anything to damage. */
function damage(directory: string, kind: (typeof damages)[number], random: SeededRandom): boolean {
  const log = join(directory, 'ramax.db');
  const wal = `${log}-wal`;
  const partitions = readdirSync(directory).filter((name) => /^pstate-\d\d\.db$/.test(name));
  const partition = join(directory, random.pick(partitions) ?? '');
  switch (kind) {
    case 'a bit flipped in the log':
      return flipBit(log, random);
    case 'a sector of zeroes in the log':
      return zeroSector(log, random);
    case 'a stale page in the log':
      return stalePage(log, join(plan.older, 'ramax.db'), random);
    case 'a log cut short':
      return cut(log, random);
    case 'a bit flipped in the write-ahead log':
      return flipBit(wal, random);
    case 'a write-ahead log cut short':
      return cut(wal, random);
    case 'a write-ahead log lost':
      rmSync(wal, { force: true });
      rmSync(`${log}-shm`, { force: true });
      return true;
    case 'a bit flipped in a projection file':
      return flipBit(partition, random);
    case 'a sector of zeroes in a projection file':
      return zeroSector(partition, random);
  }
}

function flipBit(file: string, random: SeededRandom): boolean {
  const place = random.below(sizeOf(file));
  return change(file, place, 1, (bytes) => {
    bytes[0] = (bytes[0] ?? 0) ^ (1 << random.below(8));
  });
}

function zeroSector(file: string, random: SeededRandom): boolean {
  const sector = random.below(Math.max(1, Math.floor(sizeOf(file) / sectorBytes)));
  return change(file, sector * sectorBytes, sectorBytes, (bytes) => void bytes.fill(0));
}

function stalePage(file: string, older: string, random: SeededRandom): boolean {
  const page = random.below(Math.max(1, Math.floor(Math.min(sizeOf(file), sizeOf(older)) / pageBytes)));
  const stale = readFileSync(older).subarray(page * pageBytes, (page + 1) * pageBytes);
  return change(file, page * pageBytes, pageBytes, (bytes) => void stale.copy(bytes));
}

function cut(file: string, random: SeededRandom): boolean {
  if (sizeOf(file) === 0) return false;
  truncateSync(file, random.below(sizeOf(file)));
  return true;
}

/** Changes a part of a file; says whether it was there and is another one now. */
function change(file: string, at: number, length: number, make: (bytes: Buffer) => void): boolean {
  if (sizeOf(file) === 0) return false;
  const handle = openSync(file, 'r+');
  try {
    const bytes = Buffer.alloc(length);
    readSync(handle, bytes, 0, length, at);
    const before = Buffer.from(bytes);
    make(bytes);
    writeSync(handle, bytes, 0, length, at);
    return !before.equals(bytes);
  } finally {
    closeSync(handle);
  }
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** Everything that a runtime on this directory serves. */
async function servedBy(directory: string): Promise<Served> {
  const served: Record<string, string> = {};
  let ramax: Ramax<typeof app>;
  try {
    ramax = await Ramax.start<typeof app>({
      app: new URL('../apps/torture.app.js', import.meta.url),
      storage: sqlite({ directory }),
      shards: 1,
      limits: { callTimeoutMs: 5_000 },
    });
  } catch (error) {
    return { start: described(error) };
  }
  try {
    const spaces = await ramax.spaces.list();
    served['list'] = digest(spaces.map(({ spaceId, spaceName, metadata }) => [spaceId, spaceName, metadata]));
    served['streamAllEvents'] = await outcomeOf(() => gathered(ramax.streamAllEvents()));
    for (const space of spaces) {
      const of = (door: string): string => `${door} of ${space.spaceName}`;
      served[of('state')] = await outcomeOf(() => space.query('everything'));
      served[of('streamEvents')] = await outcomeOf(() => gathered(space.streamEvents()));
      served[of('streamEntityEvents')] = await outcomeOf(() =>
        gathered(space.streamEntityEvents('entry:k1')),
      );
    }
  } catch (error) {
    served['start'] = described(error);
  }
  await ramax.close().catch(() => {});
  return served;
}

async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return digest(await call());
  } catch (error) {
    return described(error);
  }
}

function described(error: unknown): string {
  return error instanceof RamaxError ? `error ${error.code}` : `untyped ${String(error)}`;
}

function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex');
}

async function gathered(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}
