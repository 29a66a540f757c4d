import fc from 'fast-check';
import { Packr, pack, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '../../src/codec/value-codec.js';
import { defaultLimits } from '../../src/core/limits.js';
import { freezeValue, isKnownValue, valueBytes } from '../../src/core/values.js';
import { jsonValue } from '../core/arbitraries.js';
import { errorOf } from '../core/error-of.js';

/** Packs what values are not. */
const typed = new Packr({ moreTypes: true });

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
    ['a set', [...typed.pack(new Set([1]))]],
    ['an error', [...pack(new Error('no'))]],
    ['an expression', [...typed.pack(/x/)]],
    ['undefined', [0xd4, 0x00, 0x00]],
    ['undefined in an object', [0x81, 0xa1, 0x61, 0xd4, 0x00, 0x00]],
    ['undefined in an array', [0x91, 0xd4, 0x00, 0x00]],
    ['an extension that nobody knows', [0xd4, 0x11, 0x00]],
    ['NaN', [...pack(Number.NaN)]],
    ['infinity', [...pack({ a: Number.POSITIVE_INFINITY })]],
    ['minus zero', [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]],
    ['a level too many', [...new Array<number>(defaultLimits.valueDepthMax * 16).fill(0x91), 0x90]],
  ])('refuses %s as corrupt', (_what, bytes) => {
    expect(errorOf(() => decodeValue(new Uint8Array(bytes))).code).toBe('corrupt');
  });

  it('freezes every branch of what it gives, and marks it as freezeValue does', () => {
    fc.assert(
      fc.property(jsonValue, (given) => {
        const value = freezeValue(given, 'value', defaultLimits);
        const decoded = decodeValue(encodeValue(value));
        expect(decoded).toEqual(value);
        expect(isDeeplyFrozen(decoded)).toBe(true);
        expect(valueBytes(decoded)).toBe(valueBytes(value));
        if (typeof decoded === 'object' && decoded !== null) expect(isKnownValue(decoded)).toBe(true);
        expect(depthLetIn([decoded])).toBe(depthLetIn([value]));
      }),
    );
  });

  it('gives values that do not change when others are decoded', () => {
    const values = ['x', 'yy', 'z'.repeat(5_000), { a: ['1', { b: '2' }] }];
    const encoded = values.map((value) => encodeValue(freezeValue(value, 'value', defaultLimits)));
    expect(encoded.map(decodeValue)).toEqual(values);
  });

  it('takes of damaged bytes what is a value, and nothing else', () => {
    const packr = new Packr({ useRecords: false, mapsAsObjects: true, useToJSON: false });
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(jsonValue, { maxLength: 4 }), damage, (given, flips) => {
        const bytes = new Uint8Array(packr.pack(freezeValue(given, 'value', defaultLimits)));
        for (const [place, byte] of flips) bytes[place % bytes.length] = byte;
        const decoded = decodedOr('corrupt', bytes);
        if (decoded === 'corrupt') return;
        expect(isDeeplyFrozen(decoded)).toBe(true);
        expect(decoded).toEqual(JSON.parse(JSON.stringify(decoded)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes of any bytes what is a value, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const decoded = decodedOr('corrupt', bytes);
        if (decoded === 'corrupt') return;
        expect(decoded).toEqual(JSON.parse(JSON.stringify(decoded)));
        expect(decoded).toEqual(unpack(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});

function decodedOr(otherwise: 'corrupt', bytes: Uint8Array): unknown {
  let decoded: unknown;
  try {
    decoded = decodeValue(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: 'corrupt' });
    return otherwise;
  }
  return decoded;
}

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

/** The least `valueDepthMax` with which a value is let in: known branches are let in by their mark. */
function depthLetIn(value: unknown): number {
  for (let valueDepthMax = 1; ; valueDepthMax++) {
    try {
      freezeValue(value, 'value', { ...defaultLimits, valueDepthMax });
      return valueDepthMax;
    } catch {
      // One more.
    }
  }
}
