import { describe, expect, it } from 'vitest';
import { Pace } from '../../src/content-store/pace.js';
import type { Clock } from '../../src/core/clock.js';
import { ManualClock } from '../testing/manual-clock.js';

/** A clock on which work takes time. */
function pacing(): { readonly clock: ManualClock; readonly pace: Pace; readonly count: { turns: number } } {
  const clock = new ManualClock();
  const count = { turns: 0 };
  return { clock, count, pace: new Pace(clock as Clock, count) };
}

/** Whether a rest is over after so many milliseconds, and not a millisecond before. */
async function lasts(clock: ManualClock, rest: Promise<void>, durationMs: number): Promise<boolean> {
  let isOver = false;
  void rest.then(() => {
    isOver = true;
  });
  await clock.advance(durationMs - 1);
  const wasOver = isOver;
  await clock.advance(1);
  return !wasOver && isOver;
}

describe('the pace of long work', () => {
  it('is to rest as long as it has worked while turns come', async () => {
    const { clock, pace, count } = pacing();
    await clock.advance(7);
    count.turns++;
    expect(await lasts(clock, pace.rest(), 7)).toBe(true);
    await clock.advance(3);
    count.turns += 20;
    expect(await lasts(clock, pace.rest(), 3)).toBe(true);
  });

  it('is to let the ports have their turn, and no more, while none come', async () => {
    const { clock, pace, count } = pacing();
    count.turns++;
    await clock.advance(7);
    const first = pace.rest();
    await clock.advance(7);
    await first;
    await clock.advance(7);
    await pace.rest();
    expect(clock.timers).toBe(0);
  });

  it('is never to rest for longer than 50 ms', async () => {
    const { clock, pace, count } = pacing();
    await clock.advance(5_000);
    count.turns++;
    expect(await lasts(clock, pace.rest(), 50)).toBe(true);
  });

  it('is to take longer steps while none come, until one takes its time', async () => {
    const { clock, pace } = pacing();
    const steps: number[] = [];
    for (const workedMs of [0, 1, 0, 0, 0, 2, 3]) {
      steps.push(pace.stepEvents);
      await clock.advance(workedMs);
      await pace.rest();
    }
    expect([...steps, pace.stepEvents]).toEqual([128, 256, 512, 1_024, 1_024, 1_024, 1_024, 512]);
  });

  it('is to take the shortest steps as soon as turns come', async () => {
    const { clock, pace, count } = pacing();
    await pace.rest();
    await pace.rest();
    expect(pace.stepEvents).toBe(512);
    count.turns++;
    await pace.rest();
    expect(pace.stepEvents).toBe(128);
    await clock.advance(100);
    await pace.rest();
    expect(pace.stepEvents).toBe(128);
  });
});
