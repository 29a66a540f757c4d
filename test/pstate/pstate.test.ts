import { describe, expect, it } from 'vitest';
import { AssertionFailed } from '../../src/core/assert.js';
import { invalidInput } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { freezeValue } from '../../src/core/values.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { PState } from '../../src/pstate/pstate.js';
import { ValueCache } from '../../src/pstate/value-cache.js';
import { newPState, storeWith } from './new-pstate.js';

const invalid = expect.objectContaining({ code: 'invalid_input' });

describe('reading and writing', () => {
  it('gives back what was put, and undefined where there is nothing', () => {
    const pstate = newPState();
    pstate.put('user:1', { name: 'Ada' });
    expect(pstate.get('user:1')).toEqual({ name: 'Ada' });
    expect(pstate.fetch('user:1')).toBe(pstate.get('user:1'));
    expect(pstate.get('user:2')).toBeUndefined();
    expect([pstate.has('user:1'), pstate.has('user:2')]).toEqual([true, false]);
    expect(pstate.getMany(['user:2', 'user:1'])).toEqual([undefined, { name: 'Ada' }]);
  });

  it('takes null, false, 0 and the empty text for values, in memory and in the store', () => {
    const values = { null: null, false: false, zero: 0, empty: '' };
    const pstate = newPState(storeWith(values));
    const check = () => {
      expect(pstate.getMany(Object.keys(values))).toEqual(Object.values(values));
      expect(Object.keys(values).every((key) => pstate.has(key))).toBe(true);
      expect(pstate.size).toBe(4);
      expect(Object.fromEntries(pstate.entries())).toEqual(values);
    };
    check(); // from the store
    check(); // from the cache
    pstate.putMany(Object.entries(values));
    check(); // dirty
    pstate.freeze();
    check(); // frozen
    const fresh = newPState();
    fresh.putMany(Object.entries(values));
    fresh.flush();
    expect(fresh.getMany(Object.keys(values))).toEqual(Object.values(values)); // from a cache that has everything
  });

  it('updates from the present value, or from undefined, and returns the new one', () => {
    const pstate = newPState();
    const add = (total = 0) => total + 2;
    expect(pstate.update<number>('total', add)).toBe(2);
    expect(pstate.update<number>('total', add)).toBe(4);
    expect(pstate.get('total')).toBe(4);
    expect(() => pstate.update('total', () => undefined)).toThrow(invalid);
  });

  it('deletes, and says whether there was something', () => {
    const pstate = newPState(storeWith({ stored: 1 }));
    pstate.put('fresh', 1);
    expect([pstate.delete('fresh'), pstate.delete('fresh')]).toEqual([true, false]);
    expect([pstate.delete('stored'), pstate.delete('stored')]).toEqual([true, false]);
    expect([pstate.has('fresh'), pstate.has('stored')]).toEqual([false, false]);
  });

  it('clears what is dirty, frozen, cached and stored', () => {
    const pstate = newPState(storeWith({ stored: 1, cached: 1 }));
    pstate.get('cached');
    pstate.put('frozen', 1);
    pstate.freeze();
    pstate.put('dirty', 1);
    pstate.clear();
    expect(pstate.getMany(['stored', 'cached', 'frozen', 'dirty'])).toEqual(Array(4).fill(undefined));
    expect(pstate.size).toBe(0);
    expect([...pstate.entries()]).toEqual([]);
    pstate.put('stored', 2);
    expect([...pstate.entries()]).toEqual([['stored', 2]]);
  });

  it('counts keys once, wherever they lie', () => {
    const pstate = newPState(storeWith({ a: 1, b: 1, c: 1 }));
    pstate.put('a', 2);
    pstate.put('d', 1);
    pstate.freeze();
    pstate.delete('b');
    pstate.delete('d');
    pstate.put('e', 1);
    expect(pstate.size).toBe(3);
  });

  it('counts a key that was looked for in vain before it was put', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    pstate.get('b');
    pstate.put('b', 1);
    expect(pstate.size).toBe(2);
  });

  it('puts all of several values, or none when one is refused', () => {
    const pstate = newPState();
    const entries: [string, unknown][] = [
      ['a', 1],
      ['b', Number.NaN],
    ];
    expect(() => pstate.putMany(entries)).toThrow(invalid);
    expect(pstate.size).toBe(0);
  });
});

