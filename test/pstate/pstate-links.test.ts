import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRef } from '../../src/core/ref.js';
import type { PState } from '../../src/pstate/pstate.js';
import { newPState, storeWith } from './new-pstate.js';
import { smallSchema } from './small-schema.js';

const entities = {
  'deck:1': { title: 'one' },
  'deck:2': { title: 'two' },
  'card:1': { front: 'a', v: 2 },
  'card:2': { front: 'b', v: 2 },
  'tag:1': { name: 'x' },
  'user:1': { name: 'Ada' },
  'user:2': { name: 'Bob' },
  'user:3': { name: 'Eve' },
  'user:4': { name: 'Dan' },
  'translation:1': { text: 'eins' },
};

describe('link', () => {
  it('sets both ends, from whichever side', () => {
    for (const link of [
      (pstate: PState) => pstate.link('deck:1', 'cards', 'card:1'),
      (pstate: PState) => pstate.link('card:1', 'deck', 'deck:1'),
    ]) {
      const pstate = linkable();
      link(pstate);
      expect(pstate.get('deck:1')).toEqual({ title: 'one', cards: { 1: { $ref: 'card:1' } } });
      expect(pstate.get('card:1')).toEqual({ front: 'a', v: 2, deck: { $ref: 'deck:1' } });
    }
  });

  it('takes a child away from its former parent', () => {
    for (const link of [
      (pstate: PState) => pstate.link('deck:2', 'cards', 'card:1'),
      (pstate: PState) => pstate.link('card:1', 'deck', 'deck:2'),
    ]) {
      const pstate = linkable();
      pstate.link('deck:1', 'cards', 'card:1');
      pstate.link('deck:1', 'cards', 'card:2');
      link(pstate);
      expect(pstate.get('deck:1')).toMatchObject({ cards: { 2: { $ref: 'card:2' } } });
      expect(Object.keys((pstate.get('deck:1') as { cards: object }).cards)).toEqual(['2']);
      expect(pstate.get('deck:2')).toMatchObject({ cards: { 1: { $ref: 'card:1' } } });
      expect(pstate.get('card:1')).toMatchObject({ deck: { $ref: 'deck:2' } });
    }
  });

  it('adds to both maps where many meet many', () => {
    const pstate = linkable();
    pstate.link('card:1', 'tags', 'tag:1');
    pstate.link('tag:1', 'cards', 'card:2');
    expect(pstate.get('tag:1')).toEqual({
      name: 'x',
      cards: { 1: { $ref: 'card:1' }, 2: { $ref: 'card:2' } },
    });
    for (const card of ['card:1', 'card:2'])
      expect(pstate.get(card)).toMatchObject({ tags: { 1: { $ref: 'tag:1' } } });
  });

  it('sets both and clears both former partners where one meets one', () => {
    const pstate = linkable();
    pstate.link('user:1', 'partner', 'user:2');
    pstate.link('user:3', 'partner', 'user:4');
    pstate.link('user:1', 'partner', 'user:3');
    expect(partners(pstate)).toEqual(['user:3', undefined, 'user:1', undefined]);
    expect(pstate.get('user:2')).toEqual({ name: 'Bob' });
    pstate.link('user:2', 'partner', 'user:2');
    expect(partners(pstate)).toEqual(['user:3', 'user:2', 'user:1', undefined]);
  });

  it('sets the one end of a relation without an inverse', () => {
    const pstate = linkable();
    pstate.link('deck:1', 'owner', 'user:1');
    pstate.link('deck:1', 'owner', 'user:2');
    pstate.link('card:1', 'translations', 'translation:1');
    expect(pstate.get('deck:1')).toMatchObject({ owner: { $ref: 'user:2' } });
    expect(pstate.get('card:1')).toMatchObject({ translations: { 1: { $ref: 'translation:1' } } });
    expect(pstate.getMany(['user:1', 'user:2', 'translation:1'])).toEqual([
      entities['user:1'],
      entities['user:2'],
      entities['translation:1'],
    ]);
  });

  it('writes nothing where both ends are set, and mends an end that is not', () => {
    const pstate = linkable();
    pstate.link('deck:1', 'cards', 'card:1');
    pstate.flush();
    pstate.link('deck:1', 'cards', 'card:1');
    expect(pstate.dirtyKeys).toBe(0);
    pstate.put('card:1', { front: 'a' });
    pstate.link('deck:1', 'cards', 'card:1');
    expect(pstate.get('card:1')).toMatchObject({ deck: { $ref: 'deck:1' } });
  });

  it('takes ids for ids, whatever an object may inherit, and whatever else a key has', () => {
    const ids = ['constructor', 'toString', 'a:b'];
    const pstate = linkable(Object.fromEntries(ids.map((id) => [`card:${id}`, { v: 2 }])));
    for (const id of ids) pstate.link('deck:1', 'cards', `card:${id}`);
    expect(Object.keys((pstate.get('deck:1') as { cards: object }).cards)).toEqual(ids);
    for (const id of ids) expect(pstate.unlink('deck:1', 'cards', `card:${id}`)).toBe(true);
    expect(pstate.get('deck:1')).toMatchObject({ cards: {} });
  });

  it('takes a field for a field, also one that is named like what every object inherits', () => {
    const relation = { kind: 'hasMany', entity: 'tag', inverse: undefined } as const;
    const pstate = newPState(
      storeWith(entities),
      {},
      { schema: { ...smallSchema, relation: () => relation } },
    );
    pstate.link('user:1', 'constructor', 'tag:1');
    expect(pstate.get('user:1')).toEqual({ name: 'Ada', constructor: { 1: { $ref: 'tag:1' } } });
  });

  it('refuses entities that are not there, naming which, and changes nothing', () => {
    const pstate = linkable();
    expect(() => pstate.link('deck:9', 'cards', 'card:1')).toThrow(/^parentKey.*"deck:9"/);
    expect(() => pstate.link('deck:1', 'cards', 'card:9')).toThrow(/^childKey.*"card:9"/);
    expect(pstate.dirtyKeys).toBe(0);
  });

  it('refuses what is no relation of this schema', () => {
    const pstate = linkable();
    const invalid = (text: RegExp) =>
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(text) });
    expect(() => pstate.link('deck:1', 'cads', 'card:1')).toThrow(invalid(/cards, owner/));
    expect(() => pstate.link('translation:1', 'cards', 'card:1')).toThrow(invalid(/has none/));
    expect(() => pstate.link('deck:1', 'cards', 'user:1')).toThrow(invalid(/key of a card/));
    expect(() => pstate.link('deck:1', 'cards', 'card:')).toThrow(invalid(/key of a card/));
    for (const bad of [1, null, undefined, {}] as unknown as string[]) {
      expect(() => pstate.link(bad, 'cards', 'card:1')).toThrow(invalid(/./));
      expect(() => pstate.link('deck:1', bad, 'card:1')).toThrow(invalid(/./));
      expect(() => pstate.link('deck:1', 'cards', bad)).toThrow(invalid(/./));
    }
    expect(() => newPState(storeWith(entities)).link('deck:1', 'cards', 'card:1')).toThrow(
      invalid(/no schema/),
    );
    expect(() => newPState().unlink('deck:1', 'cards', 'card:1')).toThrow(invalid(/no schema/));
  });

  it('changes nothing when one of the entities is refused', () => {
    const pstate = linkable({ 'card:3': 'a text', 'card:4': { v: 2, tags: ['no map'] } });
    const before = [...pstate.entries()];
    const admitted = newPState(
      storeWith({ ...entities, 'card:1': { bad: 1, v: 2 } }),
      {},
      { schema: smallSchema },
    );
    expect(() => admitted.link('deck:1', 'cards', 'card:1')).toThrow(/bad/);
    expect(admitted.dirtyKeys).toBe(0);
    pstate.put('user:1', 'a text');
    expect(() => pstate.link('user:2', 'partner', 'user:1')).toThrow(/an object/);
    expect(() => pstate.link('tag:1', 'cards', 'card:4')).toThrow(/a map of references/);
    pstate.put('user:1', entities['user:1']);
    expect([...pstate.entries()]).toEqual(before);
  });

  it('is taken back with its turn', () => {
    const pstate = linkable();
    const before = [...pstate.entries()];
    pstate.beginTurn();
    pstate.link('deck:1', 'cards', 'card:1');
    pstate.undoTurn();
    expect([...pstate.entries()]).toEqual(before);
  });

  it('passes over a former partner that is gone', () => {
    const pstate = linkable();
    pstate.link('deck:1', 'cards', 'card:1');
    pstate.delete('deck:1');
    pstate.link('deck:2', 'cards', 'card:1');
    expect(pstate.get('card:1')).toMatchObject({ deck: { $ref: 'deck:2' } });
    expect(pstate.has('deck:1')).toBe(false);
  });
});

