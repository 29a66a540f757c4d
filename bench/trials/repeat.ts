/** Something that takes milliseconds, again and again. */

import { processSources } from '../meter.js';
import { spreadOf } from '../spread.js';
import type { Bound, Figures } from '../trial-spec.js';

/** How often, and for how long, something is repeated. */
export interface RepeatOptions {
  readonly warmUps: number;
  readonly timesMin: number;
  readonly bound: Bound;
}

/**
 * Does something again and again until time or count is reached, at least `timesMin` times; the median time of one
 * is what it takes. `work` gives how many events it went over.
 */
export async function repeat(
  work: () => Promise<number> | number,
  { warmUps, timesMin, bound }: RepeatOptions,
): Promise<Figures> {
  for (let count = 0; count < warmUps; count++) await work();
  const startedMs = performance.now();
  const startedCpu = processSources.cpuMicros();
  const times: number[] = [];
  let events = 0;
  while (times.length < timesMin || performance.now() - startedMs < bound.timeMsMax) {
    const beganMs = performance.now();
    events += await work();
    times.push(performance.now() - beganMs);
    if (times.length >= bound.countMax) break;
  }
  const elapsedMs = spreadOf(times).median;
  const perSecond = (events / times.length / elapsedMs) * 1_000;
  return { elapsedMs, perSecond, cpuMicros: (processSources.cpuMicros() - startedCpu) / events };
}
