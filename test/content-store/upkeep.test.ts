import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { localLog } from '../../src/content-store/local-log.js';
import { sharedBySpaces } from '../../src/content-store/shared-by-spaces.js';
import type { ViewStatus } from '../../src/content-store/view-status.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { rejectionOf } from '../core/error-of.js';
import { build, storedBuilds } from './builds.js';
import { HeldReads } from './held-reads.js';
import { MemoryBed } from './memory-bed.js';
import { Applied, listOf, mainOf, numbersTo, sumOf, type Tally, type TallyOptions, tally } from './tally.js';

/** More than is caught up while a space opens, and than is left to the end of a fill. */
const eventCount = 400;
const numbers = numbersTo(eventCount);

let bed: MemoryBed;
let applied: Applied;

beforeEach(async () => {
  bed = await MemoryBed.make();
  applied = new Applied();
  const before = await bed.open(tally());
  await before.execute('addMany', numbers);
  await before.close();
});

afterEach(() => {
  vi.restoreAllMocks();
});

function open(options: TallyOptions, limits = {}): Promise<ContentStore<Tally>> {
  return bed.open(tally({ applied, ...options }), { limits });
}

async function statusOf(store: ContentStore<Tally>, view: string): Promise<ViewStatus | undefined> {
  return (await store.views()).find((one) => one.view === view);
}

/** One read of the log comes in, and what follows from it happens. */
async function step(reads: HeldReads): Promise<void> {
  reads.step();
  await bed.clock.settle();
}

describe('a view whose version was raised', () => {
  it('is served as it was, complete, until the new one takes its place, and writes go on', async () => {
    const reads = new HeldReads(bed.log);
    const store = await open({ sum: 2 });
    await bed.clock.settle();
    for (let batch = 0; batch < 2; batch++) {
      expect(reads.waiting).toBe(1);
      expect((await store.execute('add', 7)).spaceSequence).toBe(eventCount + batch + 1);
      expect(await store.query('state', 'sum')).toEqual(sumOf(numbers));
      expect(await store.fetch(`event:${eventCount + batch + 1}`)).toBe(7);
      await step(reads);
    }
    expect(await statusOf(store, 'sum')).toEqual({
      view: 'sum',
      version: 2,
      state: 'building',
      spaceSequence: 256,
      lag: eventCount + 2 - 256,
      serves: { version: 1, spaceSequence: eventCount },
      error: undefined,
      isChanged: false,
    });
    reads.release();
    await bed.clock.settle();
    expect(await store.query('state', 'sum')).toEqual(sumOf([...numbers, 7, 7], 2));
    expect(await statusOf(store, 'sum')).toMatchObject({ state: 'live', lag: 0, serves: { version: 2 } });
    expect(storedBuilds(bed.pstates)).toEqual([
      `main 1.1 live at ${eventCount + 2}`,
      `sum 2.1 live at ${eventCount + 2}`,
    ]);
    await store.execute('add', 8);
    expect(await store.query('state', 'sum')).toEqual(sumOf([...numbers, 7, 7, 8], 2));
    expect(applied.to('sum 2')).toEqual(numbersTo(eventCount + 3));
  });

  it('is filled while the space opens when it lacks few events, and behind when it lacks more', async () => {
    await open({ sum: 2 }, { catchUpEventsMax: eventCount });
    expect(applied.to('sum 2')).toEqual(numbers);
    applied.clear();
    await open({ sum: 3 }, { catchUpEventsMax: eventCount - 1 });
    expect(applied.size).toBe(0);
    await bed.clock.settle();
    expect(applied.to('sum 3')).toEqual(numbers);
  });

  it('when it is the main one is filled before the first turn', async () => {
    const reads = new HeldReads(bed.log);
    let isOpen = false;
    const opened = open({ main: 2 }).then((store) => {
      isOpen = true;
      return store;
    });
    await bed.clock.settle();
    expect([isOpen, reads.waiting]).toEqual([false, 1]);
    reads.release();
    const store = await opened;
    expect(await store.query('state', 'main')).toEqual(mainOf(numbers, 2));
    expect(applied.to('main 2')).toEqual(numbers);
    expect(storedBuilds(bed.pstates)).toContain(`main 2.1 live at ${eventCount}`);
  });

  it('goes on after a crash where it was persisted', async () => {
    const reads = new HeldReads(bed.log);
    await open({ sum: 2, list: 1 }, { readEventsMax: 128, dirtyKeysMax: 100, fillKeysMax: 100 });
    await bed.clock.settle();
    await step(reads);
    await step(reads);
    reads.abandon();
    expect([applied.to('sum 2'), applied.to('list 1')]).toEqual([numbersTo(256), numbersTo(256)]);
    expect(storedBuilds(bed.pstates).filter((one) => one.includes('building'))).toEqual([
      'list 1.1 building at 256',
      'sum 2.1 building at 256',
    ]);
    applied.clear();
    const store = await open({ sum: 2, list: 1 });
    await bed.clock.settle();
    const rest = numbers.slice(256);
    expect([applied.to('sum 2'), applied.to('list 1'), applied.to('main 1')]).toEqual([rest, rest, []]);
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers, 2));
    expect(await store.query('state', 'list')).toEqual(listOf(numbers));
  });

  it('is begun anew when other projections had begun it', async () => {
    const reads = new HeldReads(bed.log);
    await open({ sum: 2 }, { dirtyKeysMax: 1, fillKeysMax: 1 });
    await bed.clock.settle();
    await step(reads);
    reads.abandon();
    expect(storedBuilds(bed.pstates)).toContain('sum 2.1 building at 128');
    applied.clear();
    const store = await open({ sum: 2, isSumRewritten: true });
    expect(storedBuilds(bed.pstates)).toContain('sum 2.1 retired at 128');
    await bed.clock.settle();
    expect(applied.to('sum 2')).toEqual(numbers);
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers, 4));
    expect(storedBuilds(bed.pstates)).toEqual([
      `main 1.1 live at ${eventCount}`,
      `sum 2.2 live at ${eventCount}`,
    ]);
  });

  it('and lowered again before the new one was there is served as before', async () => {
    const reads = new HeldReads(bed.log);
    await open({ sum: 2 }, { dirtyKeysMax: 1, fillKeysMax: 1 });
    await bed.clock.settle();
    await step(reads);
    reads.abandon();
    applied.clear();
    const store = await open({});
    await bed.clock.settle();
    expect(applied.size).toBe(0);
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers));
    expect(storedBuilds(bed.pstates)).toEqual([
      `main 1.1 live at ${eventCount}`,
      `sum 1.1 live at ${eventCount}`,
    ]);
  });

  it('goes on in the next life when the space is closed', async () => {
    const reads = new HeldReads(bed.log);
    const store = await open({ sum: 2 }, { dirtyKeysMax: 1, fillKeysMax: 1 });
    await bed.clock.settle();
    await step(reads);
    const closed = store.close();
    reads.release();
    await closed;
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toContain(`sum 1.1 live at ${eventCount}`);
    const reopened = await open({ sum: 2 });
    await bed.clock.settle();
    expect(applied.to('sum 2')).toEqual(numbers);
    expect(await reopened.query('state', 'sum')).toEqual(sumOf(numbers, 2));
    expect(bed.errors).toEqual([]);
  });
});

