import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import type { RebuildProgress } from '../../src/content-store/view-fill.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { rejectionOf } from '../core/error-of.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { build, storedBuilds } from './builds.js';
import { HeldReads } from './held-reads.js';
import { entry, folded, foldedAmounts, ledger } from './ledger.js';
import { MemoryBed } from './memory-bed.js';
import { Applied, listOf, mainOf, numbersTo, sumOf, type Tally, tally } from './tally.js';

let bed: MemoryBed;
let store: ContentStore<typeof ledger>;

afterEach(() => {
  vi.restoreAllMocks();
});

beforeEach(async () => {
  bed = await MemoryBed.make();
  store = await bed.open(ledger, { limits: { readEventsMax: 2, dirtyKeysMax: 3, fillKeysMax: 3 } });
  for (let n = 0; n < 9; n++) await store.execute('add', entry(n, n % 3));
});

async function addMany(): Promise<void> {
  const entries = Array.from({ length: manyEvents }, (_, n) => entry(`many ${n}`, n % 5));
  await store.execute('addAll', { entries });
}

async function expectFold(): Promise<void> {
  const events = await bed.events();
  expect(await store.query('everything')).toEqual(folded(events));
  expect(await store.query('amounts')).toEqual(foldedAmounts(events));
}

/** So many events that a rebuild reads most of them while turns go on. */
const manyEvents = 300;

