/**
 * The torture suite from the command line; needs a build (`npm run test:torture` makes one).
 *
 *   npm run test:torture                                    all rows with the counts of the ordinary tests
 *   npm run test:torture -- --full                          all rows with full counts
 *   npm run test:torture -- --row kill --trials 2000 --seed 7
 *   npm run test:torture -- --row kill --row clock --no-controls
 *   npm run test:torture -- --list
 *   npm run test:torture -- --help
 *
 * Prints one line per row; exit code 0 when every promise held and every control was found.
 */

import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { Row } from './row.js';
import { rows } from './rows.js';
import { type RowResult, runRow } from './run-rows.js';

const violationsShown = 10;

const help = `npm run test:torture -- [options]

  --row NAME      only this row; may be given several times (see --list)
  --trials N      so many trials of each row, in place of its own number
  --full          the full numbers of trials
  --seed N        the seed of the first trial; trial n has the seed N + n. Default: a random one, which is told
  --no-controls   without the planted bugs that must be found
  --list          the rows, and what they try how often
  --quiet         no progress
  --help

Exit code 0: every promise held, and every planted bug was found.`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    row: { type: 'string', multiple: true },
    trials: { type: 'string' },
    seed: { type: 'string' },
    full: { type: 'boolean', default: false },
    controls: { type: 'boolean', default: true },
    list: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    say(help);
    return 0;
  }
  if (values.list) {
    say(listOf(rows));
    return 0;
  }
  const chosen = chosenRows();
  if (chosen === undefined) return 2;
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
  const results: RowResult[] = [];
  for (const row of chosen) {
    const result = await runRow(row, {
      trials: trialsOf(row),
      seed,
      report: progress(row),
      hasControls: values.controls,
    });
    results.push(result);
    tell(result);
  }
  say(tableOf(results));
  return results.every(({ isSound }) => isSound) ? 0 : 1;
}

function chosenRows(): readonly Row[] | undefined {
  const { row: names } = values;
  if (names === undefined) return rows.filter((row) => trialsOf(row) > 0);
  const unknown = names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length === 0) return rows.filter(({ name }) => names.includes(name));
  say(`there is no row ${unknown.join(', ')}; there are ${rows.map(({ name }) => name).join(', ')}`);
  return undefined;
}

function trialsOf(row: Row): number {
  if (values.trials !== undefined) return Number(values.trials);
  return values.full ? row.fullTrials : row.ciTrials;
}

function progress(row: Row): (progress: string) => void {
  return (text) => {
    if (!values.quiet && process.stderr.isTTY) process.stderr.write(`\r\u001b[K${row.name}: ${text}`);
  };
}

function tell({ row, violations, blindTo, notes = [] }: RowResult): void {
  if (!values.quiet && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  for (const { seed, what } of violations.slice(0, violationsShown))
    say(`${row.name}, seed ${seed}: ${what}`);
  for (const control of blindTo) say(`${row.name}: NOT FOUND: ${control}`);
  for (const note of notes) say(`${row.name}: ${note}`);
}

function tableOf(results: readonly RowResult[]): string {
  const table = new Table({
    head: ['row', 'trials', 'faults', 'acknowledged', 'violations', 'controls found', 'seed', 'time'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const {
    row,
    trials,
    faults,
    acknowledged,
    violations,
    controls,
    blindTo,
    seed,
    elapsedMs,
  } of results) {
    const found = `${controls - blindTo.length} of ${controls}`;
    const figures = [trials, faults, acknowledged, violations.length].map((count) =>
      count.toLocaleString('en'),
    );
    table.push([
      row.name,
      `${figures[0]} ${row.unit}`,
      ...figures.slice(1),
      found,
      seed,
      `${(elapsedMs / 1_000).toFixed(0)} s`,
    ]);
  }
  return table.toString();
}

function listOf(all: readonly Row[]): string {
  const table = new Table({ head: ['row', 'what', 'ordinary', 'full'], style: { head: [], border: [] } });
  for (const { name, what, unit, ciTrials, fullTrials } of all) {
    table.push([name, what, `${ciTrials} ${unit}`, `${fullTrials} ${unit}`]);
  }
  return table.toString();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
