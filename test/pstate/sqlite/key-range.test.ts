import { describe, expect, it } from 'vitest';
import { afterPrefix } from '../../../src/pstate/sqlite/key-range.js';

describe('the end of a range of keys', () => {
  it('is the prefix with its last code point raised', () => {
    expect(afterPrefix('user:')).toBe('user;');
    expect(afterPrefix('\uffff')).toBe('\u{10000}');
    expect(afterPrefix('a\u{1f600}')).toBe('a\u{1f601}');
  });

  it('is well-formed: it leaps over the surrogates', () => {
    expect(afterPrefix('a\ud7ff')).toBe('a\ue000');
  });

  it('drops last code points that cannot be raised', () => {
    expect(afterPrefix('a\u{10ffff}\u{10ffff}')).toBe('b');
  });

  it('is nowhere where no key can come after', () => {
    expect(afterPrefix('')).toBeUndefined();
    expect(afterPrefix('\u{10ffff}')).toBeUndefined();
  });
});
