/**
 * One runtime under load whose disk fails for a while, in one way after another: `disk-errors.js '{"directory": …}'`. While
 * it fails, errors are typed and reads are answered; when it is sound again everything goes on by itself. At the end
 * everything is settled, the states are told, and the runtime closes.
 */

import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Ramax, RamaxError } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type app from '../apps/torture.app.js';
import { Client, floorsOf, unsettled } from '../client.js';
import { type DiskErrorKind, diskErrorKinds } from '../disk-error-kinds.js';
import { commandsOf, Ledger, readLedger } from '../ledger.js';
import { DiskControl } from '../shim/disk-shim.js';

/** What the program is told. */
export interface DiskErrorsPlan {
  readonly directory: string;
  readonly ledger: string;
  readonly control: string;
  readonly seed: number;
  /** Names of `diskErrorKinds`, in their order. */
  readonly kinds: readonly string[];
  readonly faultMs: number;
  /** Ends by its own kill -9 as soon as calls were answered behind a failed operation. */
  readonly isKilled?: boolean;
  readonly adapter?: string;
}

/** How soon everything works again: the longest pause between two starts of the writer, and some. */
const resumeMsMax = 120_000;
/** Reads wait for the first new start of a writer, which a busy machine makes long. */
const patient = { timeoutMs: 120_000 };
/** Ballast is written until a checkpoint was made to fail: at most so many times what makes one due. */
const fillRoundsMax = 40;
const heapMbMax = 400;
/** What a call may be answered while the disk fails, and right behind. */
const expected =
  /^(command_rejected|conflict|storage|unavailable|outcome_unknown|timeout|aborted|overloaded|ok)$/;

const plan = JSON.parse(process.argv[2] ?? '') as DiskErrorsPlan;
const disk = new DiskControl(plan.control, false);
const ledger = new Ledger(plan.ledger);
const storage = sqlite({ directory: plan.directory });
const options = {
  app: new URL('../apps/torture.app.js', import.meta.url),
  storage: plan.adapter === undefined ? storage : { ...storage, module: plan.adapter },
  shards: 2,
  // Room for all spaces: what is open is read whatever the disk does.
  limits: {
    ...{ flushDelayMs: 20, dirtyKeysMax: 16, readEventsMax: 200, callTimeoutMs: 1_500 },
    // Else the pauses between starts of the writer would be those behind all earlier faults.
    restartWindowMs: 1_000,
    // A writer that cannot read is given up soon, for that is called damage: here the disk is sound again before.
    restartsMax: 100,
  },
};
let ramax = await Ramax.start<typeof app>(options);
const names = Array.from({ length: 6 }, (_, index) => `space-${index}`);
const wrong = (what: string): void => ledger.write({ k: 'wrong', what });
let faults = 0;
let reads = 0;
const seen = new Map<string, number>();

for (const [round, name] of plan.kinds.entries()) {
  const kind = diskErrorKinds.find((one) => one.name === name);
  if (kind === undefined) throw new RangeError(`there is no kind ${name}`);
  if (kind.isAtStart === true) await failAtStart(kind);
  else await failUnderLoad(kind, round);
}
const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
await settle();
if (ramax.failure !== undefined) wrong(`the runtime has failed: ${ramax.failure.message}`);
await ramax.close();
ledger.close();
const rssMb = Math.round(process.memoryUsage().rss / 2 ** 20);
const codes = Object.fromEntries(seen);
writeSync(1, `${JSON.stringify({ faults, reads, rssMb, codes })}\n`);

async function clientOf(round: number): Promise<Client> {
  const runs = readLedger(plan.ledger).filter(({ k }) => k === 'run').length;
  ledger.write({ k: 'run', seed: plan.seed + round });
  const floors = floorsOf(commandsOf(readLedger(plan.ledger)).values());
  const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
  return new Client({ ramax, ledger, seed: plan.seed + round, prefix: `e${runs}`, spaces, floors });
}

async function failUnderLoad(kind: DiskErrorKind, round: number): Promise<void> {
  const client = await clientOf(round);
  const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
  for (const name of names) await client.look(name);
  const load = client.run(12, Number.MAX_SAFE_INTEGER);
  await pause(80);
  disk.fail(kind.fault);
  const startedMs = performance.now();
  if (plan.isKilled === true) await killBehindTheFirst();
  if (kind.needsCheckpoint === true) await fillTheLog(client);
  while (performance.now() - startedMs < plan.faultMs) {
    await pause(25);
    if (kind.breaksReads !== true) await readAll(spaces, kind);
  }
  faults += disk.failed;
  if (disk.failed === 0 && kind.mayMiss !== true) wrong(`${kind.name}: nothing has failed`);
  disk.lift();
  await resume(client, kind);
  client.stop();
  await load;
}

