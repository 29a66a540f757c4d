import { describe, expect, it } from 'vitest';
import type { RamaxError } from '../../src/core/errors.js';
import type { StateSchema } from '../../src/core/state-schema.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { ViewFlush } from '../../src/pstate/port.js';
import type { PState, PStateLimits } from '../../src/pstate/pstate.js';
import { newPState, storeWith } from './new-pstate.js';
import { smallSchema } from './small-schema.js';

const checkpoint = { lastEventId: 7, lastSpaceSequence: 7 };
const failed = expect.objectContaining({ code: 'migration_failed' });
const invalid = expect.objectContaining({ code: 'invalid_input' });

describe('a schema at the door', () => {
  it('admits what is put, and what it makes of it is kept', () => {
    const pstate = withSchema();
    pstate.put('card:1', { front: 'a' });
    pstate.putMany([['card:2', { front: 'b', v: 2 }]]);
    expect(pstate.update('card:3', () => ({ front: 'c' }))).toEqual({ front: 'c', v: 2 });
    pstate.record['card:4'] = { front: 'd' };
    expect(pstate.getMany(['card:1', 'card:2', 'card:4'])).toEqual([
      { front: 'a', v: 2 },
      { front: 'b', v: 2 },
      { front: 'd', v: 2 },
    ]);
  });

  it('refuses what does not fit, and then nothing has changed', () => {
    const pstate = withSchema();
    expect(() => pstate.put('card:1', { bad: 1 })).toThrow(invalid);
    expect(() => pstate.update('card:1', () => ({ bad: 1 }))).toThrow(invalid);
    const entries = [
      ['card:2', {}],
      ['card:1', { bad: 1 }],
    ] as const;
    expect(() => pstate.putMany(entries)).toThrow(invalid);
    expect([pstate.size, pstate.dirtyKeys]).toEqual([0, 0]);
  });

  it('is asked after the key is known to be one', () => {
    const asked: string[] = [];
    const schema: StateSchema = { ...smallSchema, admit: (key) => asked.push(key) };
    const pstate = newPState(new MemoryPStateStore(), { idBytesMax: 4 }, { schema });
    expect(() => pstate.put('', 1)).toThrow(invalid);
    expect(() => pstate.put('too long', 1)).toThrow(invalid);
    expect(asked).toEqual([]);
  });
});

