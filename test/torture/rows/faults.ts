/**
 * The writer and the shards are harmed under load in one process: they exit, throw where nobody catches, run out of heap,
 * loop, pause; commits fail before and after they took effect. The same, long and metered, is the row `soak`.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkDirectory } from '../checker/check-directory.js';
import { Child } from '../child.js';
import { builtUrl, newDirectory } from '../places.js';
import type { FaultsPlan } from '../programs/faults.js';
import { type Row, type RowOptions, type RowOutcome, sumOf } from '../row.js';

const sliceSeconds = 20;
const pauseMsMax = 900;
const everySecondMsMax = 2_000;
/** A thread that runs out of heap does so soon, and the machine stays usable. */
const heapMb = 192;

async function harmFor(
  seconds: number,
  seed: number,
  report: (progress: string) => void,
  more: Partial<FaultsPlan> = {},
): Promise<RowOutcome> {
  const directory = newDirectory('faults');
  const data = join(directory, 'data');
  mkdirSync(data);
  const ledger = join(directory, 'ledger.jsonl');
  const adapter = builtUrl('adapters/faulty.js');
  const plan: FaultsPlan = { directory: data, ledger, seed, seconds, pauseMsMax, adapter, ...more };
  const timeoutMs = (seconds + 120) * 1_000;
  const child = new Child('faults', plan, { nodeOptions: [`--max-old-space-size=${heapMb}`], timeoutMs });
  const { code, signal, complaint } = await child.ended;
  const verdict = checkDirectory(data, ledger);
  const what = [...verdict.broken.slice(0, 20)];
  if (code !== 0) what.push(`the process ended with ${code ?? signal}: ${complaint}`);
  const isKept = what.length > 0 && more.onlyWriter === undefined;
  if (!isKept) rmSync(directory, { recursive: true });
  const figures = code === 0 ? (JSON.parse(child.lines.at(-1) ?? '{}') as Record<string, unknown>) : {};
  report(`${seconds} s more: ${JSON.stringify(figures)}`);
  return {
    trials: seconds,
    faults: Number(figures['faults'] ?? 0),
    acknowledged: verdict.acknowledged,
    violations: what.map((text) => ({ seed, what: text })),
    notes: [JSON.stringify(figures), ...(isKept ? [`evidence: ${directory}`] : [])],
  };
}

async function run({ trials, seed, report }: RowOptions): Promise<RowOutcome> {
  const outcomes: RowOutcome[] = [];
  for (let slice = 0; slice * sliceSeconds < trials; slice++) {
    const seconds = Math.min(sliceSeconds, trials - slice * sliceSeconds);
    outcomes.push(await harmFor(seconds, seed + slice, report));
  }
  return sumOf(outcomes);
}

/** See the head of this file. */
export const faults: Row = {
  name: 'faults',
  what: 'writer and shards exit, throw, run out of heap, loop, pause; commits fail before and after',
  unit: 'seconds',
  ciTrials: 60,
  fullTrials: 1_800,
  run,
  controls: [
    {
      name: 'a writer that answers for a batch that it has lost',
      found: /is not in the log|the log has it as/,
      run: ({ seed, report }) => harmFor(3, seed, report, { onlyWriter: 'lie' }),
    },
  ],
};

/** Long, with a fault every second, and metered. */
export const soak: Row = {
  name: 'soak',
  what: 'a fault every second for long: memory, file handles and the write-ahead log stay flat',
  unit: 'seconds',
  ciTrials: 0,
  fullTrials: 3_600,
  run: ({ trials, seed, report }) =>
    harmFor(trials, seed, report, { pauseMsMax: everySecondMsMax, isMetered: true }),
  controls: [],
};