describe('unlink', () => {
  it('takes both ends away, from whichever side', () => {
    for (const unlink of [
      (pstate: PState) => pstate.unlink('deck:1', 'cards', 'card:1'),
      (pstate: PState) => pstate.unlink('card:1', 'deck', 'deck:1'),
    ]) {
      const pstate = linkable();
      pstate.link('deck:1', 'cards', 'card:1');
      expect(unlink(pstate)).toBe(true);
      expect(pstate.get('deck:1')).toEqual({ title: 'one', cards: {} });
      expect(pstate.get('card:1')).toEqual(entities['card:1']);
      expect(unlink(pstate)).toBe(false);
    }
  });

  it('leaves links to others alone', () => {
    const pstate = linkable();
    pstate.link('deck:1', 'cards', 'card:1');
    pstate.link('user:1', 'partner', 'user:2');
    expect(pstate.unlink('deck:2', 'cards', 'card:1')).toBe(false);
    expect(pstate.unlink('user:1', 'partner', 'user:3')).toBe(false);
    expect(pstate.get('card:1')).toMatchObject({ deck: { $ref: 'deck:1' } });
    expect(partners(pstate)).toEqual(['user:2', 'user:1', undefined, undefined]);
  });

  it('takes away the reference to what is gone, and half a link', () => {
    const pstate = linkable();
    pstate.link('deck:1', 'cards', 'card:1');
    pstate.delete('card:1');
    expect(pstate.unlink('deck:1', 'cards', 'card:1')).toBe(true);
    expect(pstate.get('deck:1')).toMatchObject({ cards: {} });
    pstate.put('card:2', { front: 'b', deck: { $ref: 'deck:1' } });
    expect(pstate.unlink('deck:1', 'cards', 'card:2')).toBe(true);
    expect(pstate.get('card:2')).toEqual({ front: 'b', v: 2 });
    expect(pstate.unlink('deck:9', 'cards', 'card:9')).toBe(false);
  });
});

