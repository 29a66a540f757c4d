/**
 * What encrypts the payloads and the state of one space, as a port: production hands in Node's (`platform/node-cipher.ts`).
 *
 * What is sealed says so with its first byte, which no value in msgpack begins with. The bytes of an event are sealed before they are
 * chained: the chain, and whoever checks or copies it, needs no key.
 */

import { RamaxError } from './errors.js';

/** Seals and opens values with one key. */
export interface Cipher {
  /** Tells this key from another one, and nothing else of it: what is kept with the space. */
  readonly check: string;
  /**
   * @param place where the value lies: opened at another place, it is damaged. It is not part of the result.
   */
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** @throws {RamaxError} `corrupt` when the bytes were not sealed with this key, for this place */
  open(sealed: Uint8Array, place: string): Uint8Array;
  /** A digest that nobody can make without the key, as 32 hexadecimal characters. */
  digest(text: string): string;
}

/** How a space is encrypted, as it is kept with it: for good, from its creation. */
export interface SpaceEncryption {
  /** What the app calls the key. */
  readonly keyId: string;
  /** See `Cipher.check`. */
  readonly check: string;
}

/** Bytes of a key. */
export const keyBytes = 32;

/** The first byte of what is sealed. */
export const sealedMark = 0xc1;

/** Whether these are the bytes of a sealed value. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes[0] === sealedMark;
}

/** Where the payload of an event lies. A space that is copied keeps its bytes, so this says nothing of the space. */
export function eventPlace({ entityId, type }: { readonly entityId: string; readonly type: string }): string {
  return `event\u0000${entityId}\u0000${type}`;
}

/** Where a value of a view lies. */
export function entryPlace(view: string, key: string): string {
  return `entry\u0000${view}\u0000${key}`;
}

/** The error of everything that needs a key that is not there, or got another one. */
export function keyMissing(keyId: string | undefined, why: string): RamaxError {
  return new RamaxError('key_missing', `the space is encrypted, and ${why}`, {
    details: keyId === undefined ? {} : { keyId },
  });
}

/**
 * Makes sure that what is opened with a cipher is what was made with it.
 *
 * @throws {RamaxError} `key_missing`
 */
export function checkKey(encryption: SpaceEncryption | undefined, cipher: Cipher | undefined): void {
  if (encryption?.check === cipher?.check) return;
  if (encryption === undefined) throw keyMissing(undefined, 'a key was given for a space that has none');
  const why = cipher === undefined ? 'its key is not there' : 'the key that was given is another one';
  throw keyMissing(encryption.keyId, why);
}
