import { describe, expect, it } from 'vitest';
import { isRef, ref } from '../../src/core/ref.js';
import { errorOf } from './error-of.js';

describe('a reference', () => {
  it('is made from an entity and an id, or from a key', () => {
    expect(ref('card', 'c1')).toEqual({ $ref: 'card:c1' });
    expect(ref('card:c1')).toEqual({ $ref: 'card:c1' });
    expect(ref('card', 'a:b')).toEqual({ $ref: 'card:a:b' });
    expect(Object.isFrozen(ref('card', 'c1'))).toBe(true);
  });

  it.each(['card', 'card:', ':c1', ''])('is not made from %j', (key) => {
    expect(errorOf(() => ref(key as 'card:c1')).code).toBe('invalid_input');
  });

  it('is known by $ref alone, with why it was not resolved', () => {
    expect(
      [{ $ref: 'a:b' }, { $ref: 'a:b', $missing: true }, { $ref: 'a:b', $circular: ['a:b'] }].every(isRef),
    ).toBe(true);
    const others = [null, 'a:b', {}, { $ref: 5 }, { $ref: 'a:b', name: 'x' }, Object.create({ $ref: 'a:b' })];
    expect(others.some(isRef)).toBe(false);
  });
});
