import { describe, expect, it } from 'vitest';
import { nameOf } from '../../bench/configuration.js';
import { summarise } from '../../bench/summary.js';
import { latencies, trial, walk } from './trials.js';

const ramax = walk('ramax');
const name = nameOf(ramax);

describe('the summary', () => {
  it('gives the median, the smallest and the largest of every figure', () => {
    const trials = [2_000, 500, 4_000].map((perSecond, round) =>
      trial(ramax, round, { figures: { perSecond, cpuMicros: perSecond / 100 } }),
    );
    const figures = summarise([ramax], trials).get(name)?.figures;
    expect(figures?.get('perSecond')).toEqual({ median: 2_000, min: 500, max: 4_000 });
    expect(figures?.get('cpuMicros')).toEqual({ median: 20, min: 5, max: 40 });
  });

  it('merges the latencies of all rounds, so that one bad round shows', () => {
    const quick = latencies(...Array.from({ length: 980 }, () => 1_000));
    const stalled = latencies(...Array.from({ length: 20 }, () => 50_000));
    const trials = [trial(ramax, 0, { latencies: quick }), trial(ramax, 1, { latencies: stalled })];
    const merged = summarise([ramax], trials).get(name)?.latencies;
    expect(merged?.getValueAtPercentile(50)).toBeCloseTo(1_000, -1);
    expect(merged?.getValueAtPercentile(99)).toBeGreaterThan(49_000);
  });

  it('keeps configurations apart, and has no latency where nobody was answered', () => {
    const other = walk('by hand');
    const trials = [trial(ramax, 0), trial(other, 0, { figures: { perSecond: 10 } })];
    const summaries = summarise([ramax, other], trials);
    expect(summaries.get(name)?.figures.get('perSecond')?.median).toBe(1_000);
    expect(summaries.get(nameOf(other))?.figures.get('perSecond')?.median).toBe(10);
    expect(summaries.get(name)?.latencies).toBeNull();
  });

  it('has no figures when a round has failed, and says why', () => {
    const failed = { configuration: ramax, round: 1, outcome: { problem: 'the disk is full' } };
    const summary = summarise([ramax], [trial(ramax, 0), failed]).get(name);
    expect(summary?.problem).toBe('the disk is full');
    expect(summary?.figures.size).toBe(0);
  });
});
