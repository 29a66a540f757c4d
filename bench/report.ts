/** What a run says: one table of verdicts, what each trial cost, remarks, and what is not measured. Pure. */

import Table from 'cli-table3';
import { memoryFileSystems } from './file-system.js';
import type { MachineFacts } from './machine.js';
import type { Unit } from './row.js';
import type { Spread } from './spread.js';
import type { Summary } from './summary.js';
import type { Target } from './targets.js';
import type { Verdict } from './verdict.js';

/** What of the run the reader must know to trust it. */
export interface RunFacts {
  readonly rounds: number;
  readonly seconds: number;
  readonly tiny: boolean;
  readonly machine: MachineFacts;
  /** What of the peers is installed; empty when none is measured. */
  readonly peerVersions: readonly string[];
}

/** In one line, because a figure travels further than its footnotes. */
export const notMeasured =
  'Not measured: a fixed arrival rate (the client is a closed loop, so latency follows from throughput), commands with several ' +
  'events or large payloads, rejections, watches, several clients or processes, a network, hours of load, databases larger than ' +
  'memory, a cold page cache, power loss.';

/** The whole report. */
export function renderReport(
  verdicts: readonly Verdict[],
  summaries: readonly Summary[],
  facts: RunFacts,
): string {
  const parts = [
    machineLine(facts.machine),
    roundsLine(facts),
    verdictTable(verdicts),
    tallyLine(verdicts),
    'What each trial cost (latency over all rounds together; CPU of all threads of the process, client included):',
    costTable(summaries),
    ...remarkLines(verdicts),
    ...(facts.peerVersions.length === 0 ? [] : [`Peers: ${facts.peerVersions.join(', ')}.`]),
    ...problemLines(summaries),
    notMeasured,
    ...warnings(facts),
  ];
  return `${parts.join('\n')}\n`;
}

function verdictTable(verdicts: readonly Verdict[]): string {
  const head = ['workload', 'unit', 'Ramax (min–max)', 'yardstick', '(min–max)', 'ratio', 'target', 'met'];
  const table = newTable(head, ['workload', 'yardstick', 'unit', 'target', 'met']);
  for (const verdict of verdicts) {
    const { row, ramax, yardstick, ratio, target } = verdict;
    table.push([
      row.title,
      row.unit,
      ramax === undefined ? '-' : spreadText(ramax, row.unit),
      row.yardstick?.name ?? '-',
      yardstick === undefined ? '-' : spreadText(yardstick, row.unit),
      ratio === undefined ? '-' : ratio.toFixed(2),
      target === undefined ? '-' : targetText(target, row.unit),
      metText(verdict),
    ]);
  }
  return table.toString();
}

function metText({ isMet, problem }: Verdict): string {
  if (problem !== undefined) return 'not run';
  if (isMet === undefined) return '-';
  return isMet ? 'yes' : 'NO';
}

function targetText({ of, comparison, number }: Target, unit: Unit): string {
  const sign = comparison === 'at least' ? '≥' : '≤';
  return of === 'ratio' ? `${sign} ${number} x` : `${sign} ${valueText(number, unit)}`;
}

function tallyLine(verdicts: readonly Verdict[]): string {
  const judged = verdicts.filter(({ isMet }) => isMet !== undefined);
  const met = judged.filter(({ isMet }) => isMet);
  const open = verdicts.filter(({ target, isMet }) => target !== undefined && isMet === undefined);
  const rest = open.length === 0 ? '' : `; ${open.length} could not be judged`;
  return `${met.length} of ${judged.length} targets met${rest}`;
}

function costTable(summaries: readonly Summary[]): string {
  const table = newTable(
    ['trial', 'per second', 'p50 / p99 / p99.9 / max ms', 'µs CPU', 'per txn', 'peak RSS'],
    ['trial'],
  );
  for (const { name, figures, latencies, peakRssBytes, problem } of summaries) {
    if (problem !== undefined) continue;
    const median = (figure: 'cpuMicros' | 'perTransaction') => figures.get(figure)?.median.toFixed(1) ?? '-';
    const perSecond = figures.get('perSecond');
    const ms = (percentile: number) =>
      ((latencies?.getValueAtPercentile(percentile) ?? 0) / 1_000).toFixed(2);
    table.push([
      name,
      perSecond === undefined ? '-' : spreadText(perSecond, 'per second'),
      latencies === null ? '-' : [50, 99, 99.9, 100].map(ms).join(' / '),
      median('cpuMicros'),
      median('perTransaction'),
      `${valueText(peakRssBytes, 'MiB')} MiB`,
    ]);
  }
  return table.toString();
}

/** What stands beside the figures of peers, once for each. */
function remarkLines(verdicts: readonly Verdict[]): readonly string[] {
  const lines = verdicts.flatMap(({ row }) =>
    row.remark === undefined ? [] : [`${row.yardstick?.name}: ${row.remark}.`],
  );
  return [...new Set(lines)];
}

function problemLines(summaries: readonly Summary[]): readonly string[] {
  return summaries.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`Not run: ${name}: ${problem}`],
  );
}

function newTable(head: string[], left: readonly string[]): Table.Table {
  const colAligns = head.map((title): 'left' | 'right' => (left.includes(title) ? 'left' : 'right'));
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}

function spreadText({ median, min, max }: Spread, unit: Unit): string {
  if (min === max) return valueText(median, unit);
  return `${valueText(median, unit)} (${valueText(min, unit)}–${valueText(max, unit)})`;
}

/** Three digits say enough of what is small. */
const digits = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function valueText(value: number, unit: Unit): string {
  const shown = unit === 'MiB' ? value / 1024 / 1024 : value;
  return (Math.abs(shown) < 100 ? digits : whole).format(shown);
}

function machineLine(machine: MachineFacts): string {
  const { cores, cpu, system, node, sqlite, fileSystem, syncMicros } = machine;
  const disk = `${fileSystem ?? 'unknown file system'}, ${whole.format(syncMicros)} µs a sync`;
  return `${cores} cores (${cpu}), ${system}, Node ${node}, SQLite ${sqlite}, synchronous=FULL, ${disk}`;
}

function roundsLine({ rounds, seconds }: RunFacts): string {
  const count = rounds === 1 ? '1 round' : `${rounds} rounds`;
  return `${count}, at most ${seconds} s measured in each trial; median (min–max) of the rounds; a ratio is one of medians`;
}

const roundsMin = 3;
const secondsMin = 1;

function warnings({ rounds, seconds, tiny, machine }: RunFacts): readonly string[] {
  const { fileSystem, loadAverage, cores } = machine;
  const found: string[] = [];
  if (tiny || rounds < roundsMin || seconds < secondsMin)
    found.push('Warning: so short a run shows that the benchmark works, not how fast anything is.');
  if (fileSystem !== undefined && memoryFileSystems.includes(fileSystem))
    found.push(`Warning: ${fileSystem} is in memory and syncs nothing; name a disk with --directory.`);
  if (loadAverage > cores / 2)
    found.push(
      `Warning: the machine was busy before the first trial (load average ${loadAverage.toFixed(1)}).`,
    );
  return found;
}
