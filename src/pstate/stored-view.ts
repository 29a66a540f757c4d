/**
 * What the store holds of one view of one space, read through a bounded cache of decoded values.
 *
 * Invariants:
 *   - The cache never contradicts the store: it is told of every write (`written`) after the store has it, and learns
 *     only from reads made since the last write. Changes that the store does not have yet live in the layers above.
 *   - While it is complete, the cache holds every entry of the store and remembers no absences: a miss is an answer.
 *     It is complete from the moment the store is known to be empty until something has to be forgotten.
 */

import { decodeValue } from '../codec/value-codec.js';
import { RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';
import { absent, type ChangeLayer, type Known } from './change-layer.js';
import type { KeyRange, PStateStore, ViewRef } from './port.js';
import { SecondChanceCache } from './second-chance-cache.js';

/** Which view of which space, and where it is stored. */
export interface StoredViewOptions {
  readonly spaceId: number;
  readonly view: ViewRef;
  readonly store: PStateStore;
  readonly cacheEntriesMax: number;
}

/** See the file's header. */
export class StoredView {
  readonly #spaceId: number;
  readonly #view: ViewRef;
  readonly #store: PStateStore;
  readonly #cache: SecondChanceCache<Known>;
  #complete: boolean;
  #version = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: StoredViewOptions) {
    this.#spaceId = options.spaceId;
    this.#view = options.view;
    this.#store = options.store;
    this.#cache = new SecondChanceCache(options.cacheEntriesMax);
    this.#complete = this.#storeIsEmpty();
  }

  /** Grows whenever the stored entries may have changed: what was read before must be read again. */
  get version(): number {
    return this.#version;
  }

  get cachedEntries(): number {
    return this.#cache.size;
  }

  /** Reads that the cache answered. */
  get hits(): number {
    return this.#hits;
  }

  /** Reads that went to the store. */
  get misses(): number {
    return this.#misses;
  }

  /** What is known of `key` without asking the store; undefined when the store has to be asked. */
  known(key: string): Known | undefined {
    let known = this.#cache.get(key);
    if (known === undefined && this.#complete) known = absent;
    if (known !== undefined) this.#hits++;
    return known;
  }

  /** The value of `key` in the store, which the cache does not know. */
  load(key: string): Value | undefined {
    this.#misses++;
    const bytes = this.#store.get(this.#spaceId, this.#view, key);
    const known = bytes === undefined ? absent : this.#decode(key, bytes);
    this.#hold(key, known);
    return known === absent ? undefined : known;
  }

  /** Whether the store has `key`. Counts as no use. */
  has(key: string): boolean {
    const held = this.#cache.peek(key);
    if (held !== undefined) return held !== absent;
    return !this.#complete && this.#store.get(this.#spaceId, this.#view, key) !== undefined;
  }

  /** The number of entries in the store. */
  count(): number {
    return this.#complete ? this.#cache.size : this.#store.count(this.#spaceId, this.#view);
  }

  /** Entries of the store as bytes, in the order of their keys. */
  page(range: KeyRange): readonly (readonly [key: string, bytes: Uint8Array])[] {
    return this.#store.scan(this.#spaceId, this.#view, range);
  }

  /** The value of an entry of a page of the present version. A scan fills free room, but drives nothing out. */
  valueOf(key: string, bytes: Uint8Array): Value {
    const held = this.#cache.peek(key);
    if (held !== undefined && held !== absent) return held;
    const value = this.#decode(key, bytes);
    if (this.#cache.hasRoom) this.#hold(key, value);
    return value;
  }

  /** The store now holds the changes of `layer` as well. */
  written(layer: ChangeLayer): void {
    this.#version++;
    if (layer.cleared) {
      this.#cache.clear();
      this.#complete = true;
    }
    for (const [key, change] of layer.changes) {
      if (change === absent && this.#complete) this.#cache.delete(key);
      else this.#hold(key, change);
    }
  }

  /** Forgets what was read: the store speaks again. */
  forget(): void {
    this.#version++;
    this.#cache.clear();
    this.#complete = this.#storeIsEmpty();
  }

  #hold(key: string, known: Known): void {
    if (!this.#cache.set(key, known)) this.#complete = false;
  }

  #storeIsEmpty(): boolean {
    return this.page({ prefix: '', after: undefined, limit: 1 }).length === 0;
  }

  #decode(key: string, bytes: Uint8Array): Value {
    try {
      return decodeValue(bytes);
    } catch (cause) {
      const { name, version } = this.#view;
      throw new RamaxError(
        'corrupt',
        `space ${this.#spaceId}, view ${name} version ${version}: the value at ${JSON.stringify(key)} cannot be decoded`,
        { cause, details: { spaceId: this.#spaceId, view: name, viewVersion: version, key } },
      );
    }
  }
}