describe('what is refused', () => {
  it('refuses keys that are not 1 to idBytesMax bytes of text, whether they lie in memory or not', () => {
    const fresh = newPState(new MemoryPStateStore(), { idBytesMax: 4 });
    const stored = newPState(storeWith({ a: 1 }), { idBytesMax: 4 });
    for (const pstate of [fresh, stored]) {
      for (const key of ['', 'abcde', 'éée', '\ud800', 'a\0b', 1, null, Symbol('s'), {}] as string[]) {
        expect(() => pstate.get(key)).toThrow(invalid);
        expect(() => pstate.has(key)).toThrow(invalid);
        expect(() => pstate.getMany([key])).toThrow(invalid);
        expect(() => pstate.put(key, 1)).toThrow(invalid);
        expect(() => pstate.putMany([[key, 1]])).toThrow(invalid);
        expect(() => pstate.update(key, () => 1)).toThrow(invalid);
        expect(() => pstate.delete(key)).toThrow(invalid);
      }
    }
    expect(fresh.size).toBe(0);
  });

  it('refuses values that are no JSON, and says where', () => {
    const pstate = newPState();
    expect(() => pstate.put('user:1', { born: new Date(0) })).toThrow(
      invalidInput('pstate["user:1"].born', 'a plain object or array', new Date(0)),
    );
    expect(pstate.has('user:1')).toBe(false);
  });

  it('refuses a prefix that no key can begin with, and keys that are no array', () => {
    const pstate = newPState();
    expect(() => pstate.entries({ prefix: '\ud83d' })).toThrow(invalid);
    expect(() => pstate.entries({ prefix: 1 as unknown as string })).toThrow(invalid);
    expect(() => pstate.getMany('abc' as unknown as string[])).toThrow(invalid);
  });

  it('refuses a space or view that cannot be', () => {
    const store = new MemoryPStateStore();
    const view = { name: 'main', version: 1, build: 1 };
    expect(() => new PState({ spaceId: 0, view, store })).toThrow(invalid);
    expect(() => new PState({ spaceId: 1, view: { name: '', version: 1 }, store })).toThrow(invalid);
    expect(() => new PState({ spaceId: 1, view: { name: 'main', version: 0 }, store })).toThrow(invalid);
    expect(() => new PState({ spaceId: 1, view: { ...view, build: 0 }, store })).toThrow(invalid);
  });
});

describe('values that are handed out', () => {
  it('are deeply frozen, from whichever layer and by whichever method they come', () => {
    const store = storeWith({ stored: { deep: [1] }, scanned: { deep: [1] } });
    const pstate = newPState(store);
    pstate.put('frozen', { deep: [1] });
    pstate.freeze();
    pstate.put('dirty', { deep: [1] });
    const handedOut = [
      ...pstate.getMany(['stored', 'frozen', 'dirty']),
      pstate.update('updated', () => ({ deep: [1] })),
      pstate.record['dirty'],
      pstate.reader().record['stored'],
      ...[...pstate.entries()].map(([, value]) => value),
    ] as { deep: number[] }[];
    expect(handedOut).toHaveLength(11);
    for (const value of handedOut) {
      expect(() => value.deep.push(2)).toThrow(TypeError);
      expect(() => Object.assign(value, { more: 1 })).toThrow(TypeError);
    }
  });

  it('share nothing with what was put', () => {
    const pstate = newPState();
    const mine = { tags: ['a'] };
    pstate.put('key', mine);
    mine.tags.push('b');
    expect(pstate.get('key')).toEqual({ tags: ['a'] });
  });

  it('are shared without a copy when they are frozen values of ours', () => {
    const pstate = newPState();
    const own = freezeValue({ tags: ['a'] }, 'value', defaultLimits);
    pstate.put('key', own);
    pstate.put('other', pstate.get('key'));
    expect(pstate.get('other')).toBe(own);
    pstate.flush();
    expect(pstate.get('key')).toBe(own);
  });
});

