/** What every adapter of `PStateStore` does. A new adapter passes its bed to this suite. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssertionFailed } from '../../src/core/assert.js';
import type { Checkpoint } from '../../src/core/event.js';
import { compareCodePoints } from '../../src/core/names.js';
import type { BuildState, PStateStore, ViewBuild, ViewFlush } from '../../src/pstate/port.js';
import { pstateStoreHistories } from './pstate-store.model.js';
import type { MakeBed, StoreBed } from './store-bed.js';

const main: ViewBuild = { name: 'main', version: 1, build: 1 };
/** What a rebuild of `main` fills, and what a raised version of it fills. */
const rebuilt: ViewBuild = { name: 'main', version: 1, build: 2 };
const raised: ViewBuild = { name: 'main', version: 2, build: 1 };
const byEmail: ViewBuild = { name: 'byEmail', version: 1, build: 1 };

export function pstateStoreContract(makeBed: MakeBed): void {
  let bed: StoreBed;
  let store: PStateStore;

  beforeEach(() => {
    bed = makeBed();
    store = bed.open();
  });
  afterEach(() => bed.remove());

  describe('reading and flushing', () => {
    it('has nothing before the first flush', () => {
      expect(store.get(1, main, 'a')).toBeUndefined();
      expect(keys(store)).toEqual([]);
      expect(store.count(1, main)).toBe(0);
      expect(checkpointOf(store, main)).toBeUndefined();
    });

    it('gives back what was flushed, with the checkpoint', () => {
      store.flush(1, [flushOf({ puts: { a: 'one', b: 'two' }, sequence: 7 })]);
      expect(text(store.get(1, main, 'a'))).toBe('one');
      expect(store.count(1, main)).toBe(2);
      expect(checkpointOf(store, main)).toEqual({ lastEventId: 70, lastSpaceSequence: 7 });
    });

    it('keeps a value without bytes', () => {
      store.flush(1, [flushOf({ puts: { a: '' } })]);
      expect(text(store.get(1, main, 'a'))).toBe('');
    });

    it('replaces, deletes, and moves the checkpoint with them', () => {
      store.flush(1, [flushOf({ puts: { a: '1', b: '1' }, sequence: 1 })]);
      store.flush(1, [flushOf({ puts: { b: '2' }, deletes: ['a', 'never there'], sequence: 2 })]);
      expect(entries(store)).toEqual([['b', '2']]);
      expect(checkpointOf(store, main)?.lastSpaceSequence).toBe(2);
    });

    it('clears a view before it puts', () => {
      store.flush(1, [flushOf({ puts: { a: '1', b: '1' } })]);
      store.flush(1, [flushOf({ clear: true, puts: { c: '1' } })]);
      expect(keys(store)).toEqual(['c']);
    });

    it('moves a checkpoint alone', () => {
      store.flush(1, [flushOf({ sequence: 9 })]);
      expect(checkpointOf(store, main)?.lastSpaceSequence).toBe(9);
      expect(store.count(1, main)).toBe(0);
    });

    it('tells spaces, views, versions and builds apart', () => {
      store.flush(1, [flushOf({ puts: { a: 'main' } }), flushOf({ view: byEmail, puts: { a: 'byEmail' } })]);
      store.flush(1, [flushOf({ view: raised, state: 'building', puts: { a: 'raised' } })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building', puts: { a: 'rebuilt' } })]);
      store.flush(2, [flushOf({ puts: { a: 'space 2' } })]);
      store.flush(2, [flushOf({ clear: true })]);
      const views = [main, byEmail, raised, rebuilt];
      expect(views.map((view) => text(store.get(1, view, 'a')))).toEqual([
        'main',
        'byEmail',
        'raised',
        'rebuilt',
      ]);
      expect(store.count(2, main)).toBe(0);
    });

    it('neither keeps nor hands out bytes that a caller can change later', () => {
      const bytes = new TextEncoder().encode('one');
      store.flush(1, [{ ...flushOf({}), puts: [['a', bytes]] }]);
      bytes[0] = 0;
      store.get(1, main, 'a')!.fill(0);
      for (const copy of store.getMany(1, main, ['a', 'a'])) copy!.fill(0);
      store.scan(1, main, { prefix: '', after: undefined, limit: 1 })[0]![1].fill(0);
      expect(text(store.get(1, main, 'a'))).toBe('one');
    });
  });

  describe('scanning', () => {
    it('goes by code point, also above U+FFFF', () => {
      const sorted = ['a', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'];
      store.flush(1, [flushOf({ puts: valuesFor(sorted.toReversed()) })]);
      expect(keys(store)).toEqual(sorted);
    });

    it('takes up to limit keys after one, also when that is not there', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'd', 'e']) })]);
      expect(keys(store, { limit: 2 })).toEqual(['a', 'b']);
      expect(keys(store, { after: 'b', limit: 1 })).toEqual(['d']);
      expect(keys(store, { after: 'c' })).toEqual(['d', 'e']);
      expect(keys(store, { after: 'e' })).toEqual([]);
    });

    it('takes a prefix literally', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'a%', 'a%b', 'a_', 'ab', 'A%']) })]);
      expect(keys(store, { prefix: 'a%' })).toEqual(['a%', 'a%b']);
    });

    it('gives the keys with a prefix and after a key, whatever they are', () => {
      const unit = fc.constantFrom('a', 'b', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}');
      const key = fc.string({ unit, minLength: 1, maxLength: 3 });
      fc.assert(
        fc.property(fc.array(key), key, fc.option(key, { nil: undefined }), (all, prefix, after) => {
          store.flush(1, [flushOf({ clear: true, puts: valuesFor(all) })]);
          const expected = [...new Set(all)]
            .filter((one) => one.startsWith(prefix))
            .filter((one) => after === undefined || compareCodePoints(one, after) > 0)
            .sort(compareCodePoints);
          expect(keys(store, { prefix, after })).toEqual(expected);
        }),
        { numRuns: 200 },
      );
    });

    it('sees keys that came and went since the last scan', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['b', 'd']) })]);
      expect(keys(store)).toEqual(['b', 'd']);
      store.flush(1, [flushOf({ puts: valuesFor(['c']), deletes: ['b'] })]);
      expect(keys(store)).toEqual(['c', 'd']);
      store.flush(1, [flushOf({ clear: true, puts: valuesFor(['x', 'a']) })]);
      expect(keys(store)).toEqual(['a', 'x']);
    });
  });

  describe('reading many keys', () => {
    it('gives the values in the order asked, also of keys that are missing or asked for twice', () => {
      store.flush(1, [flushOf({ puts: { a: '1', b: '2', c: '3' } })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building', puts: { d: '4' } })]);
      store.flush(2, [flushOf({ puts: { d: '4' } })]);
      expect(textsOf(store, ['c', 'd', 'a', 'c', 'b', ''])).toEqual([
        '3',
        'nothing',
        '1',
        '3',
        '2',
        'nothing',
      ]);
      expect(store.getMany(1, main, [])).toEqual([]);
    });

    it('takes any well-formed text for a key', () => {
      const all = [
        '"',
        '\\',
        '\\u0041',
        'A',
        '\0',
        'a\0b',
        'a',
        '\n',
        '\u2028',
        '1',
        'null',
        'é',
        '\u{1f600}',
        '\uffff',
      ];
      store.flush(1, [flushOf({ puts: valuesFor(all) })]);
      expect(textsOf(store, all)).toEqual(all.map((key) => `value of ${key}`));
    });

    it('takes any number of keys', () => {
      const all = Array.from({ length: 2_501 }, (_, index) => `key ${(index * 7) % 2_501}`);
      store.flush(1, [flushOf({ puts: valuesFor(all.filter((_, index) => index % 3 !== 0)) })]);
      const expected = all.map((key, index) => (index % 3 === 0 ? 'nothing' : `value of ${key}`));
      expect(textsOf(store, all)).toEqual(expected);
    });
  });

  describe('builds', () => {
    it('are all named, in the order of name, version and number, with all that is known of them', () => {
      store.flush(1, [flushOf({ view: raised, state: 'building', sequence: 3 })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building', sequence: 2, fingerprint: 'of two' })]);
      store.flush(1, [flushOf({ sequence: 4 }), flushOf({ view: byEmail, sequence: 5 })]);
      store.flush(2, [flushOf({})]);
      expect(store.builds(1)).toEqual([
        stored(byEmail, 'live', 5),
        stored(main, 'live', 4),
        { ...stored(rebuilt, 'building', 2), fingerprint: 'of two' },
        stored(raised, 'building', 3),
      ]);
      expect(store.builds(3)).toEqual([]);
    });

    it('keep their state when they are flushed again', () => {
      store.flush(1, [flushOf({}), flushOf({ view: rebuilt, state: 'building' })]);
      store.flush(1, [flushOf({ view: rebuilt, sequence: 2 }), flushOf({ state: 'building', sequence: 2 })]);
      expect(statesOf(store)).toEqual(['1.1 live', '1.2 building']);
      store.retire(1, [rebuilt]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'live', sequence: 3 })]);
      expect(statesOf(store)).toEqual(['1.1 live', '1.2 retired']);
      expect(checkpointOf(store, rebuilt)?.lastSpaceSequence).toBe(3);
    });

    it('keep their fingerprint until another one is given', () => {
      const fingerprints = [undefined, 'one', undefined, 'two'].map((fingerprint) => {
        store.flush(1, [flushOf({ fingerprint })]);
        return store.builds(1)[0]?.fingerprint;
      });
      expect(fingerprints).toEqual([undefined, 'one', 'one', 'two']);
    });

    it('are not made live by a flush where their name has a live one, and nothing of that flush is written', () => {
      store.flush(1, [flushOf({ puts: { a: '1' } })]);
      const others = [flushOf({ puts: { a: '2' } }), flushOf({ view: byEmail })];
      expect(() => store.flush(1, [...others, flushOf({ view: raised })])).toThrow(AssertionFailed);
      expect(() => store.flush(2, [flushOf({}), flushOf({ view: rebuilt })])).toThrow(AssertionFailed);
      expect(store.builds(1)).toEqual([stored(main, 'live', 1)]);
      expect(store.builds(2)).toEqual([]);
      expect(entries(store)).toEqual([['a', '1']]);
    });

    it('may be live again after the live one of their name was retired', () => {
      store.flush(1, [flushOf({})]);
      store.retire(1, [main]);
      store.flush(1, [flushOf({ view: raised })]);
      expect(statesOf(store)).toEqual(['1.1 retired', '2.1 live']);
    });
  });

  describe('swapping builds', () => {
    it('makes builds live, and retires what was live before, of any version', () => {
      store.flush(1, [flushOf({ puts: { old: '1' } }), flushOf({ view: byEmail })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building' })]);
      store.flush(1, [flushOf({ view: raised, state: 'building', puts: { fresh: '1' }, sequence: 5 })]);
      store.swap(1, [raised]);
      expect(statesOf(store)).toEqual(['1.1 retired', '1.2 building', '2.1 live']);
      store.swap(1, [rebuilt]);
      expect(statesOf(store)).toEqual(['1.1 retired', '1.2 live', '2.1 retired']);
      expect(store.builds(1)[0]).toEqual(stored(byEmail, 'live', 1));
      expect(checkpointOf(store, raised)?.lastSpaceSequence).toBe(5);
      expect(entries(store)).toEqual([['old', '1']]);
    });

    it('changes nothing when the build is live already', () => {
      store.flush(1, [flushOf({})]);
      store.swap(1, [main]);
      expect(statesOf(store)).toEqual(['1.1 live']);
    });

    it('needs no live build before, and leaves other spaces alone', () => {
      for (const spaceId of [1, 2]) store.flush(spaceId, [flushOf({ state: 'building' })]);
      store.swap(1, [main]);
      expect(statesOf(store)).toEqual(['1.1 live']);
      expect(statesOf(store, 2)).toEqual(['1.1 building']);
    });

    it('swaps all views that it names or none', () => {
      const nextByEmail = { ...byEmail, build: 2 };
      store.flush(1, [flushOf({}), flushOf({ view: byEmail })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building' })]);
      const before = store.builds(1);
      expect(() => store.swap(1, [rebuilt, nextByEmail])).toThrow(AssertionFailed);
      expect(store.builds(1)).toEqual(before);
      store.flush(1, [flushOf({ view: nextByEmail, state: 'building' })]);
      store.swap(1, [rebuilt, nextByEmail]);
      expect(store.builds(1).map(({ state }) => state)).toEqual(['retired', 'live', 'retired', 'live']);
    });

    it('refuses a build that is unknown or retired, and two of one name: those are bugs', () => {
      store.flush(1, [flushOf({}), flushOf({ view: rebuilt, state: 'building' })]);
      expect(() => store.swap(1, [raised])).toThrow(AssertionFailed);
      expect(() => store.swap(2, [main])).toThrow(AssertionFailed);
      expect(() => store.swap(1, [main, rebuilt])).toThrow(AssertionFailed);
      store.retire(1, [rebuilt]);
      expect(() => store.swap(1, [rebuilt])).toThrow(AssertionFailed);
      expect(statesOf(store)).toEqual(['1.1 live', '1.2 retired']);
    });
  });

  describe('retiring builds', () => {
    it('retires what is live or building, and passes over what is retired or unknown', () => {
      store.flush(1, [flushOf({}), flushOf({ view: rebuilt, state: 'building' })]);
      store.flush(1, [flushOf({ view: byEmail })]);
      store.retire(1, [main, rebuilt, raised]);
      store.retire(1, [main]);
      expect(statesOf(store)).toEqual(['1.1 retired', '1.2 retired']);
      expect(store.builds(1)[0]).toEqual(stored(byEmail, 'live', 1));
      expect(store.builds(1)).toHaveLength(3);
    });
  });

  describe('sweeping', () => {
    it('deletes what is retired, at most the given number of rows at a time, and nothing else', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c', 'd']) })]);
      store.flush(1, [flushOf({ view: rebuilt, state: 'building', puts: valuesFor(['a', 'b']) })]);
      store.flush(1, [flushOf({ view: raised, state: 'building', puts: valuesFor(['a', 'b', 'c']) })]);
      store.flush(2, [flushOf({ puts: { a: '1' } })]);
      store.retire(2, [main]);
      store.swap(1, [raised]);
      store.retire(1, [rebuilt]);
      const rows = () => store.count(1, main) + store.count(1, rebuilt) + statesOf(store).length;
      const steps = [rows()];
      while (!store.sweep(1, 3).done && steps.length < 10) steps.push(rows());
      expect(steps).toEqual([9, 6, 3]);
      expect(statesOf(store)).toEqual(['2.1 live']);
      expect(store.count(1, raised)).toBe(3);
      expect(store.count(2, main)).toBe(1);
    });

    it('says that it is done with the last row', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c']) })]);
      store.retire(1, [main]);
      expect(store.sweep(1, 4)).toEqual({ done: true });
      expect(store.builds(1)).toEqual([]);
    });

    it("deletes a build's row last, so that a sweep that was interrupted is found again", () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c']) })]);
      store.retire(1, [main]);
      expect(store.sweep(1, 3)).toEqual({ done: false });
      store.close();
      const next = bed.open();
      expect(next.count(1, main)).toBe(0);
      expect(statesOf(next)).toEqual(['1.1 retired']);
      expect(next.sweep(1, 3)).toEqual({ done: true });
      expect(next.builds(1)).toEqual([]);
    });

    it('deletes builds without entries', () => {
      const builds = [1, 2, 3].map((build) => ({ ...main, build }));
      store.flush(
        1,
        builds.map((view) => flushOf({ view, state: 'building' })),
      );
      store.retire(1, builds);
      expect(store.sweep(1, 2)).toEqual({ done: false });
      expect(store.builds(1)).toHaveLength(1);
      expect(store.sweep(1, 2)).toEqual({ done: true });
    });

    it('is done at once when nothing is retired', () => {
      store.flush(1, [flushOf({}), flushOf({ view: rebuilt, state: 'building' })]);
      expect(store.sweep(1, 1)).toEqual({ done: true });
      expect(store.sweep(2, 1)).toEqual({ done: true });
      expect(statesOf(store)).toEqual(['1.1 live', '1.2 building']);
    });
  });

  describe('listing spaces', () => {
    it('gives those that have builds, in pages, by number', () => {
      for (const spaceId of [40, 3, 100, 20]) {
        store.flush(spaceId, [flushOf({}), flushOf({ view: byEmail })]);
      }
      store.skip(7, main, 1);
      expect(store.listSpaces(0, 2)).toEqual([3, 20]);
      expect(store.listSpaces(20, 10)).toEqual([40, 100]);
      expect(store.listSpaces(100, 10)).toEqual([]);
    });

    it('leaves out those whose last build was swept or dropped', () => {
      for (const spaceId of [1, 2, 3]) store.flush(spaceId, [flushOf({ puts: valuesFor(['a', 'b']) })]);
      store.retire(1, [main]);
      store.sweep(1, 10);
      store.dropSpace(2, 1);
      expect(store.listSpaces(0, 10)).toEqual([3]);
    });
  });

  describe('skips', () => {
    it('are remembered once each, in order, per space, name and version', () => {
      for (const sequence of [12, 3, 100, 3]) store.skip(1, main, sequence);
      store.skip(1, raised, 4);
      store.skip(1, byEmail, 5);
      expect(store.skips(1, { name: 'main', version: 1 })).toEqual([3, 12, 100]);
      expect(store.skips(1, raised)).toEqual([4]);
      expect(store.skips(1, byEmail)).toEqual([5]);
      expect(store.skips(2, main)).toEqual([]);
    });

    it('hold for every build of the version: through a swap, a sweep and the next store', () => {
      store.flush(1, [flushOf({}), flushOf({ view: rebuilt, state: 'building' })]);
      store.skip(1, main, 3);
      store.swap(1, [rebuilt]);
      expect(store.sweep(1, 10)).toEqual({ done: true });
      expect(store.skips(1, rebuilt)).toEqual([3]);
      store.close();
      expect(bed.open().skips(1, main)).toEqual([3]);
    });
  });

  describe('dropping a space', () => {
    it('deletes at most the given number of rows at a time, until it is done', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c', 'd']) })]);
      store.flush(1, [flushOf({ view: raised, state: 'building', puts: valuesFor(['a', 'b', 'c']) })]);
      for (const sequence of [1, 2, 3]) store.skip(1, main, sequence);
      store.flush(2, [flushOf({ puts: { a: '1' } })]);
      store.skip(2, main, 1);
      const rows = () =>
        store.builds(1).length + store.count(1, main) + store.count(1, raised) + store.skips(1, main).length;
      const steps = [rows()];
      while (!store.dropSpace(1, 4).done && steps.length < 10) steps.push(rows());
      expect(steps).toEqual([12, 8, 4]);
      expect(rows()).toBe(0);
      expect(entries(store, { spaceId: 2 })).toEqual([['a', '1']]);
      expect(store.builds(2)).toEqual([stored(main, 'live', 1)]);
      expect(store.skips(2, main)).toEqual([1]);
    });

    it('counts the rows of builds, too', () => {
      const builds = [1, 2, 3].map((build) => flushOf({ view: { ...main, build }, state: 'building' }));
      store.flush(1, builds);
      expect(store.dropSpace(1, 2)).toEqual({ done: false });
      expect(store.builds(1)).toHaveLength(1);
      expect(store.dropSpace(1, 1)).toEqual({ done: true });
    });

    it('takes the checkpoints away before the entries, so that half a view is never believed', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c']), sequence: 3 })]);
      store.dropSpace(1, 2);
      expect(checkpointOf(store, main)).toBeUndefined();
      expect(store.count(1, main)).toBe(2);
    });

    it('is done at once when there is nothing', () => {
      expect(store.dropSpace(1, 1)).toEqual({ done: true });
    });
  });

  describe('owners', () => {
    it('keeps everything that was flushed for the next store', () => {
      store.flush(1, [flushOf({ puts: { a: '1' }, sequence: 4 })]);
      store.close();
      const next = bed.open({ fence: 2 });
      expect(entries(next)).toEqual([['a', '1']]);
      expect(checkpointOf(next, main)?.lastSpaceSequence).toBe(4);
    });

    it('lets a store of the same fence in again', () => {
      store.close();
      expect(() => bed.open({ fence: 1 }).flush(1, [flushOf({})])).not.toThrow();
    });

    it('refuses to open for an owner older than the last', () => {
      bed.open({ fence: 5 });
      expect(() => bed.open({ fence: 4 })).toThrow(
        expect.objectContaining({ code: 'fenced', details: { fence: 4, storedFence: 5 } }),
      );
    });

    it('refuses every write of an owner that has a successor, and writes nothing of it', () => {
      store.flush(1, [flushOf({ puts: { a: 'old' } }), flushOf({ view: rebuilt, state: 'building' })]);
      store.flush(1, [flushOf({ view: byEmail })]);
      store.retire(1, [byEmail]);
      const before = store.builds(1);
      const next = bed.open({ fence: 2 });
      for (const write of writes) {
        expect(() => write(store)).toThrow(expect.objectContaining({ code: 'fenced' }));
      }
      expect(entries(next)).toEqual([['a', 'old']]);
      expect(next.builds(1)).toEqual(before);
      expect(next.skips(1, main)).toEqual([]);
    });

    it('refuses writes that would change nothing, too', () => {
      bed.open({ fence: 2 });
      for (const write of writes) {
        expect(() => write(store)).toThrow(expect.objectContaining({ code: 'fenced' }));
      }
    });

    it('discards what follows another log, whatever its fence', () => {
      store.close();
      const first = bed.open({ fence: 9 });
      first.flush(1, [flushOf({ puts: { a: '1' } })]);
      first.skip(1, main, 3);
      const other = bed.open({ logId: 'log-b', fence: 1 });
      expect(entries(other)).toEqual([]);
      expect(other.builds(1)).toEqual([]);
      expect(other.skips(1, main)).toEqual([]);
      other.flush(1, [flushOf({ puts: { b: '1' } })]);
      expect(keys(other)).toEqual(['b']);
    });

    it('refuses the writes of an owner whose log was replaced', () => {
      bed.open({ logId: 'log-b', fence: 1 });
      expect(() => store.flush(1, [flushOf({})])).toThrow(expect.objectContaining({ code: 'fenced' }));
    });
  });

  describe('histories', () => pstateStoreHistories(makeBed));

  it('refuses every call after it was closed, and closes twice', () => {
    store.close();
    store.close();
    const reads: readonly ((store: PStateStore) => unknown)[] = [
      () => store.get(1, main, 'a'),
      () => store.getMany(1, main, ['a']),
      () => keys(store),
      () => store.count(1, main),
      () => store.builds(1),
      () => store.listSpaces(0, 1),
      () => store.skips(1, main),
    ];
    for (const call of [...reads, ...writes]) {
      expect(() => call(store)).toThrow(expect.objectContaining({ code: 'closed' }));
    }
  });
}

