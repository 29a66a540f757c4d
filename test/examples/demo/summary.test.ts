import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import {
  formatCents,
  formatCount,
  formatCounted,
  formatMicros,
  formatRate,
  formatRatio,
  formatSeconds,
} from '../../../examples/demo/format.js';
import { allHold, reportText } from '../../../examples/demo/report.js';
import { Tally } from '../../../examples/demo/tally.js';
import { answerRows, checkAnswers, commitRows, speedRows } from '../../../examples/demo/traffic-report.js';

describe('numbers for a person', () => {
  it.each([
    [formatCount(1_234_567), '1,234,567'],
    [formatCounted(1, 'tenant'), '1 tenant'],
    [formatCounted(2_000, 'tenant'), '2,000 tenants'],
    [formatCents(0), '0.00'],
    [formatCents(5), '0.05'],
    [formatCents(123_456_789), '1,234,567.89'],
    [formatCents(-5), '-0.05'],
    [formatRate(500, 250), '2,000/s'],
    [formatRate(500, 0), '-'],
    [formatRatio(10, 4), '2.5'],
    [formatRatio(10, 0), '-'],
    [formatMicros(950), '950 µs'],
    [formatMicros(1_500), '1.50 ms'],
    [formatMicros(250_000), '250 ms'],
    [formatMicros(2_500_000), '2.50 s'],
    [formatSeconds(1_234), '1.2 s'],
  ])('%s is %s', (formatted, expected) => {
    expect(formatted).toBe(expected);
  });
});

function exampleTally(): Tally {
  const tally = new Tally();
  for (let count = 1; count <= 96; count++) tally.accept(2, count);
  tally.reject('rare', 1);
  tally.reject('frequent', 1);
  tally.reject('frequent', 1);
  tally.fail('timeout', 1);
  return tally;
}

describe('the tally', () => {
  it('counts every answer once', () => {
    const tally = exampleTally();
    expect(tally).toMatchObject({ accepted: 96, rejected: 3, failed: 1, answered: 100, events: 192 });
    expect(tally.rejectedByReason).toEqual([
      ['frequent', 2],
      ['rare', 1],
    ]);
    expect(tally.failedByCode).toEqual([['timeout', 1]]);
  });

  it('gives latencies in microseconds, to three digits', () => {
    const tally = exampleTally();
    expect(tally.latencyMicros(50)).toBeGreaterThanOrEqual(46_000);
    expect(tally.latencyMicros(50)).toBeLessThanOrEqual(46_100);
    expect(tally.latencyMicros(100)).toBeGreaterThanOrEqual(96_000);
    expect(new Tally().latencyMicros(99)).toBe(0);
  });

  it('takes latencies beyond both ends of its scale', () => {
    const tally = new Tally();
    tally.accept(1, 0);
    tally.accept(1, 1e12);
    expect(tally.answered).toBe(2);
  });
});

describe('the report', () => {
  it('has a row for every reason and the figures of speed and commits', () => {
    const tally = exampleTally();
    const rows = [
      ...answerRows(tally),
      ...speedRows(tally, 50),
      ...commitRows(tally, { commits: 8, commands: 96, events: 192 }),
    ];
    const values = Object.fromEntries(rows.map(({ label, value }) => [label, value]));
    expect(values).toMatchObject({
      accepted: '96',
      rejected: '3',
      frequent: '2',
      rare: '1',
      failed: '1',
      timeout: '1',
      throughput: '2,000/s',
      events: '192',
      commits: '8',
      'events per commit': '24.0',
      'commands per commit': '12.0',
    });
  });

  it('is plain text without colours, and marks what does not hold', () => {
    const report = {
      title: 'A run',
      rows: [
        { label: 'accepted', value: '96' },
        { label: 'rare', value: '1', depth: 1 as const },
      ],
      checks: [
        { says: 'one holds', holds: true, seen: 'seen' },
        { says: 'one does not', holds: false, seen: 'difference' },
      ],
      notes: ['line 3: bad'],
    };
    const text = reportText(report, pc.createColors(false));
    expect(text).not.toContain('\u001b');
    expect(text).toContain('│ accepted │ 96 │');
    expect(text).toContain('│   rare   │  1 │');
    expect(text).toContain('line 3: bad\n✔ one holds (seen)\n✘ one does not: difference\n');
    expect(allHold(report)).toBe(false);
    expect(allHold({ ...report, checks: report.checks.slice(0, 1) })).toBe(true);
    expect(reportText(report, pc.createColors(true))).toContain('\u001b[31m✘ one does not: difference');
  });

  it('says what the first failure was', () => {
    expect(checkAnswers(exampleTally(), new Error('disk full'))).toMatchObject({
      holds: false,
      seen: '1 were not; the first: disk full',
    });
    expect(checkAnswers(exampleTally(), undefined).holds).toBe(true);
  });
});
