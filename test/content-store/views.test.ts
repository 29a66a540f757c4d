import { beforeEach, describe, expect, it } from 'vitest';
import { Views } from '../../src/content-store/views.js';
import { defineApp } from '../../src/core/define-app.js';
import type { SpaceEvent } from '../../src/core/event.js';
import { defaultLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { errorOf, rejectionOf } from '../core/error-of.js';
import { MemoryBed } from './memory-bed.js';

/** Which view has applied which sequences, in the order in which that happened. */
let applied: { readonly view: string; readonly sequence: number }[] = [];

beforeEach(() => {
  applied = [];
});

/** An app whose projections say what they apply; `total` may be defined anew. */
function listing(versions: { main?: number; total?: number } = {}) {
  const { main = 1, total = 1 } = versions;
  return defineApp({
    name: 'listing',
    version: main,
    commands: {
      add: (_pstate, by: number) => [{ entityId: 'e', type: 'added', payload: by }],
      addTwice: (_pstate, by: number) => [
        { entityId: 'e', type: 'added', payload: by },
        { entityId: 'e', type: 'added', payload: by },
      ],
    },
    projections: {
      added(pstate, { spaceSequence, payload }) {
        applied.push({ view: `main ${main}`, sequence: spaceSequence });
        if (payload === 13) throw new RangeError('thirteen');
        pstate.put(`event:${spaceSequence}`, payload);
      },
    },
    views: {
      total: {
        version: total,
        on: {
          added(view, { spaceSequence, payload }) {
            applied.push({ view: `total ${total}`, sequence: spaceSequence });
            if (payload === 666) throw new RangeError('no such number');
            view.update<number>('sum', (sum = 0) => sum + payload * total);
          },
        },
      },
    },
    queries: {
      main: (pstate) => Object.fromEntries(pstate.entries()),
      total: (_pstate, _params: undefined, { views }) => views.total.get<number>('sum') ?? 0,
    },
  });
}

/** Sequences that a view has applied since the last look. */
function appliedTo(view: string): number[] {
  return applied.filter((entry) => entry.view === view).map(({ sequence }) => sequence);
}

describe('a projection that throws', () => {
  it.each([13, 666])('refuses the command and leaves every view as it was (%i)', async (number) => {
    const bed = await MemoryBed.make();
    const store = await bed.open(listing());
    await store.execute('add', 1);
    const error = await rejectionOf(store.execute('addTwice', number));
    expect(error.code).toBe('projection_failed');
    expect(error.details).toMatchObject({
      view: number === 13 ? 'main' : 'total',
      version: 1,
      type: 'added',
      spaceSequence: 2,
    });
    expect([await store.query('main'), await store.query('total')]).toEqual([{ 'event:1': 1 }, 1]);
    expect(await bed.events()).toHaveLength(1);
    expect((await store.execute('add', 2)).spaceSequence).toBe(2);
    expect(await store.query('total')).toBe(3);
  });

  it('is refused when it is not synchronous', async () => {
    const bed = await MemoryBed.make();
    const app = defineApp({
      name: 'late',
      commands: { add: () => [{ entityId: 'e', type: 'added' }] },
      projections: { added: (async () => {}) as () => void },
    });
    const store = await bed.open(app);
    const error = await rejectionOf(store.execute('add', undefined));
    expect(error.message).toContain('a projection must be synchronous');
    expect(await bed.events()).toEqual([]);
  });

  it('keeps a space from opening, and says where', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(listing());
    await store.execute('add', 5);
    const wrong = listing();
    const broken = {
      ...wrong,
      projections: {
        added: () => {
          throw new Error('a bug');
        },
      },
    };
    const error = await rejectionOf(bed.open(broken));
    expect(error.code).toBe('projection_failed');
    expect(error.message).toBe(
      "view 'main' failed to apply 'added' at sequence 1: a projection threw: a bug",
    );
  });
});

describe('an event without a projection', () => {
  it('changes nothing, and counts', async () => {
    const bed = await MemoryBed.make();
    const app = defineApp({
      name: 'silent',
      commands: { add: () => [{ entityId: 'e', type: 'added' }] },
      projections: {},
      queries: { size: (pstate) => pstate.size },
    });
    const store = await bed.open(app);
    expect((await store.execute('add', undefined)).spaceSequence).toBe(1);
    expect(await store.query('size')).toBe(0);
    expect((await store.checkpoint()).lastSpaceSequence).toBe(1);
  });
});

