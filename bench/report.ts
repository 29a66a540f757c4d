/** What a run says: the table of Ramax beside `by hand`, the other yardsticks, and what it does not measure. Pure. */

import Table from 'cli-table3';
import { memoryFileSystems } from './file-system.js';
import type { MachineFacts } from './machine.js';
import type { Spread } from './spread.js';
import { isSame, type LatencySummary, type SummaryRow } from './summary.js';
import { workloads } from './workloads.js';

/** What of the run the reader must know to trust it. */
export interface RunFacts {
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: MachineFacts;
}

/** In one line, because a figure travels further than its footnotes. */
export const notMeasured =
  'Not measured: a fixed arrival rate (the client is a closed loop, so latency follows from throughput), reads, views, ' +
  'command ids, large payloads, several clients, restart and rebuild, hours of load, databases larger than memory.';

/** The whole report. */
export function renderReport(rows: readonly SummaryRow[], facts: RunFacts): string {
  const parts = [
    machineLine(facts.machine),
    roundsLine(facts),
    ramaxTable(rows),
    'Yardsticks in the same run, without Ramax:',
    yardstickTable(rows),
    notMeasured,
    ...warnings(facts),
  ];
  return `${parts.join('\n')}\n`;
}

function ramaxTable(rows: readonly SummaryRow[]): string {
  const table = newTable([
    'workload',
    'in flight',
    'Ramax /s',
    'by hand /s',
    'ratio',
    'p50 / p99 / p99.9 ms',
    'µs CPU',
    'per txn',
    'peak RSS',
  ]);
  for (const row of rows.filter(({ subject }) => subject === 'ramax')) {
    const byHand = rows.find((other) => isSame(other, { ...row, subject: 'by hand' }));
    table.push([
      workloads[row.workload].title,
      inFlightText(row),
      spreadText(row.commandsPerSecond),
      byHand === undefined ? '-' : spreadText(byHand.commandsPerSecond),
      byHand === undefined ? '-' : ratioText(row, byHand),
      latencyText(row.latency),
      ...costTexts(row),
    ]);
  }
  return table.toString();
}

function yardstickTable(rows: readonly SummaryRow[]): string {
  const table = newTable([
    'workload',
    'in flight',
    'yardstick',
    'per second',
    'p50 / p99 / p99.9 ms',
    'µs CPU',
    'per txn',
    'peak RSS',
  ]);
  for (const row of rows.filter(({ subject }) => subject !== 'ramax')) {
    table.push([
      workloads[row.workload].title,
      inFlightText(row),
      row.subject,
      spreadText(row.commandsPerSecond),
      latencyText(row.latency),
      ...costTexts(row),
    ]);
  }
  return table.toString();
}

function newTable(head: string[]): Table.Table {
  const colAligns = head.map((title): 'left' | 'right' =>
    title === 'workload' || title === 'yardstick' ? 'left' : 'right',
  );
  return new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

function inFlightText({ inFlight }: SummaryRow): string {
  return inFlight === null ? '-' : whole.format(inFlight);
}

function spreadText({ median, min, max }: Spread): string {
  return `${whole.format(median)} (${whole.format(min)}–${whole.format(max)})`;
}

function ratioText(row: SummaryRow, byHand: SummaryRow): string {
  return (row.commandsPerSecond.median / byHand.commandsPerSecond.median).toFixed(2);
}

function latencyText(latency: LatencySummary | null): string {
  if (latency === null) return '-';
  return [latency.p50Ms, latency.p99Ms, latency.p999Ms].map((ms) => ms.toFixed(2)).join(' / ');
}

function costTexts(row: SummaryRow): readonly [cpu: string, perTransaction: string, peakRss: string] {
  return [
    row.cpuMicrosPerCommand.toFixed(1),
    row.commandsPerTransaction.toFixed(1),
    `${whole.format(row.peakRssBytes / 1024 / 1024)} MiB`,
  ];
}

function machineLine(machine: MachineFacts): string {
  const { cores, cpu, system, node, sqlite, fileSystem, syncMicros } = machine;
  const disk = `${fileSystem ?? 'unknown file system'}, ${whole.format(syncMicros)} µs a sync`;
  return `${cores} cores (${cpu}), ${system}, Node ${node}, SQLite ${sqlite}, synchronous=FULL, ${disk}`;
}

function roundsLine({ rounds, seconds }: RunFacts): string {
  const count = rounds === 1 ? '1 round' : `${rounds} rounds`;
  return `${count}, at most ${seconds} s measured in each trial; per second: median (min–max) of the rounds; latency over all rounds`;
}

const roundsMin = 3;
const secondsMin = 1;

function warnings({ rounds, seconds, machine }: RunFacts): readonly string[] {
  const { fileSystem, loadAverage, cores } = machine;
  const found: string[] = [];
  if (rounds < roundsMin || seconds < secondsMin)
    found.push('Warning: so short a run shows that the benchmark works, not how fast anything is.');
  if (fileSystem !== undefined && memoryFileSystems.includes(fileSystem))
    found.push(`Warning: ${fileSystem} is in memory and syncs nothing; name a disk with --directory.`);
  if (loadAverage > cores / 2)
    found.push(
      `Warning: the machine was busy before the first trial (load average ${loadAverage.toFixed(1)}).`,
    );
  return found;
}
