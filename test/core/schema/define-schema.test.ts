import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeSchema } from '../../../src/core/schema/describe-schema.js';
import { type EntityDefinitions, entity } from '../../../src/core/schema/entity.js';
import { field } from '../../../src/core/schema/field.js';
import { belongsTo, hasMany } from '../../../src/core/schema/relation.js';
import { defineSchema, isSchema } from '../../../src/core/schema/schema.js';
import { errorOf } from '../error-of.js';

/** As plain JavaScript would: without the compiler. */
function define(entities: unknown) {
  return defineSchema(entities as EntityDefinitions);
}

describe('relations', () => {
  const inverseOf = (entities: EntityDefinitions, key: string, name: string) =>
    define(entities).relation(key, name)?.inverse;

  it('are found by key and field, and nothing else is', () => {
    const schema = defineSchema({
      deck: entity({ name: field.string(), cards: hasMany('card') }),
      card: entity({}),
    });
    expect(schema.relation('deck:d1', 'cards')).toEqual({
      kind: 'hasMany',
      entity: 'card',
      inverse: undefined,
    });
    expect([...schema.relations('deck:d1').keys()]).toEqual(['cards']);
    expect(schema.relation('deck:d1', 'name')).toBeUndefined();
    expect(schema.relation('deck', 'cards')).toBeUndefined();
    expect([...schema.relations('card:c1'), ...schema.relations('other:1')]).toEqual([]);
  });

  it('know what leads back when it is named on either side', () => {
    const twoWays = {
      deck: entity({ cards: hasMany('card', { inverse: 'deck' }), hidden: hasMany('card') }),
      card: entity({ deck: belongsTo('deck'), hiddenIn: belongsTo('deck', { inverse: 'hidden' }) }),
    };
    expect(inverseOf(twoWays, 'deck:', 'cards')).toBe('deck');
    expect(inverseOf(twoWays, 'card:', 'deck')).toBe('cards');
    expect(inverseOf(twoWays, 'deck:', 'hidden')).toBe('hiddenIn');
    expect(inverseOf(twoWays, 'card:', 'hiddenIn')).toBe('hidden');
  });

  it('find what leads back when it can be nothing else', () => {
    const single = { deck: entity({ cards: hasMany('card') }), card: entity({ deck: belongsTo('deck') }) };
    expect([inverseOf(single, 'deck:', 'cards'), inverseOf(single, 'card:', 'deck')]).toEqual([
      'deck',
      'cards',
    ]);
    const one = {
      deck: entity({ cards: hasMany('card', { inverse: 'deck' }), hidden: hasMany('card') }),
      card: entity({ deck: belongsTo('deck'), other: belongsTo('deck') }),
    };
    expect(inverseOf(one, 'deck:', 'hidden')).toBe('other');
  });

  it('are left alone when two could be meant', () => {
    const two = {
      deck: entity({ cards: hasMany('card') }),
      card: entity({ deck: belongsTo('deck'), previous: belongsTo('deck') }),
    };
    expect(inverseOf(two, 'deck:', 'cards')).toBeUndefined();
    expect(inverseOf(two, 'card:', 'deck')).toBeUndefined();
    expect(inverseOf(two, 'card:', 'previous')).toBeUndefined();
  });

  it('within one entity are paired as its two sides, never as two of a kind', () => {
    const person = { person: entity({ boss: belongsTo('person'), reports: hasMany('person') }) };
    expect(inverseOf(person, 'person:', 'boss')).toBe('reports');
    const parents = { person: entity({ mother: belongsTo('person'), father: belongsTo('person') }) };
    expect(inverseOf(parents, 'person:', 'mother')).toBeUndefined();
    const alone = { person: entity({ friend: belongsTo('person') }) };
    expect(inverseOf(alone, 'person:', 'friend')).toBeUndefined();
    const friends = { person: entity({ friends: hasMany('person', { inverse: 'friends' }) }) };
    expect(inverseOf(friends, 'person:', 'friends')).toBe('friends');
  });
});