describe('a value of an older shape', () => {
  const migrated = { front: 'old', v: 2 };

  it('is read in its present shape, by every way of reading, frozen', () => {
    const ways: ((pstate: PState) => unknown)[] = [
      (pstate) => pstate.get('card:1'),
      (pstate) => pstate.fetch('card:1'),
      (pstate) => pstate.getMany(['card:1'])[0],
      (pstate) => pstate.getResolved('card:1'),
      (pstate) => [...pstate.entries()][0]?.[1],
      (pstate) => pstate.record['card:1'],
      (pstate) => pstate.update('card:1', (value) => value),
    ];
    for (const read of ways) {
      const pstate = withSchema({ 'card:1': { text: 'old' } });
      expect(read(pstate)).toEqual(migrated);
      expect(Object.isFrozen(read(pstate))).toBe(true);
    }
  });

  it('is migrated once, and from memory then', () => {
    let migrations = 0;
    const migrate: StateSchema['migrate'] = (key, value) => {
      migrations++;
      return smallSchema.migrate(key, value);
    };
    const schema = { ...smallSchema, migrate };
    const pstate = newPState(storeWith({ 'card:1': 'old' }), {}, { schema });
    const first = pstate.get('card:1');
    expect([...pstate.entries()][0]?.[1]).toBe(first);
    expect(pstate.getMany(['card:1'])).toEqual([first]);
    expect(migrations).toBe(1);
  });

  it('is written back when its flush is confirmed, and needs no migration any more', () => {
    const store = storeWith({ 'card:1': { text: 'old' }, 'card:2': { front: 'new', v: 2 } });
    const pstate = newPState(store, {}, { schema: smallSchema });
    pstate.getMany(['card:1', 'card:2']);
    expect(pstate.migrated).toEqual({ entities: 1, queued: 1, written: 0, failed: 0, pending: 1 });
    const flush = pstate.migratedFlush(checkpoint);
    expect(flush).toMatchObject({ view: pstate.view, clear: false, deletes: [], checkpoint });
    store.flush(1, [flush!]);
    pstate.migratedWritten();
    expect(pstate.migrated).toEqual({ entities: 1, queued: 1, written: 1, failed: 0, pending: 0 });
    expect(pstate.migratedFlush(checkpoint)).toBeUndefined();
    expect(pstate.get('card:1')).toEqual(migrated);
    expect(newPState(store).get('card:1')).toEqual(migrated);
    const reopened = newPState(store, {}, { schema: smallSchema });
    reopened.get('card:1');
    expect(reopened.migrated.entities).toBe(0);
  });

  it('waits on when its flush was not confirmed', () => {
    const pstate = withSchema({ 'card:1': 'old' });
    pstate.get('card:1');
    const first = pstate.migratedFlush(checkpoint);
    expect(pstate.migratedFlush(checkpoint)).toEqual(first);
    expect(pstate.migrated.pending).toBe(1);
  });

  it('is written back with the changes by flush()', () => {
    const store = storeWith({ 'card:1': 'old' });
    const pstate = newPState(store, {}, { schema: smallSchema });
    pstate.get('card:1');
    pstate.put('a', 1);
    pstate.flush();
    expect(newPState(store).getMany(['a', 'card:1'])).toEqual([1, migrated]);
    expect(pstate.migrated.pending).toBe(0);
  });

  it('is not migrated for the question whether it is there', () => {
    const pstate = withSchema({ 'card:1': 'poison' });
    expect([pstate.has('card:1'), pstate.has('card:2'), pstate.has('card:2')]).toEqual([true, false, false]);
    expect(pstate.stats()).toMatchObject({ hits: 1, misses: 2 });
    expect(pstate.delete('card:1')).toBe(true);
    expect(pstate.size).toBe(0);
  });

  it('that cannot be migrated is refused at each read, and harms no other key', () => {
    const pstate = withSchema({ 'card:1': 'poison', 'card:2': 'old' });
    for (let again = 0; again < 2; again++) expect(() => pstate.get('card:1')).toThrow(failed);
    expect(() => pstate.getMany(['card:2', 'card:1'])).toThrow(failed);
    expect(() => [...pstate.entries()]).toThrow(failed);
    expect(pstate.get('card:2')).toEqual(migrated);
    expect(pstate.migrated).toMatchObject({ failed: 4, pending: 1 });
    pstate.put('card:1', { front: 'mended' });
    expect(pstate.get('card:1')).toEqual({ front: 'mended', v: 2 });
  });

  it('that becomes no value at all has failed to migrate, naming its key', () => {
    const schema: StateSchema = { ...smallSchema, migrate: () => new Date(0) };
    const pstate = newPState(storeWith({ 'card:1': 'old' }), {}, { schema });
    const error = thrownBy(() => pstate.get('card:1'));
    expect(error).toMatchObject({ code: 'migration_failed', details: { key: 'card:1' } });
  });

  it('is taken as it is where the schema migrates nothing', () => {
    const schema: StateSchema = { ...smallSchema, migrates: false };
    const pstate = newPState(storeWith({ 'card:1': 'old' }), {}, { schema });
    expect(pstate.get('card:1')).toBe('old');
    expect(pstate.migratePage(undefined, 10)).toEqual({
      last: undefined,
      read: 0,
      migrated: 0,
      done: true,
      failures: [],
    });
    expect(pstate.migrated.entities).toBe(0);
  });
});