describe('a view that is new', () => {
  it('cannot be read until it is there, while commands and other views go on', async () => {
    const reads = new HeldReads(bed.log);
    const store = await open({ list: 1 });
    await bed.clock.settle();
    await step(reads);
    for (const call of [store.fetch('at:1', { view: 'list' }), store.query('state', 'list')]) {
      const error = await rejectionOf(call);
      expect([error.code, error.retryable]).toEqual(['view_building', true]);
      expect(error.details).toEqual({ spaceId: 1, view: 'list', version: 1, spaceSequence: 128 });
    }
    expect(await statusOf(store, 'list')).toMatchObject({ state: 'building', lag: 272, serves: undefined });
    await store.execute('add', 7);
    expect(await store.query('state', 'sum')).toEqual(sumOf([...numbers, 7]));
    expect(await store.query('state', 'main')).toEqual(mainOf([...numbers, 7]));
    reads.release();
    await bed.clock.settle();
    expect(await store.query('state', 'list')).toEqual(listOf([...numbers, 7]));
    expect(await statusOf(store, 'list')).toMatchObject({ state: 'live', serves: { version: 1 } });
  });

  it('and has nothing to be filled from is there at once', async () => {
    const spaceId = await bed.addSpace('empty');
    const store = await bed.open(tally({ list: 3 }), { spaceId });
    expect(await store.query('state', 'list')).toEqual({});
    await store.execute('add', 1);
    expect(await store.query('state', 'list')).toEqual(listOf([1], 3));
  });

  it('goes through without one beside it that throws', async () => {
    let isBroken = true;
    const breaks = (view: string, { spaceSequence }: { spaceSequence: number }): boolean =>
      isBroken && view === 'sum' && spaceSequence === 300;
    const limits = { readEventsMax: 128, dirtyKeysMax: 1, fillKeysMax: 1 };
    const store = await open({ sum: 2, list: 1, breaks }, limits);
    await bed.clock.settle();
    expect(await store.query('state', 'list')).toEqual(listOf(numbers));
    const error = await rejectionOf(store.query('state', 'sum'));
    expect(error).toMatchObject({ code: 'projection_failed', details: { view: 'sum', spaceSequence: 300 } });
    expect(await statusOf(store, 'sum')).toMatchObject({
      state: 'stopped',
      spaceSequence: 256,
      serves: undefined,
      error: { details: { spaceSequence: 300 } },
    });
    await store.execute('add', 7);
    await store.close();
    isBroken = false;
    applied.clear();
    const fixed = await open({ sum: 2, list: 1, breaks }, limits);
    await bed.clock.settle();
    expect(applied.to('sum 2')).toEqual(numbersTo(eventCount + 1).slice(256));
    expect(await fixed.query('state', 'sum')).toEqual(sumOf([...numbers, 7], 2));
  });
});