describe('a view whose version was raised', () => {
  it('is filled again from the log, and the others are not', async () => {
    const bed = await MemoryBed.make();
    const before = await bed.open(listing());
    for (const by of [1, 2, 3]) await before.execute('add', by);
    await before.close();
    applied = [];
    const after = await bed.open(listing({ total: 2 }));
    expect([appliedTo('main 1'), appliedTo('total 2'), appliedTo('total 1')]).toEqual([[], [1, 2, 3], []]);
    expect(await after.query('total')).toBe(12);
    expect(await after.query('main')).toEqual({ 'event:1': 1, 'event:2': 2, 'event:3': 3 });
  });

  it('may be the main one, too', async () => {
    const bed = await MemoryBed.make();
    const before = await bed.open(listing());
    for (const by of [1, 2, 3]) await before.execute('add', by);
    await before.close();
    applied = [];
    const after = await bed.open(listing({ main: 2 }));
    expect([appliedTo('main 2'), appliedTo('total 1')]).toEqual([[1, 2, 3], []]);
    expect(await after.query('total')).toBe(6);
    await after.close();
    applied = [];
    await bed.open(listing({ main: 2 }));
    expect(applied).toEqual([]);
  });

  it('is filled over several reads and flushes, while the others stand where they were', async () => {
    const bed = await MemoryBed.make();
    const limits = { readEventsMax: 2, dirtyKeysMax: 1 };
    const before = await bed.open(listing(), { limits });
    for (let by = 1; by <= 7; by++) await before.execute('add', by);
    await before.close();
    applied = [];
    const after = await bed.open(listing({ total: 3 }), { limits });
    expect([appliedTo('main 1'), appliedTo('total 3')]).toEqual([[], [1, 2, 3, 4, 5, 6, 7]]);
    expect(await after.query('total')).toBe(84);
    expect((await after.checkpoint()).lastSpaceSequence).toBe(7);
  });
});

describe('a checkpoint that the log does not reach', () => {
  it('belongs to another history: its view is emptied and filled again', async () => {
    const bed = await MemoryBed.make();
    const main = { name: 'main', version: 1 };
    const total = { name: 'total', version: 1 };
    const store = await bed.open(listing());
    await store.execute('add', 1);
    await store.close();
    const puts = [['event:9', new Uint8Array([9])]] as const;
    const ahead = { lastEventId: 9, lastSpaceSequence: 9 };
    bed.pstates.flush(1, [{ view: main, clear: false, puts, deletes: [], checkpoint: ahead }]);
    applied = [];
    const reopened = await bed.open(listing());
    expect([appliedTo('main 1'), appliedTo('total 1')]).toEqual([[1], []]);
    expect(await reopened.query('main')).toEqual({ 'event:1': 1 });
    expect(bed.pstates.checkpoint(1, total)?.lastSpaceSequence).toBe(1);
  });
});

describe('the views of a space', () => {
  const app = loadApp(listing());
  let store: MemoryPStateStore;
  let views: Views;

  beforeEach(() => {
    store = new MemoryPStateStore();
    views = new Views({ spaceId: 1, app, store, limits: defaultLimits });
    views.reset(0);
  });

  function added(spaceSequence: number, payload: number): SpaceEvent {
    const facts = { entityId: 'e', type: 'added', version: 1, timestamp: 0, tags: [], metadata: {} };
    return { ...facts, spaceSequence, payload, causationId: 'c', correlationId: 'c' };
  }

  const at = (sequence: number) => ({ lastEventId: sequence * 10, lastSpaceSequence: sequence });

  it('are frozen at one sequence: what comes later is not in the flush', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.apply([added(2, 2)]);
    views.writeFrozen(at(1));
    for (const { name, version } of app.views) {
      expect(store.checkpoint(1, { name, version })).toEqual(at(1));
      expect(store.count(1, { name, version })).toBe(1);
    }
    expect(views.dirtyKeys).toBe(2);
    expect(Object.fromEntries(views.main.entries())).toEqual({ 'event:1': 1, 'event:2': 2 });
  });

  it('are not frozen while a flush waits, nor without anything new', () => {
    views.freeze(0);
    expect(views.frozenAt).toBeUndefined();
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.apply([added(2, 2)]);
    views.freeze(2);
    expect(views.frozenAt).toBe(1);
    views.writeFrozen(at(1));
    views.freeze(1);
    expect(views.frozenAt).toBeUndefined();
  });

  it('are never written under another checkpoint than their own', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    expect(() => views.writeFrozen(at(2))).toThrow('a flush carries the checkpoint of its own sequence');
    expect(store.checkpoint(1, { name: 'main', version: 1 })).toBeUndefined();
  });

  it('forget everything that is not persisted when they are reset', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.writeFrozen(at(1));
    views.apply([added(2, 2)]);
    views.freeze(2);
    views.apply([added(3, 3)]);
    views.reset(1);
    expect([views.persistedSequence, views.frozenAt, views.dirtyKeys]).toEqual([1, undefined, 0]);
    expect(Object.fromEntries(views.main.entries())).toEqual({ 'event:1': 1 });
  });

  it('keep what is frozen when the store fails, and write it later', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    const flush = store.flush.bind(store);
    store.flush = () => {
      throw new TypeError('no disk');
    };
    expect(() => views.writeFrozen(at(1))).toThrow('no disk');
    expect([views.frozenAt, views.persistedSequence]).toEqual([1, 0]);
    store.flush = flush;
    views.writeFrozen(at(1));
    expect([views.frozenAt, views.persistedSequence, views.checkpoint]).toEqual([undefined, 1, at(1)]);
  });

  it('take back the whole turn, also of the views that had applied it', () => {
    views.apply([added(1, 1)]);
    const error = errorOf(() => views.apply([added(2, 2), added(3, 666)]));
    expect(error.details).toMatchObject({ view: 'total', spaceSequence: 3 });
    expect(Object.fromEntries(views.main.entries())).toEqual({ 'event:1': 1 });
    expect(views.faces.views['total']?.get('sum')).toBe(1);
  });
});
