/**
 * The benchmark: `node dist/bench/main.js`. Runs every trial in a child process, the configurations taking turns round
 * by round; prints the report and writes everything as JSON. Progress goes to stderr.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MachineFacts, machineFacts } from './machine.js';
import { type BenchOptions, parseOptions, UsageError, usage } from './options.js';
import { configurationsOf, phaseBounds, roundOrder } from './plan.js';
import { notMeasured, renderReport } from './report.js';
import { runTrial } from './run-trial.js';
import { summarise, type Trial } from './summary.js';
import type { Configuration } from './trial-spec.js';

/** Seen from `dist/bench`. */
const resultsDirectory = fileURLToPath(new URL('../../bench/results/', import.meta.url));

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') process.stdout.write(usage);
    else await run(options);
    return 0;
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(options: BenchOptions): Promise<void> {
  const parent = resolve(options.directory ?? '.');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(resolve(parent, '.ramax-bench-'));
  try {
    const machine = await machineFacts(directory);
    const configurations = configurationsOf(options.only);
    const trials = await runRounds(options, configurations, directory);
    const rows = summarise(configurations, trials);
    process.stdout.write(renderReport(rows, { ...options, machine }));
    await writeResults(options, { machine, options, notMeasured, rows, trials });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runRounds(
  options: BenchOptions,
  configurations: readonly Configuration[],
  directory: string,
): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const configuration of roundOrder(configurations, round)) {
      const spec = {
        ...configuration,
        round,
        seed: round + 1,
        shards: options.shards ?? null,
        ...phaseBounds(options.seconds),
      };
      const trial = { ...configuration, round, result: await runTrial(directory, spec, interruption.signal) };
      trials.push(trial);
      process.stderr.write(`${progressLine(trial, options.rounds)}\n`);
    }
  }
  return trials;
}

function progressLine({ workload, subject, inFlight, round, result }: Trial, rounds: number): string {
  const perSecond = Math.round((result.commands * 1_000) / result.elapsedMs);
  return `round ${round + 1}/${rounds}  ${workload}  ${subject}  ${inFlight ?? '-'} in flight  ${perSecond}/s`;
}

interface Results {
  readonly machine: MachineFacts;
  readonly options: BenchOptions;
  readonly [field: string]: unknown;
}

async function writeResults(options: BenchOptions, results: Results): Promise<void> {
  const date = new Date().toISOString();
  const file = resolve(options.json ?? `${resultsDirectory}${date.replaceAll(':', '-')}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ date, ...results }, null, 2)}\n`);
  process.stderr.write(`results in ${file}\n`);
}
