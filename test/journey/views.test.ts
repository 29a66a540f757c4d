import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Ramax, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { until } from './gate.js';
import { all, codeOf, errorOf, fixture, partitionFiles, RuntimeBed, range } from './runtime-bed.js';

/** Events of the large space; ten thousand and more work as well, and take longer. */
const manyEvents = 2_000;

const bed = new RuntimeBed();
afterEach(() => bed.clear());

type Space = SpaceHandle<ItemsApp>;
type ViewStatus = Awaited<ReturnType<Space['views']>>[number];

async function write(space: Space, events: number, first = 1): Promise<void> {
  await Promise.all(range(events, first).map((n) => space.execute('set', { id: `${n % 50}`, value: n })));
}

async function viewOf(space: Pick<Space, 'views'>, name: string): Promise<ViewStatus> {
  const status = (await space.views()).find(({ view }) => view === name);
  if (status === undefined) throw new Error(`there is no view ${name}`);
  return status;
}

/** Resolves when a view follows every event. */
function untilLive(space: Pick<Space, 'views'>, name: string): Promise<void> {
  return until(async () => (await viewOf(space, name)).state === 'live', `the view ${name} is live`);
}

/** What the main view and the view by value must be: the log, folded here. */
async function folded(space: Space) {
  const [items, byValue] = [new Map<string, unknown>(), new Map<string, string[]>()];
  for (const { type, entityId, payload } of await all(space.streamEvents())) {
    if (type !== 'item.set' && type !== 'item.added') continue;
    const item = payload as { id: string; value: number };
    items.set(entityId, item);
    byValue.set(`${item.value}`, [...(byValue.get(`${item.value}`) ?? []), item.id]);
  }
  const sorted = <Value>(map: Map<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return { main: sorted(items), byValue: sorted(byValue) };
}

interface BuildRow {
  readonly view: string;
  readonly build: number;
  readonly state: string;
  readonly sequence: number;
}

/** The builds of a space, as the files say. */
function buildsOf(directory: string, spaceId: number): BuildRow[] {
  const sql = `SELECT view, build, state, last_space_sequence AS sequence FROM projection_checkpoints
    WHERE space_id = ? ORDER BY view, build`;
  return partitionFiles(directory).flatMap((file) => {
    const database = new Database(file, { readonly: true });
    const rows = database.prepare<[number], BuildRow>(sql).all(spaceId);
    database.close();
    return rows;
  });
}

describe('a view whose version was raised while the runtime was stopped', () => {
  it('is served in its old version at once, and filled behind without anybody asking', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const names = range(6).map((n) => `tenant ${n}`);
    for (const name of names) {
      const space = await first.spaces.getOrCreate(name);
      await Promise.all(range(manyEvents / 4).map((n) => space.execute('add', { id: `${n}`, value: n % 7 })));
    }
    await first.close();
    const ramax = await bed.start({ storage, app: fixture('items-raised.app.mjs') });
    const served: unknown[] = [];
    for (const name of names) {
      const space = await ramax.spaces.getOrCreate(name);
      const counts = await space.fetch('item.added', { view: 'counts' });
      expect([manyEvents / 4, (manyEvents / 4) * 10]).toContain(counts);
      served.push(counts);
    }
    // Two are filled at once on each shard, so the last ones have waited.
    expect(served).toContain(manyEvents / 4);
    for (const name of names) {
      const space = await ramax.spaces.getOrCreate(name);
      await untilLive(space, 'counts');
      expect(await space.fetch('item.added', { view: 'counts' })).toBe((manyEvents / 4) * 10);
      expect(await viewOf(space, 'counts')).toMatchObject({ version: 2, serves: { version: 2 }, lag: 0 });
    }
  });

  it('takes in what is written while it is filled', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const before = await first.spaces.getOrCreate('acme');
    await Promise.all(range(manyEvents).map((n) => before.execute('add', { id: `${n}` })));
    await first.close();
    const ramax = await bed.start({
      storage,
      app: fixture('items-raised.app.mjs'),
      limits: { readEventsMax: 10 },
    });
    const space = await ramax.spaces.getOrCreate('acme');
    let added = 0;
    do {
      await space.execute('add', { id: `later ${added}` });
      added++;
    } while ((await viewOf(space, 'counts')).state !== 'live');
    expect(await space.fetch('item.added', { view: 'counts' })).toBe((manyEvents + added) * 10);
    expect(await space.query('items')).toHaveLength(manyEvents + added);
  });
});

