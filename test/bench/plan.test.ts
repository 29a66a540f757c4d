import { describe, expect, it } from 'vitest';
import { nameOf } from '../../bench/configuration.js';
import { configurationsOf, phaseBounds, roundOrder, roundsOf, timeLimitMs } from '../../bench/plan.js';
import { rowsOf } from '../../bench/rows.js';
import { usualSizes } from '../../bench/sizes.js';

describe('the plan of a run', () => {
  it('runs what several rows need only once', () => {
    const names = configurationsOf(rowsOf(['w1', 'peers'], usualSizes)).map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('w1 ramax, 1024 in flight');
    expect(names).toContain('w2 ramax, 1024 in flight');
  });

  it('runs every second round backwards, and every configuration once in each', () => {
    const configurations = configurationsOf(rowsOf(['w1'], usualSizes));
    expect(roundOrder(configurations, 0)).toEqual(configurations);
    expect(roundOrder(configurations, 1)).toEqual([...configurations].reverse());
    expect(roundOrder(configurations, 2)).toEqual(configurations);
  });

  it('runs what takes minutes once, and everything else in every round', () => {
    expect(roundsOf({ kind: 'long run', subject: 'ramax' }, 5)).toBe(1);
    expect(roundsOf({ kind: 'cold start', subject: 'ramax' }, 5)).toBe(5);
  });

  it('bounds both phases in time and count, and every trial in time', () => {
    const { warmUp, measured } = phaseBounds(2, usualSizes);
    expect(measured).toEqual({ countMax: 200_000, timeMsMax: 2_000 });
    expect(warmUp).toEqual({ countMax: 50_000, timeMsMax: 3_000 });
    expect(timeLimitMs({ kind: 'commands' }, 2)).toBeGreaterThan(5_000);
    expect(timeLimitMs({ kind: 'long run' }, 2)).toBeLessThan(60 * 60_000);
  });
});
