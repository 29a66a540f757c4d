import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { quoted, quotedName } from '../../src/core/json-text.js';
import { defaultLimits } from '../../src/core/limits.js';
import { valueText } from '../../src/core/value-text.js';
import { freezeValue, type ValueLimits, valueBytes } from '../../src/core/values.js';
import { jsonValue, text } from './arbitraries.js';

const written = (value: unknown, limits: Partial<ValueLimits> = {}) =>
  valueText(value, 'params', { ...defaultLimits, ...limits });

/** What a door says of a value: nothing, or the error as data. */
function saidOf(door: () => unknown): unknown {
  try {
    door();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RamaxError);
    return (error as RamaxError).toData();
  }
}

/** Whatever a caller may give, also what is no value. */
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
  withObjectString: true,
  key: fc.oneof(text, fc.constantFrom('__proto__', 'toJSON', 'a\ud800')),
  values: [
    text,
    fc.constantFrom<unknown>(-0, Number.NaN, undefined, 'x\udc00', Symbol('s'), () => 1),
    fc.double(),
    fc.boolean(),
  ],
});

describe('a value as text', () => {
  it('reads back as what freezeValue gives, and has its size', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const frozen = freezeValue(value, 'params', defaultLimits);
        const { text, bytes } = written(value);
        expect(text).toBe(JSON.stringify(frozen));
        expect(bytes).toBe(valueBytes(frozen));
      }),
    );
  });

  it('is refused where freezeValue refuses it, with the same words', () => {
    fc.assert(
      fc.property(fc.oneof(anything, jsonValue), fc.integer({ min: 1, max: 60 }), (value, valueBytesMax) => {
        const limits = { ...defaultLimits, valueBytesMax, valueDepthMax: 3 };
        expect(saidOf(() => written(value, limits))).toEqual(
          saidOf(() => freezeValue(value, 'params', limits)),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('is what was checked: a getter is called once, and toJSON never', () => {
    let calls = 0;
    const value = {
      get name() {
        calls++;
        return calls === 1 ? 'first' : new Date(0);
      },
    };
    expect(written(value).text).toBe('{"name":"first"}');
    expect(calls).toBe(1);
    class Listed extends Array<number> {
      toJSON(): string {
        return 'changed';
      }
    }
    expect(written(Listed.of(1, 2)).text).toBe('[1,2]');
    expect(written({ toJSON: 'data' }).text).toBe('{"toJSON":"data"}');
  });

  it('folds -0 to 0 and drops undefined properties', () => {
    expect(written({ a: undefined, zero: -0, list: [-0], b: undefined }).text).toBe('{"zero":0,"list":[0]}');
    expect(written([{ a: undefined }, [], {}]).text).toBe('[{},[],{}]');
    expect(written(-0)).toEqual({ text: '0', bytes: 8 });
  });

  it('is not reached by later changes of the value', () => {
    const value = { list: [1] };
    const { text } = written(value);
    value.list.push(2);
    expect(text).toBe('{"list":[1]}');
  });
});

describe('text as JSON', () => {
  it('is what JSON.stringify makes, also of a name that comes again', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (given) => {
        expect(quoted(given)).toBe(JSON.stringify(given));
        for (let time = 0; time < 2; time++) expect(quotedName(given)).toBe(JSON.stringify(given));
      }),
    );
  });

  it('is right for more names than are kept', () => {
    for (let name = 0; name < 3_000; name++) expect(quotedName(`name ${name}"`)).toBe(`"name ${name}\\""`);
  });
});
