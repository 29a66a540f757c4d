/** From the trials of all rounds to one summary for each configuration. Pure. */

import { decodeFromCompressedBase64, type Histogram } from 'hdr-histogram-js';
import { type Configuration, nameOf } from './configuration.js';
import { newLatencies } from './meter.js';
import { type Spread, spreadOf } from './spread.js';
import type { FigureName, TrialResult } from './trial-spec.js';

/** A trial that was run, or why it could not be. */
export interface Trial {
  readonly configuration: Configuration;
  /** From 0. */
  readonly round: number;
  readonly outcome: TrialResult | { readonly problem: string };
}

/** What the rounds of one configuration have come to. */
export interface Summary {
  readonly name: string;
  readonly configuration: Configuration;
  /** Figures over the rounds, by their names. */
  readonly figures: ReadonlyMap<FigureName, Spread>;
  /** Latencies of all rounds together, in microseconds; null where nobody is answered. */
  readonly latencies: Histogram | null;
  /** The largest of all rounds. */
  readonly peakRssBytes: number;
  /** Why a round has failed; with one, the others do not count. */
  readonly problem: string | undefined;
}

/** One summary for each configuration, by name and in their order. */
export function summarise(
  configurations: readonly Configuration[],
  trials: readonly Trial[],
): ReadonlyMap<string, Summary> {
  const summaries = configurations.map((configuration) => {
    const name = nameOf(configuration);
    const own = trials.filter((trial) => nameOf(trial.configuration) === name);
    return [name, summariseOne(name, configuration, own)] as const;
  });
  return new Map(summaries);
}

function summariseOne(name: string, configuration: Configuration, trials: readonly Trial[]): Summary {
  const results: TrialResult[] = [];
  let problem = trials.length === 0 ? 'no round was run' : undefined;
  for (const { outcome } of trials) {
    if ('problem' in outcome) problem ??= outcome.problem;
    else results.push(outcome);
  }
  return {
    name,
    configuration,
    figures: problem === undefined ? spreadFigures(results) : new Map(),
    latencies: mergeLatencies(results),
    peakRssBytes: Math.max(0, ...results.map(({ peakRssBytes }) => peakRssBytes)),
    problem,
  };
}

function spreadFigures(results: readonly TrialResult[]): ReadonlyMap<FigureName, Spread> {
  const values = new Map<FigureName, number[]>();
  for (const { figures } of results) {
    for (const [name, value] of Object.entries(figures) as [FigureName, number][]) {
      values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  return new Map([...values].map(([name, all]) => [name, spreadOf(all)]));
}

function mergeLatencies(results: readonly TrialResult[]): Histogram | null {
  const merged = newLatencies();
  for (const { latencies } of results) {
    if (latencies !== null) merged.add(decodeFromCompressedBase64(latencies));
  }
  return merged.totalCount === 0 ? null : merged;
}