describe('a rebuild under load', () => {
  it('lets commands go on, lets no reader miss a key, and ends equal to the fold', async () => {
    const ramax = await bed.start({ limits: { cacheEntriesMax: 20, dirtyKeysMax: 32, readEventsMax: 100 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await write(space, manyEvents);
    const state = { isRebuilding: true };
    const counts = { reads: 0, writes: 0 };
    const read = async (): Promise<void> => {
      while (state.isRebuilding) {
        const key = `item:${counts.reads % 50}`;
        const [item, items] = await Promise.all([space.fetch(key), space.query('items')]);
        expect(item, key).toBeDefined();
        expect(items).toHaveLength(50);
        counts.reads++;
      }
    };
    const change = async (): Promise<void> => {
      while (state.isRebuilding) {
        counts.writes++;
        const item = { id: `${counts.writes % 50}`, value: manyEvents + counts.writes };
        await space.execute('set', item);
        expect(await space.fetch(`item:${item.id}`)).toEqual(item);
      }
    };
    const others = Promise.all([read(), read(), change()]);
    others.catch(() => {
      state.isRebuilding = false;
    });
    do await space.rebuild();
    while (state.isRebuilding && (counts.reads < 50 || counts.writes < 50));
    state.isRebuilding = false;
    await others;
    const { main, byValue } = await space.query('everything');
    expect({ main, byValue }).toEqual(await folded(space));
  });

  it('of one view leaves the others as they are', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const space = await ramax.spaces.getOrCreate('acme');
    await write(space, 300);
    await space.checkpoint();
    const before = await space.query('everything');
    expect(await space.rebuild({ view: 'byValue' })).toEqual({ eventsApplied: 300, lastSpaceSequence: 300 });
    expect(await space.query('everything')).toEqual(before);
    await ramax.close();
    const live = buildsOf(directory, space.spaceId).filter((build) => build.state === 'live');
    expect(live.map(({ view, build }) => [view, build])).toEqual([
      ['byValue', 2],
      ['counts', 1],
      ['main', 1],
    ]);
  });

  it('of all spaces reports each, and is refused by a name that no view has', async () => {
    const ramax = await bed.start();
    for (const n of range(7)) await write(await ramax.spaces.getOrCreate(`tenant ${n}`), n * 10);
    const reports: number[] = [];
    const done = await ramax.rebuild({
      view: 'byValue',
      onProgress: ({ spacesDone }) => reports.push(spacesDone),
    });
    expect([done, reports]).toEqual([{ spacesDone: 7, itemsDone: 280, failed: 0 }, range(7)]);
    expect(await ramax.migrateAll()).toMatchObject({ spacesDone: 7, failed: 0 });
    expect(await codeOf(ramax.rebuild({ view: 'byVal' }))).toBe('unknown_view');
    const space = await ramax.spaces.getOrCreate('tenant 7');
    for (const view of ['byVal', '', 7 as never]) {
      expect(await codeOf(space.rebuild({ view }))).toBe('unknown_view');
    }
    expect(await codeOf(space.rebuild({ veiw: 'byValue' } as never))).toBe('invalid_input');
  });

  it('of all spaces ends when it is aborted, when its listener throws, and when the runtime closes', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 1, buildsAtOnceMax: 1 } });
    for (const n of range(6)) await write(await ramax.spaces.getOrCreate(`tenant ${n}`), 60);
    const abort = new AbortController();
    const aborted = ramax.rebuild({ signal: abort.signal, onProgress: () => abort.abort() });
    expect(await codeOf(aborted)).toBe('aborted');
    const thrown = ramax.rebuild({
      onProgress() {
        throw new RangeError('my own mistake');
      },
    });
    expect(await errorOf(thrown)).toBeInstanceOf(RangeError);
    const closed = codeOf(ramax.rebuild());
    await ramax.close();
    expect(await closed).toBe('closed');
  });
});

