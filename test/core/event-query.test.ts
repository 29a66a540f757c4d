import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEventQuery, type EventQueryItem, matchesQuery } from '../../src/core/event-query.js';
import { defaultLimits } from '../../src/core/limits.js';
import { errorOf } from './error-of.js';

const check = (given: unknown) => checkEventQuery(given, 'query', defaultLimits);

const item = fc.record(
  {
    types: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }),
    tags: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }),
    entityId: fc.constantFrom('e1', 'e2'),
  },
  { requiredKeys: [] },
);
const event = fc.record({
  type: fc.constantFrom('a', 'b', 'c', 'd'),
  entityId: fc.constantFrom('e1', 'e2', 'e3'),
  tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z', 'w')),
});

describe('an event query', () => {
  it('means an event that any item means: its type is one of them, all tags are there, the entity is equal', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), event, (items, given) => {
        const expected = items.some(
          ({ types, tags, entityId }: EventQueryItem) =>
            (types === undefined || types.some((type) => type === given.type)) &&
            (tags === undefined || tags.filter((tag) => !given.tags.includes(tag as never)).length === 0) &&
            (entityId === undefined || entityId === given.entityId),
        );
        expect(matchesQuery(check(items), given)).toBe(expected);
      }),
    );
  });

  it('has one normal form, however its lists are ordered and whatever they have twice', () => {
    const query = check([{ tags: ['y', 'x', 'y'], types: ['b', 'a'] }, { entityId: 'e' }]);
    expect(query).toEqual(
      check([{ entityId: 'e' }, { entityId: 'e' }, { types: ['a', 'b'], tags: ['x', 'y'] }]),
    );
    expect(check([{ types: ['a'] }, {}])).toEqual({ items: [{}] });
    expect(check({ tags: [] })).toEqual({ items: [{}] });
  });

  it('is plain data that checks to itself', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), (items) => {
        const query = check(items);
        expect(check(JSON.parse(JSON.stringify(query.items)))).toEqual(query);
      }),
    );
  });

  it.each([
    [undefined, 'query'],
    [[], 'query'],
    ['a', 'query'],
    [{ types: [] }, 'query.types'],
    [{ types: 'a' }, 'query.types'],
    [{ types: ['a', 1] }, 'query.types[1]'],
    [[{}, { tags: [''] }], 'query[1].tags[0]'],
    [{ entityId: 7 }, 'query.entityId'],
    [{ type: 'a' }, 'query.type'],
    [[[]], 'query[0]'],
    [{ types: Array.from({ length: 65 }, (_, index) => `t${index}`) }, 'query.types'],
    [{ tags: Array.from({ length: 17 }, (_, index) => `t${index}`) }, 'query.tags'],
    [Array.from({ length: 33 }, () => ({})), 'query'],
  ])('refuses %j, naming %s', (given, field) => {
    const error = errorOf(() => check(given));
    expect(error.code).toBe('invalid_input');
    expect(error.details['field']).toBe(field);
  });

  it('is refused with a type where it cannot be looked at', () => {
    const revoked = (of: object) => {
      const { proxy, revoke } = Proxy.revocable(of, {});
      revoke();
      return proxy;
    };
    const unreadable = [
      revoked({}),
      revoked([]),
      [revoked({})],
      { types: revoked([]) },
      { tags: [revoked({})] },
    ];
    for (const given of unreadable) expect(errorOf(() => check(given)).code).toBe('invalid_input');
  });
});
