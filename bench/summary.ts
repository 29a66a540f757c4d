/** From the trials of all rounds to one row for each configuration. Pure. */

import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { newLatencies } from './meter.js';
import { type Spread, spreadOf } from './spread.js';
import type { Configuration, TrialResult } from './trial-spec.js';

/** A trial that was run. */
export interface Trial extends Configuration {
  readonly round: number;
  readonly result: TrialResult;
}

/** Latencies of all commands of all rounds together, in milliseconds. */
export interface LatencySummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** What the rounds of one configuration have come to. */
export interface SummaryRow extends Configuration {
  readonly commandsPerSecond: Spread;
  /** Null where nobody is answered. */
  readonly latency: LatencySummary | null;
  /** Medians over the rounds. */
  readonly cpuMicrosPerCommand: number;
  readonly commandsPerTransaction: number;
  /** The largest of all rounds. */
  readonly peakRssBytes: number;
}

/** One row for each of `configurations`, in their order. */
export function summarise(
  configurations: readonly Configuration[],
  trials: readonly Trial[],
): readonly SummaryRow[] {
  return configurations.map((configuration) => {
    const results = trials.filter((trial) => isSame(trial, configuration)).map(({ result }) => result);
    return summariseOne(configuration, results);
  });
}

/** Whether two configurations are the same one. */
export function isSame(left: Configuration, right: Configuration): boolean {
  return (
    left.workload === right.workload && left.subject === right.subject && left.inFlight === right.inFlight
  );
}

function summariseOne(configuration: Configuration, results: readonly TrialResult[]): SummaryRow {
  const { workload, subject, inFlight } = configuration;
  const medianOf = (figure: (result: TrialResult) => number) => spreadOf(results.map(figure)).median;
  return {
    workload,
    subject,
    inFlight,
    commandsPerSecond: spreadOf(results.map(({ commands, elapsedMs }) => (commands * 1_000) / elapsedMs)),
    latency: mergeLatencies(results),
    cpuMicrosPerCommand: medianOf(({ cpuMicros, commands }) => cpuMicros / commands),
    commandsPerTransaction: medianOf(({ committed }) => committed.commands / committed.commits),
    peakRssBytes: Math.max(...results.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

function mergeLatencies(results: readonly TrialResult[]): LatencySummary | null {
  const merged = newLatencies();
  for (const { latencies } of results) {
    if (latencies !== null) merged.add(decodeFromCompressedBase64(latencies));
  }
  if (merged.totalCount === 0) return null;
  const percentileMs = (percentile: number) => merged.getValueAtPercentile(percentile) / 1_000;
  return {
    p50Ms: percentileMs(50),
    p99Ms: percentileMs(99),
    p999Ms: percentileMs(99.9),
    maxMs: merged.maxValue / 1_000,
  };
}
