/**
 * Reading and reacting together in one seeded thread: upcasters over three releases, reactors, timers, subscribers and conditional commands,
 * through deaths of threads and of the whole runtime. Histories are those of `test/sim/together.ts`.
 */

import { availableParallelism } from 'node:os';
import { Child } from '../child.js';
import type { Simulated, SimulatePlan } from '../programs/simulate.js';
import { type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';

const seedsPerProcess = 100;

async function play(plan: SimulatePlan): Promise<RowOutcome> {
  const child = new Child('together', plan, { timeoutMs: 1_800_000 });
  const { code, signal, complaint } = await child.ended;
  const said = child.lines.at(-1);
  if (code !== 0 || said === undefined) {
    const what = `the process ended with ${code ?? signal}: ${complaint}`;
    return { trials: plan.count, faults: 0, acknowledged: 0, violations: [{ seed: plan.first, what }] };
  }
  return { trials: plan.count, ...(JSON.parse(said) as Simulated) };
}

async function playAll({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < trials) {
      const first = next;
      const count = Math.min(seedsPerProcess, trials - first);
      next += count;
      outcomes.push(await play({ first: seed + first, count }));
      report(`${next} of ${trials} seeds`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  return sumOf(outcomes);
}

const control = (name: string, bug: string, found: RegExp) => ({
  name,
  found,
  run: ({ seed }: Pick<RowOptions, 'seed'>) => play({ first: seed, count: 300, bug }),
});

/** See the head of this file. */
export const together: Row = {
  name: 'together',
  what: 'upcasters, reactors, timers, subscribers and conditions in one seeded thread, over three releases',
  unit: 'seeds',
  ciTrials: 20,
  fullTrials: 20_000,
  run: playAll,
  controls: [
    control('a reactor whose position runs ahead', 'a hasty reactor', /each process has happened/),
    control('a subscription that reads one event too far on', 'a page too far', /subscribersMissNothing/),
    control('a condition that sees only what is committed', 'a blind condition', /conditionsHold/),
  ],
};
