import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Deadlines, Expirable } from '../../src/supervisor/deadlines.js';
import { ManualClock } from '../testing/manual-clock.js';

let clock: ManualClock;
let deadlines: Deadlines;
let expired: string[];

beforeEach(() => {
  clock = new ManualClock();
  deadlines = new Deadlines(clock);
  expired = [];
});

/** Something that does what the test says when its deadline has passed. */
class Expiring extends Expirable {
  readonly expired: () => void;
  readonly #deadlines: Deadlines;

  constructor(of: Deadlines, timeoutMs: number, expired: () => void) {
    super();
    this.expired = expired;
    this.#deadlines = of;
    of.set(this, timeoutMs);
  }

  clear(): void {
    this.#deadlines.clear(this);
  }
}

function set(timeoutMs: number, name: string): Expiring {
  return new Expiring(deadlines, timeoutMs, () => expired.push(name));
}

describe('deadlines', () => {
  it('expire when their time has come, in the order in which they were set', async () => {
    set(10, 'a');
    await clock.advance(4);
    set(10, 'b');
    set(3, 'c');
    await clock.advance(5);
    expect(expired).toEqual(['c']);
    await clock.advance(1);
    expect(expired).toEqual(['c', 'a']);
    await clock.advance(4);
    expect(expired).toEqual(['c', 'a', 'b']);
  });

  it('do not expire once they are cleared, and are cleared again without effect', async () => {
    const cleared = set(10, 'cleared');
    set(10, 'kept');
    cleared.clear();
    cleared.clear();
    await clock.advance(100);
    cleared.clear();
    expect(expired).toEqual(['kept']);
  });

  it('may clear others, and set new ones, while they expire', async () => {
    let second: Expiring | undefined;
    new Expiring(deadlines, 10, () => {
      second?.clear();
      set(10, 'again');
    });
    second = set(10, 'second');
    await clock.advance(10);
    expect(expired).toEqual([]);
    await clock.advance(10);
    expect(expired).toEqual(['again']);
    expect(clock.timers).toBe(0);
  });

  it('keep one timer for each timeout, and none when nothing is left', async () => {
    for (let call = 0; call < 50; call++) {
      new Expiring(deadlines, 10, () => set(10, 'again'));
      await clock.advance(1);
    }
    expect(clock.timers).toBe(1);
    await clock.advance(1_000);
    expect(clock.timers).toBe(0);
  });

  it('leave no timer behind when they are closed', async () => {
    const closed = set(10, 'closed');
    deadlines.close();
    expect(clock.timers).toBe(0);
    await clock.advance(100);
    closed.clear();
    expect(expired).toEqual([]);
  });

  it('count a deadline that is cleared twice once: its neighbour still expires', async () => {
    for (let timeoutMs = 1_000; timeoutMs < 1_100; timeoutMs++) set(timeoutMs, 'later');
    const cleared = set(10, 'cleared');
    set(10, 'kept');
    cleared.clear();
    cleared.clear();
    await clock.advance(10);
    expect(expired).toEqual(['kept']);
  });

  it('are let go when they are cleared, also behind one that does not end', () => {
    set(30_000, 'does not end');
    const cleared = Array.from({ length: 3 }, () => set(30_000, 'ends'));
    for (const one of [1, 0, 2]) cleared[one]!.clear();
    for (const { queue, before, after } of cleared) {
      expect([queue, before, after]).toEqual([undefined, undefined, undefined]);
    }
  });

  it('are one at a time: the next one takes the place of the one before', async () => {
    const one = set(10, 'one');
    deadlines.set(one, 50);
    await clock.advance(49);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual(['one']);
  });

  it('of unusual timeouts leave nothing behind once they are cleared', () => {
    for (let timeoutMs = 1; timeoutMs <= 5_000; timeoutMs++) set(timeoutMs, 'x').clear();
    expect(clock.timers).toBeLessThanOrEqual(64);
  });

  it('expire as a list of all of them says, whatever was cleared and whatever the timeouts', async () => {
    const act = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('set' as const),
          timeoutMs: fc.integer({ min: 1, max: 100 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('clear' as const), place: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(30) }) },
      // Many that are cleared behind one that is not.
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('flood' as const), timeoutMs: fc.constant(50) }),
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
        const clock = new ManualClock();
        const deadlines = new Deadlines(clock);
        const expired = new Set<number>();
        const all: { readonly deadline: Expiring; readonly atMs: number; isCleared: boolean }[] = [];
        const set = (timeoutMs: number) => {
          const place = all.length;
          const deadline = new Expiring(deadlines, timeoutMs, () => expired.add(place));
          all.push({ deadline, atMs: clock.monotonicMs() + timeoutMs, isCleared: false });
        };
        const clear = (place: number) => {
          const chosen = all[place];
          if (chosen === undefined || expired.has(place)) return;
          chosen.isCleared = true;
          chosen.deadline.clear();
        };
        for (const act of acts) {
          if (act.kind === 'set') set(act.timeoutMs);
          else if (act.kind === 'clear') clear(act.place % Math.max(1, all.length));
          else if (act.kind === 'advance') await clock.advance(act.ms);
          else {
            for (let n = 0; n < 1_500; n++) set(act.timeoutMs);
            for (let n = 1; n < 1_500; n++) clear(all.length - n);
          }
          for (const [place, { atMs, isCleared }] of all.entries()) {
            if (expired.has(place) !== (!isCleared && atMs <= clock.monotonicMs())) {
              expect.unreachable(`deadline ${place} at ${atMs} of ${clock.monotonicMs()}`);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
