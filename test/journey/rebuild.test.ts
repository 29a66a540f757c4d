import Database from 'better-sqlite3';
import type { RebuildProgress } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { readSql } from '../../src/event-store/sqlite/read-sql.js';
import { codeOf, errorOf, logFile, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('a rebuild', () => {
  it("of one space among many applies that space's events and no others", async () => {
    const ramax = await bed.start();
    const spaces = await Promise.all(range(10).map((n) => ramax.spaces.getOrCreate(`space ${n}`)));
    await Promise.all(
      spaces.flatMap((space, index) => range((index + 1) * 10).map((n) => space.execute('line', n))),
    );
    for (const [index, space] of spaces.entries()) {
      expect((await space.rebuild()).eventsApplied).toBe((index + 1) * 10);
    }
    expect(await ramax.latestEventId()).toBe(550);
  });

  it('reads the log by the index of the space, not over the whole table', async () => {
    const directory = await bed.directory();
    await (await bed.start({ storage: sqlite({ directory }) })).close();
    const database = new Database(logFile(directory), { readonly: true });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${readSql.space}`).all(1, 0, 1, 100) as {
      detail: string;
    }[];
    database.close();
    const details = plan.map(({ detail }) => detail);
    expect(details).toContainEqual(
      expect.stringMatching(
        /^SEARCH events USING INDEX \S*space_sequence \(space_id=\? AND space_sequence>\?\)$/,
      ),
    );
    for (const detail of details) expect(detail).not.toMatch(/^SCAN|TEMP B-TREE/);
  });

  it('leaves a deeply equal state, with all views, also when it is larger than a flush and a read', async () => {
    const ramax = await bed.start({ limits: { dirtyKeysMax: 20, readEventsMax: 17, cacheEntriesMax: 10 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(400).map((n) => space.execute('add', { id: `${n}`, value: n % 30 })));
    await Promise.all(range(50).map((n) => space.execute('remove', { id: `${n * 3}` })));
    await Promise.all(range(50).map((n) => space.execute('set', { id: `${n * 5}`, value: 7 })));
    const before = await space.query('everything');
    expect(await space.rebuild()).toEqual({ eventsApplied: 500, lastSpaceSequence: 500 });
    expect(await space.query('everything')).toEqual(before);
    await space.execute('set', { id: '1', value: 8 });
    expect(await space.fetch('item:1')).toEqual({ id: '1', value: 8 });
  });

  it('never lets a reader miss a key, and writes go on meanwhile', async () => {
    // With a small cache, so that readers see what is stored.
    const ramax = await bed.start({ limits: { readEventsMax: 5, dirtyKeysMax: 10, cacheEntriesMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(300).map((n) => space.execute('set', { id: `${n % 10}`, value: n })));
    await space.checkpoint();
    const state = { isRebuilding: true };
    let reads = 0;
    const read = async (): Promise<void> => {
      while (state.isRebuilding) {
        const [item, items] = await Promise.all([space.fetch('item:3'), space.query('items')]);
        expect(item).toBeDefined();
        expect(items).toHaveLength(10);
        reads++;
      }
    };
    let written = 0;
    const write = async (): Promise<void> => {
      while (state.isRebuilding) {
        await space.execute('set', { id: '3', value: 1_000 + written });
        written++;
        expect(await space.fetch('item:3')).toMatchObject({ id: '3' });
      }
    };
    const others = Promise.all([read(), read(), write()]);
    others.catch(() => {
      state.isRebuilding = false;
    });
    // One rebuild after the other, until enough was read and written in the middle of them.
    do {
      const progress: number[] = [];
      const report = ({ eventsApplied }: RebuildProgress): void => void progress.push(eventsApplied);
      expect((await space.rebuild({ onProgress: report })).eventsApplied).toBeGreaterThanOrEqual(300);
      expect(progress.length).toBeGreaterThanOrEqual(60);
      expect(progress).toEqual([...progress].sort((left, right) => left - right));
    } while (state.isRebuilding && (reads < 20 || written < 5));
    state.isRebuilding = false;
    await others;
    const before = await space.query('everything');
    await space.rebuild();
    expect(await space.query('everything')).toEqual(before);
  });

  it('may be asked for by many at once', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 7, dirtyKeysMax: 10 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(200).map((n) => space.execute('add', { id: `${n}`, value: n % 9 })));
    const before = await space.query('everything');
    const rebuilds = range(4).map(() => space.rebuild());
    for (const { eventsApplied } of await Promise.all(rebuilds)) expect(eventsApplied).toBe(200);
    expect(await space.query('everything')).toEqual(before);
  });

  it('that is aborted, or times out, leaves the old state in place', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(300).map((n) => space.execute('add', { id: `${n}` })));
    const before = await space.query('everything');
    const abort = new AbortController();
    const aborted = space.rebuild({ signal: abort.signal, onProgress: () => abort.abort() });
    expect(await codeOf(aborted)).toBe('aborted');
    expect(await codeOf(space.rebuild({ timeoutMs: 1 }))).toBe('timeout');
    expect(await space.query('everything')).toEqual(before);
    expect(await space.rebuild()).toMatchObject({ eventsApplied: 300 });
    expect(await space.query('everything')).toEqual(before);
  });

  it('rejects with what onProgress throws, and harms no other call', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 1 } });
    const [space, other] = [
      await ramax.spaces.getOrCreate('acme'),
      await ramax.spaces.getOrCreate('widgets'),
    ];
    await Promise.all(range(50).map((n) => space.execute('line', n)));
    const calls = range(200).map((n) => (n % 2 === 0 ? space.execute('line', n) : other.execute('line', n)));
    const rebuilt = space.rebuild({
      onProgress() {
        throw new RangeError('my own mistake');
      },
    });
    expect(await errorOf(rebuilt)).toBeInstanceOf(RangeError);
    await Promise.all(calls);
    for (const wrong of [7, null, {}]) {
      const onProgress = wrong as unknown as () => void;
      expect(await errorOf(space.rebuild({ onProgress }))).toMatchObject({
        code: 'invalid_input',
        details: { field: 'onProgress' },
      });
    }
    expect(await space.query('lines')).toHaveLength(150);
  });
});