describe('a kill in the middle of a rebuild', () => {
  it('leaves the old state in place, and the next start goes on where the rebuild was', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const first = await bed.start({ storage });
    const space = await first.spaces.getOrCreate('acme');
    await write(space, manyEvents);
    const before = await space.query('everything');
    await first.close();

    const output = join(directory, 'progress');
    const file = openSync(output, 'w');
    const child = spawn(process.execPath, [fileURLToPath(fixture('rebuilding-program.mjs')), directory], {
      stdio: ['ignore', file, 'inherit'],
    });
    closeSync(file);
    const exited = once(child, 'exit');
    const reports = (): number => readFileSync(output, 'utf8').split('\n').length;
    // In the middle of the first rebuild: it reports after every eight events.
    await until(() => reports() > manyEvents / 8 / 2, 'half of the rebuild');
    child.kill('SIGKILL');
    await exited;
    const isUnfinished = ({ state }: BuildRow): boolean => state === 'building';
    const unfinished = buildsOf(directory, space.spaceId).filter(isUnfinished);
    expect(unfinished.map(({ view }) => view)).toEqual(['byValue', 'counts', 'main']);
    for (const { sequence } of unfinished) expect(sequence).toBeGreaterThan(0);

    const again = await bed.start({ storage });
    const acme = await again.spaces.getOrCreate('acme');
    expect(await acme.query('everything')).toEqual(before);
    await acme.execute('set', { id: '0', value: 1 });
    await until(
      async () => (await acme.views()).every(({ state }) => state === 'live'),
      'all views are live',
    );
    const { main, byValue } = await acme.query('everything');
    expect({ main, byValue }).toEqual(await folded(acme));
    await again.close();
    const live = buildsOf(directory, space.spaceId).filter(({ state }) => state === 'live');
    expect(live.map(({ view, build }) => [view, build])).toEqual(
      unfinished.map(({ view, build }) => [view, build]),
    );
  });
});

