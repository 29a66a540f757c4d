import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultLimits } from '../../../src/core/limits.js';
import { ref } from '../../../src/core/ref.js';
import { entity } from '../../../src/core/schema/entity.js';
import { field } from '../../../src/core/schema/field.js';
import { belongsTo, hasMany } from '../../../src/core/schema/relation.js';
import { defineSchema } from '../../../src/core/schema/schema.js';
import { freezeValue, type Value } from '../../../src/core/values.js';
import { jsonValue } from '../arbitraries.js';
import { errorOf } from '../error-of.js';

/** A value as a store gives it. */
function stored(value: unknown): Value {
  return freezeValue(value, 'stored', defaultLimits);
}

function object(value: Value | undefined): Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Value>>)
    : {};
}

const schema = defineSchema({
  deck: entity({
    /** Was a list of ids. */
    cards: hasMany('card', {
      migrate: (old) =>
        Array.isArray(old) ? Object.fromEntries(old.map((id: string) => [id, ref('card', id)])) : old,
    }),
    /** Was `title`. */
    name: field.string({ migrate: (old, { title }) => old ?? title }),
  }),
  card: entity({
    deck: belongsTo('deck', { migrate: (old) => (typeof old === 'string' ? ref('deck', old) : old) }),
    /** Was a text. */
    level: field.number({ default: 1, migrate: (old) => (typeof old === 'string' ? Number(old) : old) }),
    /** Was `place: { city, zip }`. */
    city: field.string({ optional: true, migrate: (old, { place }) => old ?? object(place)['city'] }),
    zip: field.string({ default: '', migrate: (old, { place }) => old ?? object(place)['zip'] }),
    /** Is new, and required. */
    front: field(z.string().min(1), {
      migrate: (old, { zip }) => old ?? `card in ${String(zip ?? 'nowhere')}`,
    }),
    /** Is new, with a default. */
    tags: field.json<readonly string[]>({ default: [] }),
  }),
});

describe('what an older app has stored', () => {
  it.each<readonly [pattern: string, key: string, old: unknown, present: unknown]>([
    [
      'a list becomes a map of references',
      'deck:d1',
      { name: 'French', cards: ['c1', 'c2'] },
      { name: 'French', cards: { c1: { $ref: 'card:c1' }, c2: { $ref: 'card:c2' } } },
    ],
    ['a field is renamed', 'deck:d1', { title: 'French', cards: {} }, { name: 'French', cards: {} }],
    [
      'a type changes',
      'card:c1',
      { front: 'a', level: '7', zip: '', tags: [] },
      { front: 'a', level: 7, zip: '', tags: [] },
    ],
    [
      'an object is flattened',
      'card:c1',
      { front: 'a', level: 1, place: { city: 'Bonn', zip: '53111' }, tags: ['x'] },
      { front: 'a', level: 1, city: 'Bonn', zip: '53111', tags: ['x'] },
    ],
    [
      'new required fields are made',
      'card:c1',
      { level: 2, zip: '53111', deck: 'd1' },
      { level: 2, zip: '53111', deck: { $ref: 'deck:d1' }, front: 'card in 53111', tags: [] },
    ],
    ['nothing is left', 'card:c1', {}, { level: 1, zip: '', front: 'card in nowhere', tags: [] }],
  ])('is brought into its present shape where %s', (_pattern, key, old, present) => {
    const migrated = schema.migrate(key, stored(old));
    expect(migrated).toEqual(present);
    expect(schema.migrate(key, stored(migrated))).toEqual(present);
    expect(schema.admit(key, migrated)).toBe(migrated);
  });

  it('is the same object when it is in its present shape, whatever the order of its fields', () => {
    const value = stored({ tags: ['a'], front: 'x', zip: '', level: 3, deck: null });
    expect(schema.migrate('card:c1', value)).toBe(value);
  });

  it('loses what the schema does not know any more, after the migrations have seen it', () => {
    expect(schema.migrate('deck:d1', stored({ name: 'x', cards: {}, colour: 'red' }))).toEqual({
      name: 'x',
      cards: {},
    });
  });

  it('is taken as it is at keys of no entity', () => {
    const value = stored({ anything: 1 });
    expect(schema.migrate('statistics', value)).toBe(value);
    expect(schema.migrates).toBe(true);
    expect(defineSchema({}).migrates).toBe(false);
  });

  it('becomes what is admitted, at once and for good', () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'b', '1'), minLength: 1, maxLength: 3 });
    const old = fc.record(
      {
        deck: fc.oneof(
          id,
          fc.constant(null),
          id.map((one) => ref('deck', one)),
        ),
        level: fc.oneof(fc.integer(), fc.integer().map(String)),
        front: fc.string({ minLength: 1 }),
        city: fc.string(),
        place: fc.record({ city: fc.string(), zip: fc.string() }, { requiredKeys: [] }),
        tags: fc.array(fc.string()),
        gone: jsonValue,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(old, (value) => {
        const once = stored(schema.migrate('card:c1', stored(value)));
        expect(schema.migrate('card:c1', once)).toBe(once);
        expect(schema.admit('card:c1', once)).toBe(once);
      }),
    );
  });

  it('may change as a whole, before its fields do', () => {
    const whole = defineSchema({
      tag: entity(
        { label: field.string({ migrate: (old, { name }) => old ?? name }) },
        { migrate: (old) => (typeof old === 'string' ? { name: old } : old) },
      ),
      mail: entity(z.object({ address: z.email() }), {
        migrate: (old) => (typeof old === 'string' ? { address: old } : old),
      }),
    });
    expect(whole.migrate('tag:t1', 'red')).toEqual({ label: 'red' });
    expect(whole.migrate('mail:m1', 'a@b.cc')).toEqual({ address: 'a@b.cc' });
    const mail = stored({ address: 'a@b.cc' });
    expect(whole.migrate('mail:m1', mail)).toBe(mail);
  });

  it('loses what a validator strips, and gets its defaults', () => {
    const strip = defineSchema({
      mail: entity(z.object({ address: z.string(), seen: z.boolean().default(false) })),
    });
    expect(strip.migrate('mail:m1', stored({ address: 'a', old: 1 }))).toEqual({ address: 'a', seen: false });
  });
});