describe('what is being filled', () => {
  it('loses nothing when a commit is in doubt in the middle of it', async () => {
    const store = await bed.open(tally());
    for (let n = 0; n < 200; n++) await store.execute('remove', 1_000);
    await store.close();
    const reads = new HeldReads(bed.log);
    const filled = await open({ sum: 2 }, { catchUpEventsMax: 1 });
    await bed.clock.settle();
    for (let count = 0; count < 4; count++) await step(reads);
    // All that changes `sum` is applied and nothing of it persisted; the rest changes nothing.
    expect(applied.to('sum 2')).toEqual(numbers);
    bed.log.fates.push('notWrittenInDoubt');
    const executed = filled.execute('remove', 1_000);
    await bed.clock.settle();
    reads.release();
    expect((await executed).spaceSequence).toBe(601);
    await bed.clock.settle();
    expect(await filled.query('state', 'sum')).toEqual(sumOf(numbers, 2));
    expect(await statusOf(filled, 'sum')).toMatchObject({ state: 'live', lag: 0 });
    expect(bed.errors).toEqual([]);
  });

  it('goes on when the space has caught up with others in the middle of it', async () => {
    const reads = new HeldReads(bed.log);
    const store = await open({ list: 1 });
    await bed.clock.settle();
    await step(reads);
    const caughtUp = store.catchupPState();
    await bed.clock.settle();
    reads.release();
    await caughtUp;
    await bed.clock.settle();
    expect(await store.query('state', 'list')).toEqual(listOf(numbers));
    expect(bed.errors).toEqual([]);
  });

  it('by a rebuild is gone on with when a commit is in doubt in the middle of it', async () => {
    const reads = new HeldReads(bed.log);
    const store = await open({ sum: 2 });
    const rebuilt = store.rebuildPState();
    await bed.clock.settle();
    await step(reads);
    bed.log.fates.push('writtenInDoubt');
    const executed = store.execute('add', 7);
    await bed.clock.settle();
    reads.release();
    await executed;
    expect(await rebuilt).toEqual({ eventsApplied: 401, lastSpaceSequence: 401 });
    expect(await store.query('state', 'main')).toEqual(mainOf([...numbers, 7]));
    expect(await store.query('state', 'sum')).toEqual(sumOf([...numbers, 7], 2));
    await bed.clock.settle();
    expect((await store.views()).map(({ state }) => state)).toEqual(['live', 'live']);
    expect(storedBuilds(bed.pstates)).toHaveLength(2);
  });

  it('is gone on with when a rebuild of it is aborted', async () => {
    const store = await open({ sum: 2 });
    const abort = new AbortController();
    abort.abort();
    const aborted = store.rebuildPState({ view: 'sum', signal: abort.signal });
    expect((await rejectionOf(aborted)).code).toBe('aborted');
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers));
    await bed.clock.settle();
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers, 2));
    expect(await store.rebuildPState({ view: 'sum' })).toMatchObject({ eventsApplied: eventCount });
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers, 2));
  });

  it('keeps its space from being idle', async () => {
    const reads = new HeldReads(bed.log);
    const live = await bed.openLive(tally({ list: 1 }));
    await bed.clock.settle();
    expect(live.idle).toBe(false);
    reads.release();
    await live.fillViews();
    expect(live.idle).toBe(true);
  });

  it('is left as it is when the log fails, said to whoever listens, and gone on with when asked', async () => {
    const failure = new RamaxError('storage', 'no disk');
    const readSpace = vi.spyOn(bed.log, 'readSpace').mockRejectedValueOnce(failure);
    const store = await open({ sum: 2 });
    await bed.clock.settle();
    expect(readSpace).toHaveBeenCalledTimes(1);
    expect(bed.errors).toEqual([failure]);
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers));
    await store.rebuildPState({ view: 'sum' });
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbers, 2));
  });

  it('is tried again by itself after the log has failed, each time later', async () => {
    const failure = new RamaxError('storage', 'no disk');
    const readSpace = vi.spyOn(bed.log, 'readSpace').mockRejectedValue(failure);
    const store = await open({ list: 1 });
    await bed.clock.settle();
    expect(await statusOf(store, 'list')).toMatchObject({ state: 'building', error: { message: 'no disk' } });
    await bed.clock.advance(10_000);
    expect([readSpace.mock.calls.length, bed.errors.length]).toEqual([4, 4]);
    readSpace.mockRestore();
    await bed.clock.advance(60_000);
    expect(await store.query('state', 'list')).toEqual(listOf(numbers));
    expect(await statusOf(store, 'list')).toMatchObject({ state: 'live', error: undefined });
    await store.close();
    expect(bed.clock.timers).toBe(0);
  });

  it('is of as many spaces at once as there are permits', async () => {
    const spaceIds = [1, await bed.addSpace('two'), await bed.addSpace('three')];
    for (const spaceId of spaceIds.slice(1)) {
      const store = await bed.open(tally(), { spaceId });
      await store.execute('addMany', numbers);
      await store.close();
    }
    const limits = { buildsAtOnceMax: 2, readEventsMax: 128 };
    const shared = sharedBySpaces(resolveLimits(limits));
    const reads = new HeldReads(bed.log);
    const app = tally({ applied, sum: 2 });
    const lives = [];
    for (const spaceId of spaceIds) {
      lives.push(await bed.openLive(app, limits, localLog(bed.log), { spaceId, spaceName: 'acme' }, shared));
    }
    await bed.clock.settle();
    for (let count = 0; count < 4; count++) {
      expect(reads.waiting).toBe(2);
      await step(reads);
    }
    // The first two are done; the third has their place.
    expect(reads.waiting).toBe(1);
    expect(applied.to('sum 2')).toHaveLength(2 * eventCount);
    reads.release();
    await bed.clock.settle();
    expect(lives.map(({ viewStatuses }) => viewStatuses[1]?.state)).toEqual(['live', 'live', 'live']);
  });

  it('gives its permit back when its space ends', async () => {
    const limits = { buildsAtOnceMax: 1 };
    const shared = sharedBySpaces(resolveLimits(limits));
    const app = tally({ applied, list: 1 });
    const reads = new HeldReads(bed.log);
    const first = await bed.openLive(app, limits, localLog(bed.log), undefined, shared);
    await bed.clock.settle();
    first.abandon(new RamaxError('closed', 'gone'));
    const second = await bed.openLive(app, limits, localLog(bed.log), undefined, shared);
    reads.release();
    await bed.clock.settle();
    expect(second.viewStatuses[2]?.state).toBe('live');
  });
});

