import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { localLog } from '../../src/content-store/local-log.js';
import { fetchTurn, queryTurn } from '../../src/content-store/reads.js';
import { type SharedBySpaces, sharedBySpaces } from '../../src/content-store/shared-by-spaces.js';
import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits, type LimitsOptions, resolveLimits } from '../../src/core/limits.js';
import { ValueCache } from '../../src/pstate/value-cache.js';
import { rejectionOf } from '../core/error-of.js';
import { HeldReads } from './held-reads.js';
import { entry, folded, foldedAmounts, ledger } from './ledger.js';
import { MemoryBed } from './memory-bed.js';
import { Settlements } from './settlements.js';
import { Applied, numbersTo, tally } from './tally.js';

let bed: MemoryBed;

beforeEach(async () => {
  bed = await MemoryBed.make();
});

afterEach(() => {
  vi.restoreAllMocks();
});

function query(name: string) {
  return queryTurn(name, undefined, defaultLimits);
}

describe('a state as of an earlier sequence', () => {
  it('is the fold of the events up to it, for every sequence, in any order', async () => {
    const marker = fc.nat(4);
    const step = fc.oneof(
      marker.map((name) => ['add', entry(name, name)] as const),
      marker.map((name) => ['remove', { marker: 'r', removed: `${name}` }] as const),
      fc
        .array(marker, { maxLength: 3 })
        .map((names) => ['addAll', { entries: names.map((one) => entry(one)) }] as const),
    );
    const cacheEntriesMax = fc.constantFrom(1, 1_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        cacheEntriesMax,
        fc.infiniteStream(fc.nat()),
        async (steps, cacheEntriesMax, order) => {
          bed = await MemoryBed.make();
          const live = await bed.openLive(ledger, { historyStatesMax: 2, readEventsMax: 2, cacheEntriesMax });
          for (const [name, params] of steps) {
            const turn = bed.command(name, params);
            turn.answer.catch(() => {});
            live.take(turn);
          }
          await bed.clock.settle();
          const events = await bed.events();
          const sequences = [...events.keys(), events.length];
          sequences.sort(() => ((order.next().value as number) % 2) - 0.5);
          for (const sequence of sequences) {
            const before = events.slice(0, sequence);
            expect(await live.readAt(sequence, query('everything'))).toEqual(folded(before));
            expect(await live.readAt(sequence, query('amounts'))).toEqual(foldedAmounts(before));
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('states of the past', () => {
  let applied: Applied;
  let shared: SharedBySpaces;
  let live: LiveSpace;
  let settled: Settlements;

  async function open(limits: LimitsOptions = {}, spaceId = 1): Promise<LiveSpace> {
    shared ??= sharedBySpaces(resolveLimits(limits));
    const address = { spaceId, spaceName: 'acme' };
    return bed.openLive(tally({ applied }), limits, localLog(bed.log), address, shared);
  }

  async function openWith(limits: LimitsOptions): Promise<void> {
    shared = sharedBySpaces(resolveLimits(limits));
    live = await open(limits);
    live.take(bed.command('addMany', numbersTo(10)));
    await bed.clock.settle();
    applied.clear();
  }

  beforeEach(async () => {
    applied = new Applied();
    settled = new Settlements();
    await openWith({ historyStatesMax: 2, historyEventsMax: 9 });
  });

  const sumAt = (sequence: number, of = live): Promise<unknown> =>
    of.readAt(sequence, fetchTurn('sum', 'sum'));

  it('are folded once while they are used, and the least recently used goes', async () => {
    expect([await sumAt(3), await sumAt(4), await sumAt(3)]).toEqual([6, 10, 6]);
    expect(applied.to('sum 1')).toEqual([1, 2, 3, 1, 2, 3, 4]);
    applied.clear();
    expect(await sumAt(5)).toBe(15);
    expect(await sumAt(3)).toBe(6);
    expect(applied.to('sum 1')).toEqual([1, 2, 3, 4, 5]);
    applied.clear();
    expect(await sumAt(4)).toBe(10);
    expect(applied.to('sum 1')).toEqual([1, 2, 3, 4]);
  });

  it('that are asked for at once are folded one after the other, and the same one once', async () => {
    expect(await Promise.all([sumAt(2), sumAt(2), sumAt(3)])).toEqual([3, 3, 6]);
    expect(applied.to('sum 1')).toEqual([1, 2, 1, 2, 3]);
  });

  it('do not change with what comes later', async () => {
    expect(await sumAt(9)).toBe(45);
    live.take(bed.command('add', 100));
    await live.rebuild(['sum'], () => {});
    expect([await sumAt(9), await sumAt(0)]).toEqual([45, undefined]);
  });

  it('are of committed sequences only', async () => {
    const error = await rejectionOf(sumAt(11));
    expect([error.code, error.message]).toEqual([
      'invalid_input',
      'spaceSequence must be at most 10, the latest of the space, but got 11',
    ]);
    bed.log.isHeld = true;
    live.take(bed.command('add', 11));
    expect((await rejectionOf(sumAt(11))).code).toBe('invalid_input');
    bed.log.releaseAll();
  });

  it('are not folded from more events than the bound', async () => {
    const error = await rejectionOf(sumAt(10));
    expect(error.message).toContain('must be at most 9 (limits.historyEventsMax)');
    expect(await sumAt(9)).toBe(45);
  });

  it('of one space are not those of another', async () => {
    const spaceId = await bed.addSpace('other');
    const other = await open({}, spaceId);
    other.take(bed.command('add', 1_000));
    await bed.clock.settle();
    expect([await sumAt(1), await sumAt(1, other)]).toEqual([1, 1_000]);
  });

  it('are forgotten with their space, and those of others are not', async () => {
    const spaceId = await bed.addSpace('other');
    const other = await open({}, spaceId);
    other.take(bed.command('add', 1_000));
    await bed.clock.settle();
    await Promise.all([sumAt(1), sumAt(1, other)]);
    applied.clear();
    shared.history.forget(spaceId);
    await Promise.all([sumAt(1), sumAt(1, other)]);
    expect(applied.to('sum 1')).toEqual([1]);
  });

  it('that are folded anew after they were forgotten are not lost to the failure of those before', async () => {
    const reads = vi.spyOn(bed.log, 'readSpace');
    let fail: (error: Error) => void = () => {};
    reads.mockImplementationOnce(() => new Promise((_resolve, reject) => (fail = reject)));
    const before = rejectionOf(sumAt(3));
    await bed.clock.settle();
    shared.history.forget(1);
    const anew = sumAt(3);
    fail(new RamaxError('storage', 'no disk'));
    expect((await before).code).toBe('storage');
    expect(await anew).toBe(6);
    applied.clear();
    expect(await sumAt(3)).toBe(6);
    expect(applied.size).toBe(0);
  });

  it('drive nothing out of the memory of the live states, and hold nothing of it', async () => {
    await openWith({ historyStatesMax: 2, cacheEntriesMax: 40 });
    await live.checkpoint();
    for (let sequence = 1; sequence <= 10; sequence++) {
      const read = fetchTurn(`event:${sequence}`);
      live.take(read);
      await read.answer;
    }
    const before = shared.cache.stats;
    for (let sequence = 1; sequence <= 10; sequence++) await sumAt(sequence);
    expect(shared.cache.stats).toEqual(before);
  });

  it('share a cache of their own, as large as the one of the live states', async () => {
    const sections = vi.spyOn(ValueCache.prototype, 'section');
    await openWith({ historyStatesMax: 3, cacheEntriesMax: 12 });
    sections.mockClear();
    for (let sequence = 1; sequence <= 9; sequence++) await live.readAt(9, fetchTurn(`event:${sequence}`));
    const [cache, ...others] = new Set(sections.mock.contexts as ValueCache[]);
    expect(others).toEqual([]);
    expect(cache).not.toBe(shared.cache);
    expect(cache?.stats.entries).toBe(4);
  });

  it('of a long history are folded beside the turns: as long as it has worked it rests', async () => {
    applied = new Applied();
    await openWith({ historyEventsMax: 10_000 });
    live.take(bed.command('addMany', numbersTo(600)));
    await bed.clock.settle();
    applied.clear();
    const reads = new HeldReads(bed.log);
    settled.watch('sum', sumAt(600));
    await bed.clock.settle();
    bed.clock.pass(20);
    live.take(bed.command('add', 1));
    reads.step();
    await bed.clock.settle();
    // It has worked for 20 ms, and a turn has come: it reads no further for as long.
    expect([applied.to('sum 1').filter((sequence) => sequence <= 600).length, reads.waiting]).toEqual([
      128, 0,
    ]);
    await bed.clock.advance(19);
    expect(reads.waiting).toBe(0);
    await bed.clock.advance(1);
    expect(reads.waiting).toBe(1);
    reads.release();
    await bed.clock.advance(1_000);
    expect(settled.names).toEqual(['sum']);
  });

  it('that could not be folded are tried again', async () => {
    vi.spyOn(bed.log, 'readSpace').mockRejectedValueOnce(new RamaxError('storage', 'no disk'));
    expect((await rejectionOf(sumAt(3))).code).toBe('storage');
    expect(await sumAt(3)).toBe(6);
  });

  it('leave the present state and the store as they are', async () => {
    const flush = vi.spyOn(bed.pstates, 'flush');
    await sumAt(3);
    expect(flush).not.toHaveBeenCalled();
    const read = fetchTurn('sum', 'sum');
    live.take(read);
    expect(await read.answer).toBe(55);
  });
});
