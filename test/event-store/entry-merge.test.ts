import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryBudget, EntryMerge, type EntryPage } from '../../src/event-store/sqlite/entry-merge.js';

const never = Number.POSITIVE_INFINITY;

function pageOf(list: readonly number[]): EntryPage {
  return (after, limit) => list.filter((key) => key > after).slice(0, limit);
}

const anyList = fc
  .uniqueArray(fc.integer({ min: -40, max: 40 }), { maxLength: 60 })
  .map((list) => list.sort((left, right) => left - right));
const anyItems = fc.array(fc.array(anyList, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

/** In all lists of an item, for any of the items. */
function plainly(items: readonly (readonly (readonly number[])[])[]): readonly number[] {
  const keys = items.flatMap(([first = [], ...others]) =>
    first.filter((key) => others.every((list) => list.includes(key))),
  );
  return [...new Set(keys)].sort((left, right) => left - right);
}

describe('merged entries', () => {
  it('are those in all lists of any item, in order, whatever may be read of them at once', () => {
    fc.assert(
      fc.property(
        anyItems,
        fc.integer({ min: -45, max: 45 }),
        fc.integer({ min: 1, max: 30 }),
        (items, from, entriesMax) => {
          const found: number[] = [];
          let known = from;
          // Each round is a step that goes on where the budget of the one before has ended.
          for (let isMore = true; isMore; ) {
            const budget = new EntryBudget(entriesMax);
            const merge = new EntryMerge(
              items.map((lists) => lists.map(pageOf)),
              budget,
            );
            const begun = known;
            for (let isEntry = true; isEntry; ) {
              const next = merge.next(known);
              expect(next.key).toBeGreaterThanOrEqual(known);
              ({ isEntry } = next);
              known = next.key;
              if (isEntry) found.push(next.key);
            }
            isMore = known <= 45;
            // Where a budget is too small to get on, the step goes through events; here the next key is looked at by itself.
            if (isMore && known === begun) {
              known++;
              if (plainly(items).includes(known)) found.push(known);
            }
          }
          expect(found).toEqual(plainly(items).filter((key) => key > from));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of an item cost what its shortest list has, and not its longest', () => {
    const long = Array.from({ length: 10_000 }, (_, index) => index);
    const short = [77, 5_000, 9_998];
    for (const lists of [
      [long, short],
      [short, long],
      [long, short, long],
    ]) {
      const budget = new EntryBudget(never);
      const merge = new EntryMerge([lists.map(pageOf)], budget);
      const found: number[] = [];
      for (let { key, isEntry } = merge.next(-1); isEntry; { key, isEntry } = merge.next(key))
        found.push(key);
      expect(found).toEqual(short);
      expect(budget.read).toBeLessThan(100);
    }
  });

  it('end where the budget is spent, and say how far everything is known', () => {
    const even = Array.from({ length: 100 }, (_, index) => 2 * index);
    const odd = even.map((key) => key + 1);
    const budget = new EntryBudget(10);
    const { key, isEntry } = new EntryMerge([[pageOf(even), pageOf(odd)]], budget).next(-1);
    expect(isEntry).toBe(false);
    expect(key).toBeGreaterThan(0);
    expect(key).toBeLessThan(100);
    // The last page may be larger than what was left.
    expect(budget.read).toBeLessThan(30);
  });
});
