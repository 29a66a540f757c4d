/**
 * The power is cut. A run is recorded, operation by operation, with its ledger among them; then disks are made as a power
 * cut leaves them at random moments (`shim/power-cut.ts`), and each is held against what had been acknowledged until then:
 * by the checker, with plain SQL, and one in so many by a runtime that opens it and settles everything.
 */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/random.js';
import { checkDirectory } from '../checker/check-directory.js';
import { checkLedger } from '../checker/check-ledger.js';
import { checkLog } from '../checker/check-log.js';
import { readLog } from '../checker/log-file.js';
import { Child } from '../child.js';
import type { LedgerLine } from '../ledger.js';
import { builtUrl, newDirectory } from '../places.js';
import type { LoadPlan } from '../programs/load.js';
import { type Control, type Row, type RowOptions, type RowOutcome, sumOf, type Violation } from '../row.js';
import { type DiskRecord, readDiskRecord } from '../shim/disk-record.js';
import { DiskControl, shimEnvironment, shimLibrary, skipped } from '../shim/disk-shim.js';
import { DiskAtMoment } from '../shim/power-cut.js';

const imagesPerRun = 500;
const openedOneIn = 100;
const callsMax = 1_500;

/** Thousands of images are written and thrown away: in memory, where that can be. */
function newImage(): string {
  const memory = '/dev/shm';
  return mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'ramax-torture-image-'));
}

interface Run {
  readonly directory: string;
  readonly plan: LoadPlan;
  readonly record: DiskRecord;
}

/** One run, recorded from its first operation to its last. */
async function recordRun(seed: number, library: string, adapter?: string): Promise<Run> {
  const random = new SeededRandom(seed);
  const directory = newDirectory('power-cut');
  const [data, ledger] = [join(directory, 'data'), join(directory, 'ledger.jsonl')];
  mkdirSync(data);
  const plan: LoadPlan = {
    ...{ directory: data, ledger, seed, mode: 'load', spaces: 4, isDeleting: random.oneIn(2) },
    ...{ shards: 1 + random.below(2), inFlight: random.pick([2, 16, 64]) ?? 16, callsMax },
    ...(adapter === undefined ? {} : { adapter }),
  };
  const control = new DiskControl(join(directory, 'control'), true);
  const record = { file: join(directory, 'record'), marks: ledger };
  const env = shimEnvironment({ library, directory: data, control, record });
  const { code, signal, complaint } = await new Child('load', plan, { env }).ended;
  control.close();
  if (code !== 0) throw new Error(`the recorded program ended with ${code ?? signal}: ${complaint}`);
  return { directory, plan, record: readDiskRecord(record.file) };
}

/** Moments of a run in their order: most of them right behind an answer, when what it stands on was synced last. */
function momentsOf({ operations, linesAt }: DiskRecord, count: number, random: SeededRandom): number[] {
  const moments = Array.from({ length: count }, () =>
    random.oneIn(3)
      ? random.below(operations.length + 1)
      : Math.min(operations.length, (random.pick(linesAt) ?? 0) + random.below(3)),
  );
  return moments.sort((left, right) => left - right);
}

function linesUntil({ lines, linesAt }: DiskRecord, moment: number): readonly LedgerLine[] {
  const end = linesAt.findIndex((at) => at > moment);
  return end === -1 ? lines : lines.slice(0, end);
}

async function cutOften(
  seed: number,
  images: number,
  library: string,
  report: (progress: string) => void,
  adapter?: string,
): Promise<RowOutcome> {
  const run = await recordRun(seed, library, adapter);
  const { record, directory } = run;
  const disk = new DiskAtMoment(record.operations);
  const image = newImage();
  const violations: Violation[] = [];
  let [faults, acknowledged, opened] = [0, 0, 0];
  for (const moment of momentsOf(record, images, new SeededRandom(seed + 1))) {
    faults++;
    disk.advance(moment);
    const isOpened = faults % openedOneIn === 0;
    disk.image(
      image,
      new SeededRandom(seed + faults * 7_919),
      (path) => isOpened || path.startsWith('ramax.db'),
    );
    const lines = linesUntil(record, moment);
    const verdict = verdictOf(image, lines);
    acknowledged += verdict.acknowledged;
    const broken = [...verdict.broken];
    if (isOpened && broken.length === 0) {
      opened++;
      broken.push(...(await openedAgain(run, image, lines)));
    }
    violations.push(
      ...broken
        .slice(0, 5)
        .map((what) => ({ seed, what: `cut at operation ${moment}, image ${faults}: ${what}` })),
    );
    if (violations.length > 20) break;
    if (faults % 100 === 0) report(`${faults} images of seed ${seed}`);
  }
  const isKept = violations.length > 0 && adapter === undefined;
  rmSync(image, { recursive: true });
  if (!isKept) rmSync(directory, { recursive: true });
  const notes = [
    `${record.operations.length} operations recorded, ${opened} images opened by a runtime`,
    ...(isKept ? [`evidence: ${directory}`] : []),
  ];
  return { trials: faults, faults, acknowledged, violations, notes };
}

function verdictOf(
  image: string,
  lines: readonly LedgerLine[],
): { readonly broken: readonly string[]; readonly acknowledged: number } {
  try {
    const log = readLog(image);
    const verdict = checkLedger(lines, log);
    return { ...verdict, broken: [...(log === undefined ? [] : checkLog(log)), ...verdict.broken] };
  } catch (error) {
    return { broken: [`the log cannot be read: ${String(error)}`], acknowledged: 0 };
  }
}

/** A runtime opens the image, asks again about what was not answered, and tells the states of all spaces. */
async function openedAgain(
  run: Run,
  image: string,
  lines: readonly LedgerLine[],
): Promise<readonly string[]> {
  const ledger = join(run.directory, 'image-ledger.jsonl');
  writeFileSync(ledger, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { adapter: _weakened, ...plan } = run.plan;
  const settle: LoadPlan = { ...plan, directory: image, ledger, mode: 'settle' };
  const { code, signal, complaint } = await new Child('load', settle, { timeoutMs: 60_000 }).ended;
  if (code !== 0) return [`the runtime that opened it ended with ${code ?? signal}: ${complaint}`];
  return checkDirectory(image, ledger).broken;
}

async function run({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const library = shimLibrary();
  if (library === undefined)
    return { trials: 0, faults: 0, acknowledged: 0, violations: [], ...skipped(trials) };
  const outcomes: RowOutcome[] = [];
  for (let first = 0; first < trials; first += imagesPerRun) {
    const images = Math.min(imagesPerRun, trials - first);
    outcomes.push(await cutOften(seed + first, images, library, report));
  }
  return sumOf(outcomes);
}

const controlImages = 150;

/** See the head of this file. */
export const powerCut: Row = {
  name: 'power-cut',
  what: 'disks as a power cut leaves them: what was not synced is lost, torn or reordered',
  unit: 'images',
  ciTrials: 1_000,
  fullTrials: 20_000,
  run,
  get controls() {
    const library = shimLibrary();
    return library === undefined ? [] : controlsWith(library);
  },
};

/** They need the shim as well. */
function controlsWith(library: string): readonly Control[] {
  return [
    {
      name: 'commits that are not synced (synchronous=NORMAL)',
      found: /is not in the log|the log ends at|no record/,
      async run({ seed, report }) {
        return cutOften(seed, controlImages, library, report, builtUrl('adapters/unsynced.js'));
      },
    },
  ];
}
