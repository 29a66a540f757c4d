import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freezeDecoded } from '../../src/core/freeze-decoded.js';
import { defaultLimits } from '../../src/core/limits.js';
import { freezeValue } from '../../src/core/values.js';
import { jsonValue } from './arbitraries.js';
import { errorOf } from './error-of.js';

// What bytes decode to, and what is made of it: see test/codec/value-codec.test.ts.
describe('freezeDecoded', () => {
  it('freezes in place what freezeValue gives back unchanged', () => {
    fc.assert(
      fc.property(jsonValue, fc.boolean(), (given, isLarge) => {
        const plain: unknown = structuredClone(freezeValue(given, 'value', defaultLimits));
        const copy: unknown = structuredClone(plain);
        expect(freezeDecoded(plain, isLarge)).toBe(plain);
        expect(plain).toEqual(copy);
        expect(Object.isFrozen(plain)).toBe(true);
      }),
    );
  });

  it.each([
    ['a lone surrogate', 'a\ud800'],
    ['a lone surrogate in a key', { 'a\ud800': 1 }],
    ['the key __proto__', JSON.parse('{"__proto__":1}')],
    ['an object without a prototype', Object.create(null)],
    ['a map', new Map()],
    ['a date in an array', [new Date(0)]],
    ['bytes', new Uint8Array(1)],
    ['a symbol', Symbol('s')],
    ['a function', () => {}],
    ['a bigint', { a: 1n }],
    ['minus zero', [-0]],
    ['an empty place', new Array(1)],
  ])('refuses %s', (_what, value) => {
    expect(errorOf(() => freezeDecoded(value, false)).code).toBe('invalid_input');
  });

  it('freezes nothing that is no value, for others may hold it', () => {
    const date = new Date(0);
    expect(() => freezeDecoded([date], true)).toThrow();
    expect(Object.isFrozen(date)).toBe(false);
  });
});