describe('the queue of migrated values', () => {
  it('tells its owner when it becomes non-empty, and not again before it was empty', () => {
    let told = 0;
    const store = storeWith({ 'card:1': 'a', 'card:2': 'b' });
    const pstate = newPState(store, {}, { schema: smallSchema, onMigrated: () => told++ });
    pstate.get('card:1');
    pstate.get('card:2');
    expect(told).toBe(1);
    pstate.flush();
    pstate.reset();
    pstate.get('card:1');
    expect(told).toBe(1);
  });

  it('never overwrites a change, whether it is dirty, frozen, written, a delete or a clear', () => {
    const change: Record<string, (pstate: PState) => void> = {
      put: (pstate) => pstate.put('card:1', { front: 'new' }),
      delete: (pstate) => pstate.delete('card:1'),
      clear: (pstate) => pstate.clear(),
    };
    const stage: Record<string, (pstate: PState) => void> = {
      dirty: () => {},
      frozen: (pstate) => pstate.freeze(),
    };
    for (const [what, write] of Object.entries(change)) {
      for (const [where, move] of Object.entries(stage)) {
        const pstate = withSchema({ 'card:1': 'old', 'card:2': 'old' });
        pstate.getMany(['card:1', 'card:2']);
        write(pstate);
        move(pstate);
        const keys = pstate.migratedFlush(checkpoint)?.puts.map(([key]) => key) ?? [];
        expect({ what, where, keys }).toEqual({ what, where, keys: what === 'clear' ? [] : ['card:2'] });
      }
      const written = withSchema({ 'card:1': 'old', 'card:2': 'old' });
      written.getMany(['card:1', 'card:2']);
      write(written);
      written.freeze();
      written.frozenWritten();
      const keys = written.migratedFlush(checkpoint)?.puts.map(([key]) => key) ?? [];
      expect({ what, keys }).toEqual({ what, keys: what === 'clear' ? [] : ['card:2'] });
    }
  });

  it('keeps what a turn has changed that is undone', () => {
    const pstate = withSchema({ 'card:1': 'old' });
    pstate.get('card:1');
    pstate.beginTurn();
    pstate.clear();
    pstate.undoTurn();
    expect(pstate.migratedFlush(checkpoint)?.puts).toHaveLength(1);
  });

  it('gives batches of migrationBatchMax, oldest first, until all are written', () => {
    const store = storeWith(cards(5));
    const pstate = newPState(store, { migrationBatchMax: 2 }, { schema: smallSchema });
    expect([...pstate.entries()]).toHaveLength(5);
    const sizes: number[] = [];
    for (let flush = batch(pstate); flush !== undefined; flush = batch(pstate)) {
      sizes.push(flush.puts.length);
      store.flush(1, [flush]);
      pstate.migratedWritten();
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect([...newPState(store).entries()]).toEqual([...pstate.entries()]);
  });

  it('takes no more than migrationQueueMax: the rest is migrated when it is read again', () => {
    const pstate = withSchema(cards(5), { migrationQueueMax: 3, cacheEntriesMax: 0 });
    for (let again = 0; again < 2; again++) expect([...pstate.entries()]).toHaveLength(5);
    expect(pstate.migrated).toMatchObject({ entities: 10, queued: 3, pending: 3 });
  });

  it('is dropped by a reset and by a close', () => {
    for (const drop of [(pstate: PState) => pstate.reset(), (pstate: PState) => pstate.close()]) {
      const pstate = withSchema({ 'card:1': 'old' });
      pstate.get('card:1');
      pstate.migratedFlush(checkpoint);
      drop(pstate);
      pstate.migratedWritten();
      expect(pstate.migrated).toMatchObject({ written: 0, pending: 0 });
    }
  });
});

describe('migrating page by page', () => {
  it('goes over every entry once, in the order of keys, and says when it is done', () => {
    const store = storeWith({ ...cards(5), other: 1, 'card:9': { front: 'new', v: 2 } });
    const pstate = newPState(store, {}, { schema: smallSchema });
    const pages = allPages(pstate, store, 3);
    expect(pages.map(({ last, read, migrated, done }) => [last, read, migrated, done])).toEqual([
      ['card:2', 3, 3, false],
      ['card:9', 3, 2, false],
      ['other', 1, 0, true],
    ]);
    expect(newPState(store).get('card:4')).toEqual({ front: 'old 4', v: 2 });
    expect(pstate.migrated).toMatchObject({ written: 5, pending: 0 });
  });

  it('stops where the queue is full, and goes on from there', () => {
    const store = storeWith(cards(7));
    const pstate = newPState(store, { migrationQueueMax: 2 }, { schema: smallSchema });
    const pages = allPages(pstate, store, 5);
    expect(pages.map(({ migrated }) => migrated)).toEqual([2, 2, 2, 1]);
    expect(pstate.migratePage(undefined, 100)).toMatchObject({ migrated: 0, done: true });
  });

  it('makes no way while nobody writes what is queued', () => {
    const pstate = withSchema(cards(3), { migrationQueueMax: 1 });
    const { last } = pstate.migratePage(undefined, 10);
    expect(pstate.migratePage(last, 10)).toEqual({ last, read: 0, migrated: 0, done: false, failures: [] });
  });

  it('collects the keys whose migration failed, and goes on', () => {
    const store = storeWith({ 'card:1': 'poison', 'card:2': 'old', 'card:3': { text: 'poison' } });
    const pstate = newPState(store, {}, { schema: smallSchema });
    const { failures, migrated, done } = pstate.migratePage(undefined, 10);
    expect({ migrated, done }).toEqual({ migrated: 1, done: true });
    expect(failures).toEqual([
      { key: 'card:1', error: failed },
      { key: 'card:3', error: failed },
    ]);
  });

  it('passes over what has changed, and migrates what only memory has in its present shape', () => {
    const store = storeWith(cards(3));
    const pstate = newPState(store, { migrationQueueMax: 1 }, { schema: smallSchema });
    pstate.getMany(['card:1', 'card:0']); // card:0 finds no room in the queue
    pstate.flush();
    pstate.delete('card:2');
    const pages = allPages(pstate, store, 10);
    expect(pages.map(({ last, migrated }) => [last, migrated])).toEqual([
      ['card:0', 1],
      ['card:2', 0],
    ]);
    pstate.flush();
    expect(newPState(store).getMany(['card:0', 'card:1', 'card:2'])).toEqual([
      { front: 'old 0', v: 2 },
      { front: 'old 1', v: 2 },
      undefined,
    ]);
  });

  it('stops at a value that is damaged', () => {
    const store = storeWith({ 'card:1': 'old' });
    const { view } = newPState(store);
    store.flush(1, [
      { view, clear: false, puts: [['card:2', new Uint8Array([0xc1])]], deletes: [], checkpoint },
    ]);
    const pstate = newPState(store, {}, { schema: smallSchema });
    expect(() => pstate.migratePage(undefined, 10)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });
});

function withSchema(
  entries: Readonly<Record<string, unknown>> = {},
  limits: Partial<PStateLimits> = {},
): PState {
  return newPState(storeWith(entries), limits, { schema: smallSchema });
}

function cards(count: number): Record<string, unknown> {
  const entries = Array.from({ length: count }, (_, index) => [`card:${index}`, { text: `old ${index}` }]);
  return Object.fromEntries(entries);
}

function batch(pstate: PState): ViewFlush | undefined {
  return pstate.migratedFlush(checkpoint);
}

function allPages(pstate: PState, store: MemoryPStateStore, limit: number) {
  const pages: ReturnType<PState['migratePage']>[] = [];
  do {
    const page = pstate.migratePage(pages.at(-1)?.last, limit);
    pages.push(page);
    const flush = batch(pstate);
    if (flush !== undefined) store.flush(1, [flush]);
    pstate.migratedWritten();
  } while (pages.at(-1)?.done === false);
  return pages;
}

function thrownBy(call: () => unknown): RamaxError {
  try {
    call();
  } catch (error) {
    return error as RamaxError;
  }
  throw new Error('nothing was thrown');
}
