import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandPace } from '../../src/supervisor/command-pace.js';
import { ManualClock } from '../testing/manual-clock.js';

describe('the pace of a space', () => {
  it('admits a burst after a rest, and then one command each time that its turn has come', () => {
    const clock = new ManualClock();
    const pace = new CommandPace(clock, 10, 3);
    const admitted = (): number => {
      let count = 0;
      for (; pace.allows; count++) pace.take();
      return count;
    };
    expect([pace.isFull, admitted(), pace.allows, pace.waitMs]).toEqual([true, 3, false, 100]);
    clock.pass(99);
    expect([pace.allows, pace.waitMs]).toEqual([false, 1]);
    clock.pass(1);
    expect(admitted()).toBe(1);
    clock.pass(250);
    expect(admitted()).toBe(2);
    clock.pass(10_000);
    expect([pace.isFull, admitted()]).toEqual([true, 3]);
  });

  it('admits in no stretch of time more than the burst and what its length allows, and has a token after waitMs', () => {
    const steps = fc.array(
      fc.oneof(fc.constant('take' as const), fc.double({ min: 0, max: 400, noNaN: true })),
    );
    const rates = fc.tuple(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(rates, steps, ([perSecondMax, burstMax], plan) => {
        const clock = new ManualClock();
        const pace = new CommandPace(clock, perSecondMax, burstMax);
        const taken: number[] = [];
        for (const step of plan) {
          if (step !== 'take') clock.pass(step);
          else if (pace.allows) {
            pace.take();
            taken.push(clock.monotonicMs());
          } else {
            clock.pass(pace.waitMs);
            expect(pace.allows).toBe(true);
          }
        }
        taken.forEach((from, first) => {
          taken.slice(first).forEach((to, count) => {
            expect(count + 1).toBeLessThanOrEqual(burstMax + ((to - from) * perSecondMax) / 1_000 + 0.001);
          });
        });
      }),
    );
  });
});