describe('a view that throws', () => {
  async function poisoned(
    storage = sqlite({ directory: '' }),
  ): Promise<{ ramax: Ramax<FaultApp>; space: SpaceHandle<FaultApp> }> {
    const ramax = await bed.start<FaultApp>({ storage, app: fixture('fault.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 1);
    await space.checkpoint();
    await space.execute('poisonView');
    await space.execute('line', 2);
    return { ramax, space };
  }

  it('stops by itself: commands and the other views go on, and it says where and why', async () => {
    const { space } = await poisoned(sqlite({ directory: await bed.directory() }));
    expect(await space.query('lines')).toEqual([1, 'before the poison', 2]);
    expect(await space.fetch('line.written', { view: 'counts' })).toBe(3);
    const stopped = await viewOf(space, 'fragile');
    expect(stopped.serves).toBeUndefined();
    expect(stopped).toMatchObject({
      state: 'stopped',
      error: { code: 'projection_failed', details: { spaceSequence: 3, type: 'view.poisoned' } },
    });
    const error = await errorOf(space.fetch('survived', { view: 'fragile' }));
    expect(error).toMatchObject({
      code: 'projection_failed',
      details: { view: 'fragile', spaceSequence: 3, stack: expect.stringContaining('the view is poisoned') },
    });
    expect(await codeOf(space.rebuild({ view: 'fragile' }))).toBe('projection_failed');
    expect(await space.rebuild({ view: 'counts' })).toMatchObject({ eventsApplied: 4 });
  });

  it('goes on when the event is skipped, also after a rebuild and a restart', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const { ramax, space } = await poisoned(storage);
    expect(await codeOf(space.at(4).fetch('survived', { view: 'fragile' }))).toBe('projection_failed');
    const notThere = await errorOf(space.skipEvent({ view: 'fragile', spaceSequence: 2 }));
    expect(notThere).toMatchObject({ code: 'invalid_input', details: { field: 'spaceSequence' } });
    expect(await codeOf(space.skipEvent({ view: 'fragil', spaceSequence: 3 }))).toBe('unknown_view');
    expect(await codeOf(space.skipEvent({ view: 'fragile', spaceSequence: 0 }))).toBe('invalid_input');
    await space.skipEvent({ view: 'fragile', spaceSequence: 3 });
    expect(await viewOf(space, 'fragile')).toMatchObject({ state: 'live', spaceSequence: 4, lag: 0 });
    expect(await space.fetch('survived', { view: 'fragile' })).toBeUndefined();
    expect(await space.at(4).fetch('survived', { view: 'fragile' })).toBeUndefined();
    await space.rebuild();
    await ramax.close();
    const again = await bed.start<FaultApp>({ storage, app: fixture('fault.app.mjs') });
    const acme = await again.spaces.getOrCreate('acme');
    expect(await viewOf(acme, 'fragile')).toMatchObject({ state: 'live', lag: 0 });
    await acme.execute('poisonView');
    expect(await viewOf(acme, 'fragile')).toMatchObject({
      state: 'stopped',
      error: { details: { spaceSequence: 6 } },
    });
  });

  it('goes on from where it was with a fixed app, which is told apart until it is rebuilt', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const { ramax } = await poisoned(storage);
    await ramax.close();
    const fixed = await bed.start<FaultApp>({ storage, app: fixture('fault-fixed.app.mjs') });
    const space = await fixed.spaces.getOrCreate('acme');
    expect(await space.fetch('survived', { view: 'fragile' })).toBe(1);
    expect(await viewOf(space, 'fragile')).toMatchObject({ state: 'live', lag: 0, isChanged: true });
    await space.rebuild({ view: 'fragile' });
    expect(await viewOf(space, 'fragile')).toMatchObject({ state: 'live', isChanged: false });
    expect(await space.fetch('survived', { view: 'fragile' })).toBe(1);
  });
});

describe('a main view that throws when its space opens', () => {
  it('fails commands and reads of it, typed and with the place; the views beside it go on', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const before = await first.spaces.getOrCreate('acme');
    for (const value of [1, 13, 2]) await before.execute('add', { id: `${value}`, value });
    await (await first.spaces.getOrCreate('sound')).execute('add', { id: '1', value: 1 });
    await first.close();

    const ramax = await bed.start({ storage, app: fixture('items-broken.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    for (const call of [
      () => space.execute('line', 1),
      () => space.execute('add', { id: '3' }),
      () => space.fetch('item:1'),
      () => space.query('items'),
    ]) {
      expect(await errorOf(call())).toMatchObject({
        code: 'projection_failed',
        retryable: false,
        details: {
          view: 'main',
          version: 2,
          type: 'item.added',
          entityId: 'item:13',
          spaceSequence: 2,
          stack: expect.stringContaining('thirteen'),
        },
      });
    }
    expect(await space.latestSequence()).toBe(3);
    expect(await space.fetch('2', { view: 'byValue' })).toEqual(['2']);
    const sound = await ramax.spaces.getOrCreate('sound');
    expect((await sound.execute('line', 1)).spaceSequence).toBe(2);

    await space.skipEvent({ spaceSequence: 2 });
    expect(await space.query('items')).toEqual([
      { id: '1', value: 1 },
      { id: '2', value: 2 },
    ]);
    expect((await space.execute('line', 1)).spaceSequence).toBe(4);
  });
});

describe('a space as it was', () => {
  it('is what the log had made of it by then, and can be left before it is folded', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    await write(space, manyEvents);
    for (const sequence of [0, 1, 49, manyEvents / 2, manyEvents]) {
      const moment = space.at(sequence);
      expect(await moment.query('items')).toHaveLength(Math.min(50, sequence));
      expect(await moment.fetch('1', { view: 'byValue' })).toEqual(sequence > 0 ? ['1'] : undefined);
    }
    expect(await codeOf(space.at(manyEvents + 1).query('items'))).toBe('invalid_input');
    const aborted = range(5).map((n) => space.at(manyEvents - n).fetch('item:1', { timeoutMs: 1 }));
    for (const code of await Promise.all(aborted.map(codeOf))) expect(['ok', 'timeout']).toContain(code);
    const { restarts } = await ramax.stats();
    expect(restarts).toEqual({ writer: 0, shards: [0, 0] });
    expect(await space.at(3).query('items')).toHaveLength(3);
  });
});

describe('a space that nobody calls', () => {
  it('is closed, and comes back with the next call', async () => {
    const ramax = await bed.start({ limits: { idleSpaceMs: 50 } });
    const spaces = await Promise.all(range(6).map((n) => ramax.spaces.getOrCreate(`tenant ${n}`)));
    for (const space of spaces) await space.execute('line', 1);
    const open = async (): Promise<number> =>
      (await ramax.stats()).shards.reduce((sum, { openSpaces }) => sum + openSpaces, 0);
    await until(async () => (await open()) === 0, 'all spaces are closed');
    for (const space of spaces) expect(await space.query('lines')).toEqual([1]);
    const { shards } = await ramax.stats();
    expect(shards.map(({ caughtUpEvents }) => caughtUpEvents)).toEqual([0, 0]);
    expect(shards.reduce((sum, { turns }) => sum + turns, 0)).toBe(12);
  });
});
