/** Which trials a run makes, and in which order. Pure. */

import { type Configuration, nameOf } from './configuration.js';
import type { Row } from './row.js';
import type { Sizes } from './sizes.js';
import type { Bound } from './trial-spec.js';

/** Three threads take some seconds until their hot functions are compiled; what is fast ends its warm-up by count. */
const warmUpsPerMeasured = 1.5;

/** Every configuration that the rows need, once; what is compared stands side by side. */
export function configurationsOf(rows: readonly Row[]): readonly Configuration[] {
  const found = new Map<string, Configuration>();
  for (const { ramax, yardstick } of rows) {
    for (const source of yardstick === undefined ? [ramax] : [ramax, yardstick]) {
      found.set(nameOf(source.configuration), source.configuration);
    }
  }
  return [...found.values()];
}

/** The order of one round: every second one backwards, so that a machine that slows down is unfair to nobody. */
export function roundOrder(
  configurations: readonly Configuration[],
  round: number,
): readonly Configuration[] {
  return round % 2 === 0 ? configurations : [...configurations].reverse();
}

/** The two phases of every trial. */
export function phaseBounds(
  seconds: number,
  { warmUpCommandsMax, measuredCommandsMax }: Sizes,
): { readonly warmUp: Bound; readonly measured: Bound } {
  return {
    warmUp: { countMax: warmUpCommandsMax, timeMsMax: seconds * 1_000 * warmUpsPerMeasured },
    measured: { countMax: measuredCommandsMax, timeMsMax: seconds * 1_000 },
  };
}

const minuteMs = 60_000;

/** When a child process hangs: its phases are short, and only few kinds take minutes. */
export function timeLimitMs({ kind }: Pick<Configuration, 'kind'>, seconds: number): number {
  const phasesMs = seconds * 1_000 * (1 + warmUpsPerMeasured);
  return (
    phasesMs + (kind === 'long run' ? 25 * minuteMs : kind === 'idle spaces' ? 10 * minuteMs : 3 * minuteMs)
  );
}

/** The making of a history of millions of events. */
export const historyLimitMs = 40 * minuteMs;

/** What is measured once in a run, because it takes minutes and is a long average in itself. */
export function roundsOf({ kind }: Configuration, rounds: number): number {
  return kind === 'long run' || kind === 'idle spaces' ? Math.min(rounds, 1) : rounds;
}
