/**
 * Which spaces are encrypted, and the way to read what lies sealed in the log.
 *
 * Owns: a lock for each encrypted space that was used.
 */

import { type Cipher, isSealed, keyMissing, type SpaceEncryption } from '../core/cipher.js';
import { isRamaxError } from '../core/errors.js';
import type { SpaceRow, StoredEvent } from '../event-store/port.js';
import { unsealed } from '../event-store/seal.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { KeyRing } from './key-ring.js';
import { SpaceLock } from './space-lock.js';
import type { Supervisor } from './supervisor.js';

/** See the head of this file. */
export class SpaceLocks {
  readonly #keys: KeyRing;
  readonly #supervisor: Supervisor;
  readonly #locks = new Map<number, SpaceLock>();

  constructor(keys: KeyRing, supervisor: Supervisor) {
    this.#keys = keys;
    this.#supervisor = supervisor;
  }

  /** How a new space is encrypted: see `KeyRing`. */
  encryptionOf(keyId: string): Promise<SpaceEncryption> {
    return this.#keys.encryptionOf(keyId);
  }

  /** The lock of a space, or undefined where it has none. */
  of({ spaceId, settings }: Pick<SpaceRow, 'spaceId' | 'settings'>): SpaceLock | undefined {
    const { encryption } = settings;
    if (encryption === undefined) return undefined;
    const known = this.#locks.get(spaceId);
    if (known !== undefined) return known;
    const lock = new SpaceLock(spaceId, encryption, this.#keys, this.#supervisor.shardOf({ spaceId }));
    this.#locks.set(spaceId, lock);
    return lock;
  }

  /** The space is deleted. */
  drop(spaceId: number): void {
    this.#locks.get(spaceId)?.end(spaceNotFound(spaceId));
    this.#locks.delete(spaceId);
  }

  /** No thread holds the key any more when this resolves, and what was read with it is let go of. */
  async forgetKey(keyId: string): Promise<void> {
    this.#keys.forget(keyId);
    const locked = [...this.#locks.values()].filter(({ encryption }) => encryption.keyId === keyId);
    await Promise.all(locked.map((lock) => lock.lock()));
  }

  /**
   * The events with their payloads open.
   *
   * @throws {RamaxError} `key_missing`, `unavailable`
   */
  async opened(events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
    return this.#eachOpened(events, (error) => {
      throw error;
    });
  }

  /** The same; an event whose key is gone stays sealed. */
  openedWherePossible(events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
    return this.#eachOpened(events, (error, stored) => {
      if (!isRamaxError(error, 'key_missing')) throw error;
      return stored;
    });
  }

  async #eachOpened(
    events: readonly StoredEvent[],
    onFailure: (error: unknown, stored: StoredEvent) => StoredEvent,
  ): Promise<readonly StoredEvent[]> {
    if (!events.some(({ payload }) => isSealed(payload))) return events;
    const ciphers = new Map<number, Promise<Cipher>>();
    const opened: StoredEvent[] = [];
    for (const stored of events) {
      opened.push(
        isSealed(stored.payload)
          ? await this.#opened(stored, ciphers).catch((error: unknown) => onFailure(error, stored))
          : stored,
      );
    }
    return opened;
  }

  async #opened(stored: StoredEvent, ciphers: Map<number, Promise<Cipher>>): Promise<StoredEvent> {
    const { spaceId } = stored;
    const cipher = ciphers.get(spaceId) ?? this.#cipherOf(spaceId);
    ciphers.set(spaceId, cipher);
    return unsealed(stored, await cipher);
  }

  async #cipherOf(spaceId: number): Promise<Cipher> {
    const known = this.#locks.get(spaceId)?.encryption ?? (await this.#storedEncryption(spaceId));
    if (known === undefined) throw keyMissing(undefined, `space ${spaceId} does not say with which key`);
    return (await this.#keys.load(known)).cipher;
  }

  async #storedEncryption(spaceId: number): Promise<SpaceEncryption | undefined> {
    return (await this.#supervisor.writer.call('findSpaceById', { spaceId }))?.settings.encryption;
  }
}