describe('what a crash has left retired', () => {
  it('is swept away when the space opens', async () => {
    bed.pstates.flush(1, [
      {
        view: build('list', 9),
        state: 'building',
        clear: false,
        puts: numbers.map((number) => [`at:${number}`, new Uint8Array([1])] as const),
        deletes: [],
        checkpoint: { lastEventId: 1, lastSpaceSequence: 1 },
      },
    ]);
    bed.pstates.retire(1, [build('list', 9)]);
    await open({}, { purgeRowsMax: 50 });
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toEqual([
      `main 1.1 live at ${eventCount}`,
      `sum 1.1 live at ${eventCount}`,
    ]);
    expect(bed.pstates.count(1, build('list', 9))).toBe(0);
  });
});

describe('a checkpoint', () => {
  it('is all that a restart needs: only what follows it is applied', async () => {
    const store = await open({ list: 1 });
    await bed.clock.settle();
    await store.checkpoint();
    for (const number of [7, 8, 9]) await store.execute('add', number);
    applied.clear();
    const reopened = await open({ list: 1 });
    await bed.clock.settle();
    const rest = [eventCount + 1, eventCount + 2, eventCount + 3];
    for (const view of ['main 1', 'sum 1', 'list 1']) expect(applied.to(view)).toEqual(rest);
    expect(await reopened.query('state', 'list')).toEqual(listOf([...numbers, 7, 8, 9]));
    applied.clear();
    await reopened.close();
    await open({ list: 1 });
    await bed.clock.settle();
    expect(applied.size).toBe(0);
  });

  it('of each view is its own: what is filled behind applies nothing twice', async () => {
    const store = await open({ list: 1 });
    await bed.clock.settle();
    await store.execute('add', 7);
    await store.close();
    applied.clear();
    const again = await open({ list: 2 });
    await bed.clock.settle();
    await again.execute('add', 8);
    const all = numbersTo(eventCount + 2);
    expect([applied.to('main 1'), applied.to('list 2')]).toEqual([[eventCount + 2], all]);
    expect(await again.query('state', 'list')).toEqual(listOf([...numbers, 7, 8], 2));
  });
});
