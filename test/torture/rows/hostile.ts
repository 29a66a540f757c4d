/** Hostile values through every public door, and out of the mouths of commands and queries. */

import { rmSync } from 'node:fs';
import { checkLog } from '../checker/check-log.js';
import { readLog } from '../checker/log-file.js';
import { Child } from '../child.js';
import { newDirectory } from '../places.js';
import type { HostilePlan } from '../programs/hostile.js';
import { type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';

const callsPerProcess = 10_000;

interface Said {
  readonly calls: number;
  readonly taken: number;
  readonly ordinary: number;
  readonly violations: readonly string[];
}

async function call(seed: number, calls: number, weakness: Partial<HostilePlan> = {}): Promise<RowOutcome> {
  const directory = newDirectory('hostile');
  const child = new Child('hostile', { directory, seed, calls, ...weakness });
  const { code, signal, complaint } = await child.ended;
  const said = child.lines.at(-1);
  const result: Said | undefined = code === 0 && said !== undefined ? (JSON.parse(said) as Said) : undefined;
  const log = readLog(directory);
  const broken = [
    ...(result?.violations ?? [`the process ended with ${code ?? signal}: ${complaint}`]),
    ...(log === undefined ? ['there is no log'] : checkLog(log)),
  ];
  rmSync(directory, { recursive: true });
  return {
    trials: result?.calls ?? 0,
    faults: result?.calls ?? 0,
    acknowledged: (result?.taken ?? 0) + (result?.ordinary ?? 0),
    violations: broken.map((what) => ({ seed, what })),
  };
}

async function callOften({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  for (let first = 0; first < trials; first += callsPerProcess) {
    outcomes.push(await call(seed + first, Math.min(callsPerProcess, trials - first)));
    report(`${first} of ${trials} calls`);
  }
  return sumOf(outcomes);
}

const controlCalls = 200;

/** See the head of this file. */
export const hostile: Row = {
  name: 'hostile',
  what: 'values that nobody in his right mind passes, through every public door and out of commands',
  unit: 'calls',
  ciTrials: 20_000,
  fullTrials: 1_000_000,
  run: callOften,
  controls: [
    {
      name: 'errors without a type',
      found: /failed with RamaxError/,
      run: ({ seed }) => call(seed, controlCalls, { isUntyped: true }),
    },
    {
      name: 'values that come back as others',
      found: /did not come back as it was/,
      run: ({ seed }) => call(seed, controlCalls, { isForgery: true }),
    },
  ],
};
