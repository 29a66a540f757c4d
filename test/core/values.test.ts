import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '../../src/codec/value-codec.js';
import { defaultLimits } from '../../src/core/limits.js';
import {
  canonicalJson,
  deepFreeze,
  freezeParsed,
  freezeValue,
  utf8Bytes,
  type Value,
  type ValueLimits,
  valueBytes,
} from '../../src/core/values.js';
import { jsonValue, text } from './arbitraries.js';
import { errorOf } from './error-of.js';

function freeze(value: unknown, limits: Partial<ValueLimits> = {}): Value {
  return freezeValue(value, 'params', { ...defaultLimits, ...limits });
}

/** What `freeze` refuses, as the path that it names. */
function refusedAt(value: unknown, limits: Partial<ValueLimits> = {}): unknown {
  const error = errorOf(() => freeze(value, limits));
  expect(error.code).toBe('invalid_input');
  return error.details['field'];
}

/** Every object and array in a value. */
function branchesOf(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(branchesOf)];
}

/** `depth` arrays inside one another. */
function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

class Point {
  readonly x = 1;
}

describe('freezeValue', () => {
  it('gives back what JSON gives back', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(freeze(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('gives back what the codec gives back, to the last bit', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const frozen = freeze(value);
        expect(isDeepStrictEqual(decodeValue(encodeValue(frozen)), frozen)).toBe(true);
      }),
    );
  });

  it('gives a copy that is deeply frozen and shares nothing with its argument', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const branches = branchesOf(freeze(value));
        expect(branches.every((branch) => Object.isFrozen(branch))).toBe(true);
        const own = new Set(branchesOf(value));
        expect(branches.some((branch) => own.has(branch))).toBe(false);
      }),
    );
  });

  it('is not reached by later changes of its argument', () => {
    const value = { list: [{ name: 'Ada' }] };
    const frozen = freeze(value);
    value.list[0]!.name = 'changed';
    value.list.push({ name: 'more' });
    expect(frozen).toEqual({ list: [{ name: 'Ada' }] });
  });

  it('gives back a value of its own as it is', () => {
    const frozen = freeze({ a: [1, { b: 2 }] });
    expect(freeze(frozen)).toBe(frozen);
    expect((freeze({ inside: frozen }) as { inside: Value }).inside).toBe(frozen);
  });

  it('gives back a large branch of its own as it is, however long ago, and copies a small one', () => {
    const frozen = freeze({ large: ['x'.repeat(600)], small: ['x'] }) as { large: Value; small: Value };
    for (let other = 0; other < 100; other++) freeze([other]);
    expect(freeze(frozen)).toBe(frozen);
    expect(freeze(frozen.large)).toBe(frozen.large);
    expect((freeze({ ...frozen, more: 1 }) as { large: Value }).large).toBe(frozen.large);
    expect(freeze(frozen.small)).not.toBe(frozen.small);
    expect(freeze(frozen.small)).toEqual(frozen.small);
  });

  it('copies what somebody else has frozen, for frozen on the outside may be open inside', () => {
    const inner = { name: 'Ada' };
    const frozen = freeze(Object.freeze({ inner }));
    inner.name = 'changed';
    expect(frozen).toEqual({ inner: { name: 'Ada' } });
  });

  it('folds -0 to 0 and drops undefined properties', () => {
    const folded = freeze({ zero: -0, list: [-0], gone: undefined }) as { zero: number; list: number[] };
    expect(folded).toStrictEqual({ zero: 0, list: [0] });
    expect(Object.is(folded.zero, 0)).toBe(true);
    expect(Object.is(folded.list[0], 0)).toBe(true);
    expect(Object.is(freeze(-0), 0)).toBe(true);
    expect(Object.keys(folded)).toEqual(['zero', 'list']);
  });

  it('accepts plain objects and arrays of another realm, and makes them of this one', () => {
    const foreign: unknown = runInNewContext('({ list: [1, { a: null }], name: "x" })');
    expect(freeze(foreign)).toStrictEqual({ list: [1, { a: null }], name: 'x' });
    expect(freeze(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
  });

  it('calls a getter once', () => {
    let calls = 0;
    const value = {
      get name() {
        calls++;
        return calls === 1 ? 'first' : new Date(0);
      },
    };
    expect(freeze(value)).toEqual({ name: 'first' });
    expect(calls).toBe(1);
  });

  const sparse: unknown[] = [1, 2, 3];
  delete sparse[1];
  const cycle: Record<string, unknown> = { a: {} };
  cycle['a'] = { back: cycle };

  it.each<readonly [what: string, value: unknown, path: string]>([
    ['a Date', { at: new Date(0) }, 'params.at'],
    ['a Map', { index: new Map() }, 'params.index'],
    ['a Set', [new Set()], 'params[0]'],
    ['bytes', { bytes: new Uint8Array(2) }, 'params.bytes'],
    ['a RegExp', { pattern: /x/ }, 'params.pattern'],
    ['an Error', { error: new Error('x') }, 'params.error'],
    ['a promise', Promise.resolve(1), 'params'],
    ['an instance of a class', { point: new Point() }, 'params.point'],
    ['an object that inherits', { child: Object.create({ a: 1 }) }, 'params.child'],
    ['a class instance of another realm', runInNewContext('({ at: new Date(0) })'), 'params.at'],
    ['NaN', { deep: [0, Number.NaN] }, 'params.deep[1]'],
    ['Infinity', Number.POSITIVE_INFINITY, 'params'],
    ['a bigint', { n: 1n }, 'params.n'],
    ['a function', { run: () => 1 }, 'params.run'],
    ['a method named toJSON', { toJSON: () => 1 }, 'params.toJSON'],
    ['a symbol', [Symbol('x')], 'params[0]'],
    ['a symbol key', { inner: { [Symbol('x')]: 1 } }, 'params.inner'],
    ['undefined alone', undefined, 'params'],
    ['undefined in an array', { list: [1, undefined] }, 'params.list[1]'],
    ['a sparse array', { list: sparse }, 'params.list[1]'],
    ['a lone surrogate in text', { name: 'a\ud800' }, 'params.name'],
    ['a lone surrogate in a key', { 'a\udc00': 1 }, 'params["a\\udc00"]'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), 'params.a.__proto__'],
    ['a key that is no identifier on the way', { 'a b': { c: 1n } }, 'params["a b"].c'],
  ])('refuses %s and names its place', (_what, value, path) => {
    expect(refusedAt(value)).toBe(path);
  });

  it('says that a place of an array is empty, and not that it is undefined', () => {
    expect(errorOf(() => freeze(sparse)).message).toContain('a dense array (this place is empty)');
  });

  it('refuses a cycle at the depth bound', () => {
    expect(refusedAt(cycle)).toMatch(/^params\.a\.back\.a\.back/);
  });

  it('says what was expected and what came', () => {
    const error = errorOf(() => freeze({ at: new Date(0) }));
    expect(error.message).toBe('params.at must be a plain object or array, but got an object (Date)');
    expect(error.details).toMatchObject({ expected: 'a plain object or array', got: 'an object (Date)' });
  });

  it('takes values as deep as the bound, and not deeper', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (valueDepthMax) => {
        expect(() => freeze(nested(valueDepthMax), { valueDepthMax })).not.toThrow();
        expect(refusedAt(nested(valueDepthMax + 1), { valueDepthMax })).toMatch(/^params\[0\]/);
      }),
    );
  });

  it('shortens the path to a place that is very deep', () => {
    expect(refusedAt(nested(defaultLimits.valueDepthMax + 1))).toBe(`params${'[0]'.repeat(8)}…`);
  });

  it('takes values as large as the bound, and not larger', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const bytes = statedBytes(JSON.parse(JSON.stringify(value)));
        expect(() => freeze(value, { valueBytesMax: bytes })).not.toThrow();
        const error = errorOf(() => freeze(value, { valueBytesMax: bytes - 1 }));
        expect(error).toMatchObject({ code: 'invalid_input', details: { field: 'params' } });
      }),
    );
  });

  it('counts a value that it gave out as its bound does, also when it has been forgotten', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const frozen = freeze(value);
        const bytes = statedBytes(JSON.parse(JSON.stringify(value)));
        expect(valueBytes(frozen)).toBe(bytes);
        for (let other = 0; other < 20; other++) freeze([other]);
        expect(valueBytes(frozen)).toBe(bytes);
        expect(() => freeze({ frozen }, { valueBytesMax: bytes + 6 })).toThrow(
          expect.objectContaining({ code: 'invalid_input' }),
        );
        expect(() => freeze({ frozen }, { valueBytesMax: bytes + 7 })).not.toThrow();
      }),
    );
  });

  it('counts the depth of a branch of its own where it stands now', () => {
    const deep = freeze({ list: nested(5), pad: 'x'.repeat(600) });
    for (let other = 0; other < 20; other++) freeze([other]);
    expect(() => freeze([deep], { valueDepthMax: 7 })).not.toThrow();
    expect(refusedAt([deep], { valueDepthMax: 6 })).toMatch(/^params\[0\]\.list/);
  });

  it('stops at the bound of an array that has no end', () => {
    const endless = new Proxy([], {
      get: (target, name) => (name === 'length' ? Number.MAX_SAFE_INTEGER : Reflect.get(target, 0)) ?? 1,
      has: () => true,
    });
    expect(errorOf(() => freeze(endless, { valueBytesMax: 1_000 })).code).toBe('invalid_input');
  });
});