/** One call of every method that writes. */
const writes: readonly ((store: PStateStore) => unknown)[] = [
  (store) => store.flush(1, [flushOf({ puts: { a: 'late' } })]),
  (store) => store.swap(1, [rebuilt]),
  (store) => store.retire(1, [main]),
  (store) => store.sweep(1, 10),
  (store) => store.skip(1, main, 1),
  (store) => store.dropSpace(1, 10),
];

interface FlushParts {
  readonly view?: ViewBuild;
  readonly state?: 'building' | 'live';
  readonly fingerprint?: string | undefined;
  readonly clear?: boolean;
  readonly puts?: Readonly<Record<string, string>> | readonly (readonly [key: string, value: string])[];
  readonly deletes?: readonly string[];
  readonly sequence?: number;
}

/** A flush of texts. The event ids are ten times the sequences. */
export function flushOf({ puts = {}, sequence = 1, ...parts }: FlushParts): ViewFlush {
  const encoder = new TextEncoder();
  const texts = Array.isArray(puts) ? puts : Object.entries(puts);
  return {
    view: main,
    clear: false,
    deletes: [],
    ...parts,
    puts: texts.map(([key, value]) => [key, encoder.encode(value)] as const),
    checkpoint: { lastEventId: sequence * 10, lastSpaceSequence: sequence },
  };
}

