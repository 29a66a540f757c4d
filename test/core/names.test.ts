import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkId,
  checkInteger,
  checkIterable,
  checkOptions,
  checkSpaceName,
  compareCodePoints,
} from '../../src/core/names.js';
import { text } from './arbitraries.js';
import { errorOf } from './error-of.js';

describe('a space name', () => {
  it.each([
    ['plain', 'crm_acme'],
    ['with a space inside', 'Acme GmbH & Co'],
    ['of other scripts', 'café 東京 🏯'],
    ['with a dot inside', 'v1.2'],
    ['three dots', '...'],
    ['like an object key', '__proto__'],
    ['200 bytes long', 'x'.repeat(200)],
    ['200 bytes of wide characters', '🏯'.repeat(50)],
    ['with joined emoji', '👩\u200d🚀'],
  ])('may be %s', (_what, name) => {
    expect(() => checkSpaceName(name)).not.toThrow();
  });

  it.each([
    ['empty', '', 'a string that is not empty'],
    ['no string', 7, 'a string'],
    ['an object that looks like one', { toString: () => 'x', length: 1 }, 'a string'],
    ['201 bytes long', 'x'.repeat(201), 'at most 200 UTF-8 bytes long'],
    ['few characters of many bytes', '🏯'.repeat(51), 'at most 200 UTF-8 bytes long'],
    ['with a lone surrogate', 'a\ud83c', 'well-formed text (no lone surrogates)'],
    ['not in NFC', 'cafe\u0301', 'in Unicode normal form NFC'],
    ['with a NUL', 'a\u0000b', 'free of control and bidirectional characters'],
    ['with a line feed', 'a\nb', 'free of control and bidirectional characters'],
    ['with a C1 control', 'a\u0085b', 'free of control and bidirectional characters'],
    ['with a right-to-left override', 'a\u202eb', 'free of control and bidirectional characters'],
    ['with a bidirectional isolate', 'a\u2067b', 'free of control and bidirectional characters'],
    ['with an Arabic letter mark', 'a\u061cb', 'free of control and bidirectional characters'],
    ['with a left-to-right mark', 'a\u200eb', 'free of control and bidirectional characters'],
    ['with a line separator', 'a\u2028b', 'free of control and bidirectional characters'],
    ['with a byte order mark', '\ufeffa', 'free of control and bidirectional characters'],
    ['a path', 'a/b', 'no path (no slash, no backslash)'],
    ['a path of Windows', 'a\\b', 'no path (no slash, no backslash)'],
    ['this directory', '.', 'no path (no slash, no backslash)'],
    ['the directory above', '..', 'no path (no slash, no backslash)'],
    ['with white space in front', ' a', 'free of white space at both ends'],
    ['with white space behind', 'a\u00a0', 'free of white space at both ends'],
  ])('may not be %s', (_what, name, expected) => {
    const { code, details } = errorOf(() => checkSpaceName(name));
    expect({ code, field: details['field'], expected: details['expected'] }).toEqual({
      code: 'invalid_input',
      field: 'spaceName',
      expected,
    });
  });
});

describe('an id', () => {
  it('is well-formed text within its bound, without NUL', () => {
    for (const id of ['contact:c1', 'a/b', ' ', '\n', '\u202e', 'é'.repeat(5)]) {
      expect(() => checkId(id, 'key', 10)).not.toThrow();
    }
    for (const id of ['', 'é'.repeat(6), 'a\u0000', '\udc00', null, undefined, 5, ['a']]) {
      expect(errorOf(() => checkId(id, 'key', 10)).details['field']).toBe('key');
    }
  });

  it('is bounded by its bytes, whatever its characters', () => {
    fc.assert(
      fc.property(
        text.filter((id) => id !== '' && !id.includes('\u0000')),
        fc.integer({ min: 1, max: 40 }),
        (id, bytesMax) => {
          const fits = new TextEncoder().encode(id).length <= bytesMax;
          const check = () => checkId(id, 'key', bytesMax);
          if (fits) expect(check).not.toThrow();
          else expect(errorOf(check).code).toBe('invalid_input');
        },
      ),
    );
  });
});

describe('an integer', () => {
  it('is safe and within its range, and the message says which', () => {
    for (const value of [0, 5, 10, -0]) expect(() => checkInteger(value, 'from', 0, 10)).not.toThrow();
    for (const value of [-1, 11, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, null, undefined]) {
      expect(errorOf(() => checkInteger(value, 'from', 0, 10)).message).toMatch(
        /^from must be an integer from 0 to 10, but got /,
      );
    }
    expect(errorOf(() => checkInteger(2 ** 53, 'from', 1)).message).toMatch(/an integer of at least 1/);
  });
});

describe('options', () => {
  it('are an object', () => {
    expect(() => checkOptions({})).not.toThrow();
    for (const options of [null, undefined, 'x', 5, () => 1]) {
      expect(errorOf(() => checkOptions(options)).details['field']).toBe('options');
    }
  });
});

describe('compareCodePoints', () => {
  const bytes = (written: string): Buffer => Buffer.from(written, 'utf8');

  it('orders as the UTF-8 bytes do', () => {
    fc.assert(
      fc.property(text, text, text, (prefix, left, right) => {
        const order = Math.sign(compareCodePoints(prefix + left, prefix + right));
        expect(order + 0).toBe(Buffer.compare(bytes(prefix + left), bytes(prefix + right)));
      }),
    );
  });

  it('puts what is above U+FFFF behind U+FFFF, unlike JavaScript', () => {
    const sorted = ['\u{10000}', '\uffff', '\ue000', 'z', '\ud7ff', ''].sort(compareCodePoints);
    expect(sorted).toEqual(['', 'z', '\ud7ff', '\ue000', '\uffff', '\u{10000}']);
  });
});

describe('checkIterable', () => {
  const check = (source: unknown) => checkIterable(source, 'source', 'an async iterable');

  it('takes what has the method, and refuses everything else with a type', () => {
    check((async function* () {})());
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = {
      get [Symbol.asyncIterator]() {
        throw new Error('looked at');
      },
    };
    for (const source of [undefined, null, 1, 'text', {}, [], proxy, throwing]) {
      const error = errorOf(() => check(source));
      expect([error.code, error.details['field']]).toEqual(['invalid_input', 'source']);
    }
    checkIterable([], 'items', 'an iterable', [Symbol.iterator]);
  });
});