/** UTF-8 text and keys, 8 for a number, 1 for every other leaf and for every object and array. */
function statedBytes(value: unknown): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  if (typeof value === 'number') return 8;
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + statedBytes(part), 1);
  return Object.entries(value).reduce((sum, [name, part]) => sum + statedBytes(name) + statedBytes(part), 1);
}

describe('utf8Bytes', () => {
  it('is the length that TextEncoder makes', () => {
    fc.assert(
      fc.property(text, (written) => {
        expect(utf8Bytes(written)).toBe(new TextEncoder().encode(written).length);
      }),
    );
    expect(utf8Bytes('a\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}')).toBe(26);
  });
});

describe('canonicalJson', () => {
  it('is the same whatever order keys were written in', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(canonicalJson(freeze(reversed(value)))).toBe(canonicalJson(freeze(value)));
      }),
    );
  });

  it('is JSON of the same value, so that other values have other texts', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const frozen = freeze(value);
        expect(JSON.parse(canonicalJson(frozen))).toEqual(frozen);
      }),
    );
  });
});

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, part]) => [name, reversed(part)]),
  );
}

describe('freezeParsed', () => {
  const parsed = (value: unknown) => JSON.parse(JSON.stringify(value)) as Value;

  it('freezes every branch of a value in place, and counts as freezeValue does', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const received = parsed(value);
        expect(freezeParsed(received)).toBe(received);
        expect(branchesOf(received).every((branch) => Object.isFrozen(branch))).toBe(true);
        expect(valueBytes(received)).toBe(valueBytes(freeze(value)));
        expect(freeze(received)).toBe(received);
      }),
    );
    expect(freezeParsed(undefined)).toBeUndefined();
  });

  it('keeps the bounds that it is given', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const limits = { ...defaultLimits, valueBytesMax: statedBytes(parsed(value)) };
        expect(() => freezeParsed(parsed(value), 'params', limits)).not.toThrow();
      }),
    );
    const tooLarge = () => freezeParsed(['xx'], 'params', { ...defaultLimits, valueBytesMax: 2 });
    expect(errorOf(tooLarge)).toMatchObject({ code: 'invalid_input', details: { field: 'params' } });
    const tooDeep = () => freezeParsed([[[]]], 'params', { ...defaultLimits, valueDepthMax: 2 });
    expect(errorOf(tooDeep).details['field']).toBe('params[0][0]');
  });
});

describe('deepFreeze', () => {
  it('freezes every branch of a value in place', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const received = JSON.parse(JSON.stringify(value)) as Value;
        deepFreeze(received);
        expect(branchesOf(received).every((branch) => Object.isFrozen(branch))).toBe(true);
      }),
    );
    expect(() => deepFreeze(undefined)).not.toThrow();
  });
});
