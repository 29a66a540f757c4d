/**
 * The disk is full, or fails, for a while: each kind of `disk-error-kinds.ts`, in the middle of a load. One trial is every
 * kind once, in an order of its own, in one process that is never started again; every other trial ends by kill -9 behind
 * the first failure instead, and a runtime finds what is there.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/random.js';
import { checkDirectory } from '../checker/check-directory.js';
import { Child } from '../child.js';
import { diskErrorKinds } from '../disk-error-kinds.js';
import { builtUrl, newDirectory } from '../places.js';
import type { DiskErrorsPlan } from '../programs/disk-errors.js';
import type { LoadPlan } from '../programs/load.js';
import { type Control, type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';
import { DiskControl, shimEnvironment, shimLibrary, skipped } from '../shim/disk-shim.js';

const faultMs = 500;
/** Kinds whose failed commits are found by the next runtime. */
const inDoubt = ['log sync', 'log write', 'log short'];

interface Trial {
  readonly seed: number;
  readonly library: string;
  readonly kinds: readonly string[];
  readonly isKilled: boolean;
  readonly adapter?: string;
}

async function trial({ seed, library, kinds, isKilled, adapter }: Trial): Promise<RowOutcome> {
  const directory = newDirectory('disk-errors');
  const [data, ledger] = [join(directory, 'data'), join(directory, 'ledger.jsonl')];
  mkdirSync(data);
  writeFileSync(ledger, '');
  const control = new DiskControl(join(directory, 'control'), true);
  const weak = adapter === undefined ? {} : { adapter };
  const env = shimEnvironment({ library, directory: data, control });
  const plan: DiskErrorsPlan = {
    ...{ directory: data, ledger, control: control.file, seed, kinds, faultMs, isKilled },
    ...weak,
  };
  const { code, signal, complaint } = await new Child('disk-errors', plan, { env, timeoutMs: 240_000 }).ended;
  const failed = control.failed;
  control.close();
  const what: string[] = [];
  if (isKilled ? signal !== 'SIGKILL' : code !== 0)
    what.push(`the process ended with ${code ?? signal}: ${complaint}`);
  if (isKilled && what.length === 0) {
    const settle: LoadPlan = {
      ...{ directory: data, ledger, seed, mode: 'settle', spaces: 6, shards: 2, inFlight: 1, callsMax: 0 },
    };
    const again = await new Child('load', settle, { timeoutMs: 60_000 }).ended;
    if (again.code !== 0)
      what.push(`the next start ended with ${again.code ?? again.signal}: ${again.complaint}`);
  }
  const verdict = checkDirectory(data, ledger);
  what.push(...verdict.broken.slice(0, 20));
  const isKept = what.length > 0 && adapter === undefined;
  if (!isKept) rmSync(directory, { recursive: true });
  return {
    ...{ trials: 1, faults: isKilled ? failed : kinds.length, acknowledged: verdict.acknowledged },
    violations: what.map((text) => ({ seed, what: text })),
    notes: isKept ? [`evidence: ${directory}`] : [],
  };
}

async function run({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const library = shimLibrary();
  if (library === undefined)
    return { trials: 0, faults: 0, acknowledged: 0, violations: [], ...skipped(trials) };
  const outcomes: RowOutcome[] = [];
  let begun = 0;
  const round = async (index: number): Promise<void> => {
    const random = new SeededRandom(seed + index);
    const kinds = diskErrorKinds.map(({ name }) => ({ name, at: random.fraction() }));
    const order = kinds.sort((left, right) => left.at - right.at).map(({ name }) => name);
    const common = { seed: seed + index, library };
    const killed = { ...common, kinds: [random.pick(inDoubt) ?? 'log sync'], isKilled: true };
    const whole = await trial({ ...common, kinds: order, isKilled: false });
    const ended = await trial(killed);
    outcomes.push({ ...sumOf([whole, ended]), trials: 1 });
    report(`${outcomes.length} of ${trials} times every kind`);
  };
  const lane = async (): Promise<void> => {
    while (begun < trials) await round(begun++);
  };
  await Promise.all([lane(), lane()]);
  return sumOf(outcomes);
}

/** See the head of this file. */
export const diskErrors: Row = {
  name: 'disk-errors',
  what: 'full disks and I/O errors at every file, for a while: typed errors, reads go on, all resumes by itself',
  unit: 'rounds',
  ciTrials: 3,
  fullTrials: 30,
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
      name: 'a commit in doubt that is refused',
      found: /refused|was answered storage|is in the log/,
      async run({ seed }) {
        const adapter = builtUrl('adapters/refusing.js');
        return trial({ seed, library, kinds: ['log sync'], isKilled: true, adapter });
      },
    },
  ];
}
