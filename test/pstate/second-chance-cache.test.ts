import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecondChanceCache } from '../../src/pstate/second-chance-cache.js';

describe('the second-chance cache', () => {
  it('forgets the oldest entry that was not used since it came in', () => {
    const cache = filled(3);
    cache.get('k0');
    expect(cache.set('k3', 3)).toBe(false);
    expect(['k0', 'k1', 'k2', 'k3'].map((key) => cache.peek(key))).toEqual([0, undefined, 2, 3]);
  });

  it('does not take a peek for a use', () => {
    const cache = filled(2);
    cache.peek('k0');
    cache.set('k2', 2);
    expect(cache.peek('k0')).toBeUndefined();
  });

  it('says that nothing was forgotten while there is room or the key is there', () => {
    const cache = new SecondChanceCache<number>(1);
    expect(cache.set('a', 1)).toBe(true);
    expect(cache.set('a', 2)).toBe(true);
    expect(cache.peek('a')).toBe(2);
    expect(cache.hasRoom).toBe(false);
  });

  it('looks at a bounded number of entries to make room, however many were used', () => {
    const cache = filled(1_000);
    for (let index = 0; index < 1_000; index++) cache.get(`k${index}`);
    cache.set('one more', 0);
    const order = [...Array(1_000).keys()].filter((index) => cache.peek(`k${index}`) === undefined);
    expect(order).toEqual([8]);
  });

  it('holds nothing where no entry is allowed', () => {
    const cache = new SecondChanceCache<number>(0);
    expect(cache.set('a', 1)).toBe(false);
    expect(cache.size).toBe(0);
  });

  it('never holds more than its bound, and never anything but what was set last', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'get', 'delete', 'clear'),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.array(step, { maxLength: 60 }), (entriesMax, steps) => {
        const cache = new SecondChanceCache<number>(entriesMax);
        const all = new Map<string, number>();
        for (const [index, { kind, key }] of steps.entries()) {
          if (kind === 'set') {
            cache.set(key, index);
            all.set(key, index);
            expect(cache.peek(key)).toBe(entriesMax === 0 ? undefined : index);
          } else if (kind === 'get') {
            expect([undefined, all.get(key)]).toContain(cache.get(key));
          } else if (kind === 'delete') {
            cache.delete(key);
            all.delete(key);
          } else {
            cache.clear();
            all.clear();
          }
          expect(cache.size).toBeLessThanOrEqual(entriesMax);
        }
      }),
    );
  });
});

function filled(entries: number): SecondChanceCache<number> {
  const cache = new SecondChanceCache<number>(entries);
  for (let index = 0; index < entries; index++) cache.set(`k${index}`, index);
  return cache;
}
