/** What every adapter of `PStateStore` does. A new adapter passes its bed to this suite. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareCodePoints } from '../../src/core/names.js';
import type { PStateStore, ViewFlush, ViewRef } from '../../src/pstate/port.js';
import type { MakeBed, StoreBed } from './store-bed.js';

const main: ViewRef = { name: 'main', version: 1 };
const byEmail: ViewRef = { name: 'byEmail', version: 1 };

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
      expect(store.checkpoint(1, main)).toBeUndefined();
    });

    it('gives back what was flushed, with the checkpoint', () => {
      store.flush(1, [flushOf({ puts: { a: 'one', b: 'two' }, sequence: 7 })]);
      expect(text(store.get(1, main, 'a'))).toBe('one');
      expect(store.count(1, main)).toBe(2);
      expect(store.checkpoint(1, main)).toEqual({ lastEventId: 70, lastSpaceSequence: 7 });
    });

    it('keeps a value without bytes', () => {
      store.flush(1, [flushOf({ puts: { a: '' } })]);
      expect(text(store.get(1, main, 'a'))).toBe('');
    });

    it('replaces, deletes, and moves the checkpoint with them', () => {
      store.flush(1, [flushOf({ puts: { a: '1', b: '1' }, sequence: 1 })]);
      store.flush(1, [flushOf({ puts: { b: '2' }, deletes: ['a', 'never there'], sequence: 2 })]);
      expect(entries(store)).toEqual([['b', '2']]);
      expect(store.checkpoint(1, main)?.lastSpaceSequence).toBe(2);
    });

    it('clears a view before it puts', () => {
      store.flush(1, [flushOf({ puts: { a: '1', b: '1' } })]);
      store.flush(1, [flushOf({ clear: true, puts: { c: '1' } })]);
      expect(keys(store)).toEqual(['c']);
    });

    it('moves a checkpoint alone', () => {
      store.flush(1, [flushOf({ sequence: 9 })]);
      expect(store.checkpoint(1, main)?.lastSpaceSequence).toBe(9);
      expect(store.count(1, main)).toBe(0);
    });

    it('tells spaces, views and versions of a view apart', () => {
      const nextMain = { name: 'main', version: 2 };
      store.flush(1, [flushOf({ puts: { a: 'main' } }), flushOf({ view: byEmail, puts: { a: 'byEmail' } })]);
      store.flush(1, [flushOf({ view: nextMain, puts: { a: 'main 2' } })]);
      store.flush(2, [flushOf({ puts: { a: 'space 2' } })]);
      store.flush(2, [flushOf({ clear: true })]);
      expect([main, byEmail, nextMain].map((view) => text(store.get(1, view, 'a')))).toEqual([
        'main',
        'byEmail',
        'main 2',
      ]);
      expect(store.count(2, main)).toBe(0);
    });

    it('neither keeps nor hands out bytes that a caller can change later', () => {
      const bytes = new TextEncoder().encode('one');
      store.flush(1, [{ ...flushOf({}), puts: [['a', bytes]] }]);
      bytes[0] = 0;
      store.get(1, main, 'a')!.fill(0);
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

  describe('replacing views', () => {
    const side = { name: 'main~rebuild', version: 1 };

    it('puts the entries and the checkpoint of one view in the place of another', () => {
      store.flush(1, [flushOf({ puts: { old: '1', both: 'old' }, sequence: 3 })]);
      store.flush(1, [flushOf({ view: side, puts: { both: 'new', fresh: '1' }, sequence: 5 })]);
      store.replaceViews(1, [{ from: side, to: main }]);
      expect(entries(store)).toEqual([
        ['both', 'new'],
        ['fresh', '1'],
      ]);
      expect(store.checkpoint(1, main)?.lastSpaceSequence).toBe(5);
      expect(store.count(1, side)).toBe(0);
      expect(store.checkpoint(1, side)).toBeUndefined();
    });

    it('replaces by nothing', () => {
      store.flush(1, [flushOf({ puts: { old: '1' } })]);
      store.replaceViews(1, [{ from: side, to: main }]);
      expect(store.count(1, main)).toBe(0);
      expect(store.checkpoint(1, main)).toBeUndefined();
    });

    it('leaves other views and spaces alone', () => {
      store.flush(1, [flushOf({ view: byEmail, puts: { a: '1' } }), flushOf({ view: side })]);
      store.flush(2, [flushOf({ puts: { a: '1' } }), flushOf({ view: side, puts: { b: '1' } })]);
      store.replaceViews(1, [{ from: side, to: main }]);
      expect(store.count(1, byEmail)).toBe(1);
      expect(keys(store, { spaceId: 2 })).toEqual(['a']);
    });
  });

  describe('dropping a space', () => {
    it('deletes at most the given number of rows at a time, until it is done', () => {
      const view2 = { name: 'main', version: 2 };
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c', 'd']) })]);
      store.flush(1, [flushOf({ view: view2, puts: valuesFor(['a', 'b', 'c']) })]);
      store.flush(2, [flushOf({ puts: { a: '1' } })]);
      const rows = () =>
        [main, view2].reduce((sum, view) => {
          const checkpoints = store.checkpoint(1, view) === undefined ? 0 : 1;
          return sum + store.count(1, view) + checkpoints;
        }, 0);
      const steps = [rows()];
      while (!store.dropSpace(1, 4).done) steps.push(rows());
      expect(steps).toEqual([9, 5, 1]);
      expect(rows()).toBe(0);
      expect(entries(store, { spaceId: 2 })).toEqual([['a', '1']]);
      expect(store.checkpoint(2, main)).toBeDefined();
    });

    it('takes the checkpoints away before the entries, so that half a view is never believed', () => {
      store.flush(1, [flushOf({ puts: valuesFor(['a', 'b', 'c']), sequence: 3 })]);
      store.dropSpace(1, 2);
      expect(store.checkpoint(1, main)).toBeUndefined();
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
      expect(next.checkpoint(1, main)?.lastSpaceSequence).toBe(4);
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
      store.flush(1, [flushOf({ puts: { a: 'old' } })]);
      const next = bed.open({ fence: 2 });
      const fenced = expect.objectContaining({ code: 'fenced' });
      expect(() => store.flush(1, [flushOf({ puts: { a: 'late' } })])).toThrow(fenced);
      expect(() => store.dropSpace(1, 10)).toThrow(fenced);
      expect(() => store.replaceViews(1, [{ from: byEmail, to: main }])).toThrow(fenced);
      expect(entries(next)).toEqual([['a', 'old']]);
    });

    it('discards what follows another log, whatever its fence', () => {
      store.close();
      bed.open({ fence: 9 }).flush(1, [flushOf({ puts: { a: '1' } })]);
      const other = bed.open({ logId: 'log-b', fence: 1 });
      expect(entries(other)).toEqual([]);
      expect(other.checkpoint(1, main)).toBeUndefined();
      other.flush(1, [flushOf({ puts: { b: '1' } })]);
      expect(keys(other)).toEqual(['b']);
    });

    it('refuses the writes of an owner whose log was replaced', () => {
      bed.open({ logId: 'log-b', fence: 1 });
      expect(() => store.flush(1, [flushOf({})])).toThrow(expect.objectContaining({ code: 'fenced' }));
    });
  });

  it('refuses every call after it was closed, and closes twice', () => {
    store.close();
    store.close();
    const closed = expect.objectContaining({ code: 'closed' });
    expect(() => store.get(1, main, 'a')).toThrow(closed);
    expect(() => keys(store)).toThrow(closed);
    expect(() => store.count(1, main)).toThrow(closed);
    expect(() => store.checkpoint(1, main)).toThrow(closed);
    expect(() => store.flush(1, [])).toThrow(closed);
    expect(() => store.replaceViews(1, [])).toThrow(closed);
    expect(() => store.dropSpace(1, 1)).toThrow(closed);
  });
}

interface FlushParts {
  readonly view?: ViewRef;
  readonly clear?: boolean;
  readonly puts?: Readonly<Record<string, string>>;
  readonly deletes?: readonly string[];
  readonly sequence?: number;
}

/** A flush of texts. The event ids are ten times the sequences. */
export function flushOf({
  view = main,
  clear = false,
  puts = {},
  deletes = [],
  sequence = 1,
}: FlushParts): ViewFlush {
  const encoder = new TextEncoder();
  return {
    view,
    clear,
    puts: Object.entries(puts).map(([key, value]) => [key, encoder.encode(value)] as const),
    deletes,
    checkpoint: { lastEventId: sequence * 10, lastSpaceSequence: sequence },
  };
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

function valuesFor(all: readonly string[]): Record<string, string> {
  return Object.fromEntries(all.map((key) => [key, `value of ${key}`]));
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : new TextDecoder().decode(bytes);
}
