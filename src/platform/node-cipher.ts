/**
 * The cipher of production: AES-256-GCM with a fresh random nonce for every value.
 *
 * Layout of a sealed value: mark (0xc1), version (1), nonce (12 bytes), tag (16), ciphertext. The place is authenticated and not
 * stored. Random nonces are safe for some 2^32 values of one key (NIST SP 800-38D, 8.3): a space of four thousand million
 * writes needs a second key, that is a second space.
 *
 * The key itself encrypts; what tells keys apart and what digests parameters use keys that are derived from it, so that none of them
 * says anything of another.
 */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomFillSync } from 'node:crypto';
import { assert } from '../core/assert.js';
import { type Cipher, isSealed, keyBytes, sealedMark } from '../core/cipher.js';
import { RamaxError } from '../core/errors.js';

const algorithm = 'aes-256-gcm';
const version = 1;
const nonceStart = 2;
const nonceBytes = 12;
const tagStart = nonceStart + nonceBytes;
const tagBytes = 16;
const textStart = tagStart + tagBytes;
const digestDigits = 32;
const checkDigits = 16;

/** Nonces are drawn for many values at once: a draw costs more than the rest of a small value. */
const nonces = Buffer.allocUnsafeSlow(512 * nonceBytes);
let nextNonce = nonces.length;

/** See the head of this file. */
export function nodeCipher(key: Uint8Array): Cipher {
  assert(key.length === keyBytes, 'a key was checked where it came in');
  const encryptionKey = derived(key, 'values');
  const digestKey = derived(key, 'digests');
  return {
    check: derived(key, 'check').toString('hex').slice(0, checkDigits),
    seal: (plain, place) => seal(encryptionKey, plain, place),
    open: (sealed, place) => open(encryptionKey, sealed, place),
    digest: (text) => createHmac('sha256', digestKey).update(text).digest('hex').slice(0, digestDigits),
  };
}

function derived(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `ramax ${purpose} 1`, keyBytes));
}

function seal(key: Buffer, plain: Uint8Array, place: string): Uint8Array {
  const sealed = new Uint8Array(textStart + plain.length);
  sealed[0] = sealedMark;
  sealed[1] = version;
  const nonce = drawNonce();
  sealed.set(nonce, nonceStart);
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(Buffer.from(place, 'utf8'));
  sealed.set(cipher.update(plain), textStart);
  // In GCM nothing is left over for the end.
  cipher.final();
  sealed.set(cipher.getAuthTag(), tagStart);
  return sealed;
}

function open(key: Buffer, sealed: Uint8Array, place: string): Uint8Array {
  if (!isSealed(sealed) || sealed[1] !== version || sealed.length < textStart) throw damaged();
  const cipher = createDecipheriv(algorithm, key, sealed.subarray(nonceStart, tagStart), {
    authTagLength: tagBytes,
  });
  cipher.setAAD(Buffer.from(place, 'utf8'));
  cipher.setAuthTag(sealed.subarray(tagStart, textStart));
  try {
    const plain = cipher.update(sealed.subarray(textStart));
    cipher.final();
    return plain;
  } catch (cause) {
    throw damaged(cause);
  }
}

function drawNonce(): Buffer {
  if (nextNonce === nonces.length) {
    randomFillSync(nonces);
    nextNonce = 0;
  }
  nextNonce += nonceBytes;
  return nonces.subarray(nextNonce - nonceBytes, nextNonce);
}

function damaged(cause?: unknown): RamaxError {
  return new RamaxError('corrupt', 'sealed bytes cannot be opened: damaged, moved, or of another key', {
    cause,
  });
}
