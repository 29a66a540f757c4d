import { describe, expect, it } from 'vitest';
import { configurationsOf, phaseBounds, roundOrder } from '../../bench/plan.js';

describe('the plan of a run', () => {
  it('measures Ramax and by hand at each number in flight, naive at one, raw once, for each workload', () => {
    const configurations = configurationsOf(['w1', 'w2']);
    expect(configurations).toHaveLength(16);
    for (const workload of ['w1', 'w2']) {
      const own = configurations.filter((configuration) => configuration.workload === workload);
      const stepsOf = (subject: string) =>
        own.filter((configuration) => configuration.subject === subject).map(({ inFlight }) => inFlight);
      expect(stepsOf('ramax')).toEqual([1, 64, 1_024]);
      expect(stepsOf('by hand')).toEqual([1, 64, 1_024]);
      expect(stepsOf('naive')).toEqual([1]);
      expect(stepsOf('raw')).toEqual([null]);
    }
  });

  it('runs every second round backwards, and every configuration once in each', () => {
    const configurations = configurationsOf(['w1']);
    expect(roundOrder(configurations, 0)).toEqual(configurations);
    expect(roundOrder(configurations, 1)).toEqual([...configurations].reverse());
    expect(roundOrder(configurations, 2)).toEqual(configurations);
  });

  it('bounds both phases in time and count', () => {
    const { warmUp, measured } = phaseBounds(2);
    expect(measured).toEqual({ countMax: 200_000, timeMsMax: 2_000 });
    expect(warmUp).toEqual({ countMax: 50_000, timeMsMax: 4_000 });
  });
});
