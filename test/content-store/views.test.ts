import { beforeEach, describe, expect, it } from 'vitest';
import { Views } from '../../src/content-store/views.js';
import { defineApp } from '../../src/core/define-app.js';
import type { SpaceEvent } from '../../src/core/event.js';
import { defaultLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { errorOf, rejectionOf } from '../core/error-of.js';
import { build, checkpointOf, loaded, storedBuilds } from './builds.js';
import { MemoryBed } from './memory-bed.js';
import { Applied, mainOf, sumOf, tally } from './tally.js';

let bed: MemoryBed;
let applied: Applied;

beforeEach(async () => {
  bed = await MemoryBed.make();
  applied = new Applied();
});

describe('a projection of the main view that throws', () => {
  it('refuses the command and leaves every view as it was', async () => {
    const store = await bed.open(tally({ breaks: (view, { payload }) => view === 'main' && payload === 13 }));
    await store.execute('add', 1);
    const error = await rejectionOf(store.execute('addMany', [5, 13]));
    expect(error.code).toBe('projection_failed');
    expect(error.details).toMatchObject({ view: 'main', version: 1, type: 'added', spaceSequence: 3 });
    expect([await store.query('state', 'main'), await store.query('state', 'sum')]).toEqual([
      mainOf([1]),
      sumOf([1]),
    ]);
    expect(await bed.events()).toHaveLength(1);
    expect((await store.execute('add', 2)).spaceSequence).toBe(2);
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 2]));
  });

  it('is refused when it is not synchronous', async () => {
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

  it('while the space opens leaves it open, and its commands and reads say where', async () => {
    const store = await bed.open(tally());
    await store.execute('add', 5);
    const broken = await bed.open(tally({ breaks: (view) => view === 'main' }));
    const message =
      "view 'main' of space 1 failed to apply 'added' at sequence 1: a projection threw: main cannot take 5";
    for (const call of [broken.execute('add', 6), broken.fetch('event:1'), broken.query('state', 'main')]) {
      expect(await rejectionOf(call)).toMatchObject({ code: 'projection_failed', message });
    }
    expect(await broken.query('state', 'sum')).toEqual(sumOf([5]));
    expect(await bed.events()).toHaveLength(1);
  });
});

