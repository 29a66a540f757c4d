/**
 * The process is killed before its n-th operation on a file: while it creates its files, opens them, works, deletes spaces,
 * closes. Several kills in sequence on one directory; after each the files are checked as they lie, at the end by a runtime
 * that settles everything. A kill takes nothing from the page cache: what a power cut takes is the row `power-cut`.
 */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/random.js';
import { checkDirectory } from '../checker/check-directory.js';
import { Child } from '../child.js';
import { builtUrl, newDirectory } from '../places.js';
import type { LoadPlan } from '../programs/load.js';
import { type Control, type Row, type RowOptions, type RowOutcome, sumOf, type Violation } from '../row.js';
import { DiskControl, shimEnvironment, shimLibrary, skipped } from '../shim/disk-shim.js';

const killsPerDirectory = 10;
/** A first start makes about so many operations until it is ready. */
const startOperations = 90;
const loadOperationsMax = 3_000;

/** Before which operation, of a program that makes so many calls. Small programs are killed while they close, too. */
function planKill(random: SeededRandom): { readonly before: number; readonly callsMax: number } {
  const kind = random.below(4);
  if (kind === 0) return { before: 1 + random.below(startOperations), callsMax: 1_000 };
  if (kind === 1) return { before: startOperations + random.below(400), callsMax: 12 + random.below(20) };
  return { before: startOperations + random.below(loadOperationsMax), callsMax: 20_000 };
}

async function series(seed: number, kills: number, library: string, adapter?: string): Promise<RowOutcome> {
  const directory = newDirectory('disk-kill');
  const [data, ledger] = [join(directory, 'data'), join(directory, 'ledger.jsonl')];
  mkdirSync(data);
  writeFileSync(ledger, '');
  const violations: Violation[] = [];
  let [acknowledged, faults] = [0, 0];
  const check = (trialSeed: number): void => {
    const verdict = checkDirectory(data, ledger);
    acknowledged = Math.max(acknowledged, verdict.acknowledged);
    violations.push(...verdict.broken.slice(0, 20).map((what) => ({ seed: trialSeed, what })));
  };
  const planOf = (trialSeed: number, callsMax: number, mode: LoadPlan['mode']): LoadPlan => {
    const random = new SeededRandom(trialSeed + 7);
    return {
      ...{ directory: data, ledger, seed: trialSeed, mode, spaces: 5, callsMax },
      ...{ shards: 1 + random.below(3), inFlight: random.pick([1, 8, 64]), isDeleting: true },
      ...(adapter === undefined ? {} : { adapter }),
    };
  };
  for (let index = 0; index < kills && violations.length === 0; index++) {
    const trialSeed = seed + index;
    const { before, callsMax } = planKill(new SeededRandom(trialSeed));
    const control = new DiskControl(join(directory, 'control'), true);
    control.killBefore(before);
    const env = shimEnvironment({ library, directory: data, control });
    const child = new Child('load', planOf(trialSeed, callsMax, 'load'), { env, timeoutMs: 60_000 });
    const { code, signal, complaint } = await child.ended;
    if (signal === 'SIGKILL') faults++;
    else if (code !== 0)
      violations.push({ seed: trialSeed, what: `the program ended with ${code ?? signal}: ${complaint}` });
    control.close();
    check(trialSeed);
  }
  if (violations.length === 0) {
    const lastSeed = seed + kills - 1;
    const { code, signal, complaint } = await new Child('load', planOf(lastSeed, 0, 'settle')).ended;
    if (code !== 0)
      violations.push({ seed: lastSeed, what: `the last start ended with ${code ?? signal}: ${complaint}` });
    check(lastSeed);
  }
  const isKept = violations.length > 0 && adapter === undefined;
  if (!isKept) rmSync(directory, { recursive: true });
  return {
    ...{ trials: kills, faults, acknowledged, violations },
    notes: isKept ? [`evidence: ${directory}`] : [],
  };
}

async function run({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const library = shimLibrary();
  if (library === undefined)
    return { trials: 0, faults: 0, acknowledged: 0, violations: [], ...skipped(trials) };
  const outcomes: RowOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < trials) {
      const first = next;
      const kills = Math.min(killsPerDirectory, trials - first);
      next += kills;
      outcomes.push(await series(seed + first, kills, library));
      report(`${next} of ${trials} kills begun`);
    }
  };
  await Promise.all([lane(), lane()]);
  return sumOf(outcomes);
}

/** See the head of this file. */
export const diskKill: Row = {
  name: 'disk-kill',
  what: 'killed before the n-th operation on a file: creation, opening, load, deletion, close',
  unit: 'kills',
  ciTrials: 60,
  fullTrials: 1_000,
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
      name: 'answers before the commit',
      found: /is not in the log|the log ends at|no record/,
      async run({ seed }) {
        return series(seed + 2, 8, library, builtUrl('adapters/early-answer.js'));
      },
    },
  ];
}
