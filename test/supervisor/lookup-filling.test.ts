import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import type { LookupFiller } from '../../src/event-store/port.js';
import { LookupFilling } from '../../src/supervisor/lookup-filling.js';
import { rejectionOf } from '../core/error-of.js';
import { ManualClock } from '../testing/manual-clock.js';

/** Events of one run, and the quiet before a smaller one. */
const runEvents = 20_000;
const quietMs = 1_000;

/** A filler whose runs end when the test says. */
class HeldFiller implements LookupFiller {
  readonly #runs: { resolve(answer: { done: boolean }): void; reject(error: unknown): void }[] = [];
  runs = 0;
  isClosed = false;

  fillLookups(rowsMax: number): Promise<{ readonly done: boolean }> {
    expect(rowsMax).toBe(runEvents);
    this.runs++;
    return new Promise((resolve, reject) => this.#runs.push({ resolve, reject }));
  }

  get underWay(): number {
    return this.#runs.length;
  }

  end(done: boolean): void {
    this.#runs.shift()?.resolve({ done });
  }

  fail(error: unknown = new RamaxError('storage', 'the disk is full')): void {
    this.#runs.shift()?.reject(error);
  }

  /** Clearings, and how each ends. */
  readonly clearings: { resolve(): void; reject(error: unknown): void }[] = [];

  holdsClearings = false;

  scrub(): Promise<void> {
    if (!this.holdsClearings) return Promise.resolve();
    return new Promise((resolve, reject) => this.clearings.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

let clock: ManualClock;
let filler: HeldFiller;
let filling: LookupFilling;

beforeEach(() => {
  clock = new ManualClock();
  filler = new HeldFiller();
  filling = new LookupFilling(filler, clock);
});

describe('the lookups are filled', () => {
  it('a second after the start, for what was left, run after run until nothing is', async () => {
    filling.start();
    await clock.advance(quietMs - 1);
    expect(filler.runs).toBe(0);
    await clock.advance(1);
    expect(filler.runs).toBe(1);
    filler.end(false);
    await clock.settle();
    expect(filler.runs).toBe(2);
    filler.end(true);
    await clock.advance(10 * quietMs);
    expect(filler.runs).toBe(2);
    expect(clock.timers).toBe(0);
  });

  it('when as many events are committed as one run takes', () => {
    filling.committed(runEvents - 1);
    expect(filler.runs).toBe(0);
    filling.committed(runEvents);
    expect(filler.runs).toBe(1);
    expect(clock.timers).toBe(0);
  });

  it('when nothing was committed for a second, and not while a little is', async () => {
    for (let n = 1; n <= 5; n++) {
      filling.committed(n);
      await clock.advance(quietMs / 2);
    }
    expect(filler.runs).toBe(0);
    await clock.advance(2 * quietMs);
    expect(filler.runs).toBe(1);
    filler.end(true);
    await clock.advance(10 * quietMs);
    expect(filler.runs).toBe(1);
    expect(filling.health).toEqual({ unfilledEvents: 0, failure: undefined });
  });

  it('by one run at a time, and what is committed meanwhile is left to the next', async () => {
    filling.committed(runEvents);
    filling.committed(3 * runEvents);
    filling.start();
    void filling.spacePurged().catch(() => {});
    await clock.advance(10 * quietMs);
    expect(filler.underWay).toBe(1);
    filler.end(true);
    await clock.settle();
    expect(filling.health.unfilledEvents).toBe(2 * runEvents);
    expect(filler.underWay).toBe(1);
    filler.end(true);
    await clock.settle();
    expect([filler.runs, filling.health.unfilledEvents]).toEqual([2, 0]);
  });

  it('at once when a space was purged, whose entries are to go', () => {
    void filling.spacePurged().catch(() => {});
    expect(filler.runs).toBe(1);
  });

  it('no more after a close', async () => {
    filling.committed(1);
    await filling.close();
    filling.committed(5 * runEvents);
    void filling.spacePurged().catch(() => {});
    await clock.advance(10 * quietMs);
    expect([filler.runs, filler.isClosed]).toEqual([0, true]);
  });

  it('never where the storage has none', async () => {
    const none = new LookupFilling(undefined, clock);
    none.start();
    none.committed(5 * runEvents);
    void none.spacePurged();
    expect(none.health).toEqual({ unfilledEvents: 0, failure: undefined });
    expect(clock.timers).toBe(0);
    await none.close();
  });
});

describe('a run that fails', () => {
  it('is tried again after pauses that double, whatever is committed meanwhile', async () => {
    filling.committed(runEvents);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const { runs } = filler;
      filler.fail();
      await clock.advance(pauseMs - 1);
      filling.committed(filling.health.unfilledEvents + runEvents);
      void filling.spacePurged().catch(() => {});
      expect(filler.runs).toBe(runs);
      await clock.advance(1);
      expect(filler.runs).toBe(runs + 1);
    }
  });

  it('shows in the health when it goes on, and no more when a run went well', async () => {
    filling.committed(runEvents);
    for (const failures of [1, 2, 3, 4]) {
      filler.fail();
      await clock.settle();
      expect(filling.health.failure?.code).toBe(failures < 3 ? undefined : 'storage');
      await clock.advance(60_000);
    }
    expect(filling.health.unfilledEvents).toBe(runEvents);
    filler.end(true);
    await clock.settle();
    expect(filling.health).toEqual({ unfilledEvents: 0, failure: undefined });
  });

  it('is not tried again after a close', async () => {
    filling.committed(runEvents);
    filler.fail(new Error('the thread has ended'));
    await clock.settle();
    await filling.close();
    await clock.advance(60_000);
    expect(filler.runs).toBe(1);
  });
});

describe('the entries of purged spaces', () => {
  beforeEach(() => {
    filler.holdsClearings = true;
  });

  it('are cleared away after a run that left nothing, and not before', async () => {
    const cleared = vi.fn();
    void filling.spacePurged().then(cleared);
    filler.end(false);
    await clock.settle();
    expect(filler.clearings).toHaveLength(0);
    filler.end(true);
    await clock.settle();
    expect([filler.clearings.length, cleared.mock.calls.length]).toEqual([1, 0]);
    filler.clearings[0]?.resolve();
    await clock.settle();
    expect(cleared).toHaveBeenCalledOnce();
    expect([filler.runs, filler.clearings.length]).toEqual([2, 1]);
  });

  it('of a space that is purged while others are cleared away wait for a run and a clearing of their own', async () => {
    const order: string[] = [];
    void filling.spacePurged().then(() => order.push('one'));
    filler.end(true);
    await clock.settle();
    void filling.spacePurged().then(() => order.push('two'));
    filler.clearings[0]?.resolve();
    await clock.settle();
    expect(order).toEqual(['one']);
    filler.end(true);
    await clock.settle();
    filler.clearings[1]?.resolve();
    await clock.settle();
    expect(order).toEqual(['one', 'two']);
  });

  it('are cleared away later where the first attempt failed, of which its waiters hear', async () => {
    const failed = rejectionOf(filling.spacePurged());
    filler.end(true);
    await clock.settle();
    filler.clearings[0]?.reject(new RamaxError('storage', 'a reader is in the way'));
    expect((await failed).code).toBe('storage');
    await clock.advance(1_000);
    filler.end(true);
    await clock.settle();
    expect(filler.clearings).toHaveLength(2);
  });

  it('are no longer waited for when the runtime closes', async () => {
    const closed = rejectionOf(filling.spacePurged());
    await filling.close();
    expect((await closed).code).toBe('closed');
    expect((await rejectionOf(filling.spacePurged())).code).toBe('closed');
  });
});
