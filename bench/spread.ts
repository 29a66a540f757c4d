/** How a few figures of one kind lie. Pure. */

/** The middle and the ends of some figures. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of at least one figure; of an even number, the median is the mean of the two in the middle. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((left, right) => left - right);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  const min = sorted[0];
  const max = sorted.at(-1);
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new RangeError('a spread needs at least one figure');
  }
  return { median: (low + high) / 2, min, max };
}

/** The median of one quarter of figures in the order in which they were taken; quarters count from 0. */
export function quarterMedian(figures: readonly number[], quarter: number): number {
  const share = figures.length / 4;
  return spreadOf(figures.slice(Math.floor(share * quarter), Math.ceil(share * (quarter + 1)))).median;
}
