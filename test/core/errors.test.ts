import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionFailed, assert, unreachable } from '../../src/core/assert.js';
import {
  asRamaxError,
  type ErrorCode,
  errorTable,
  invalidInput,
  isRamaxError,
  RamaxError,
} from '../../src/core/errors.js';
import { jsonValue } from './arbitraries.js';

const code = fc.constantFrom(...(Object.keys(errorTable) as ErrorCode[]));

/** The error at the other end of a link that carries JSON. */
function acrossThreads(error: RamaxError): RamaxError {
  return RamaxError.fromData(JSON.parse(JSON.stringify(error.toData())));
}

describe('RamaxError', () => {
  it('keeps its code, message, details and reason when it crosses a thread', () => {
    const details = fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      jsonValue,
    );
    fc.assert(
      fc.property(code, fc.string(), details, fc.option(fc.string()), (code, message, details, reason) => {
        const error = new RamaxError(code, message, { details, ...(reason === null ? {} : { reason }) });
        const arrived = acrossThreads(error);
        expect(arrived).toBeInstanceOf(RamaxError);
        expect([arrived.code, arrived.message, arrived.reason]).toEqual([code, message, reason ?? undefined]);
        expect(arrived.details).toEqual(JSON.parse(JSON.stringify(details)));
        expect(arrived.retryable).toBe(errorTable[code].retryable);
      }),
    );
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each<readonly [what: string, details: Record<string, unknown>, left: unknown]>([
    ['a cycle', cycle, {}],
    ['a bigint', { n: 1n }, {}],
    ['a toJSON that throws', { toJSON: () => cycle['x'], a: { toJSON: () => assert(false, 'x') } }, {}],
    ['functions', { run: () => 1, kept: 1 }, { kept: 1 }],
    ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('crosses with details that are no JSON (%s)', (_what, details, left) => {
    const error = new RamaxError('command_failed', 'm', { details });
    expect(error.toData().details).toEqual(left);
    const arrived = acrossThreads(error);
    expect([arrived.message, arrived.details]).toEqual(['m', left]);
  });

  it('says of every code whether a retry can help and what it means', () => {
    for (const [name, row] of Object.entries(errorTable)) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(row.means).toMatch(/^[A-Z].*\.$/);
      expect(new RamaxError(name as ErrorCode, 'm').retryable).toBe(row.retryable);
    }
  });

  it('has its cause only where there is one', () => {
    expect('cause' in new RamaxError('storage', 'm')).toBe(false);
    const cause = new Error('disk');
    expect(new RamaxError('storage', 'm', { cause }).cause).toBe(cause);
  });
});

describe('isRamaxError', () => {
  it('asks for the class, and for the code when one is given', () => {
    const error = new RamaxError('timeout', 'm');
    expect([isRamaxError(error), isRamaxError(error, 'timeout'), isRamaxError(error, 'aborted')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isRamaxError({ code: 'timeout', message: 'm' })).toBe(false);
  });
});

describe('asRamaxError', () => {
  it('leaves a RamaxError as it is', () => {
    const error = new RamaxError('conflict', 'm');
    expect(asRamaxError(error, 'storage', 'context')).toBe(error);
  });

  it('keeps the message, the stack and the thing itself of anything else', () => {
    const thrown = new TypeError('no good');
    const error = asRamaxError(thrown, 'command_failed', 'the command threw');
    expect(error).toMatchObject({
      code: 'command_failed',
      message: 'the command threw: no good',
      cause: thrown,
    });
    expect(error.details['stack']).toBe(thrown.stack);
  });

  it.each([
    ['a string', 'text', 'text'],
    ['undefined', undefined, 'undefined'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an object', { a: 1 }, '[object Object]'],
    ['an object without a prototype', Object.create(null), 'an object (no prototype)'],
    ['an object that cannot be shown', { toString: () => assert(false, 'x') }, 'an object (Object)'],
  ])('takes whatever an app may throw: %s', (_what, thrown, shown) => {
    expect(asRamaxError(thrown, 'command_failed', 'it threw').message).toBe(`it threw: ${shown}`);
  });
});

describe('invalidInput', () => {
  class Point {}

  const shownAs: readonly (readonly [got: unknown, shown: string])[] = [
    [null, 'null'],
    [undefined, 'undefined'],
    [-0, '-0'],
    [Number.NaN, 'NaN'],
    [true, 'true'],
    ['text', 'the string "text"'],
    ['\ud800', 'the string "\\ud800"'],
    ['x'.repeat(100), `the string "${'x'.repeat(79)}…`],
    [10n, 'the bigint 10'],
    [() => 1, 'a function'],
    [Symbol('x'), 'a symbol'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object (Object)'],
    [new Point(), 'an object (Point)'],
    [Object.create(null), 'an object (no prototype)'],
    [Object.create({ constructor: 5 }), 'an object (unnamed class)'],
  ];

  it('shows what came shortly, and nothing of the inside of objects', () => {
    for (const [got, shown] of shownAs) {
      const error = invalidInput('field', 'something', got);
      expect(error.message).toBe(`field must be something, but got ${shown}`);
      expect(error.details).toEqual({ field: 'field', expected: 'something', got: shown });
    }
  });
});

describe('an assertion', () => {
  it('throws what must hold, and is no operating error', () => {
    expect(() => assert(true, 'it holds')).not.toThrow();
    expect(() => assert(false, 'it holds')).toThrow(new AssertionFailed('Ramax invariant broken: it holds'));
    expect(() => unreachable('x' as never)).toThrow('unreachable case "x"');
    expect(new AssertionFailed('x')).not.toBeInstanceOf(RamaxError);
  });
});
