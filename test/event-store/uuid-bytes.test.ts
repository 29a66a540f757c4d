import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bytesToUuid } from '../../src/core/uuid-text.js';
import { uuidScratch, writeUuid } from '../../src/event-store/sqlite/uuid-bytes.js';

describe('a UUID as bytes', () => {
  it('comes back as the same text, also from bytes that are used again', () => {
    const scratch = uuidScratch();
    for (let n = 0; n < 1_000; n++) {
      const uuid = randomUUID();
      expect(writeUuid(uuid, scratch)).toBe(scratch);
      expect(scratch).toEqual(new Uint8Array(Buffer.from(uuid.replaceAll('-', ''), 'hex')));
      expect(bytesToUuid(scratch)).toBe(uuid);
      expect(bytesToUuid(new Uint8Array([1, 2, ...scratch, 3]), 2)).toBe(uuid);
    }
  });

  it.each([
    ['an upper-case digit', '01234567-89AB-cdef-0123-456789abcdef'],
    ['no digit', '01234567-89ab-cdef-0123-456789abcdeg'],
    ['another character than ASCII', '01234567-89ab-cdef-0123-456789abcdeé'],
    ['too few digits', '01234567-89ab-cdef-0123-456789abcde'],
  ])('is not made of a text with %s', (_what, text) => {
    expect(() => writeUuid(text, uuidScratch())).toThrow('hexadecimal');
  });
});