describe('turns', () => {
  it('take everything back that was written in them', () => {
    const pstate = newPState(storeWith({ stored: 1 }));
    pstate.put('frozen', 1);
    pstate.freeze();
    pstate.put('dirty', 1);
    const before = [...pstate.entries()];
    pstate.beginTurn();
    pstate.put('dirty', 2);
    pstate.put('dirty', 3);
    pstate.delete('frozen');
    pstate.put('fresh', 1);
    pstate.delete('stored');
    pstate.undoTurn();
    expect([...pstate.entries()]).toEqual(before);
    expect(pstate.dirtyKeys).toBe(1);
  });

  it('take a clear back, with what came before and after it', () => {
    const pstate = newPState(storeWith({ stored: 1 }));
    pstate.put('dirty', 1);
    pstate.beginTurn();
    pstate.put('dirty', 2);
    pstate.clear();
    pstate.put('dirty', 3);
    pstate.clear();
    pstate.put('after', 1);
    pstate.undoTurn();
    expect([...pstate.entries()]).toEqual([
      ['dirty', 1],
      ['stored', 1],
    ]);
    expect(pstate.dirtyKeys).toBe(1);
  });

  it('keep what was written, for good', () => {
    const pstate = newPState();
    pstate.beginTurn();
    pstate.put('a', 1);
    pstate.keepTurn();
    pstate.beginTurn();
    pstate.put('b', 1);
    pstate.undoTurn();
    expect([...pstate.entries()]).toEqual([['a', 1]]);
  });

  it('do not nest, and end only when they have begun', () => {
    const pstate = newPState();
    expect(() => pstate.keepTurn()).toThrow(AssertionFailed);
    expect(() => pstate.undoTurn()).toThrow(AssertionFailed);
    pstate.beginTurn();
    expect(() => pstate.beginTurn()).toThrow(AssertionFailed);
    expect(() => pstate.freeze()).toThrow(AssertionFailed);
  });

  it('are not disturbed by a flush that is finished while they are open', () => {
    const pstate = newPState();
    pstate.put('a', 1);
    pstate.freeze();
    pstate.beginTurn();
    pstate.put('a', 2);
    pstate.frozenWritten();
    pstate.undoTurn();
    expect(pstate.get('a')).toBe(1);
  });
});

describe('freezing and flushing', () => {
  const view = { name: 'main', version: 1, build: 1 };

  it('describes the state at the freeze, whatever is written later', () => {
    const store = new MemoryPStateStore();
    const pstate = newPState(store);
    pstate.put('a', 'frozen');
    pstate.put('b', 'frozen');
    expect(pstate.freeze()).toBe(true);
    pstate.put('a', 'later');
    pstate.delete('b');
    store.flush(1, [pstate.frozenFlush({ lastEventId: 20, lastSpaceSequence: 2 })]);
    pstate.frozenWritten();
    expect(pstate.getMany(['a', 'b'])).toEqual(['later', undefined]);
    expect(newPState(store).getMany(['a', 'b'])).toEqual(['frozen', 'frozen']);
    expect(checkpointOf(store)).toEqual({ lastEventId: 20, lastSpaceSequence: 2 });
  });

  it('says clear, puts and deletes of the frozen changes alone', () => {
    const pstate = newPState(storeWith({ gone: 1 }));
    pstate.delete('gone');
    pstate.put('new', 1);
    pstate.freeze();
    const checkpoint = { lastEventId: 1, lastSpaceSequence: 1 };
    const flush = pstate.frozenFlush(checkpoint);
    expect(flush).toMatchObject({ view, clear: false, deletes: ['gone'], checkpoint });
    expect(flush.puts.map(([key]) => key)).toEqual(['new']);
  });

  it('needs no deletes after a clear', () => {
    const pstate = newPState(storeWith({ gone: 1 }));
    pstate.clear();
    pstate.put('short-lived', 1);
    pstate.delete('short-lived');
    pstate.freeze();
    const { clear, puts, deletes } = pstate.frozenFlush({ lastEventId: 1, lastSpaceSequence: 1 });
    expect({ clear, puts, deletes }).toEqual({ clear: true, puts: [], deletes: [] });
  });

  it('freezes nothing when nothing changed, and then moves the checkpoint alone', () => {
    const store = storeWith({ a: 1 });
    const pstate = newPState(store);
    expect(pstate.freeze()).toBe(false);
    store.flush(1, [pstate.frozenFlush({ lastEventId: 9, lastSpaceSequence: 9 })]);
    pstate.frozenWritten();
    expect(checkpointOf(store)?.lastSpaceSequence).toBe(9);
    expect(pstate.get('a')).toBe(1);
  });

  it('counts a clear as a change, so that it is frozen and written even alone', () => {
    const store = storeWith({ a: 1 });
    const pstate = newPState(store);
    pstate.clear();
    expect(pstate.dirtyKeys).toBe(1);
    pstate.flush();
    expect(store.count(1, view)).toBe(0);
  });

  it('freezes once at a time', () => {
    const pstate = newPState();
    pstate.put('a', 1);
    pstate.freeze();
    pstate.put('a', 2);
    expect(() => pstate.freeze()).toThrow(AssertionFailed);
    expect(pstate.stats()).toMatchObject({ dirtyKeys: 1, frozenKeys: 1 });
  });

  it('says what the build is for and what made it, when that is given', () => {
    const pstate = newPState(undefined, {}, { view: { name: 'main', version: 2, build: 3 } });
    const checkpoint = { lastEventId: 1, lastSpaceSequence: 1 };
    const view = { name: 'main', version: 2, build: 3 };
    expect(pstate.view).toEqual(view);
    const extras = { state: 'building', fingerprint: 'f' } as const;
    expect(pstate.frozenFlush(checkpoint, extras)).toMatchObject({ view, ...extras });
    expect(pstate.frozenFlush(checkpoint)).toMatchObject({ state: undefined, fingerprint: undefined });
  });

  it('keeps the checkpoint of the store when a flush names none', () => {
    const store = new MemoryPStateStore();
    const pstate = newPState(store);
    pstate.flush();
    expect(checkpointOf(store)).toBeUndefined();
    pstate.flush({ lastEventId: 5, lastSpaceSequence: 5 });
    pstate.put('a', 1);
    pstate.flush();
    expect(checkpointOf(store)?.lastSpaceSequence).toBe(5);
  });

  it('loses nothing when the store refuses a flush', () => {
    const store = new MemoryPStateStore({ fence: 1 });
    const pstate = newPState(store);
    pstate.put('a', 1);
    new MemoryPStateStore({ data: store.data, fence: 2 });
    expect(() => pstate.flush()).toThrow(expect.objectContaining({ code: 'fenced' }));
    expect(pstate.get('a')).toBe(1);
    expect(pstate.stats()).toMatchObject({ dirtyKeys: 1, frozenKeys: 0 });
  });

  it('forgets all that the store does not have at a reset, also an open turn', () => {
    const store = storeWith({ a: 'stored', b: 'stored' });
    const pstate = newPState(store);
    pstate.get('b');
    pstate.put('a', 'frozen');
    pstate.freeze();
    pstate.beginTurn();
    pstate.clear();
    const other = newPState(store);
    other.put('b', 'changed beside it');
    other.flush();
    pstate.reset();
    expect(pstate.getMany(['a', 'b'])).toEqual(['stored', 'changed beside it']);
    expect(pstate.freeze()).toBe(false);
  });
});