describe('a rebuild', () => {
  it('gives the same state, reports after each read, and is persisted', async () => {
    const reports: RebuildProgress[] = [];
    const done = await store.rebuildPState({ onProgress: (progress) => reports.push(progress) });
    expect(done).toEqual({ eventsApplied: 9, lastSpaceSequence: 9 });
    expect(reports.map(({ eventsApplied }) => eventsApplied)).toEqual([2, 4, 6, 8, 9]);
    expect(new Set(reports.map(({ lastSpaceSequence }) => lastSpaceSequence))).toEqual(new Set([9]));
    await expectFold();
    const readSpace = vi.spyOn(bed.log, 'readSpace');
    store = await bed.open(ledger);
    expect(readSpace).not.toHaveBeenCalled();
    await expectFold();
  });

  it('takes in what is executed while it runs', async () => {
    await addMany();
    const reads = new HeldReads(bed.log);
    const rebuilt = store.rebuildPState();
    await bed.clock.settle();
    expect(reads.waiting).toBe(1);
    await store.execute('add', entry('meanwhile'));
    await store.execute('remove', { marker: 'r', removed: '3' });
    reads.release();
    const events = 9 + manyEvents + 2;
    expect(await rebuilt).toEqual({ eventsApplied: events, lastSpaceSequence: events });
    await expectFold();
  });

  it('lets readers see the old state until it swaps', async () => {
    let isChanged = false;
    const app = defineApp({
      name: 'changing',
      commands: {
        add: () => Array.from({ length: manyEvents }, () => ({ entityId: 'e', type: 'added' })),
      },
      projections: {
        added: (pstate, { spaceSequence }) => pstate.put(isChanged ? 'new' : 'old', spaceSequence),
      },
      queries: { all: (pstate) => Object.fromEntries(pstate.entries()) },
    });
    bed = await MemoryBed.make();
    const changing = await bed.open(app);
    await changing.execute('add', undefined);
    isChanged = true;
    const reads = new HeldReads(bed.log);
    const rebuilt = changing.rebuildPState();
    await bed.clock.settle();
    const expectOld = async (): Promise<void> => {
      expect(reads.waiting).toBe(1);
      expect(await changing.query('all')).toEqual({ old: manyEvents });
      expect([await changing.fetch('old'), await changing.fetch('new')]).toEqual([manyEvents, undefined]);
    };
    await expectOld();
    reads.step();
    await bed.clock.settle();
    await expectOld();
    reads.release();
    await rebuilt;
    expect(await changing.query('all')).toEqual({ new: manyEvents });
    expect([await changing.fetch('old'), await changing.fetch('new')]).toEqual([undefined, manyEvents]);
  });

  it('reads only the events of its own space', async () => {
    await bed.log.commit([{ kind: 'createSpace', spaceName: 'widgets', metadata: {} }]);
    const other = await bed.open(ledger, { spaceId: 2 });
    await other.execute('add', entry('theirs', 100));
    expect(await store.rebuildPState()).toEqual({ eventsApplied: 9, lastSpaceSequence: 9 });
    await expectFold();
    expect(await other.query('everything')).toMatchObject({ count: 1 });
  });

  it('that is aborted leaves everything as it was, and the next one succeeds', async () => {
    const abort = new AbortController();
    const onProgress = (): void => abort.abort();
    const error = await rejectionOf(store.rebuildPState({ onProgress, signal: abort.signal }));
    expect(error.code).toBe('aborted');
    await expectFold();
    expect(await store.rebuildPState()).toMatchObject({ eventsApplied: 9 });
    await expectFold();
  });

  it('fails with what its listener throws, and leaves everything as it was', async () => {
    const onProgress = (): void => {
      throw new RangeError('no more');
    };
    await expect(store.rebuildPState({ onProgress })).rejects.toThrow(new RangeError('no more'));
    await expectFold();
  });

  it('fails with the projection that throws, and leaves everything as it was', async () => {
    let isBroken = false;
    const app = defineApp({
      name: 'fragile',
      commands: { add: () => [{ entityId: 'e', type: 'added' }] },
      projections: {
        added(pstate, { spaceSequence }) {
          if (isBroken && spaceSequence === 2) throw new RangeError('a bug');
          pstate.put(`event:${spaceSequence}`, true);
        },
      },
      queries: { size: (pstate) => pstate.size },
    });
    bed = await MemoryBed.make();
    const fragile = await bed.open(app);
    for (let n = 0; n < 3; n++) await fragile.execute('add', undefined);
    isBroken = true;
    expect((await rejectionOf(fragile.rebuildPState())).code).toBe('projection_failed');
    expect(await fragile.query('size')).toBe(3);
    expect((await fragile.execute('add', undefined)).spaceSequence).toBe(4);
  });

  it('that cannot be swapped leaves everything as it was', async () => {
    vi.spyOn(bed.pstates, 'swap').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    expect((await rejectionOf(store.rebuildPState())).code).toBe('storage');
    await expectFold();
    await store.execute('add', entry('more'));
    await store.rebuildPState();
    await expectFold();
  });

  it('writes first what could not be written before', async () => {
    vi.spyOn(bed.pstates, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    await store.execute('addAll', { entries: [entry('x'), entry('y'), entry('z')] });
    expect(bed.errors).toHaveLength(1);
    await store.rebuildPState();
    await bed.clock.advance(10_000);
    expect(bed.errors).toHaveLength(1);
    await expectFold();
  });

  it('runs behind another one of the same space', async () => {
    const [order, done]: [string[], string[]] = [[], []];
    const rebuild = (name: string) =>
      store.rebuildPState({ onProgress: () => order.push(name) }).finally(() => done.push(name));
    const names = ['first', 'second', 'third'];
    await Promise.all(names.map(rebuild));
    expect(order).toEqual(names.flatMap((name) => Array(5).fill(name) as string[]));
    expect(done).toEqual(names);
    await expectFold();
  });

  it('goes on behind one that fails', async () => {
    const onProgress = (): void => {
      throw new RangeError('no more');
    };
    const failed = store.rebuildPState({ onProgress }).catch((error: unknown) => error);
    expect(await store.rebuildPState()).toMatchObject({ eventsApplied: 9 });
    expect(await failed).toBeInstanceOf(RangeError);
  });

  it('survives a commit in doubt in the middle of it', async () => {
    await addMany();
    const reads = new HeldReads(bed.log);
    const rebuilt = store.rebuildPState();
    await bed.clock.settle();
    bed.log.fates.push('notWrittenInDoubt');
    const executed = store.execute('add', entry('meanwhile'));
    await promisesSettle();
    reads.release();
    await rebuilt;
    expect((await executed).spaceSequence).toBe(9 + manyEvents + 1);
    await expectFold();
  });
});

describe('a rebuild of a view', () => {
  const numbers = numbersTo(manyEvents);
  let applied: Applied;
  let counted: ContentStore<Tally>;

  beforeEach(async () => {
    bed = await MemoryBed.make();
    applied = new Applied();
    counted = await bed.open(tally({ applied, list: 1 }), { limits: { dirtyKeysMax: 50, fillKeysMax: 50 } });
    await counted.execute('addMany', numbers);
    await counted.checkpoint();
    applied.clear();
  });

  async function expectAll(
    store: ContentStore<Tally> = counted,
    all: readonly number[] = numbers,
  ): Promise<void> {
    expect(await store.query('state', 'main')).toEqual(mainOf(all));
    expect(await store.query('state', 'sum')).toEqual(sumOf(all));
    expect(await store.query('state', 'list')).toEqual(listOf(all));
  }

  it('leaves the others alone', async () => {
    const done = await counted.rebuildPState({ view: 'sum' });
    expect(done).toEqual({ eventsApplied: manyEvents, lastSpaceSequence: manyEvents });
    expect([applied.to('main 1'), applied.to('sum 1'), applied.to('list 1')]).toEqual([[], numbers, []]);
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toEqual([
      `list 1.1 live at ${manyEvents}`,
      `main 1.1 live at ${manyEvents}`,
      `sum 1.2 live at ${manyEvents}`,
    ]);
    await expectAll();
  });

  it('of a name that there is not is refused', async () => {
    expect((await rejectionOf(counted.rebuildPState({ view: 'summ' }))).code).toBe('unknown_view');
  });

  it('that is aborted retires what it has begun, and the old one goes on', async () => {
    const abort = new AbortController();
    const rebuilt = counted.rebuildPState({
      view: 'list',
      signal: abort.signal,
      onProgress: () => abort.abort(),
    });
    expect((await rejectionOf(rebuilt)).code).toBe('aborted');
    expect(storedBuilds(bed.pstates).filter((one) => one.includes('building'))).toEqual([]);
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toContain(`list 1.1 live at ${manyEvents}`);
    expect((await counted.views()).map(({ state }) => state)).toEqual(['live', 'live', 'live']);
    await counted.execute('add', 7);
    await expectAll(counted, [...numbers, 7]);
    expect(await counted.rebuildPState({ view: 'list' })).toMatchObject({ eventsApplied: manyEvents + 1 });
    await expectAll(counted, [...numbers, 7]);
  });

  it('adopts all views or none', async () => {
    let isBroken = false;
    const breaks = (view: string, { spaceSequence }: { spaceSequence: number }): boolean =>
      isBroken && view === 'list' && spaceSequence === 200;
    const store = await bed.open(tally({ applied, list: 1, breaks }));
    isBroken = true;
    const error = await rejectionOf(store.rebuildPState());
    expect(error).toMatchObject({ code: 'projection_failed', details: { view: 'list', spaceSequence: 200 } });
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toEqual([
      `list 1.1 live at ${manyEvents}`,
      `main 1.1 live at ${manyEvents}`,
      `sum 1.1 live at ${manyEvents}`,
    ]);
    expect((await store.views()).map(({ state }) => state)).toEqual(['live', 'live', 'live']);
    await store.execute('add', 7);
    await expectAll(store, [...numbers, 7]);
  });

  it('swaps while nothing is uncommitted and everything else is persisted', async () => {
    const live = await bed.openLive(tally({ list: 1 }));
    const swap = vi.spyOn(bed.pstates, 'swap').mockImplementationOnce((spaceId, views) => {
      expect(live.stats).toMatchObject({ head: manyEvents + 2, committed: manyEvents + 2, held: 0 });
      const heads = bed.pstates.builds(spaceId).map(({ checkpoint }) => checkpoint.lastSpaceSequence);
      expect(heads).toEqual([manyEvents + 2, manyEvents + 2, manyEvents + 2, manyEvents + 2]);
      swap.mockRestore();
      bed.pstates.swap(spaceId, views);
    });
    bed.log.isHeld = true;
    const rebuilt = live.rebuild(['sum'], () => {});
    live.take(bed.command('add', 5));
    live.take(bed.command('add', 6));
    await bed.clock.settle();
    expect([swap.mock.calls.length, live.stats.held]).toEqual([0, 2]);
    bed.log.releaseAll();
    await rebuilt;
    expect(storedBuilds(bed.pstates)).toContain(`sum 1.2 live at ${manyEvents + 2}`);
    await live.close();
    await expectAll(await bed.open(tally({ list: 1 })), [...numbers, 5, 6]);
  });

  it('sweeps what it has retired away, a bounded number of rows at a time', async () => {
    const store = await bed.open(tally({ list: 1 }), { limits: { purgeRowsMax: 100 } });
    const sweep = vi.spyOn(bed.pstates, 'sweep');
    const left: number[] = [];
    const soon = bed.clock.soon.bind(bed.clock);
    vi.spyOn(bed.clock, 'soon').mockImplementation((task) => {
      if (sweep.mock.calls.length > 0) left.push(bed.pstates.count(1, build('list')));
      soon(task);
    });
    await store.rebuildPState({ view: 'list' });
    await bed.clock.settle();
    expect(left).toEqual([200, 100, 0]);
    expect(sweep.mock.calls).toEqual(Array(4).fill([1, 100]));
    await expectAll(store);
  });

  it('goes on where it was after a crash, when it is asked for again', async () => {
    const reads = new HeldReads(bed.log);
    void counted.rebuildPState({ view: 'list' }).catch(() => {});
    await bed.clock.settle();
    reads.step();
    await bed.clock.settle();
    reads.abandon();
    expect(applied.to('list 1')).toEqual(numbersTo(128));
    expect(storedBuilds(bed.pstates)).toContain('list 1.2 building at 128');
    applied.clear();
    const reopened = await bed.open(tally({ applied, list: 1 }));
    await expectAll(reopened);
    expect(await reopened.rebuildPState({ view: 'list' })).toMatchObject({ eventsApplied: manyEvents });
    expect(applied.to('list 1')).toEqual(numbers.slice(128));
    await expectAll(reopened);
  });

  it('goes on where it was after a crash by itself', async () => {
    const reads = new HeldReads(bed.log);
    void counted.rebuildPState({ view: 'list' }).catch(() => {});
    await bed.clock.settle();
    reads.step();
    await bed.clock.settle();
    reads.abandon();
    applied.clear();
    const reopened = await bed.open(tally({ applied, list: 1 }));
    await bed.clock.settle();
    expect(applied.to('list 1')).toEqual(numbers.slice(128));
    expect(storedBuilds(bed.pstates)).toContain(`list 1.2 live at ${manyEvents}`);
    await expectAll(reopened);
  });

  it('that is gone on with after a crash and is aborted then is retired for good', async () => {
    const reads = new HeldReads(bed.log);
    void counted.rebuildPState({ view: 'list' }).catch(() => {});
    await bed.clock.settle();
    reads.step();
    await bed.clock.settle();
    reads.abandon();
    const reopened = await bed.open(tally({ applied, list: 1 }));
    const abort = new AbortController();
    abort.abort();
    const aborted = reopened.rebuildPState({ view: 'list', signal: abort.signal });
    expect((await rejectionOf(aborted)).code).toBe('aborted');
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates)).toEqual([
      `list 1.1 live at ${manyEvents}`,
      `main 1.1 live at ${manyEvents}`,
      `sum 1.1 live at ${manyEvents}`,
    ]);
    await reopened.execute('add', 7);
    expect(await reopened.rebuildPState({ view: 'list' })).toMatchObject({ eventsApplied: manyEvents + 1 });
    await expectAll(reopened, [...numbers, 7]);
  });

  it('is told from a view whose projections have changed without a raised version', async () => {
    await counted.close();
    const changed = await bed.open(tally({ applied, list: 1, isSumRewritten: true }));
    const changes = async () => (await changed.views()).map(({ view, isChanged }) => [view, isChanged]);
    expect(await changes()).toEqual([
      ['main', false],
      ['sum', true],
      ['list', false],
    ]);
    expect(applied.size).toBe(0);
    expect(await changed.query('state', 'sum')).toEqual(sumOf(numbers));
    await changed.rebuildPState({ view: 'sum' });
    expect((await changes())[1]).toEqual(['sum', false]);
    expect(await changed.query('state', 'sum')).toEqual(sumOf(numbers, 2));
    await changed.close();
    const again = await bed.open(tally({ list: 1, isSumRewritten: true }));
    expect((await again.views())[1]).toMatchObject({ view: 'sum', isChanged: false });
  });
});
