import { describe, expect, it } from 'vitest';
import {
  beatIntervalMs,
  beatOf,
  keepBeating,
  newVitalsMemory,
  runningOf,
  Vitals,
} from '../../src/core/vitals.js';
import { ManualClock } from '../testing/manual-clock.js';

describe('the vital signs of a thread', () => {
  it('show what it runs, and nothing when that has come to its end', () => {
    const memory = newVitalsMemory();
    const vitals = new Vitals(memory);
    expect(runningOf(memory)).toEqual({ kind: 'nothing' });
    vitals.runs(0);
    expect(runningOf(memory)).toEqual({ kind: 'call', callId: 0 });
    vitals.rests();
    expect(runningOf(memory)).toEqual({ kind: 'nothing' });
    vitals.applies(2 ** 33, 3, 2 ** 52);
    expect(runningOf(memory)).toEqual({ kind: 'event', spaceId: 2 ** 33, view: 3, spaceSequence: 2 ** 52 });
    vitals.migrates(9);
    expect(runningOf(memory)).toEqual({ kind: 'migration', spaceId: 9 });
  });

  it("say nothing of a turn that is nobody's", () => {
    const memory = newVitalsMemory();
    new Vitals(memory).runs(undefined);
    expect(runningOf(memory)).toEqual({ kind: 'nothing' });
  });

  it('beat as long as the event loop comes round, eight times in a timeout and once a second at least', async () => {
    const memory = newVitalsMemory();
    const clock = new ManualClock();
    keepBeating(new Vitals(memory), clock, 20_000);
    await clock.advance(10_500);
    expect(beatOf(memory)).toBe(11);
    expect([20_000, 4_000, 80, 1].map(beatIntervalMs)).toEqual([1_000, 500, 10, 1]);
  });
});
