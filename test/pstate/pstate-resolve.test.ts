import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRef } from '../../src/core/ref.js';
import type { Value } from '../../src/core/values.js';
import type { PState } from '../../src/pstate/pstate.js';
import { newPState, storeWith } from './new-pstate.js';
import { smallSchema } from './small-schema.js';

const invalid = expect.objectContaining({ code: 'invalid_input' });
const overEntities = expect.objectContaining({
  code: 'invalid_input',
  details: expect.objectContaining({ limit: 'resolvedEntitiesMax' }),
});

/** A deck with two cards that lead back to it, and their tags. */
const decks = {
  'deck:1': { title: 'Deck', cards: { 1: ref('card:1'), 2: ref('card:2') }, owner: ref('user:1') },
  'card:1': { front: 'one', deck: ref('deck:1'), tags: { a: ref('tag:a') }, v: 2 },
  'card:2': { front: 'two', deck: ref('deck:1'), tags: { a: ref('tag:a') }, v: 2 },
  'tag:a': { name: 'a' },
  'user:1': { name: 'Ada' },
};

describe('getResolved', () => {
  it('puts entities in the place of references, and leaves back-references as they are', () => {
    const pstate = stateWith(decks);
    const card = (front: string) => ({ front, deck: ref('deck:1'), tags: { a: { name: 'a' } }, v: 2 });
    expect(pstate.getResolved('deck:1')).toEqual({
      title: 'Deck',
      cards: { 1: card('one'), 2: card('two') },
      owner: { name: 'Ada' },
    });
  });

  it('follows as far as the depth says, and no further', () => {
    const pstate = stateWith(decks);
    expect(pstate.getResolved('deck:1', { depth: 0 })).toBe(pstate.get('deck:1'));
    expect(pstate.getResolved('deck:1', { depth: 1 })).toEqual({
      title: 'Deck',
      cards: { 1: decks['card:1'], 2: decks['card:2'] },
      owner: { name: 'Ada' },
    });
    const all = pstate.getResolved('deck:1');
    expect(pstate.getResolved('deck:1', { depth: 2 })).toEqual(all);
    expect(pstate.getResolved('deck:1', { depth: Number.POSITIVE_INFINITY })).toEqual(all);
    expect(pstate.getResolved('deck:1', {})).toEqual(all);
  });

  it('finds references anywhere in a value', () => {
    const pstate = stateWith({ a: [{ deep: [ref('b')] }, 'text', null], b: ref('c'), c: 3 });
    expect(pstate.getResolved('a')).toEqual([{ deep: [3] }, 'text', null]);
    expect(pstate.getResolved('b')).toBe(3);
  });

  it('says which references lead nowhere', () => {
    const longest = 'x'.repeat(513);
    const pstate = stateWith({ a: { b: ref('b'), c: ref('user:1'), d: ref(''), e: ref(longest) } });
    expect(pstate.getResolved('a')).toEqual({
      b: { $ref: 'b', $missing: true },
      c: { $ref: 'user:1', $missing: true },
      d: { $ref: '', $missing: true },
      e: { $ref: longest, $missing: true },
    });
  });

  it('names the chain that a reference closes', () => {
    const chain = { 'a:1': { next: ref('b:1') }, 'b:1': { next: ref('c:1') }, 'c:1': { next: ref('a:1') } };
    expect(stateWith(chain).getResolved('a:1')).toEqual({
      next: { next: { next: { $ref: 'a:1', $circular: ['a:1', 'b:1', 'c:1', 'a:1'] } } },
    });
    const inside = { ...chain, 'x:1': { to: ref('a:1') } };
    expect(stateWith(inside).getResolved('x:1')).toEqual({
      to: { next: { next: { next: { $ref: 'a:1', $circular: ['a:1', 'b:1', 'c:1', 'a:1'] } } } },
    });
  });

  it('takes a reference to the entity itself for a chain of one, and one to its holder for none', () => {
    const pstate = stateWith({ self: { me: ref('self') }, a: { b: ref('b') }, b: { a: ref('a') } });
    expect(pstate.getResolved('self')).toEqual({ me: { $ref: 'self', $circular: ['self', 'self'] } });
    expect(pstate.getResolved('a')).toEqual({ b: { a: ref('a') } });
  });

  it('gives a deeply frozen value, and undefined where there is nothing', () => {
    const pstate = stateWith({ ...decks, loop: { x: [ref('loop'), ref('gone')] } });
    expectFrozen(pstate.getResolved('deck:1'));
    expectFrozen(pstate.getResolved('loop'));
    expect(pstate.getResolved('deck:9')).toBeUndefined();
  });

  it('shows changes that are not stored yet, and migrates what is old', () => {
    const pstate = newPState(storeWith({ ...decks, 'card:2': 'old' }), {}, { schema: smallSchema });
    pstate.put('user:1', { name: 'Eve' });
    pstate.delete('card:1');
    expect(pstate.getResolved('deck:1')).toEqual({
      title: 'Deck',
      cards: { 1: { $ref: 'card:1', $missing: true }, 2: { front: 'old', v: 2 } },
      owner: { name: 'Eve' },
    });
  });

  it('reads the store once per level, however many references there are, also without a cache', () => {
    const cards = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [index, ref(`card:${index}`)]));
    const entities: [string, unknown][] = Object.keys(cards).map((id) => [
      `card:${id}`,
      { deck: ref('deck:1'), front: id, translations: { t: ref(`translation:${id}`) }, v: 2 },
    ]);
    const texts = Object.keys(cards).map((id) => [`translation:${id}`, { text: id }]);
    const store = storeWith({ 'deck:1': { cards }, ...Object.fromEntries([...entities, ...texts]) });
    for (const cacheEntriesMax of [0, 3, 1_000]) {
      const pstate = newPState(store, { cacheEntriesMax });
      expect(readsOf(pstate, () => pstate.getResolved('deck:1'))).toBe(3);
      expect(readsOf(pstate, () => pstate.getResolved('deck:1'))).toBe(cacheEntriesMax === 1_000 ? 0 : 3);
    }
  });

  it('refuses a depth that is none, unknown options, and what is no key', () => {
    const pstate = stateWith(decks);
    for (const depth of [-1, 0.5, Number.NaN, '1', null] as number[]) {
      expect(() => pstate.getResolved('deck:1', { depth })).toThrow(invalid);
    }
    expect(() => pstate.getResolved('deck:1', { dept: 1 } as object)).toThrow(/did you mean depth/);
    expect(() => pstate.getResolved('deck:1', null as unknown as object)).toThrow(invalid);
    expect(() => pstate.getResolved('')).toThrow(invalid);
  });

  it('goes through no more than resolvedEntitiesMax entities, and then returns nothing', () => {
    const four = { a: { to: [ref('b'), ref('c'), ref('gone')] }, b: 1, c: 2 };
    expect(newPState(storeWith(four), { resolvedEntitiesMax: 4 }).getResolved('a')).toBeDefined();
    const pstate = newPState(storeWith(four), { resolvedEntitiesMax: 3 });
    expect(() => pstate.getResolved('a')).toThrow(overEntities);
    expect(pstate.stats().misses).toBe(1);
  });

  it('shows no more than resolvedEntitiesMax entities where ways cross again and again', () => {
    const crossings: Record<string, unknown> = { n16: 'end' };
    for (let index = 0; index < 16; index++)
      crossings[`n${index}`] = { left: ref(`n${index + 1}`), right: ref(`n${index + 1}`) };
    const pstate = stateWith(crossings);
    expect(() => pstate.getResolved('n0')).toThrow(overEntities);
    expect(pstate.getResolved('n6')).toBeDefined();
  });

  it('refuses an answer that is deeper than any value may be, however long the chain is', () => {
    const tooDeep = expect.objectContaining({
      code: 'invalid_input',
      details: expect.objectContaining({ limit: 'valueDepthMax' }),
    });
    for (const link of [(to: string) => ({ next: ref(to) }), (to: string) => ref(to)]) {
      const chain = Object.fromEntries(
        Array.from({ length: 9_000 }, (_, index) => [`n${index}`, link(`n${index + 1}`)]),
      );
      const pstate = stateWith(chain);
      expect(() => pstate.getResolved('n0')).toThrow(tooDeep);
      expect(pstate.getResolved('n0', { depth: 60 })).toBeDefined();
      expect(pstate.getResolved('n8950')).toBeDefined();
    }
  });

  it('gives what following the definition does, for every small graph', () => {
    const names = ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'];
    const entity = fc.array(fc.constantFrom(...names, 'gone:1'), { maxLength: 3 });
    const graph = fc.record({
      root: fc.constantFrom(...names),
      refs: fc.tuple(entity, entity, entity, entity),
    });
    const depth = fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY);
    fc.assert(
      fc.property(graph, depth, fc.constantFrom(0, 2, 1_000), ({ root, refs }, depth, cacheEntriesMax) => {
        const entities = new Map(refs.map((keys, index) => [names[index]!, { to: keys.map(ref) }] as const));
        const pstate = newPState(storeWith(Object.fromEntries(entities)), { cacheEntriesMax });
        const expected = entities.has(root) ? byDefinition(entities, [root], depth) : undefined;
        expect(pstate.getResolved(root, { depth })).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe('preload', () => {
  const paths = ['owner', { cards: ['tags', 'translations'] }];
  const store = storeWith({
    ...decks,
    'card:1': { ...decks['card:1'], translations: { de: ref('translation:1'), fr: ref('translation:2') } },
    'translation:1': { text: 'eins' },
    'translation:2': { text: 'un' },
  });

  it('reads one level at a time, and says how many entities it went through', () => {
    const pstate = newPState(store);
    let loaded = 0;
    expect(readsOf(pstate, () => (loaded = pstate.preload('deck:1', paths)))).toBe(3);
    expect(loaded).toBe(7);
    expect(readsOf(pstate, () => pstate.getResolved('deck:1'))).toBe(0);
    expect(pstate.preload('deck:1', paths)).toBe(7);
  });

  it('follows the named fields alone', () => {
    const pstate = newPState(store);
    expect(pstate.preload('deck:1', ['cards'])).toBe(3);
    expect(readsOf(pstate, () => pstate.getMany(['card:1', 'card:2']))).toBe(0);
    expect(readsOf(pstate, () => pstate.get('user:1'))).toBe(1);
    expect(newPState(store).preload('deck:1', [])).toBe(1);
    expect(newPState(store).preload('deck:1', ['title', 'constructor'])).toBe(1);
  });

  it('takes the same field twice for both of its paths', () => {
    expect(
      newPState(store).preload('deck:1', [{ cards: ['tags'] }, 'cards', { cards: ['translations'] }]),
    ).toBe(6);
  });

  it('goes on from an entity on every way that leads to it', () => {
    const graph = storeWith({ a: { x: ref('s'), y: ref('s') }, s: { p: ref('p'), q: ref('q') }, p: 1, q: 2 });
    expect(newPState(graph).preload('a', [{ x: ['p'] }, { y: ['q'] }])).toBe(4);
  });

  it('counts nothing that is not there', () => {
    const pstate = stateWith({ a: { to: [ref('gone'), ref('')] } });
    expect(pstate.preload('a', ['to'])).toBe(1);
    expect(pstate.preload('gone', ['to'])).toBe(0);
  });

  it('refuses what is no path, before anything is read', () => {
    const pstate = newPState(store);
    const cyclic: unknown[] = [];
    cyclic.push({ a: cyclic });
    const bad = [
      'cards',
      { cards: [] },
      [1],
      [''],
      [null],
      [['cards']],
      [{ cards: 'tags' }],
      [{ '': [] }],
      cyclic,
      null,
    ];
    for (const paths of bad) {
      expect(() => pstate.preload('deck:1', paths as never)).toThrow(invalid);
    }
    expect(pstate.stats().misses).toBe(0);
    expect(() => pstate.preload('', [])).toThrow(invalid);
  });

  it('refuses a field that the schema knows as no relation, also further on', () => {
    const pstate = newPState(store, {}, { schema: smallSchema });
    expect(() => pstate.preload('deck:1', ['cads'])).toThrow(/cards, owner/);
    expect(() => pstate.preload('deck:1', [{ cards: ['tag'] }])).toThrow(/deck, tags, translations/);
    expect(pstate.preload('deck:1', paths)).toBe(7);
    expect(pstate.preload('thing:1', ['anything'])).toBe(0);
  });

  it('goes through no more than resolvedEntitiesMax entities', () => {
    expect(newPState(store, { resolvedEntitiesMax: 7 }).preload('deck:1', paths)).toBe(7);
    expect(() => newPState(store, { resolvedEntitiesMax: 6 }).preload('deck:1', paths)).toThrow(overEntities);
  });
});

function ref(key: string): { readonly $ref: string } {
  return { $ref: key };
}

function stateWith(entries: Readonly<Record<string, unknown>>): PState {
  return newPState(storeWith(entries));
}

function readsOf(pstate: PState, call: () => unknown): number {
  const before = pstate.stats().storeReads;
  call();
  return pstate.stats().storeReads - before;
}

/** The rules of `getResolved`, entity by entity, without batches. */
function byDefinition(
  entities: ReadonlyMap<string, { readonly to: readonly { readonly $ref: string }[] }>,
  path: readonly string[],
  depth: number,
): unknown {
  const { to } = entities.get(path.at(-1)!)!;
  return {
    to: to.map((one) => {
      const { $ref } = one;
      if (path.length - 1 === depth || path.at(-2) === $ref) return one;
      const above = path.indexOf($ref);
      if (above >= 0) return { $ref, $circular: [...path.slice(above), $ref] };
      if (!entities.has($ref)) return { $ref, $missing: true };
      return byDefinition(entities, [...path, $ref], depth);
    }),
  };
}

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).toBe(true);
  for (const part of Object.values(value as Record<string, Value>)) expectFrozen(part);
  if (isRef(value)) expect(typeof value.$ref).toBe('string');
}