/** Before the next writer has written anything: what the failed commit has left is what the next process finds. */
async function killBehindTheFirst(): Promise<void> {
  while (disk.failed === 0) await pause(1);
  // A weakened engine refuses what was in flight: on a busy machine that may take a while.
  const untilMs = performance.now() + (plan.adapter === undefined ? 25 : 3_000);
  while (performance.now() < untilMs) {
    if (
      readLedger(plan.ledger).some(
        ({ k, ...line }) => k === 'error' && 'code' in line && line.code === 'storage',
      )
    )
      break;
    await pause(2);
  }
  process.kill(process.pid, 'SIGKILL');
}

/** While the disk fails: states, events and the registry are read. */
async function readAll(
  spaces: readonly Awaited<ReturnType<typeof ramax.spaces.getOrCreate>>[],
  kind: DiskErrorKind,
): Promise<void> {
  const space = spaces[reads % spaces.length];
  if (space === undefined) return;
  try {
    await space.query('last', undefined, patient);
    for await (const _event of space.streamEvents({ from: 0 })) if (Math.random() < 0.01) break;
    if (reads % 5 === 0) await ramax.spaces.list(patient);
    reads++;
  } catch (error) {
    wrong(`${kind.name}: a read failed while the disk did: ${String(error)}`);
  }
}

/** Large values, until the write-ahead log has to be moved into the database. */
async function fillTheLog(client: Client): Promise<void> {
  const filling = 'x'.repeat(800_000);
  for (let round = 0; round < fillRoundsMax && disk.failed === 0; round++) {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        client.fill(names[index % names.length] ?? '', filling, 'once'),
      ),
    );
  }
}

/** Soon every space takes commands again, and nothing is wrong any more. */
async function resume(client: Client, kind: DiskErrorKind): Promise<void> {
  const untilMs = performance.now() + resumeMsMax;
  for (const name of names) {
    for (;;) {
      const code = await client.fill(name, 'y');
      seen.set(code, (seen.get(code) ?? 0) + 1);
      // SQLite calls it damage when the disk refuses a read: it cannot know better.
      const isUnreadable = code === 'corrupt' && kind.breaksReads === true;
      if (!expected.test(code) && !isUnreadable) wrong(`${kind.name}: a call was answered ${code}`);
      if (code === 'ok') break;
      if (performance.now() > untilMs) {
        wrong(`${kind.name}: ${name} still answers ${code} long after the disk was sound again`);
        break;
      }
      await pause(50);
    }
  }
  const { status, writer } = await ramax.health();
  if (status === 'failed' || writer.trouble !== undefined)
    wrong(`${kind.name}: the health is ${status} after all: ${JSON.stringify(writer)}`);
  const heapMb = process.memoryUsage().heapUsed / 2 ** 20;
  if (heapMb > heapMbMax) wrong(`${kind.name}: the heap has grown to ${heapMb} MB`);
}

/** The runtime ends well although the disk fails, is refused with a typed error while it does, and starts afterwards. */
async function failAtStart(kind: DiskErrorKind): Promise<void> {
  if (kind.isAtClose === true) disk.fail(kind.fault);
  await ramax.close().catch((error: unknown) => {
    if (!(error instanceof RamaxError)) wrong(`${kind.name}: close() threw ${String(error)}`);
  });
  if (kind.isAtClose !== true) disk.fail(kind.fault);
  let started: typeof ramax | undefined;
  let refused: unknown;
  try {
    started = await Ramax.start<typeof app>(options);
  } catch (error) {
    refused = error;
  }
  const isTyped = refused instanceof RamaxError && refused.code === 'storage';
  if (refused instanceof RamaxError) seen.set(`start ${refused.code}`, 1);
  if (kind.mayMiss !== true && !isTyped) wrong(`${kind.name}: the start was answered ${String(refused)}`);
  faults += disk.failed;
  disk.lift();
  ramax = started ?? (await Ramax.start<typeof app>(options));
}

async function settle(): Promise<void> {
  const client = await clientOf(plan.kinds.length);
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
