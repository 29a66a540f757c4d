import { describe, expect, it } from 'vitest';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { KeyRange, ViewBuild } from '../../src/pstate/port.js';
import type { PState } from '../../src/pstate/pstate.js';
import { newPState, storeWith } from './new-pstate.js';

describe('entries', () => {
  it('merge all layers in the order of code points', () => {
    const pstate = newPState(storeWith({ '\u{1f600}': 'stored', a: 'stored', b: 'stored', c: 'stored' }));
    pstate.put('\uffee', 'frozen');
    pstate.put('b', 'frozen');
    pstate.delete('c');
    pstate.freeze();
    pstate.put('b', 'dirty');
    pstate.put('\u{1f601}', 'dirty');
    expect([...pstate.entries()]).toEqual([
      ['a', 'stored'],
      ['b', 'dirty'],
      ['\uffee', 'frozen'],
      ['\u{1f600}', 'stored'],
      ['\u{1f601}', 'dirty'],
    ]);
  });

  it('are those with the prefix alone', () => {
    const pstate = newPState(storeWith({ 'user:1': 1, 'users:all': 1 }));
    pstate.put('user:2', 2);
    pstate.put('usher', 2);
    expect(keys(pstate, 'user:')).toEqual(['user:1', 'user:2']);
    expect(keys(pstate, 'nobody')).toEqual([]);
  });

  it('are read lazily, in pages that grow to a bound', () => {
    const store = new RecordingStore({ data: storeWith(padded(1_000)).data });
    const pstate = newPState(store);
    store.limits.length = 0;
    const entries = pstate.entries();
    expect(store.limits).toEqual([]);
    entries.next();
    expect(store.limits).toEqual([16]);
    expect([...entries]).toHaveLength(999);
    expect(store.limits).toEqual([16, 32, 64, 128, 256, 256, 256]);
  });

  it('are read in smaller pages where values are large', () => {
    const large = Object.fromEntries(Object.keys(padded(60)).map((key) => [key, 'x'.repeat(200_000)]));
    const store = new RecordingStore({ data: storeWith(large).data });
    expect(keys(newPState(store))).toHaveLength(60);
    expect(Math.max(...store.limits)).toBe(16);
  });

  it('end where a page ends exactly', () => {
    for (const entries of [15, 16, 17, 48])
      expect(keys(newPState(storeWith(padded(entries))))).toHaveLength(entries);
  });

  describe('while the state changes', () => {
    it('show the state as it was when they were asked for', () => {
      const pstate = newPState(storeWith(padded(40)));
      pstate.put('0020', 'changed');
      const before = [...pstate.entries()];
      const entries = pstate.entries();
      pstate.delete('0000');
      const seen = [entries.next().value];
      pstate.put('0000 late', 1);
      pstate.put('0020', 'late');
      pstate.delete('0030');
      pstate.clear();
      expect([...seen, ...entries]).toEqual(before);
    });

    it('let a loop delete or change what it goes over', () => {
      const pstate = newPState(storeWith(padded(100)));
      pstate.put('0050', 50);
      let steps = 0;
      for (const [key] of pstate.entries()) {
        steps++;
        if (steps % 2 === 0) pstate.delete(key);
        else pstate.put(key, 'seen');
        pstate.put(`${key} copy`, 'new');
      }
      expect(steps).toBe(100);
      expect(pstate.size).toBe(150);
    });

    it('show the same whether the state lies in memory or in the store', () => {
      const shown = (flush: boolean) => {
        const pstate = newPState();
        pstate.putMany(Object.entries(padded(40)));
        if (flush) pstate.flush();
        const seen: string[] = [];
        for (const [key] of pstate.entries()) {
          seen.push(key);
          pstate.put(`${key} next`, 1);
          pstate.delete(String(Number(key) + 2).padStart(4, '0'));
        }
        return seen;
      };
      expect(shown(true)).toEqual(shown(false));
    });

    it('never go back or show a key twice when a flush comes in between', () => {
      const pstate = newPState(storeWith(padded(40)));
      pstate.put('0005', 'changed');
      pstate.put('0005 new', 'new');
      const seen: string[] = [];
      for (const [key] of pstate.entries()) {
        seen.push(key);
        if (key === '0003')
          pstate.putMany([
            ['0001 late', 1],
            ['0007 late', 1],
          ]);
        if (key === '0005 new') pstate.flush();
      }
      expect(seen).toEqual([...new Set(seen)].sort());
      expect(seen).toEqual(expect.arrayContaining([...Object.keys(padded(40)), '0005 new']));
    });

    it('leave no outdated value in the cache when a flush comes in between', () => {
      const pstate = newPState(storeWith({ a: 'old', b: 'old', c: 'old' }));
      const entries = pstate.entries();
      entries.next(); // the page with b and c is read
      pstate.put('b', 'new');
      pstate.delete('c');
      pstate.flush();
      expect([...entries]).toEqual([['b', 'new']]);
      expect(pstate.getMany(['b', 'c'])).toEqual(['new', undefined]);
    });

    it('leave no outdated value behind where a clear has made the cache complete', () => {
      const pstate = newPState(storeWith({ a: 'old', b: 'old' }));
      const entries = pstate.entries();
      entries.next();
      pstate.clear();
      pstate.flush();
      expect([...entries]).toEqual([]);
      expect(pstate.has('b')).toBe(false);
    });
  });
});

/** Remembers the limits of the scans that it was asked for. */
class RecordingStore extends MemoryPStateStore {
  readonly limits: number[] = [];

  override scan(spaceId: number, view: ViewBuild, range: KeyRange) {
    this.limits?.push(range.limit);
    return super.scan(spaceId, view, range);
  }
}

function keys(pstate: PState, prefix = ''): string[] {
  return [...pstate.entries({ prefix })].map(([key]) => key);
}

/** `0000`, `0001`, … with their numbers. */
function padded(entries: number): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: entries }, (_, index) => [String(index).padStart(4, '0'), index]),
  );
}
