/**
 * Plays seeded histories in the testing house, many in one process: `simulate.js '{"first": 1, "count": 500}'`. Says what
 * was broken, seed by seed, and what has happened.
 */

import { writeSync } from 'node:fs';
import { brokenPromises } from '../../sim/check-history.js';
import { playHistory } from '../../sim/history.js';
import { sabotage } from '../sabotage.js';

/** What the program is told. */
export interface SimulatePlan {
  readonly first: number;
  readonly count: number;
  /** A control: a bug that is planted first; see `sabotage.ts`. */
  readonly bug?: string;
}

/** What the program says. */
export interface Simulated {
  readonly faults: number;
  readonly acknowledged: number;
  readonly violations: readonly { readonly seed: number; readonly what: string }[];
}

/** The mass is small histories; one in so many has the size of those in `test/sim`. */
const fullSizeEvery = 16;

// Nobody reads where the errors of a history came from, and telling it takes a twentieth of the time.
Error.stackTraceLimit = 0;
const plan = JSON.parse(process.argv[2] ?? '') as SimulatePlan;
const violations: { seed: number; what: string }[] = [];
let [faults, acknowledged] = [0, 0];
if (plan.bug !== undefined) sabotage(plan.bug);

for (let seed = plan.first; seed < plan.first + plan.count && violations.length < 20; seed++) {
  try {
    const history = await playHistory(seed, seed % fullSizeEvery === 0 ? 'full' : 'small');
    faults += history.crashes;
    acknowledged += history.commands.filter(({ answer }) => answer?.kind === 'ok').length;
    for (const what of brokenPromises(history).slice(0, 3)) violations.push({ seed, what });
  } catch (error) {
    violations.push({ seed, what: `the history itself failed: ${String(error)}` });
  }
}
writeSync(1, `${JSON.stringify({ faults, acknowledged, violations } satisfies Simulated)}\n`);
