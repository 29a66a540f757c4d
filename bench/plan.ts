/** Which trials a run makes, and in which order. Pure. */

import type { Bound, Configuration } from './trial-spec.js';
import { inFlightSteps, type WorkloadName } from './workloads.js';

/**
 * A count bounds the phases besides the time: a subject that is fast would otherwise be measured on a larger database
 * than a slow one.
 */
const warmUpCountMax = 50_000;
const measuredCountMax = 200_000;

/** Three threads take some seconds until their hot functions are compiled; what is fast ends its warm-up by count. */
const warmUpsPerMeasured = 2;

/** The configurations of some workloads; what is compared stands side by side. */
export function configurationsOf(workloads: readonly WorkloadName[]): readonly Configuration[] {
  return workloads.flatMap((workload): Configuration[] => [
    ...inFlightSteps.flatMap((inFlight): Configuration[] => [
      { workload, subject: 'ramax', inFlight },
      { workload, subject: 'by hand', inFlight },
    ]),
    { workload, subject: 'naive', inFlight: 1 },
    { workload, subject: 'raw', inFlight: null },
  ]);
}

/** The order of one round: every second one backwards, so that a machine that slows down is unfair to nobody. */
export function roundOrder(
  configurations: readonly Configuration[],
  round: number,
): readonly Configuration[] {
  return round % 2 === 0 ? configurations : [...configurations].reverse();
}

/** The two phases of every trial. */
export function phaseBounds(seconds: number): { readonly warmUp: Bound; readonly measured: Bound } {
  return {
    warmUp: { countMax: warmUpCountMax, timeMsMax: seconds * 1_000 * warmUpsPerMeasured },
    measured: { countMax: measuredCountMax, timeMsMax: seconds * 1_000 },
  };
}