/** What the store says of a build that `flushOf` has flushed. */
function stored(view: ViewBuild, state: BuildState, sequence: number) {
  const checkpoint = { lastEventId: sequence * 10, lastSpaceSequence: sequence };
  return { view, state, checkpoint, fingerprint: undefined };
}

function checkpointOf(store: PStateStore, view: ViewBuild, spaceId = 1): Checkpoint | undefined {
  const { name, version, build } = view;
  return store
    .builds(spaceId)
    .find((one) => one.view.name === name && one.view.version === version && one.view.build === build)
    ?.checkpoint;
}

/** The builds of `main` as `version.build state`. */
function statesOf(store: PStateStore, spaceId = 1): string[] {
  const builds = store.builds(spaceId).filter(({ view }) => view.name === main.name);
  return builds.map(({ view, state }) => `${view.version}.${view.build} ${state}`);
}

function textsOf(store: PStateStore, asked: readonly string[]): string[] {
  return store.getMany(1, main, asked).map(text);
}

interface ScanParts {
  readonly spaceId?: number;
  readonly prefix?: string;
  readonly after?: string | undefined;
  readonly limit?: number;
}

function entries(
  store: PStateStore,
  { spaceId = 1, prefix = '', after, limit = 1_000 }: ScanParts = {},
): [string, string][] {
  return store.scan(spaceId, main, { prefix, after, limit }).map(([key, bytes]) => [key, text(bytes)]);
}

function keys(store: PStateStore, parts?: ScanParts): string[] {
  return entries(store, parts).map(([key]) => key);
}

function valuesFor(all: readonly string[]): (readonly [key: string, value: string])[] {
  return all.map((key) => [key, `value of ${key}`] as const);
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : new TextDecoder().decode(bytes);
}
