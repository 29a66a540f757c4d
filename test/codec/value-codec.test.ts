import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '../../src/codec/value-codec.js';
import { defaultLimits } from '../../src/core/limits.js';
import { freezeValue } from '../../src/core/values.js';
import { errorOf } from '../core/error-of.js';

// That values come back equal is a property of `freezeValue`: see test/core/values.test.ts.
describe('the codec of values', () => {
  it('takes keys that an encoder may call for data', () => {
    const value = freezeValue({ constructor: 'Ford', toJSON: 'no' }, 'params', defaultLimits);
    expect(decodeValue(encodeValue(value))).toEqual(value);
  });

  it('gives bytes that nobody writes again: packing others does not change them', () => {
    const first = encodeValue('first');
    const copy = [...first];
    encodeValue('other');
    expect([...first]).toEqual(copy);
  });

  it('reads values that are deeper and larger than today’s bounds', () => {
    let value: unknown = 'x'.repeat(defaultLimits.valueBytesMax + 1);
    for (let level = 0; level < defaultLimits.valueDepthMax + 1; level++) value = [value];
    expect(decodeValue(pack(value))).toEqual(value);
  });

  it.each([
    ['half a value', [0x92, 0x01]],
    ['a text that is cut off', [0xd9, 0x05, 0x61]],
    ['nothing', []],
    ['two values', [0x01, 0x02]],
    ['a byte that msgpack does not use', [0xc1]],
    ['a date', [...pack(new Date(0))]],
    ['a bigint', [...pack(2n ** 62n)]],
    ['bytes', [...pack(new Uint8Array(3))]],
  ])('refuses %s as corrupt', (_what, bytes) => {
    expect(errorOf(() => decodeValue(new Uint8Array(bytes))).code).toBe('corrupt');
  });
});
