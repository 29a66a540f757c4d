import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkId, isPlainId } from '../../src/core/names.js';

const bytesMax = 12;

function isId(id: unknown): boolean {
  try {
    checkId(id, 'id', bytesMax);
    return true;
  } catch {
    return false;
  }
}

describe('a plain id', () => {
  it('is ASCII text within its bound', () => {
    expect(['contact:c1', 'x'.repeat(bytesMax)].every((id) => isPlainId(id, bytesMax))).toBe(true);
    const others = [
      '',
      'x'.repeat(bytesMax + 1),
      'nul\u0000',
      'Zoë',
      7,
      null,
      undefined,
      ['a'],
      { length: 1 },
    ];
    expect(others.filter((id) => isPlainId(id, bytesMax))).toEqual([]);
  });

  it('is always an id, and an id that is not plain is not ASCII', () => {
    const ids = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      fc.anything(),
    );
    fc.assert(
      fc.property(ids, (id) => {
        if (isPlainId(id, bytesMax)) expect(isId(id)).toBe(true);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
        else if (isId(id)) expect(id).toMatch(/[^\u0000-\u007f]/);
      }),
    );
  });
});