describe('the cache', () => {
  it('never holds more than cacheEntriesMax, and evicts no change', () => {
    const pstate = newPState(storeWith(numbered(50)), { cacheEntriesMax: 5 });
    for (let index = 0; index < 50; index++) {
      expect(pstate.get(`key ${index}`)).toBe(index);
      expect(pstate.stats().cleanEntries).toBeLessThanOrEqual(5);
    }
    pstate.putMany(Object.entries(numbered(50)));
    expect(pstate.stats().dirtyKeys).toBe(50);
    pstate.flush();
    expect(pstate.stats()).toMatchObject({ cleanEntries: 5, dirtyKeys: 0, frozenKeys: 0 });
    expect(pstate.size).toBe(50);
  });

  it('answers from memory what was read or written lately, also that there is nothing', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    pstate.get('a');
    pstate.get('nothing');
    expect(pstate.stats()).toMatchObject({ hits: 0, misses: 2 });
    pstate.get('a');
    pstate.get('nothing');
    expect(pstate.stats()).toMatchObject({ hits: 2, misses: 2 });
  });

  it('asks the store for nothing while it holds all that the store has', () => {
    const pstate = newPState(new MemoryPStateStore());
    pstate.putMany(Object.entries(numbered(10)));
    pstate.flush();
    pstate.delete('key 3');
    pstate.flush();
    expect(pstate.getMany(['key 1', 'key 3', 'never'])).toEqual([1, undefined, undefined]);
    expect(pstate.size).toBe(9);
    expect(pstate.stats()).toMatchObject({ misses: 0, cleanEntries: 9 });
  });

  it('asks the store again once it had to forget something', () => {
    const pstate = newPState(new MemoryPStateStore(), { cacheEntriesMax: 2 });
    pstate.putMany(Object.entries(numbered(3)));
    pstate.flush();
    expect(pstate.getMany(['key 0', 'key 1', 'key 2', 'never'])).toEqual([0, 1, 2, undefined]);
    expect(pstate.stats().misses).toBeGreaterThan(0);
  });

  it('knows again that nothing else is there after a clear was written', () => {
    const pstate = newPState(storeWith(numbered(3)));
    pstate.clear();
    pstate.put('a', 1);
    pstate.flush();
    expect(pstate.getMany(['key 0', 'a'])).toEqual([undefined, 1]);
    expect(pstate.stats().misses).toBe(0);
  });

  it('shows the newest value after a flush, not the one that was cached before', () => {
    const pstate = newPState(storeWith({ a: 'old', b: 'old' }));
    pstate.getMany(['a', 'b']);
    pstate.put('a', 'new');
    pstate.delete('b');
    pstate.flush();
    expect(pstate.getMany(['a', 'b'])).toEqual(['new', undefined]);
  });

  it('is filled by a scan as far as there is room, and nothing is driven out for it', () => {
    const pstate = newPState(storeWith(numbered(10)), { cacheEntriesMax: 4 });
    pstate.getMany(['key 8', 'key 9']);
    expect([...pstate.entries()]).toHaveLength(10);
    pstate.getMany(['key 8', 'key 9', 'key 0', 'key 1']);
    expect(pstate.stats()).toMatchObject({ cleanEntries: 4, misses: 2, hits: 4 });
  });

  it('is shared by the states of a shard: what one drives out, another asks the store for again', () => {
    const cache = new ValueCache({ entriesMax: 3, bytesMax: 1_000_000 });
    const store = new MemoryPStateStore();
    const [left, right] = [1, 2].map((spaceId) => newPState(store, {}, { spaceId, cache })) as [
      PState,
      PState,
    ];
    left.putMany(Object.entries(numbered(2)));
    left.flush();
    expect(left.get('never')).toBeUndefined();
    right.putMany(Object.entries(numbered(3)));
    right.flush();
    expect(left.stats()).toMatchObject({ cleanEntries: 0, misses: 0 });
    expect(left.getMany(['key 0', 'key 1', 'never'])).toEqual([0, 1, undefined]);
    expect(left.size).toBe(2);
    expect(right.getMany(['key 0', 'key 2'])).toEqual([0, 2]);
    expect(cache.stats).toMatchObject({ entries: 3, hits: 1, misses: 5, evictions: 2 + 3 + 2 });
  });

  it('is given back by a reset and by a close, of which nothing comes back after the close', () => {
    const cache = new ValueCache({ entriesMax: 100, bytesMax: 1_000_000 });
    const pstate = newPState(storeWith(numbered(3)), {}, { cache });
    pstate.getMany(Object.keys(numbered(3)));
    expect(cache.stats.entries).toBe(3);
    pstate.reset();
    expect(cache.stats).toMatchObject({ entries: 0, bytes: 0 });
    pstate.getMany(Object.keys(numbered(3)));
    pstate.close();
    expect(pstate.get('key 1')).toBe(1);
    expect(cache.stats).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('counts reads that changes answer as well, for its own state and for the shard', () => {
    const cache = new ValueCache({ entriesMax: 100, bytesMax: 1_000_000 });
    const pstate = newPState(storeWith({ a: 1 }), {}, { cache });
    pstate.put('b', 1);
    pstate.getMany(['a', 'b', 'a']);
    expect(pstate.stats()).toMatchObject({ hits: 1, misses: 1 });
    expect(cache.stats).toMatchObject({ hits: 1, misses: 1 });
  });

  it('reads all keys that memory does not know at once, each of them once', () => {
    const pstate = newPState(storeWith(numbered(20)), { cacheEntriesMax: 4 });
    pstate.get('key 1');
    pstate.put('key 2', 'changed');
    const before = pstate.stats().storeReads;
    const keys = [...Object.keys(numbered(20)), 'nothing', 'key 3'];
    expect(pstate.getMany(keys)).toEqual([
      0,
      1,
      'changed',
      ...Array.from({ length: 17 }, (_, i) => i + 3),
      undefined,
      3,
    ]);
    expect(pstate.stats()).toMatchObject({ storeReads: before + 1, misses: 1 + 19 });
  });

  it('says which value cannot be decoded', () => {
    const store = new MemoryPStateStore();
    const view = { name: 'main', version: 1, build: 1 };
    const checkpoint = { lastEventId: 1, lastSpaceSequence: 1 };
    const puts = [['bad', new Uint8Array([0xc1])]] as const;
    store.flush(1, [{ view, clear: false, puts, deletes: [], checkpoint }]);
    const corrupt = expect.objectContaining({
      code: 'corrupt',
      details: { spaceId: 1, view: 'main', viewVersion: 1, build: 1, key: 'bad' },
    });
    expect(() => newPState(store).get('bad')).toThrow(corrupt);
    expect(() => [...newPState(store).entries()]).toThrow(corrupt);
  });
});

function numbered(entries: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: entries }, (_, index) => [`key ${index}`, index]));
}

function checkpointOf(store: MemoryPStateStore) {
  return store.builds(1).find(({ view }) => view.name === 'main')?.checkpoint;
}
