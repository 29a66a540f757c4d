/**
 * The wall clock of all threads jumps, forward and back, by seconds and by years, while a runtime works and between two
 * of its lives. Timestamps may jump with it. Order, deadlines, the memory of command ids and everything acknowledged
 * must not.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/random.js';
import { checkDirectory } from '../checker/check-directory.js';
import { Child } from '../child.js';
import { builtFile, builtUrl, newDirectory } from '../places.js';
import type { LoadPlan } from '../programs/load.js';
import type { Row, RowOptions, RowOutcome, Violation } from '../row.js';

const trialsPerDirectory = 5;
const jumpsMax = 8;
const runMs = 2_500;
/** About so long a program takes until it has begun. */
const startMs = 400;
/** Command ids are forgotten in rounds this far apart: one falls into every run. */
const retentionMs = 1_600;
const yearMs = 366 * 24 * 60 * 60 * 1_000;
/** Offsets that are reached: seconds, a day, years. */
const offsets = [
  -30 * yearMs,
  -yearMs,
  -86_400_000,
  -5_000,
  0,
  5_000,
  3_600_000,
  86_400_000,
  yearMs,
  8 * yearMs,
];

interface Weakness {
  readonly adapter?: string;
}

async function trial(directory: string, seed: number, weakness: Weakness): Promise<string[]> {
  const random = new SeededRandom(seed);
  const jumps = Array.from({ length: 1 + random.below(jumpsMax) }, () => [
    startMs + random.below(runMs),
    random.pick(offsets) ?? 0,
  ]).sort(([left = 0], [right = 0]) => left - right);
  const { adapter } = weakness;
  const plan: LoadPlan = {
    ...{ directory: join(directory, 'data'), ledger: join(directory, 'ledger.jsonl'), seed, retentionMs },
    ...{ mode: 'load', spaces: 6, shards: 1 + random.below(2), inFlight: 4, callsMax: 100_000, forMs: runMs },
    ...(adapter === undefined ? {} : { adapter }),
  };
  const clock = { origin: `${process.hrtime.bigint()}`, jumps };
  const child = new Child('load', plan, {
    nodeOptions: ['-r', builtFile('preload/jumping-clock.cjs')],
    env: { TORTURE_CLOCK: JSON.stringify(clock) },
  });
  const { code, signal, complaint } = await child.ended;
  return code === 0 ? [] : [`the program ended with ${code ?? signal}: ${complaint}`];
}

async function jumpOften({ trials, seed, report }: RowOptions, weakness: Weakness = {}): Promise<RowOutcome> {
  const violations: Violation[] = [];
  const notes: string[] = [];
  let acknowledged = 0;
  for (let first = 0; first < trials; first += trialsPerDirectory) {
    const directory = newDirectory('clock');
    const last = Math.min(first + trialsPerDirectory, trials);
    const broken: Violation[] = [];
    let acknowledgedHere = 0;
    for (let index = first; index < last && broken.length === 0; index++) {
      const said = await trial(directory, seed + index, weakness);
      const verdict = checkDirectory(join(directory, 'data'), join(directory, 'ledger.jsonl'), {
        hasForgotten: true,
      });
      for (const line of verdict.lines) {
        const isLate =
          line.k === 'error' && /^(timeout|aborted|outcome_unknown|unavailable)$/.test(line.code ?? '');
        if (isLate) said.push(`a patient call ended with ${line.code}`);
      }
      broken.push(...[...said, ...verdict.broken].slice(0, 20).map((what) => ({ seed: seed + index, what })));
      acknowledgedHere = verdict.acknowledged;
      report(`${index + 1} of ${trials} runs`);
    }
    acknowledged += acknowledgedHere;
    violations.push(...broken);
    const isKept = broken.length > 0 && Object.keys(weakness).length === 0;
    if (isKept) notes.push(`evidence: ${directory}`);
    else rmSync(directory, { recursive: true });
  }
  return { trials, faults: trials, acknowledged, violations, notes };
}

const controlRuns = 5;

/** See the head of this file. */
export const clock: Row = {
  name: 'clock',
  what: 'the wall clock jumps forward and back, by up to thirty years, in all threads',
  unit: 'runs',
  ciTrials: 10,
  fullTrials: 50,
  run: (options) => jumpOften(options),
  controls: [
    {
      name: 'command ids forgotten by the wall clock',
      found: /is in the log \d+ times|different answers/,
      run: (options) =>
        jumpOften({ ...options, trials: controlRuns }, { adapter: builtUrl('adapters/wall-forgetting.js') }),
    },
  ],
};
