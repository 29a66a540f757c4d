/**
 * The benchmark: `node dist/bench/main.js`. Runs every trial in a child process, the configurations taking turns round
 * by round; prints the report, and writes everything as JSON and the chart as SVG. Progress goes to stderr.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderChart } from './chart.js';
import { type Configuration, nameOf } from './configuration.js';
import { machineFacts } from './machine.js';
import { type BenchOptions, parseOptions, UsageError, usage } from './options.js';
import { noPeers, type PeerSetup, setUpPeers } from './peers-setup.js';
import { configurationsOf, roundOrder, roundsOf } from './plan.js';
import { startProgress } from './progress.js';
import { notMeasured, renderReport } from './report.js';
import { rowsOf } from './rows.js';
import { tinySizes, usualSizes } from './sizes.js';
import { summarise, type Trial } from './summary.js';
import { isOfPeer, TrialRunner } from './trial-runner.js';
import { judge } from './verdict.js';

/** Seen from `dist/bench`. */
const resultsDirectory = fileURLToPath(new URL('../../bench/results/', import.meta.url));

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') {
      process.stdout.write(usage);
      return 0;
    }
    return await run(options);
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(options: BenchOptions): Promise<number> {
  const sizes = options.tiny ? tinySizes : usualSizes;
  const rows = rowsOf(options.groups, sizes);
  const configurations = configurationsOf(rows);
  const parent = resolve(options.directory ?? '.');
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(resolve(parent, '.ramax-bench-'));
  try {
    const machine = await machineFacts(directory);
    const peers = configurations.some(isOfPeer) ? await setUpPeers(interruption.signal) : noPeers;
    const trials = await runRounds(options, configurations, { parent: directory, peers });
    const summaries = summarise(configurations, trials);
    const verdicts = judge(rows, summaries);
    process.stdout.write(
      renderReport(verdicts, [...summaries.values()], { ...options, machine, peerVersions: peers.versions }),
    );
    await writeResults(options, renderChart(verdicts), {
      machine,
      peerVersions: peers.versions,
      options,
      sizes,
      notMeasured,
      verdicts,
      trials,
    });
    return trials.some(isFailure) ? 1 : 0;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A peer may be missing; Ramax and its yardsticks may not. */
function isFailure({ configuration, outcome }: Trial): boolean {
  return 'problem' in outcome && !isOfPeer(configuration);
}

async function runRounds(
  options: BenchOptions,
  configurations: readonly Configuration[],
  { parent, peers }: { readonly parent: string; readonly peers: PeerSetup },
): Promise<readonly Trial[]> {
  const { seconds, shards = null, tiny } = options;
  const { signal } = interruption;
  const peerProblem = peers.problemOf;
  const sizes = tiny ? tinySizes : usualSizes;
  const runner = new TrialRunner({ parent, sizes, seconds, shards, signal, peerProblem });
  const rounds = Array.from({ length: options.rounds }, (_, round) =>
    roundOrder(configurations, round).filter(
      (configuration) => round < roundsOf(configuration, options.rounds),
    ),
  );
  const progress = startProgress(rounds.flat().length);
  const trials: Trial[] = [];
  try {
    for (const [round, order] of rounds.entries()) {
      for (const configuration of order) {
        const trial = await runner.run(configuration, round);
        trials.push(trial);
        progress.add(progressText(trial));
      }
    }
  } finally {
    progress.stop();
  }
  return trials;
}

function progressText({ configuration, round, outcome }: Trial): string {
  const name = `round ${round + 1}: ${nameOf(configuration)}`;
  if ('problem' in outcome) return `${name}: ${outcome.problem}`;
  const { perSecond } = outcome.figures;
  return perSecond === undefined ? name : `${name}: ${Math.round(perSecond)}/s`;
}

async function writeResults(
  options: BenchOptions,
  chart: string | undefined,
  results: Readonly<Record<string, unknown>>,
): Promise<void> {
  const date = new Date().toISOString();
  const file = resolve(options.json ?? `${resultsDirectory}${date.replaceAll(':', '-')}.json`);
  const svg = resolve(options.svg ?? `${file.replace(/\.json$/, '')}.svg`);
  await mkdir(dirname(file), { recursive: true });
  await mkdir(dirname(svg), { recursive: true });
  await writeFile(file, `${JSON.stringify({ date, ...results }, null, 2)}\n`);
  if (chart !== undefined) await writeFile(svg, chart);
  process.stderr.write(`results in ${file}${chart === undefined ? '' : `, chart in ${svg}`}\n`);
}