describe('an event without a projection', () => {
  it('changes nothing, and counts', async () => {
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

describe('a view whose version was raised, with few events behind it', () => {
  beforeEach(async () => {
    const before = await bed.open(tally({ applied }));
    for (const number of [1, 2, 3]) await before.execute('add', number);
    await before.close();
    applied.clear();
  });

  it('is filled from the log while the space opens, and the others are not', async () => {
    const after = await bed.open(tally({ applied, sum: 2 }));
    expect([applied.to('main 1'), applied.to('sum 2'), applied.to('sum 1')]).toEqual([[], [1, 2, 3], []]);
    expect(await after.query('state', 'sum')).toEqual(sumOf([1, 2, 3], 2));
    expect(await after.query('state', 'main')).toEqual(mainOf([1, 2, 3]));
  });

  it('may be the main one, too', async () => {
    const after = await bed.open(tally({ applied, main: 2 }));
    expect([applied.to('main 2'), applied.to('sum 1')]).toEqual([[1, 2, 3], []]);
    expect(await after.query('state', 'main')).toEqual(mainOf([1, 2, 3], 2));
    await after.close();
    applied.clear();
    await bed.open(tally({ applied, main: 2 }));
    expect(applied.size).toBe(0);
  });

  it('is filled over several reads and flushes, while the others stand where they were', async () => {
    const limits = { readEventsMax: 2, dirtyKeysMax: 1, fillKeysMax: 1 };
    const after = await bed.open(tally({ applied, sum: 3 }), { limits });
    expect([applied.to('main 1'), applied.to('sum 3')]).toEqual([[], [1, 2, 3]]);
    expect(await after.query('state', 'sum')).toEqual(sumOf([1, 2, 3], 3));
    expect((await after.checkpoint()).lastSpaceSequence).toBe(3);
  });

  it('takes the place of the older version in the store', async () => {
    await bed.open(tally({ sum: 2 }));
    expect(storedBuilds(bed.pstates)).toEqual([
      'main 1.1 live at 3',
      'sum 1.1 retired at 3',
      'sum 2.1 live at 3',
    ]);
  });
});

describe('a checkpoint that the log does not reach', () => {
  it('belongs to another history: its build is retired and the view filled again', async () => {
    const store = await bed.open(tally());
    await store.execute('add', 1);
    await store.close();
    const puts = [['event:9', new Uint8Array([9])]] as const;
    const ahead = { lastEventId: 9, lastSpaceSequence: 9 };
    bed.pstates.flush(1, [{ view: build('main'), clear: false, puts, deletes: [], checkpoint: ahead }]);
    const reopened = await bed.open(tally({ applied }));
    expect([applied.to('main 1'), applied.to('sum 1')]).toEqual([[1], []]);
    expect(await reopened.query('state', 'main')).toEqual(mainOf([1]));
    await reopened.checkpoint();
    expect(storedBuilds(bed.pstates)).toEqual([
      'main 1.1 retired at 9',
      'main 1.2 live at 1',
      'sum 1.1 live at 1',
    ]);
  });
});

describe('the views of a space', () => {
  const breaks = (view: string, { payload }: SpaceEvent): boolean =>
    (view === 'main' && payload === 13) || (view === 'sum' && payload === 666);
  const app = loadApp(tally({ breaks, list: 1 }));
  let store: MemoryPStateStore;
  let views: Views;

  const newViews = (): Views =>
    new Views({ spaceId: 1, app, store, limits: defaultLimits, fingerprintOf: ({ source }) => source });

  beforeEach(() => {
    store = new MemoryPStateStore();
    views = loaded(newViews());
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
    for (const { name } of app.views) {
      expect(checkpointOf(store, name)).toEqual(at(1));
      expect(store.count(1, build(name))).toBe(1);
    }
    expect(views.dirtyKeys).toBe(3);
    expect(Object.fromEntries(views.main.entries())).toEqual(mainOf([1, 2]));
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
    expect(storedBuilds(store)).toEqual([]);
  });

  it('forget everything that is not persisted when they are loaded again', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.writeFrozen(at(1));
    views.apply([added(2, 2)]);
    views.freeze(2);
    views.apply([added(3, 3)]);
    const { main } = views;
    loaded(views, at(1));
    expect([views.persistedSequence, views.frozenAt, views.dirtyKeys]).toEqual([1, undefined, 0]);
    expect(Object.fromEntries(views.main.entries())).toEqual(mainOf([1]));
    expect(errorOf(() => main.get('event:1')).code).toBe('closed');
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

  it('take back the whole turn when the main one throws', () => {
    views.apply([added(1, 1)]);
    const error = errorOf(() => views.apply([added(2, 2), added(3, 13)]));
    expect(error.details).toMatchObject({ view: 'main', spaceSequence: 3 });
    expect(Object.fromEntries(views.main.entries())).toEqual(mainOf([1]));
    expect(views.faces.views['sum']?.get('sum')).toBe(1);
    expect([views.appliedSequence, views.failures]).toEqual([1, []]);
  });

  it('go on without a further one that throws: it keeps what is persisted, and shows why', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.writeFrozen(at(1));
    views.apply([added(2, 2)]);
    views.apply([added(3, 3), added(4, 666)]);
    const error = errorOf(() => views.faces.views['sum']?.get('sum'));
    expect(error).toMatchObject({ code: 'projection_failed', details: { view: 'sum', spaceSequence: 4 } });
    expect(views.pstates[1]?.dirtyKeys).toBe(0);
    expect(Object.fromEntries(views.main.entries())).toEqual(mainOf([1, 2, 3, 666]));
    views.freeze(4);
    views.apply([added(5, 5)]);
    views.writeFrozen(at(4));
    expect(storedBuilds(store)).toEqual(['list 1.1 live at 4', 'main 1.1 live at 4', 'sum 1.1 live at 1']);
    expect(store.get(1, build('sum'), 'sum')).toEqual(new Uint8Array([1]));
  });

  it('leave a further one out of a flush that was frozen before it threw', () => {
    views.apply([added(1, 1)]);
    views.freeze(1);
    views.apply([added(2, 666)]);
    views.writeFrozen(at(1));
    expect(storedBuilds(store)).toEqual(['list 1.1 live at 1', 'main 1.1 live at 1']);
  });

  it('are shown as they stand', () => {
    views.apply([added(1, 666)]);
    const [main, sum, list] = views.statuses(1);
    const live = { version: 1, state: 'live', spaceSequence: 1, lag: 0, error: undefined, isChanged: false };
    const serves = { version: 1, spaceSequence: 1 };
    expect(main).toEqual({ view: 'main', ...live, serves });
    expect(list).toEqual({ view: 'list', ...live, serves });
    expect(sum).toMatchObject({ state: 'stopped', spaceSequence: 0, lag: 1, serves: undefined });
    expect(sum?.error).toMatchObject({ code: 'projection_failed', details: { spaceSequence: 1 } });
  });

  it('begin no build under the name of one that the store does not know yet', () => {
    views.apply([added(1, 1)]);
    expect(views.builds(['main', 'sum']).map(({ pstate }) => pstate.view)).toEqual([
      build('main', 1, 2),
      build('sum', 1, 2),
    ]);
  });
});
