import { beforeEach, describe, expect, it } from 'vitest';
import { Watchdog } from '../../src/supervisor/watchdog.js';
import { ManualClock } from '../testing/manual-clock.js';

const hangTimeoutMs = 20_000;

let clock: ManualClock;
let beats: number;
let hangs: number;
let watchdog: Watchdog;

beforeEach(() => {
  clock = new ManualClock();
  beats = 0;
  hangs = 0;
  watchdog = new Watchdog({ clock, hangTimeoutMs, beat: () => beats, onHang: () => hangs++ });
});

/** The thread beats every second for this long. */
async function live(durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 1_000) {
    beats++;
    await clock.advance(1_000);
  }
}

describe('the watchdog of a thread', () => {
  it('is content while the thread beats, however seldom, as long as it is in time', async () => {
    await live(60_000);
    for (let block = 0; block < 10; block++) {
      await clock.advance(19_000);
      await live(1_000);
    }
    expect(hangs).toBe(0);
  });

  it('tells once when the thread has stood still for the whole time', async () => {
    await live(10_000);
    await clock.advance(18_000);
    expect(hangs).toBe(0);
    await clock.advance(4_000);
    expect(hangs).toBe(1);
    await clock.advance(100_000);
    expect([hangs, clock.timers]).toEqual([1, 0]);
  });

  it('does not count time in which the process stood still itself', async () => {
    await live(5_000);
    await clock.advance(15_000);
    // SIGSTOP and SIGCONT, a laptop that slept: the timer fires once, an hour late.
    clock.pass(3_600_000);
    await clock.advance(0);
    expect(hangs).toBe(0);
    await clock.advance(15_000);
    expect(hangs).toBe(0);
    await live(60_000);
    expect(hangs).toBe(0);
  });

  it('counts anew each time that it comes late itself, and tells when it is there again', async () => {
    for (let late = 0; late < 20; late++) {
      await clock.advance(8_000);
      clock.pass(5_000);
      await clock.advance(0);
    }
    expect(hangs).toBe(0);
    await clock.advance(22_000);
    expect(hangs).toBe(1);
  });

  it('is silent when it was stopped', async () => {
    watchdog.stop();
    await clock.advance(100_000);
    expect([hangs, clock.timers]).toEqual([0, 0]);
  });
});
