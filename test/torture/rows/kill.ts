/**
 * Kill -9 at a random moment, start again, ask again. Several kills in sequence on one directory, so that its state grows,
 * then a clean end; then a fresh directory. After every kill the files are checked as they lie, before anybody has
 * repaired anything.
 */

import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../../../src/testing/random.js';
import { checkDirectory } from '../checker/check-directory.js';
import { Child } from '../child.js';
import { builtUrl, newDirectory } from '../places.js';
import type { LoadPlan } from '../programs/load.js';
import { type Row, type RowOptions, type RowOutcome, sumOf, type Violation } from '../row.js';

/** Kills on one directory, before a fresh one. */
const killsPerDirectory = 10;
const loadMsMax = 280;
const startMsMax = 550;
/** One kill in so many comes while the program is starting. */
const earlyOneIn = 6;
const callsMax = 6_000;

/** Kills in sequence on a directory of their own. */
async function killSeries(seed: number, kills: number, adapter?: string): Promise<RowOutcome> {
  const random = new SeededRandom(seed);
  const directory = newDirectory('kill');
  const ledger = join(directory, 'ledger.jsonl');
  const data = join(directory, 'data');
  const spaces = 2 + random.below(9);
  const violations: Violation[] = [];
  let acknowledged = 0;
  const check = (trialSeed: number): void => {
    const verdict = checkDirectory(data, ledger);
    acknowledged = Math.max(acknowledged, verdict.acknowledged);
    violations.push(...verdict.broken.slice(0, 20).map((what) => ({ seed: trialSeed, what })));
  };
  const planOf = (trialSeed: number, mode: LoadPlan['mode']): LoadPlan => ({
    ...{ directory: data, ledger, seed: trialSeed, mode, spaces, callsMax },
    shards: 1 + random.below(4),
    inFlight: random.pick([1, 8, 64, 512]),
    ...(adapter === undefined ? {} : { adapter }),
  });
  for (let kill = 0; kill < kills && violations.length === 0; kill++) {
    const trialSeed = seed + kill;
    const problem = await runAndKill(planOf(trialSeed, 'load'), random);
    if (problem !== undefined) violations.push({ seed: trialSeed, what: problem });
    check(trialSeed);
  }
  if (violations.length === 0) {
    const lastSeed = seed + kills - 1;
    const { code, signal, complaint } = await new Child('load', planOf(lastSeed, 'settle')).ended;
    if (code !== 0)
      violations.push({ seed: lastSeed, what: `the last start ended with ${code ?? signal}: ${complaint}` });
    check(lastSeed);
  }
  const isKept = violations.length > 0 && adapter === undefined;
  if (!isKept) rmSync(directory, { recursive: true });
  const notes = isKept ? [`evidence: ${directory}`] : [];
  return { trials: kills, faults: kills, acknowledged, violations, notes };
}

async function runAndKill(plan: LoadPlan, random: SeededRandom): Promise<string | undefined> {
  const child = new Child('load', plan);
  if (random.oneIn(earlyOneIn)) await pause(random.below(startMsMax));
  else {
    await child.said('ready');
    await pause(random.below(loadMsMax));
  }
  child.kill();
  const { code, signal, complaint } = await child.ended;
  // A program that has sent all it was to send before the kill came has ended well.
  if (signal === 'SIGKILL' || code === 0) return undefined;
  return `the program ended by itself with ${code ?? signal}: ${complaint}`;
}

/** Series side by side: one thread of this machine's cores each. */
async function killAll({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < trials) {
      const first = next;
      const kills = Math.min(killsPerDirectory, trials - first);
      next += kills;
      outcomes.push(await killSeries(seed + first, kills));
      report(`${next} of ${trials} kills begun`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, cpus().length) }, lane));
  return sumOf(outcomes);
}

const controlKills = 6;

/** See the head of this file. */
export const kill: Row = {
  name: 'kill',
  what: 'kill -9 at a random moment, start again, ask again',
  unit: 'kills',
  ciTrials: 100,
  fullTrials: 2_000,
  run: killAll,
  controls: [
    {
      name: 'answers before the commit',
      found: /is not in the log|the log ends at|no record/,
      run: ({ seed }) => killSeries(seed, controlKills, builtUrl('adapters/early-answer.js')),
    },
    {
      name: 'no record of command ids',
      found: /no record of its commandId|is in the log \d+ times/,
      run: ({ seed }) => killSeries(seed, controlKills, builtUrl('adapters/forgetful.js')),
    },
  ],
};
