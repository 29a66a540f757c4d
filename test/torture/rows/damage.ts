/**
 * Files that are damaged while nothing runs: flipped bits, sectors of zeroes, stale pages, files cut short, a write-ahead
 * log that is lost. It passes when nothing wrong is served: the right thing, or a typed refusal.
 */

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../child.js';
import { newDirectory } from '../places.js';
import type { DamagePlan } from '../programs/damage.js';
import type { LoadPlan } from '../programs/load.js';
import { type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';

const damagesPerProcess = 150;
const kinds = 9;
const ofEachKind = 25;

interface Said {
  readonly trials: number;
  readonly violations: RowOutcome['violations'];
  readonly noticed: Readonly<Record<string, number>>;
}

async function damageOnce(
  seed: number,
  count: number,
  weakness: Partial<DamagePlan> = {},
): Promise<RowOutcome> {
  const directory = newDirectory('damage');
  try {
    const sound = join(directory, 'sound');
    const older = join(directory, 'older');
    await load(directory, sound, seed, 'end');
    cpSync(sound, older, { recursive: true });
    await load(directory, sound, seed + 1, 'kill');
    const plan: DamagePlan = { sound, older, scratch: directory, first: seed, count, ...weakness };
    const child = new Child('damage', plan);
    const { code, signal, complaint } = await child.ended;
    const said = child.lines.at(-1);
    if (code !== 0 || said === undefined) {
      const what = `the process ended with ${code ?? signal}: ${complaint}`;
      return { trials: count, faults: count, acknowledged: 0, violations: [{ seed, what }] };
    }
    const { trials, violations, noticed } = JSON.parse(said) as Said;
    return {
      trials,
      faults: trials,
      acknowledged: 0,
      violations,
      notes: [`refused: ${JSON.stringify(noticed)}`],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A load that ends well, or is killed at its end, so that its write-ahead log stays. */
async function load(directory: string, data: string, seed: number, end: 'end' | 'kill'): Promise<void> {
  const ledger = join(directory, 'ledger.jsonl');
  const plan: LoadPlan = {
    ...{ directory: data, ledger, seed, mode: 'load', spaces: 3, shards: 1, inFlight: 16, callsMax: 400 },
    isAbandoned: end === 'kill',
  };
  await new Child('load', plan).ended;
  if (!existsSync(join(data, 'ramax.db'))) throw new Error('the load has left no log');
}

async function damageOften({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  for (let first = 0; first < trials; first += damagesPerProcess) {
    outcomes.push(await damageOnce(seed + first, Math.min(damagesPerProcess, trials - first)));
    report(`${first} of ${trials} damages`);
  }
  return sumOf(outcomes);
}

/** See the head of this file. */
export const damage: Row = {
  name: 'damage',
  what: 'bits flipped, sectors zeroed, stale pages, files cut short: nothing wrong is served',
  unit: 'damages',
  ciTrials: kinds * ofEachKind,
  fullTrials: kinds * 500,
  run: damageOften,
  controls: [
    {
      name: 'something else is served',
      found: /served something wrong/,
      run: ({ seed }) => damageOnce(seed, kinds, { isForgery: true }),
    },
  ],
};
