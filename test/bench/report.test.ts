import { describe, expect, it } from 'vitest';
import type { MachineFacts } from '../../bench/machine.js';
import { configurationsOf } from '../../bench/plan.js';
import { notMeasured, renderReport } from '../../bench/report.js';
import type { SummaryRow } from '../../bench/summary.js';

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

const rows = configurationsOf(['w1']).map((configuration): SummaryRow => {
  const median = configuration.subject === 'ramax' ? 12_345 : 24_690;
  return {
    ...configuration,
    commandsPerSecond: { median, min: median - 1, max: median + 1 },
    latency:
      configuration.inFlight === null ? null : { p50Ms: 1.234, p99Ms: 5.678, p999Ms: 9.012, maxMs: 20 },
    cpuMicrosPerCommand: 17.25,
    commandsPerTransaction: 63.5,
    peakRssBytes: 128 * 1024 * 1024,
  };
});

const linesWith = (text: string, report: string) => report.split('\n').filter((line) => line.includes(text));

describe('the report', () => {
  const report = renderReport(rows, { rounds: 5, seconds: 2, machine });

  it('shows Ramax with its spread beside by hand, with their ratio', () => {
    const ramaxLines = linesWith('12,345 (12,344–12,346)', report);
    expect(ramaxLines).toHaveLength(3);
    for (const line of ramaxLines) {
      for (const text of ['24,690 (24,689–24,691)', '0.50', '1.23 / 5.68 / 9.01', '17.3', '63.5', '128 MiB'])
        expect(line).toContain(text);
    }
  });

  it('shows every yardstick, raw without latency', () => {
    expect(linesWith('│ by hand', report)).toHaveLength(3);
    expect(linesWith('│ naive', report)).toHaveLength(1);
    expect(linesWith('│ raw', report)[0]).not.toContain('1.23');
  });

  it('names the machine, and says in one line what is not measured', () => {
    expect(report).toContain(
      '2 cores (a processor), linux, Node v20, SQLite 3.53.2, synchronous=FULL, ext4, 130',
    );
    expect(report.split('\n')).toContain(notMeasured);
  });

  it('warns of a short run, of a file system in memory and of a busy machine, and otherwise of nothing', () => {
    expect(report).not.toContain('Warning');
    const short = renderReport(rows, { rounds: 1, seconds: 2, machine });
    expect(short).toContain('Warning: so short a run');
    const memory = { ...machine, fileSystem: 'tmpfs' };
    expect(renderReport(rows, { rounds: 5, seconds: 2, machine: memory })).toContain('Warning: tmpfs');
    const busy = { ...machine, loadAverage: 1.5 };
    expect(renderReport(rows, { rounds: 5, seconds: 2, machine: busy })).toContain('load average 1.5');
  });
});
