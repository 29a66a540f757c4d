import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CatchUpOptions, catchUp } from '../../src/content-store/catch-up.js';
import { findWritten } from '../../src/content-store/written-commands.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { rejectionOf } from '../core/error-of.js';
import { fullEvent } from '../event-store/log-fixture.js';
import { ManualClock } from '../testing/manual-clock.js';

function event(spaceSequence: number, invocationId = `command ${spaceSequence}`): StoredEvent {
  return { ...fullEvent('x'), eventId: spaceSequence * 10, spaceId: 1, spaceSequence, invocationId };
}

function events(count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, index) => event(index + 1));
}

/** A log whose reads are written down. */
class ScriptedLog {
  readonly #events: readonly StoredEvent[];
  readonly reads: { readonly after: number; readonly limit: number; readonly bytesMax: number }[] = [];

  constructor(events: readonly StoredEvent[]) {
    this.#events = events;
  }

  async readSpace(_spaceId: number, after: number, bounds: { limit: number; bytesMax: number }) {
    this.reads.push({ after, ...bounds });
    return this.#events.filter(({ spaceSequence }) => spaceSequence > after).slice(0, bounds.limit);
  }
}

/** Catches up over these events, three to a read. */
function run(log: ScriptedLog, more: Partial<CatchUpOptions> = {}) {
  const applied: number[] = [];
  const done = catchUp({
    log,
    clock: new ManualClock(),
    limits: { readEventsMax: 3, readBytesMax: 1_000 },
    spaceId: 1,
    from: 0,
    to: 7,
    apply: ({ spaceSequence }) => applied.push(spaceSequence),
    ...more,
  });
  return { applied, done };
}

describe('catching up', () => {
  it('applies every event after the first place up to the last, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.nat(20),
        fc.integer({ min: 1, max: 6 }),
        async (a, b, readEventsMax) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const limits = { readEventsMax, readBytesMax: 1_000 };
          const { applied, done } = run(new ScriptedLog(events(25)), { from, to, limits });
          expect(await done).toBe(to - from);
          expect(applied).toEqual(Array.from({ length: to - from }, (_, index) => from + 1 + index));
        },
      ),
    );
  });

  it('reads a bounded batch at a time, from where the last one ended', async () => {
    const log = new ScriptedLog(events(7));
    await run(log).done;
    expect(log.reads).toEqual([0, 3, 6].map((after) => ({ after, limit: 3, bytesMax: 1_000 })));
  });

  it('reads nothing when there is nothing to apply', async () => {
    const log = new ScriptedLog(events(7));
    expect(await run(log, { from: 7 }).done).toBe(0);
    expect(log.reads).toEqual([]);
  });

  it('lets others go first between two batches, and not behind the last', async () => {
    const clock = new ManualClock('held');
    const log = new ScriptedLog(events(7));
    const { applied, done } = run(log, { clock });
    const seen: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      seen.push(applied.length);
      await clock.turn();
    }
    await done;
    expect(seen).toEqual([0, 6, 7]);
  });

  it('tells of the last event of each batch', async () => {
    const last: number[] = [];
    await run(new ScriptedLog(events(9)), { afterBatch: ({ spaceSequence }) => last.push(spaceSequence) })
      .done;
    expect(last).toEqual([3, 6, 7]);
  });

  it.each<readonly [what: string, log: StoredEvent[], found: string]>([
    ['a hole', [event(1), event(2), event(4)], 'expected sequence 3 in the log, found sequence 4'],
    ['a hole at the front', [event(2)], 'expected sequence 1 in the log, found sequence 2'],
    ['an end before the last place', events(5), 'expected sequence 6 in the log, found the end of the log'],
    ['an event that comes twice', [event(1), event(1)], 'expected sequence 2 in the log, found sequence 1'],
    ['an empty log', [], 'expected sequence 1 in the log, found the end of the log'],
  ])('finds %s corrupt', async (_what, log, found) => {
    const error = await rejectionOf(run(new ScriptedLog(log)).done);
    expect([error.code, error.message]).toEqual(['corrupt', `space 1: ${found}`]);
  });

  it('stops between two batches when it is aborted', async () => {
    const abort = new AbortController();
    const { applied, done } = run(new ScriptedLog(events(9)), {
      signal: abort.signal,
      afterBatch: () => abort.abort(),
    });
    expect((await rejectionOf(done)).code).toBe('aborted');
    expect(applied).toEqual([1, 2, 3]);
  });

  it('ends with what a projection throws', async () => {
    const apply = ({ spaceSequence }: StoredEvent): void => {
      if (spaceSequence === 5) throw new RangeError('five');
    };
    await expect(run(new ScriptedLog(events(9)), { apply }).done).rejects.toThrow(new RangeError('five'));
  });
});

describe('findWritten', () => {
  it('gives each command its first event, their number, and the sequence behind the last', async () => {
    const log = new ScriptedLog([event(1, 'a'), event(2, 'b'), event(3, 'b'), event(4, 'c'), event(5, 'c')]);
    const clock = new ManualClock();
    const limits = { readEventsMax: 2, readBytesMax: 1_000 };
    const written = await findWritten({ log, clock, limits, spaceId: 1, from: 1, to: 5 });
    expect(Object.fromEntries(written)).toEqual({
      b: { firstEventId: 20, eventCount: 2, spaceSequence: 3 },
      c: { firstEventId: 40, eventCount: 2, spaceSequence: 5 },
    });
  });
});
