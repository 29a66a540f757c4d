import { describe, expect, it } from 'vitest';
import { nodeCipher } from '../../src/platform/node-cipher.js';
import { type KeyGiven, KeyRing } from '../../src/supervisor/key-ring.js';
import { rejectionOf } from '../core/error-of.js';
import { ManualClock } from '../testing/manual-clock.js';

const limits = { keysHeldMax: 2, keyWaitMs: 100, idBytesMax: 512 };
const keyFor = (keyId: string): Uint8Array => new Uint8Array(32).fill(keyId.charCodeAt(0));
const encryptionFor = (keyId: string) => ({ keyId, check: nodeCipher(keyFor(keyId)).check });

function ringOver(keyOf: (keyId: string) => KeyGiven | Promise<KeyGiven>) {
  const asked: string[] = [];
  const clock = new ManualClock();
  const ring = new KeyRing(
    (keyId) => {
      asked.push(keyId);
      return keyOf(keyId);
    },
    { clock, cipherOf: nodeCipher },
    limits,
  );
  return { ring, asked, clock };
}

describe('a key ring', () => {
  it('asks once for however many wait, and not again while it holds the key', async () => {
    const { ring, asked } = ringOver(keyFor);
    await Promise.all([1, 2, 3].map(() => ring.load(encryptionFor('a'))));
    await ring.load(encryptionFor('a'));
    expect(asked).toEqual(['a']);
  });

  it('holds a bounded number of keys: the least recently used goes', async () => {
    const { ring, asked } = ringOver(keyFor);
    for (const keyId of ['a', 'b', 'a', 'c', 'a', 'b']) await ring.load(encryptionFor(keyId));
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  it('asks again after a failure, a key that was gone and one that was another', async () => {
    const given: (() => KeyGiven)[] = [
      () => {
        throw new Error('away');
      },
      () => undefined,
      () => keyFor('z'),
      () => keyFor('a').subarray(1),
      () => keyFor('a'),
    ];
    const { ring, asked } = ringOver(() => given.shift()?.());
    const codes: string[] = [];
    for (let round = 0; round < 4; round++)
      codes.push((await rejectionOf(ring.load(encryptionFor('a')))).code);
    expect(codes).toEqual(['unavailable', 'key_missing', 'key_missing', 'key_missing']);
    expect((await ring.load(encryptionFor('a'))).key).toEqual(keyFor('a'));
    expect(asked).toHaveLength(5);
  });

  it('gives up a key service that does not answer', async () => {
    const { ring, clock } = ringOver(() => new Promise(() => {}));
    const answer = rejectionOf(ring.load(encryptionFor('a')));
    await Promise.resolve();
    clock.advance(limits.keyWaitMs);
    expect((await answer).code).toBe('unavailable');
  });

  it('keeps a copy: what the app does to its bytes afterwards changes nothing', async () => {
    const mine = keyFor('a');
    const { ring } = ringOver(() => mine);
    const { key } = await ring.load(encryptionFor('a'));
    mine.fill(0);
    expect(key).toEqual(keyFor('a'));
  });

  it('asks again for what it was told to forget', async () => {
    const { ring, asked } = ringOver(keyFor);
    await ring.load(encryptionFor('a'));
    ring.forget('a');
    await ring.load(encryptionFor('a'));
    expect(asked).toEqual(['a', 'a']);
  });
});
