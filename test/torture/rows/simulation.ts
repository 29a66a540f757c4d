/**
 * The whole runtime in one thread, under a seeded scheduler: threads die at any step, commits are in doubt, messages are
 * late. Histories are those of `test/sim`, played in a few processes side by side.
 */

import { availableParallelism } from 'node:os';
import { Child } from '../child.js';
import type { Simulated, SimulatePlan } from '../programs/simulate.js';
import { type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';

/** Enough that warming up does not count. */
const seedsPerProcess = 2_000;

async function simulate(plan: SimulatePlan): Promise<RowOutcome> {
  const child = new Child('simulate', plan, { timeoutMs: 1_800_000 });
  const { code, signal, complaint } = await child.ended;
  const said = child.lines.at(-1);
  if (code !== 0 || said === undefined) {
    const what = `the process ended with ${code ?? signal}: ${complaint}`;
    return { trials: plan.count, faults: 0, acknowledged: 0, violations: [{ seed: plan.first, what }] };
  }
  return { trials: plan.count, ...(JSON.parse(said) as Simulated) };
}

async function simulateAll({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < trials) {
      const first = next;
      const count = Math.min(seedsPerProcess, trials - first);
      next += count;
      outcomes.push(await simulate({ first: seed + first, count }));
      report(`${next} of ${trials} seeds`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  return sumOf(outcomes);
}

const control = (name: string, bug: string, found: RegExp) => ({
  name,
  found,
  run: ({ seed }: Pick<RowOptions, 'seed'>) => simulate({ first: seed, count: 600, bug }),
});

/** See the head of this file. */
export const simulation: Row = {
  name: 'simulation',
  what: 'the whole runtime in one seeded thread: deaths at any step, commits in doubt, late messages',
  unit: 'seeds',
  ciTrials: 10_000,
  fullTrials: 1_000_000,
  run: simulateAll,
  controls: [
    control('answers that do not wait for what they saw', 'no gate', /saw/),
    control('no generations', 'no generations', /refused with|is in the log/),
    control('a projection that is applied twice', 'a late checkpoint', /the fold is/),
  ],
};
