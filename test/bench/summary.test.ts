import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { newLatencies } from '../../bench/meter.js';
import { summarise, type Trial } from '../../bench/summary.js';
import type { Configuration, TrialResult } from '../../bench/trial-spec.js';

const ramax: Configuration = { workload: 'w1', subject: 'ramax', inFlight: 64 };
const raw: Configuration = { workload: 'w1', subject: 'raw', inFlight: null };

function latencies(...micros: number[]): string {
  const histogram = newLatencies();
  for (const value of micros) histogram.recordValue(value);
  return encodeIntoCompressedBase64(histogram);
}

function trial(configuration: Configuration, round: number, result: Partial<TrialResult>): Trial {
  const rest = { commands: 1_000, elapsedMs: 1_000, cpuMicros: 20_000, acknowledged: 1_500 };
  const committed = { commits: 10, commands: 500 };
  return {
    ...configuration,
    round,
    result: { ...rest, committed, latencies: null, peakRssBytes: 1, ...result },
  };
}

describe('the summary', () => {
  it('gives the median, the smallest and the largest throughput of the rounds', () => {
    const trials = [500, 2_000, 250].map((elapsedMs, round) => trial(ramax, round, { elapsedMs }));
    const [row] = summarise([ramax], trials);
    expect(row?.commandsPerSecond).toEqual({ median: 2_000, min: 500, max: 4_000 });
  });

  it('merges the latencies of all rounds, so that one bad round shows', () => {
    const quick = latencies(...Array.from({ length: 980 }, () => 1_000));
    const stalled = latencies(...Array.from({ length: 20 }, () => 50_000));
    const [row] = summarise(
      [ramax],
      [trial(ramax, 0, { latencies: quick }), trial(ramax, 1, { latencies: stalled })],
    );
    expect(row?.latency?.p50Ms).toBeCloseTo(1, 2);
    expect(row?.latency?.p99Ms).toBeCloseTo(50, 0);
    expect(row?.latency?.maxMs).toBeCloseTo(50, 0);
  });

  it('divides CPU by the measured commands, and committed commands by transactions', () => {
    const [row] = summarise([ramax], [trial(ramax, 0, {})]);
    expect(row?.cpuMicrosPerCommand).toBe(20);
    expect(row?.commandsPerTransaction).toBe(50);
  });

  it('keeps configurations apart, and has no latency where nobody was answered', () => {
    const alone: Configuration = { ...ramax, inFlight: 1 };
    const trials = [ramax, alone, raw].map((configuration, index) =>
      trial(configuration, 0, { elapsedMs: 1_000 / 10 ** index }),
    );
    const rows = summarise([ramax, alone, raw], trials);
    expect(rows.map(({ commandsPerSecond }) => commandsPerSecond.median)).toEqual([1_000, 10_000, 100_000]);
    expect(rows[2]?.latency).toBeNull();
  });
});