describe('a schema', () => {
  const deck = { cards: hasMany('card', { inverse: 'deck' }) };
  const card = { deck: belongsTo('deck', { inverse: 'cards' }) };

  it.each<readonly [what: string, entities: unknown, place: string]>([
    ['nothing', undefined, 'schema'],
    ['a list', [], 'schema'],
    ['a validator', z.object({}), 'schema'],
    ['an entity that is none', { card: { fields: {} } }, 'schema.card'],
    ['an entity without fields', { card: entity(5 as never) }, 'schema.card'],
    ['an entity with a colon in its name', { 'a:b': entity({}) }, 'schema.a:b'],
    ['an entity without a name', { '': entity({}) }, 'schema.'],
    ['a migration that is none', { card: entity({}, { migrate: 5 as never }) }, 'schema.card.migrate'],
    ['a field that is none', { card: entity({ front: 'string' as never }) }, 'schema.card.front'],
    [
      'a field of a kind that is none',
      { card: entity({ front: { kind: 'date', options: {} } as never }) },
      'schema.card.front',
    ],
    [
      'a field with a validator that is none',
      { card: entity({ front: field({} as never) as never }) },
      'schema.card.front',
    ],
    [
      'a field’s migration that is none',
      { card: entity({ front: field.string({ migrate: 'x' as never }) }) },
      'schema.card.front.migrate',
    ],
    [
      'a field that is half optional',
      { card: entity({ front: field.string({ optional: 1 as never }) }) },
      'schema.card.front.optional',
    ],
    [
      'a field with a default that is optional as well',
      { card: entity({ front: field.string({ optional: true, default: 'x' } as never) }) },
      'schema.card.front.optional',
    ],
    [
      'a default of another type',
      { card: entity({ level: field.number({ default: '1' as never }) }) },
      'schema.card.level.default',
    ],
    [
      'a default that the validator refuses',
      { card: entity({ front: field(z.string().min(3), { default: 'x' }) }) },
      'schema.card.front.default',
    ],
    [
      'a relation to no entity',
      { deck: entity({ cards: hasMany('crad') }), card: entity({}) },
      'schema.deck.cards',
    ],
    [
      'an inverse that is not there',
      { deck: entity(deck), card: entity({ name: field.string() }) },
      'schema.deck.cards.inverse',
    ],
    [
      'an inverse that is no relation',
      { deck: entity(deck), card: entity({ deck: field.string() }) },
      'schema.deck.cards.inverse',
    ],
    [
      'an inverse that leads elsewhere',
      { deck: entity(deck), card: entity({ deck: belongsTo('card') }) },
      'schema.deck.cards.inverse',
    ],
    [
      'an inverse that has another one',
      {
        deck: entity({ ...deck, hidden: hasMany('card') }),
        card: entity({ deck: belongsTo('deck', { inverse: 'hidden' }) }),
      },
      'schema.deck.cards.inverse',
    ],
    [
      'an inverse of two',
      {
        deck: entity({ ...deck, hidden: hasMany('card', { inverse: 'deck' }) }),
        card: entity({ deck: belongsTo('deck') }),
      },
      'schema.deck.hidden.inverse',
    ],
  ])('is refused with %s, and the part is named', (_what, entities, place) => {
    const error = errorOf(() => define(entities));
    expect([error.code, error.details['field']]).toEqual(['invalid_app', place]);
    expect(error.message).toMatch(/^app: schema.* must be .*, but is /);
  });

  it('names the entity that was meant', () => {
    expect(
      errorOf(() => define({ deck: entity({ cards: hasMany('crad') }), card: entity({}) })).message,
    ).toBe(
      `app: schema.deck.cards must be a relation to an entity of the schema (did you mean 'card'?), but is the string "crad"`,
    );
  });

  it('is known as one', () => {
    expect(isSchema(defineSchema({ deck: entity(deck), card: entity(card) }))).toBe(true);
    expect([undefined, null, {}, { entities: {} }, z.object({})].some(isSchema)).toBe(false);
  });

  it('does not change when its definitions do', () => {
    const entities = { deck: entity({ name: field.string() }) };
    const schema = defineSchema(entities);
    Object.assign(entities, { card: entity({}) });
    expect(Object.keys(schema.entities)).toEqual(['deck']);
    expect(schema.admit('card:c1', 5)).toBe(5);
  });
});

describe('the description of a schema', () => {
  it('is plain data about entities, fields, relations and migrations', () => {
    const schema = defineSchema({
      deck: entity({ name: field.string(), cards: hasMany('card') }, { migrate: (old) => old }),
      card: entity({
        deck: belongsTo('deck'),
        owner: belongsTo('contact', { optional: false }),
        front: field(z.string(), { optional: true, migrate: (old) => old }),
        level: field.number({ default: 1 }),
        title: field.json({ default: () => 'x' }),
      }),
      contact: entity(z.object({ name: z.string() })),
    });
    const described = describeSchema(schema);
    expect(JSON.parse(JSON.stringify(described))).toEqual(described);
    expect(described).toEqual({
      entities: {
        deck: {
          migrates: true,
          fields: {
            name: { kind: 'string', optional: false, migrates: false },
            cards: {
              kind: 'hasMany',
              optional: false,
              default: { value: {} },
              migrates: false,
              entity: 'card',
              inverse: 'deck',
            },
          },
        },
        card: {
          migrates: false,
          fields: {
            deck: { kind: 'belongsTo', optional: true, migrates: false, entity: 'deck', inverse: 'cards' },
            owner: { kind: 'belongsTo', optional: false, migrates: false, entity: 'contact' },
            front: { kind: 'validated', optional: true, migrates: true, vendor: 'zod' },
            level: { kind: 'number', optional: false, default: { value: 1 }, migrates: false },
            title: { kind: 'json', optional: false, default: { computed: true }, migrates: false },
          },
        },
        contact: { migrates: false, fields: {}, vendor: 'zod' },
      },
    });
  });
});
