/**
 * The keys of encrypted spaces, as the app gives them.
 *
 * Owns: the ciphers of the keys that were used last, so that the app is not asked for each call. What it is asked for is what a
 * space was created with; it is never written anywhere.
 *
 * Invariants:
 *   Y1  However many wait for a key, the app is asked once at a time.
 *   Y2  What was not given is asked for again by the next call: a key may come back.
 *   Y3  After `forget` no cipher of the key is handed out that was asked for before.
 */

import { type Cipher, checkKey, keyBytes, keyMissing, type SpaceEncryption } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { asRamaxError, invalidInput, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkId } from '../core/names.js';

/** What the app gives for a key's name; nothing when the key is gone. */
export type KeyGiven = Uint8Array | undefined;

/** Where keys come from. */
export interface EncryptionOptions {
  /**
   * The 32 bytes of a key, or undefined when it is gone for good: then nobody can read what was encrypted with it. May ask a key
   * service; what it throws fails the calls that wait, as `unavailable`. It is asked again when a key has not been used for long.
   */
  readonly keyOf: (keyId: string) => KeyGiven | Promise<KeyGiven>;
}

/** A key with what is done with it. */
export interface OpenKey {
  readonly key: Uint8Array;
  readonly cipher: Cipher;
}

/** See the head of this file. */
export class KeyRing {
  readonly #keyOf: EncryptionOptions['keyOf'] | undefined;
  readonly #platform: Pick<Platform, 'clock' | 'cipherOf'>;
  readonly #limits: Pick<Limits, 'keysHeldMax' | 'keyWaitMs' | 'idBytesMax'>;
  /** In the order of their last use. */
  readonly #held = new Map<string, Promise<OpenKey>>();

  constructor(
    keyOf: EncryptionOptions['keyOf'] | undefined,
    platform: Pick<Platform, 'clock' | 'cipherOf'>,
    limits: Pick<Limits, 'keysHeldMax' | 'keyWaitMs' | 'idBytesMax'>,
  ) {
    this.#keyOf = keyOf;
    this.#platform = platform;
    this.#limits = limits;
  }

  /**
   * How a new space is encrypted with this key.
   *
   * @throws {RamaxError} `invalid_input`, `key_missing`, `unavailable`
   */
  async encryptionOf(keyId: string): Promise<SpaceEncryption> {
    checkId(keyId, 'encryption.keyId', this.#limits.idBytesMax);
    if (this.#keyOf === undefined)
      throw invalidInput('encryption', 'absent, for the runtime was started without encryption.keyOf', keyId);
    return { keyId, check: (await this.#load(keyId)).cipher.check };
  }

  /**
   * The key of a space.
   *
   * @throws {RamaxError} `key_missing`, `unavailable`
   */
  async load(encryption: SpaceEncryption): Promise<OpenKey> {
    const open = await this.#load(encryption.keyId);
    try {
      checkKey(encryption, open.cipher);
    } catch (error) {
      // The app may give the right one the next time (Y2).
      this.forget(encryption.keyId);
      throw error;
    }
    return open;
  }

  /** The next call asks the app for it. */
  forget(keyId: string): void {
    this.#held.delete(keyId);
  }

  #load(keyId: string): Promise<OpenKey> {
    const held = this.#held.get(keyId);
    const open = held ?? this.#ask(keyId);
    this.#held.delete(keyId);
    this.#held.set(keyId, open);
    if (held === undefined) {
      open.catch(() => {
        if (this.#held.get(keyId) === open) this.#held.delete(keyId);
      });
      this.#makeRoom();
    }
    return open;
  }

  async #ask(keyId: string): Promise<OpenKey> {
    if (this.#keyOf === undefined)
      throw keyMissing(keyId, 'the runtime was started without encryption.keyOf');
    const key = await this.#within(Promise.resolve(keyId).then(this.#keyOf)).catch((error: unknown) => {
      throw asRamaxError(error, 'unavailable', `encryption.keyOf failed for '${keyId}'`);
    });
    if (key === undefined) throw keyMissing(keyId, `its key '${keyId}' is gone`);
    if (!(key instanceof Uint8Array) || key.length !== keyBytes)
      throw keyMissing(keyId, `encryption.keyOf gave something else than a Uint8Array of ${keyBytes} bytes`);
    const own = Uint8Array.from(key);
    return { key: own, cipher: this.#platform.cipherOf(own) };
  }

  #within<Result>(asked: Promise<Result>): Promise<Result> {
    const { keyWaitMs } = this.#limits;
    return new Promise((resolve, reject) => {
      const timer = this.#platform.clock.after(keyWaitMs, () =>
        reject(new RamaxError('unavailable', `encryption.keyOf has not answered within ${keyWaitMs} ms`)),
      );
      asked.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #makeRoom(): void {
    for (const keyId of this.#held.keys()) {
      if (this.#held.size <= this.#limits.keysHeldMax) return;
      this.#held.delete(keyId);
    }
  }
}
