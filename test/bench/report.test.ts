import { describe, expect, it } from 'vitest';
import { renderChart } from '../../bench/chart.js';
import type { MachineFacts } from '../../bench/machine.js';
import { configurationsOf } from '../../bench/plan.js';
import { notMeasured, renderReport } from '../../bench/report.js';
import { rowsOf } from '../../bench/rows.js';
import { usualSizes } from '../../bench/sizes.js';
import { summarise } from '../../bench/summary.js';
import { judge } from '../../bench/verdict.js';
import { latencies, trial } from './trials.js';

const machine: MachineFacts = {
  cores: 2,
  cpu: 'a processor',
  memoryBytes: 1,
  system: 'linux',
  node: 'v20',
  sqlite: '3.53.2',
  fileSystem: 'ext4',
  syncMicros: 130,
  loadAverage: 0,
};
const facts = { rounds: 5, seconds: 1, tiny: false, machine, peerVersions: ['a-peer 1.2.3'] };

const rows = rowsOf(['w1', 'peers'], usualSizes);
const configurations = configurationsOf(rows);
const trials = configurations.map((configuration) => {
  if (configuration.subject === 'act-sqlite') {
    return { configuration, round: 0, outcome: { problem: 'it is not installed' } };
  }
  const perSecond = configuration.subject === 'ramax' ? 12_345 : 24_690;
  const figures = { perSecond, cpuMicros: 17.25, perTransaction: 63.5, p50Micros: 1_000, p99Micros: 2_000 };
  return trial(configuration, 0, {
    figures,
    latencies: latencies(1_234),
    peakRssBytes: 128 * 1024 * 1024,
  });
});
const summaries = summarise(configurations, trials);
const verdicts = judge(rows, summaries);

const linesWith = (report: string, ...texts: string[]) =>
  report.split('\n').filter((line) => texts.every((text) => line.includes(text)));

describe('the report', () => {
  const report = renderReport(verdicts, [...summaries.values()], facts);

  it('shows Ramax beside its yardstick with ratio, target and verdict', () => {
    expect(
      linesWith(report, 'W1, 1,024 in flight', '12,345', 'by hand', '24,690', '0.50', '≥ 2 x', 'NO'),
    ).toHaveLength(1);
    expect(linesWith(report, 'W1, 64 in flight, p99', '2.00', '≤ 5 x', 'yes')).toHaveLength(1);
    expect(linesWith(report, 'CPU of all threads', '17.3', '≤ 12', 'NO')).toHaveLength(1);
  });

  it('shows what each trial cost', () => {
    expect(
      linesWith(report, 'w1 ramax, 64 in flight ', '1.23 / 1.23', '17.3', '63.5', '128 MiB'),
    ).toHaveLength(1);
  });

  it('says beside the peers what they leave out, and which could not be run and why', () => {
    expect(linesWith(report, 'Castore, in memory: nothing on disk')).toHaveLength(1);
    expect(report).toContain('Peers: a-peer 1.2.3.');
    expect(linesWith(report, 'Act, SQLite', 'not run')).toHaveLength(6);
    expect(linesWith(report, 'Not run: w1 act-sqlite, 64 in flight: it is not installed')).toHaveLength(1);
    expect(report).toMatch(/\d+ of \d+ targets met; 6 could not be judged/);
  });

  it('names the machine, and says in one line what is not measured', () => {
    expect(report).toContain(
      '2 cores (a processor), linux, Node v20, SQLite 3.53.2, synchronous=FULL, ext4, 130',
    );
    expect(report.split('\n')).toContain(notMeasured);
  });

  it('warns of a short run, of a file system in memory and of a busy machine, and otherwise of nothing', () => {
    const render = (other: Partial<typeof facts>) => renderReport(verdicts, [], { ...facts, ...other });
    expect(report).not.toContain('Warning');
    expect(render({ rounds: 1 })).toContain('Warning: so short a run');
    expect(render({ tiny: true })).toContain('Warning: so short a run');
    expect(render({ machine: { ...machine, fileSystem: 'tmpfs' } })).toContain('Warning: tmpfs');
    expect(render({ machine: { ...machine, loadAverage: 1.5 } })).toContain('load average 1.5');
  });
});

describe('the chart', () => {
  it('has a bar for each verdict with a target, and is nothing without any', () => {
    const svg = renderChart(verdicts) ?? '';
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('W1, 1,024 in flight : naive');
    const bars = verdicts.filter(({ isMet }) => isMet !== undefined);
    expect(svg.match(/fill="#(2f7d5b|b4432f)"/g)).toHaveLength(bars.length);
    expect(renderChart([])).toBeUndefined();
  });
});