describe('links and unlinks in any order', () => {
  const decks = ['deck:1', 'deck:2', 'deck:3'];
  const cards = ['card:1', 'card:2', 'card:3'];
  const tags = ['tag:1', 'tag:2'];
  const users = ['user:1', 'user:2', 'user:3', 'user:4'];
  const pair = (from: string[], field: string, to: string[]) =>
    fc.tuple(fc.constantFrom(...from), fc.constant(field), fc.constantFrom(...to));
  const step = fc.record({
    link: fc.boolean(),
    args: fc.oneof(
      pair(decks, 'cards', cards),
      pair(cards, 'deck', decks),
      pair(cards, 'tags', tags),
      pair(tags, 'cards', cards),
      pair(users, 'partner', users),
    ),
  });

  it('leave the two ends of every relation in agreement, and each link there that was not taken away', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const pstate = newPState(undefined, {}, { schema: smallSchema });
        const keys = [...decks, ...cards, ...tags, ...users];
        pstate.putMany(keys.map((key) => [key, {}]));
        for (const { link, args } of steps) {
          const linked = has(pstate, ...args);
          if (link) pstate.link(...args);
          else expect(pstate.unlink(...args)).toBe(linked);
          expect(has(pstate, ...args)).toBe(link);
          for (const key of keys) expectAgreement(pstate, key);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function linkable(more: Readonly<Record<string, unknown>> = {}): PState {
  const { migrate: _, ...schema } = smallSchema;
  const state = newPState(
    storeWith({ ...entities, ...more }),
    {},
    {
      schema: { ...schema, migrates: false, migrate: (_key, value) => value },
    },
  );
  return state;
}

function partners(pstate: PState): (string | undefined)[] {
  return ['user:1', 'user:2', 'user:3', 'user:4'].map(
    (key) => pstate.get<{ partner?: { $ref: string } }>(key)?.partner?.$ref,
  );
}

/** The keys that a field of an entity refers to. */
function targets(pstate: PState, key: string, field: string): string[] {
  const held = pstate.get<Record<string, unknown>>(key)?.[field];
  if (held === undefined) return [];
  if (isRef(held)) return [held.$ref];
  return Object.entries(held as Record<string, { $ref: string }>).map(([id, { $ref }]) => {
    expect($ref.endsWith(`:${id}`)).toBe(true);
    return $ref;
  });
}

function has(pstate: PState, key: string, field: string, target: string): boolean {
  return targets(pstate, key, field).includes(target);
}

function expectAgreement(pstate: PState, key: string): void {
  for (const [field, { inverse }] of smallSchema.relations(key)) {
    if (inverse === undefined) continue;
    for (const target of targets(pstate, key, field)) expect(targets(pstate, target, inverse)).toContain(key);
  }
}
