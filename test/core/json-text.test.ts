import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quotedOrNull } from '../../src/core/json-text.js';

describe('the JSON text of a string', () => {
  it('is what JSON.stringify writes, whatever the string holds', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(quotedOrNull(text)).toBe(JSON.stringify(text));
      }),
    );
  });

  it('is null for null', () => {
    expect(quotedOrNull(null)).toBe('null');
  });
});
