import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { entity } from '../../../src/core/schema/entity.js';
import { field } from '../../../src/core/schema/field.js';
import { defineSchema } from '../../../src/core/schema/schema.js';
import { checkWith, isValidator, type Validator } from '../../../src/core/schema/validator.js';
import { errorOf } from '../error-of.js';

const libraries = [
  {
    vendor: 'zod',
    name: z.string().trim().min(1),
    person: z.object({
      name: z.string(),
      address: z.object({ zip: z.string() }),
      level: z.number().default(1),
    }),
  },
  {
    vendor: 'valibot',
    name: v.pipe(v.string(), v.trim(), v.minLength(1)),
    person: v.object({
      name: v.string(),
      address: v.object({ zip: v.string() }),
      level: v.optional(v.number(), 1),
    }),
  },
  {
    vendor: 'arktype',
    name: type('string.trim').to('string > 0'),
    person: type({ name: 'string', address: { zip: 'string' }, level: 'number = 1' }),
  },
] as const;

/** Definitions of three libraries have three types; here they are one. */
function schemaOf({ name, person }: { readonly name: unknown; readonly person: unknown }) {
  return defineSchema({
    card: entity({ front: field(name as Validator), note: field(name as Validator, { optional: true }) }),
    person: entity(person as Validator),
  });
}

const ada = { name: 'Ada', address: { zip: '1' } };

describe.each(libraries)('a validator of $vendor', (library) => {
  const schema = schemaOf(library);

  it('checks a field, which keeps what it gives', () => {
    expect(schema.admit('card:c1', { front: ' a ' })).toEqual({ front: 'a' });
    const error = errorOf(() => schema.admit('card:c1', { front: 5 }));
    expect(error.code).toBe('invalid_input');
    expect(error.details).toMatchObject({ field: 'pstate["card:c1"].front', got: '5' });
    expect(errorOf(() => schema.admit('card:c1', {})).details['field']).toBe('pstate["card:c1"].front');
  });

  it('checks an entity, with the path to what is wrong in it', () => {
    expect(schema.admit('person:p1', ada)).toEqual({ ...ada, level: 1 });
    const error = errorOf(() => schema.admit('person:p1', { ...ada, address: { zip: 5 } }));
    expect(error.code).toBe('invalid_input');
    expect(error.details).toMatchObject({ field: 'pstate["person:p1"].address.zip', got: '5' });
    expect(error.details['expected']).toMatch(/^valid \(.+\)$/);
  });

  it('checks what is stored', () => {
    expect(schema.migrate('person:p1', ada)).toEqual({ ...ada, level: 1 });
    const whole = Object.freeze({ ...ada, level: 2 });
    expect(schema.migrate('person:p1', whole)).toBe(whole);
  });

  it('checks a value by itself, and lists all that is wrong', () => {
    const person = library.person as Validator;
    expect(checkWith(person, ada, 'params')).toEqual({ ...ada, level: 1 });
    const error = errorOf(() => checkWith(person, { name: 1, address: {}, level: 'x' }, 'params'));
    const issues = error.details['issues'] as readonly { readonly field: string }[];
    const fields = issues.map((issue) => issue.field);
    expect(fields.sort()).toEqual(['params.address.zip', 'params.level', 'params.name']);
    expect(error.message).toContain('(and 2 more)');
  });
});

/** A validator that answers anything. */
function odd(validate: () => unknown): unknown {
  return { '~standard': { version: 1, vendor: 'odd', validate } };
}

function fail(): boolean {
  throw new Error('out of order');
}

describe('a validator', () => {
  it('is what implements Standard Schema, version 1', () => {
    expect([z.string(), v.string(), type('string')].every(isValidator)).toBe(true);
    const others = [undefined, null, 5, {}, () => true, { '~standard': {} }, { '~standard': { version: 1 } }];
    expect(others.some(isValidator)).toBe(false);
  });

  it.each([
    ['asks later', z.string().refine(async () => true), /must answer at once, but it returned a promise/],
    ['asks later and is refused', odd(() => Promise.reject(new Error('x'))), /must answer at once/],
    ['throws in Zod', z.string().refine(fail), /one of its checks is asynchronous, or threw/],
    ['throws', v.pipe(v.string(), v.check(fail)), /threw: out of order/],
    ['answers nonsense', odd(() => null), /must return a result/],
  ])('is refused as a part of the app when it %s', (_what, validator, text) => {
    const schema = defineSchema({ card: entity({ front: field(validator as Validator) }) });
    const error = errorOf(() => schema.admit('card:c1', { front: 'x' }));
    expect(error.code).toBe('invalid_app');
    expect(error.message).toMatch(text);
    expect(error.details).toMatchObject({ field: 'pstate["card:c1"].front' });
    expect(errorOf(() => schema.migrate('card:c1', { front: 'x' })).code).toBe('migration_failed');
  });

  it('may take nothing for something', () => {
    const schema = defineSchema({
      card: entity({
        side: field(z.enum(['front', 'back']).default('front')),
        note: field(z.string().optional()),
      }),
    });
    expect(schema.admit('card:c1', {})).toEqual({ side: 'front' });
  });

  it('must take what it gives: it is stored and checked again', () => {
    const schema = defineSchema({
      card: entity({ length: field(z.string().transform((text) => text.length) as unknown as Validator) }),
      grows: entity({ n: field(z.number().transform((n) => n + 1)) }),
    });
    for (const put of [
      () => schema.admit('card:c1', { length: 'abc' }),
      () => schema.admit('grows:g1', { n: 1 }),
    ]) {
      const error = errorOf(put);
      expect(error.code).toBe('invalid_app');
      expect(error.message).toContain('must take what it gives');
    }
  });

  it('names its issues by the paths of any shape', () => {
    const odd: Validator = {
      '~standard': {
        version: 1,
        vendor: 'odd',
        validate: () => ({
          issues: [
            { message: 'a', path: ['list', 0, { key: 'a b' }] },
            { message: 'b' },
            { message: 'c', path: [Symbol('s')] },
          ],
        }),
      },
    };
    const error = errorOf(() => checkWith(odd, { list: [{ 'a b': 7 }] }, 'params', 'command_failed'));
    expect(error.code).toBe('command_failed');
    expect(error.details['issues']).toEqual([
      { field: 'params.list[0]["a b"]', expected: 'valid (a)', got: '7' },
      { field: 'params', expected: 'valid (b)', got: 'an object (Object)' },
      { field: 'params["Symbol(s)"]', expected: 'valid (c)', got: 'undefined' },
    ]);
  });
});