describe('a migration that fails', () => {
  const failing = defineSchema({
    card: entity({
      level: field.number({
        optional: true,
        migrate: (old) => {
          if (old === 'bad') throw new Error('no such level');
          return old;
        },
      }),
      front: field.string({ migrate: (old) => old ?? 5 }),
      growing: field.number({ optional: true, migrate: (old) => (typeof old === 'number' ? old * 2 : old) }),
    }),
    mail: entity(z.object({ address: z.email() })),
    whole: entity(z.string(), {
      migrate: () => {
        throw new TypeError('cannot');
      },
    }),
  });

  it('says at which key, in which entity and which field it threw', () => {
    const error = errorOf(() => failing.migrate('card:c1', stored({ level: 'bad', front: 'x' })));
    expect(error.code).toBe('migration_failed');
    expect(error.details).toEqual({ key: 'card:c1', entity: 'card', field: 'level' });
    expect(error.message).toBe(
      `the card at "card:c1" cannot be migrated: the migration of 'level' threw: no such level`,
    );
    expect(error.cause).toEqual(new Error('no such level'));
  });

  it('says so when it threw for the whole entity', () => {
    const error = errorOf(() => failing.migrate('whole:w', 'x'));
    expect([error.code, error.details]).toEqual(['migration_failed', { key: 'whole:w', entity: 'whole' }]);
    expect(error.message).toContain('its migration threw: cannot');
  });

  it('says what it made when that does not fit the schema', () => {
    const error = errorOf(() => failing.migrate('card:c1', stored({})));
    expect(error.code).toBe('migration_failed');
    expect(error.details).toMatchObject({ key: 'card:c1', entity: 'card', field: 'front' });
    expect(error.details['issues']).toEqual([
      { field: 'pstate["card:c1"].front', expected: 'a string', got: '5' },
    ]);
  });

  it('says so when a stored value does not fit and nothing brings it into shape', () => {
    expect(errorOf(() => failing.migrate('mail:m1', stored({ address: 'x' }))).details).toMatchObject({
      key: 'mail:m1',
      entity: 'mail',
    });
    expect(errorOf(() => failing.migrate('card:c1', 'a text')).code).toBe('migration_failed');
  });

  it('is refused when it would change the value at every read', () => {
    const error = errorOf(() => failing.migrate('card:c1', stored({ front: 'x', growing: 2 })));
    expect(error.code).toBe('migration_failed');
    expect(error.message).toContain('idempotent');
  });
});
