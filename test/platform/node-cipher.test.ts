import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealedMark } from '../../src/core/cipher.js';
import { isRamaxError } from '../../src/core/errors.js';
import { nodeCipher } from '../../src/platform/node-cipher.js';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 300 });
const place = fc.string({ maxLength: 20 });

function opens(open: () => Uint8Array): boolean {
  try {
    open();
    return true;
  } catch (error) {
    expect(isRamaxError(error, 'corrupt')).toBe(true);
    return false;
  }
}

describe('a cipher', () => {
  it('opens what it has sealed, at its place', () => {
    fc.assert(
      fc.property(key, bytes, place, (secret, plain, where) => {
        const cipher = nodeCipher(secret);
        const sealed = cipher.seal(plain, where);
        expect(sealed[0]).toBe(sealedMark);
        expect(new Uint8Array(cipher.open(sealed, where))).toEqual(new Uint8Array(plain));
      }),
    );
  });

  it('never seals the same value to the same bytes, over more than one draw of nonces', () => {
    const cipher = nodeCipher(new Uint8Array(32).fill(7));
    const seen = new Set<string>();
    for (let round = 0; round < 2_000; round++) {
      seen.add(Buffer.from(cipher.seal(new Uint8Array([1, 2, 3]), 'p')).toString('hex'));
    }
    expect(seen.size).toBe(2_000);
  });

  it('refuses every change of one bit, another place and another key', () => {
    fc.assert(
      fc.property(key, bytes, place, fc.nat(), (secret, plain, where, at) => {
        const cipher = nodeCipher(secret);
        const sealed = cipher.seal(plain, where);
        const flipped = Uint8Array.from(sealed);
        const bit = at % (flipped.length * 8);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(opens(() => cipher.open(flipped, where))).toBe(false);
        expect(opens(() => cipher.open(sealed, `${where}!`))).toBe(false);
        expect(opens(() => cipher.open(sealed.subarray(0, 29), where))).toBe(false);
        const other = nodeCipher(Uint8Array.from(secret, (byte) => byte ^ 1));
        expect(opens(() => other.open(sealed, where))).toBe(false);
      }),
    );
  });

  it('tells keys apart and digests with them, by what says nothing of the key', () => {
    const [one, two] = [nodeCipher(new Uint8Array(32).fill(1)), nodeCipher(new Uint8Array(32).fill(2))];
    expect(one.check).not.toBe(two.check);
    expect(one.check).toMatch(/^[0-9a-f]{16}$/);
    expect(one.digest('a')).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set([one.digest('a'), one.digest('b'), two.digest('a')]).size).toBe(3);
    expect(nodeCipher(new Uint8Array(32).fill(1)).digest('a')).toBe(one.digest('a'));
  });
});
