/**
 * W7: a process starts on a log of many spaces. How soon is it ready, how soon is anything answered, and how long does
 * the first answer of a space take that nobody has called yet.
 *
 * The files are in the page cache: they were copied a moment ago.
 */

import { newLatencies } from '../meter.js';
import { spaceNameOf, startRamax } from '../subjects/ramax.js';
import type { TrialSpec } from '../trial-spec.js';
import { XorShift } from '../xor-shift.js';
import type { Finding } from './finding.js';

export async function measureColdStart(spec: TrialSpec): Promise<Finding> {
  const { sizes, seed } = spec;
  const startedMs = performance.now();
  const ramax = await startRamax(spec);
  const readyMs = performance.now() - startedMs;
  try {
    const ask = async (space: number): Promise<void> => {
      const handle = await ramax.spaces.findByName(spaceNameOf(space));
      if (handle === undefined) throw new Error(`there is no space ${space}`);
      await handle.fetch('contact:c000');
    };
    const spaces = drawDistinct(new XorShift(seed), sizes.coldSpaces, sizes.coldSamples + 1);
    await ask(spaces[0] ?? 0);
    const firstAnswerMs = performance.now() - startedMs;
    const latencies = newLatencies();
    for (const space of spaces.slice(1)) {
      const sentMs = performance.now();
      await ask(space);
      latencies.recordValue(Math.max(1, Math.round((performance.now() - sentMs) * 1_000)));
    }
    const coldMs = (percentile: number): number => latencies.getValueAtPercentile(percentile) / 1_000;
    const coldMaxMs = latencies.maxValue / 1_000;
    return { figures: { readyMs, firstAnswerMs, coldP50Ms: coldMs(50), coldP99Ms: coldMs(99), coldMaxMs } };
  } finally {
    await ramax.close();
  }
}

/** Different numbers from 0 up to `end`, in the order of their drawing. */
function drawDistinct(random: XorShift, end: number, count: number): readonly number[] {
  const drawn = new Set<number>();
  while (drawn.size < Math.min(count, end)) drawn.add(random.below(end));
  return [...drawn];
}
