import { describe, expect, it } from 'vitest';
import type { Timer } from '../../src/core/clock.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { sleep } from '../../src/storage/sleep.js';

/** A clock whose timers fire when the test says so, and say when they were cancelled. */
function handClock() {
  const hand = { wake: () => {}, isCancelled: false };
  const after = (_delayMs: number, task: () => void): Timer => {
    hand.wake = task;
    return {
      cancel() {
        hand.isCancelled = true;
      },
    };
  };
  return { hand, clock: { ...nodePlatform.clock, after } };
}

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a sleep', () => {
  it('keeps the process alive until it ends, which the timers of the clock do not', async () => {
    const { hand, clock } = handClock();
    const before = timers();
    const slept = sleep(10, clock, undefined);
    expect(timers()).toBe(before + 1);
    hand.wake();
    await slept;
    expect(timers()).toBe(before);
  });

  it('ends at once when its signal aborts, and cancels its timer', async () => {
    const { hand, clock } = handClock();
    const abort = new AbortController();
    const slept = sleep(10, clock, abort.signal);
    abort.abort();
    await slept;
    expect(hand.isCancelled).toBe(true);
  });
});
