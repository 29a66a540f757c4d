/**
 * Plays seeded histories of reading and reacting, many in one process: `together.js '{"first": 1, "count": 500}'`. Says what was broken,
 * seed by seed, and what has happened.
 */

import { writeSync } from 'node:fs';
import { SimulationFailure } from '../../../src/testing/index.js';
import { together } from '../../sim/together.js';
import { sabotage } from '../sabotage.js';
import type { Simulated, SimulatePlan } from './simulate.js';

const plan = JSON.parse(process.argv[2] ?? '') as SimulatePlan;
/** A control has shown what it has to show with its first violation. */
const violationsMax = plan.bug === undefined ? 20 : 1;
const violations: { seed: number; what: string }[] = [];
let [faults, acknowledged] = [0, 0];
if (plan.bug !== undefined) sabotage(plan.bug);

for (let seed = plan.first; seed < plan.first + plan.count && violations.length < violationsMax; seed++) {
  try {
    const { crashes, restarts, accepted } = await together({ seed, shrink: false });
    faults += crashes + restarts;
    acknowledged += accepted;
  } catch (error) {
    const what =
      error instanceof SimulationFailure
        ? `${error.invariant}: ${error.reason}`
        : `the history itself failed: ${String(error)}`;
    violations.push({ seed, what });
  }
}
writeSync(1, `${JSON.stringify({ faults, acknowledged, violations } satisfies Simulated)}\n`);
