import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import type { RebuildProgress } from '../../src/content-store/rebuild.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { rejectionOf } from '../core/error-of.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { entry, folded, foldedAmounts, ledger } from './ledger.js';
import { MemoryBed } from './memory-bed.js';

let bed: MemoryBed;
let store: ContentStore<typeof ledger>;

beforeEach(async () => {
  bed = await MemoryBed.make();
  store = await bed.open(ledger, { limits: { readEventsMax: 2, dirtyKeysMax: 3 } });
  for (let n = 0; n < 9; n++) await store.execute('add', entry(n, n % 3));
});

async function expectFold(): Promise<void> {
  const events = await bed.events();
  expect(await store.query('everything')).toEqual(folded(events));
  expect(await store.query('amounts')).toEqual(foldedAmounts(events));
}

/** Reads of the log wait until `release`. */
function holdReads(): { release(): void; readonly waiting: number } {
  const waiting: (() => void)[] = [];
  const readSpace = bed.log.readSpace.bind(bed.log);
  vi.spyOn(bed.log, 'readSpace').mockImplementation(async (...where) => {
    await new Promise<void>((proceed) => waiting.push(proceed));
    return readSpace(...where);
  });
  return {
    release() {
      vi.restoreAllMocks();
      for (const proceed of waiting.splice(0)) proceed();
    },
    get waiting() {
      return waiting.length;
    },
  };
}

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
    const reads = holdReads();
    const rebuilt = store.rebuildPState();
    await bed.clock.settle();
    expect(reads.waiting).toBe(1);
    await store.execute('add', entry('meanwhile'));
    await store.execute('remove', { marker: 'r', removed: '3' });
    reads.release();
    expect(await rebuilt).toEqual({ eventsApplied: 11, lastSpaceSequence: 11 });
    await expectFold();
  });

  it('lets readers see the old state until it swaps', async () => {
    let isChanged = false;
    const app = defineApp({
      name: 'changing',
      commands: { add: () => [{ entityId: 'e', type: 'added' }] },
      projections: {
        added: (pstate, { spaceSequence }) => pstate.put(isChanged ? 'new' : 'old', spaceSequence),
      },
      queries: { all: (pstate) => Object.fromEntries(pstate.entries()) },
    });
    bed = await MemoryBed.make();
    const changing = await bed.open(app);
    await changing.execute('add', undefined);
    isChanged = true;
    const reads = holdReads();
    const rebuilt = changing.rebuildPState();
    await bed.clock.settle();
    expect(await changing.query('all')).toEqual({ old: 1 });
    expect([await changing.fetch('old'), await changing.fetch('new')]).toEqual([1, undefined]);
    reads.release();
    await rebuilt;
    expect(await changing.query('all')).toEqual({ new: 1 });
    expect([await changing.fetch('old'), await changing.fetch('new')]).toEqual([undefined, 1]);
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
    vi.spyOn(bed.pstates, 'replaceViews').mockImplementationOnce(() => {
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
    const order: string[] = [];
    const rebuild = (name: string) =>
      store.rebuildPState({ onProgress: () => order.push(name) }).finally(() => order.push(`${name} done`));
    await Promise.all([rebuild('first'), rebuild('second'), rebuild('third')]);
    const steps = (name: string) => [...Array(5).fill(name), `${name} done`];
    expect(order).toEqual([...steps('first'), ...steps('second'), ...steps('third')]);
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
    const reads = holdReads();
    const rebuilt = store.rebuildPState();
    await bed.clock.settle();
    bed.log.fates.push('notWrittenInDoubt');
    const executed = store.execute('add', entry('meanwhile'));
    await promisesSettle();
    reads.release();
    await rebuilt;
    expect((await executed).spaceSequence).toBe(10);
    await expectFold();
  });
});
