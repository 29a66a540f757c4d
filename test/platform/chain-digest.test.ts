import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../src/platform/node-platform.js';

/** What format v1 says: the first 16 bytes of SHA-256 over the three, one after the other. */
function expected(previous: Uint8Array, header: string, payload: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(previous).update(header, 'utf8').update(payload).digest();
  return new Uint8Array(digest.subarray(0, 16));
}

const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const wellFormed = fc.string({ unit: 'binary', maxLength: 200 });

describe('the digest of the chain', () => {
  it('is that of the format, whatever is hashed', () => {
    const check = (previous: Uint8Array, header: string, payload: Uint8Array): void => {
      expect(nodePlatform.chainDigest(previous, header, payload)).toEqual(
        expected(previous, header, payload),
      );
    };
    fc.assert(fc.property(hash, wellFormed, fc.uint8Array({ maxLength: 500 }), check));
  });

  it.each([
    ['a long header', 'ü'.repeat(40_000), 10],
    ['a long payload', 'header', 70_000],
    ['both', '漢'.repeat(30_000), 1_000_000],
    ['what just fits', 'a'.repeat(16_000), 64 * 1024 - 16 - 48_000],
  ])('is the same for %s', (_what, header, payloadBytes) => {
    const previous = new Uint8Array(16).fill(7);
    const payload = new Uint8Array(payloadBytes).fill(9);
    expect(nodePlatform.chainDigest(previous, header, payload)).toEqual(expected(previous, header, payload));
  });

  it('is a value of its own, which the next one does not change', () => {
    const first = nodePlatform.chainDigest(new Uint8Array(16), 'a', new Uint8Array(3));
    const copy = new Uint8Array(first);
    nodePlatform.chainDigest(first, 'b', new Uint8Array(5));
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBe(16);
  });
});
