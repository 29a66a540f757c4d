import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../../src/core/limits.js';
import { ref } from '../../../src/core/ref.js';
import { entity } from '../../../src/core/schema/entity.js';
import { field } from '../../../src/core/schema/field.js';
import { belongsTo, hasMany } from '../../../src/core/schema/relation.js';
import { defineSchema } from '../../../src/core/schema/schema.js';
import { freezeValue } from '../../../src/core/values.js';
import { jsonValue } from '../arbitraries.js';
import { errorOf } from '../error-of.js';

const schema = defineSchema({
  deck: entity({ name: field.string(), archived: field.boolean({ default: false }), cards: hasMany('card') }),
  card: entity({
    deck: belongsTo('deck'),
    owner: belongsTo('person', { optional: false }),
    front: field.string(),
    level: field.number({ default: 1 }),
    note: field.string({ optional: true }),
    tags: field.json<readonly string[]>({ default: [] }),
    title: field.string({ default: (card) => `${String(card['front'])}!` }),
  }),
  person: entity({}),
});

const card = { owner: ref('person', 'p1'), front: 'hello' };

describe('what is put at the key of an entity', () => {
  it('is kept with its defaults, also those that are made from it', () => {
    expect(schema.admit('card:c1', card)).toEqual({ ...card, level: 1, tags: [], title: 'hello!' });
    expect(schema.admit('deck:d1', { name: 'French' })).toEqual({
      name: 'French',
      archived: false,
      cards: {},
    });
  });

  it('is kept as it is where nothing has to be filled in', () => {
    const whole = { ...card, level: 2, tags: ['x'], title: 't', note: 'n', deck: null };
    expect(schema.admit('card:c1', whole)).toBe(whole);
    const again = schema.admit('card:c1', card);
    expect(schema.admit('card:c1', again)).toBe(again);
  });

  it('may be absent as undefined where it may be absent', () => {
    const given = { ...card, note: undefined, deck: undefined, level: undefined, misspelt: undefined };
    expect(schema.admit('card:c1', given)).toEqual({ ...card, level: 1, tags: [], title: 'hello!' });
    expect(Object.keys(schema.admit('card:c1', given) as object)).not.toContain('note');
  });

  it('is not asked about at keys of no entity', () => {
    for (const key of ['statistics', 'cards:c1', ':c1', 'email:a@b.c', 'toString:x', '__proto__:x']) {
      expect(schema.admit(key, 5)).toBe(5);
    }
  });

  it.each<readonly [what: string, value: unknown, place: string, expected: string, got: string]>([
    ['no object', 5, '', "an object with the fields of 'card'", '5'],
    ['null', null, '', "an object with the fields of 'card'", 'null'],
    ['a list', [card], '', "an object with the fields of 'card'", 'an array of 1'],
    ['a number for a text', { ...card, front: 5 }, '.front', 'a string', '5'],
    ['null for a text', { ...card, note: null }, '.note', 'a string', 'null'],
    ['a text for a number', { ...card, level: '1' }, '.level', 'a number', 'the string "1"'],
    [
      'a misspelt field',
      { ...card, frnt: 'x' },
      '.frnt',
      "absent, as 'card' has no such field (did you mean 'front'?)",
      'the string "x"',
    ],
    [
      'a field like no other',
      { ...card, somethingElse: 1 },
      '.somethingElse',
      "absent, as 'card' has no such field",
      '1',
    ],
    ['a field in quotes', { ...card, 'a b': 1 }, '["a b"]', "absent, as 'card' has no such field", '1'],
    ['an inherited name', { ...card, toString: 1 }, '.toString', "absent, as 'card' has no such field", '1'],
    [
      'no required field',
      { owner: card.owner },
      '.front',
      'a string, as it has no default and is not optional',
      'undefined',
    ],
    [
      'a required reference that is null',
      { ...card, owner: null },
      '.owner',
      "a reference { $ref: 'person:…' }",
      'null',
    ],
    [
      'a text for a reference',
      { ...card, deck: 'deck:d1' },
      '.deck',
      "a reference { $ref: 'deck:…' }",
      'the string "deck:d1"',
    ],
    [
      'a reference to another entity',
      { ...card, deck: ref('card', 'c2') },
      '.deck',
      "a reference { $ref: 'deck:…' }",
      'an object with $ref the string "card:c2"',
    ],
    [
      'a reference without an id',
      { ...card, deck: { $ref: 'deck:' } },
      '.deck',
      "a reference { $ref: 'deck:…' }",
      'an object with $ref the string "deck:"',
    ],
    [
      'a reference that was not resolved',
      { ...card, deck: { $ref: 'deck:d1', $missing: true } },
      '.deck',
      "a reference { $ref: 'deck:…' }",
      'an object with $ref the string "deck:d1"',
    ],
    [
      'a reference with a key that no key can be',
      { ...card, deck: { $ref: 'deck:\ud800' } },
      '.deck',
      "a reference { $ref: 'deck:…' }",
      'an object with $ref the string "deck:\\ud800"',
    ],
  ])('is refused when it is %s', (_what, value, place, expected, got) => {
    const error = errorOf(() => schema.admit('card:c1', value));
    const issue = { field: `pstate["card:c1"]${place}`, expected, got };
    expect(error.code).toBe('invalid_input');
    expect(error.message).toBe(`${issue.field} must be ${expected}, but got ${got}`);
    expect(error.details).toEqual({ ...issue, issues: [issue] });
  });

  it.each<readonly [what: string, cards: unknown, place: string]>([
    ['a list', [ref('card', 'c1')], '.cards'],
    ['null', null, '.cards'],
    ['a key in place of a reference', { c1: 'card:c1' }, '.cards.c1'],
    ['a reference under another id', { c2: ref('card', 'c1') }, '.cards.c2'],
    ['a reference to another entity', { d1: ref('deck', 'd1') }, '.cards.d1'],
  ])('is refused when a field of many references is %s', (_what, cards, place) => {
    const error = errorOf(() => schema.admit('deck:d1', { name: 'x', cards }));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', `pstate["deck:d1"]${place}`]);
  });

  it('is refused with everything that is wrong, the first in the message', () => {
    const error = errorOf(() =>
      schema.admit('card:c1', { front: 5, level: 'x', frnt: 1, owner: card.owner }),
    );
    const issues = error.details['issues'] as { readonly field: string }[];
    expect(issues.map((issue) => issue.field)).toEqual([
      'pstate["card:c1"].frnt',
      'pstate["card:c1"].front',
      'pstate["card:c1"].level',
    ]);
    expect(error.message).toMatch(/^pstate\["card:c1"\]\.frnt must be .* \(and 2 more\)$/);
  });

  it('is refused, never half taken: any value gives an error of ours or a value that is admitted as it is', () => {
    const values = fc.oneof(
      jsonValue,
      fc.record(
        {
          owner: fc.constant(card.owner),
          front: fc.oneof(fc.string(), jsonValue),
          level: jsonValue,
          deck: jsonValue,
        },
        { requiredKeys: ['owner'] },
      ),
    );
    fc.assert(
      fc.property(values, (value) => {
        let admitted: unknown;
        try {
          admitted = schema.admit('card:c1', freezeValue(value, 'value', defaultLimits));
        } catch (error) {
          expect(
            errorOf(() => {
              throw error;
            }).code,
          ).toBe('invalid_input');
          return;
        }
        expect(schema.admit('card:c1', admitted)).toBe(admitted);
      }),
    );
  });

  it('makes its defaults when everything else was found right, so that they may rely on it', () => {
    const careful = defineSchema({
      card: entity({
        title: field.string({ default: (one) => (one['front'] as string).trim() }),
        front: field.string(),
      }),
    });
    expect(careful.admit('card:c1', { front: ' a ' })).toEqual({ title: 'a', front: ' a ' });
    expect(errorOf(() => careful.admit('card:c1', { front: 5 })).details['field']).toBe(
      'pstate["card:c1"].front',
    );
    expect(errorOf(() => careful.admit('card:c1', {})).code).toBe('invalid_input');
  });

  it('is refused as a fault of the app when a default throws', () => {
    const broken = defineSchema({
      card: entity({
        title: field.string({
          default: () => {
            throw new Error('no title');
          },
        }),
      }),
    });
    const error = errorOf(() => broken.admit('card:c1', {}));
    expect([error.code, error.message]).toEqual([
      'invalid_app',
      'the default of pstate["card:c1"].title threw: no title',
    ]);
    expect(errorOf(() => broken.migrate('card:c1', {})).details).toEqual({
      key: 'card:c1',
      entity: 'card',
      field: 'title',
    });
  });

  it('has no fields but its own, whatever their names', () => {
    const odd = defineSchema({
      card: entity({ toString: field.json({ optional: true }), constructor: field.number({ default: 1 }) }),
    });
    expect(odd.admit('card:c1', {})).toEqual({ constructor: 1 });
    expect(odd.migrate('card:c1', {})).toEqual({ constructor: 1 });
  });

  it('is not changed', () => {
    const given = freezeValue(card, 'value', defaultLimits);
    schema.admit('card:c1', given);
    expect(given).toEqual(card);
  });
});
