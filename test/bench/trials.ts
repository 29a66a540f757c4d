import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { CommandConfiguration, Configuration } from '../../bench/configuration.js';
import { newLatencies } from '../../bench/meter.js';
import type { Trial } from '../../bench/summary.js';
import type { TrialResult } from '../../bench/trial-spec.js';

/** W1 of a subject at 64 in flight. */
export function walk(subject: CommandConfiguration['subject'], inFlight = 64): CommandConfiguration {
  return { kind: 'commands', workload: 'w1', subject, inFlight, withIds: false, history: 0 };
}

/** Encoded latencies of so many microseconds. */
export function latencies(...micros: number[]): string {
  const histogram = newLatencies();
  for (const value of micros) histogram.recordValue(value);
  return encodeIntoCompressedBase64(histogram);
}

/** A trial that has gone well. */
export function trial(configuration: Configuration, round: number, result: Partial<TrialResult> = {}): Trial {
  const usual = { figures: { perSecond: 1_000 }, latencies: null, peakRssBytes: 1 };
  return { configuration, round, outcome: { ...usual, ...result } };
}
