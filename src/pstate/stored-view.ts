/**
 * What the store holds of one view of one space, read through the view's section of the shard's cache.
 *
 * Values come out in their present shape: those that an older app has stored pass the migrator (`migrator.ts`).
 *
 * Invariants:
 *   - The cache never contradicts the store: it is told of every write (`written`) after the store has it, and learns
 *     only from reads made since the last write. Changes that the store does not have yet live in the layers above.
 *   - While it is complete, the cache holds every entry of the store and remembers no absences: a miss is an answer.
 *     It is complete from the moment the store is known to be empty until something has to be forgotten, for this view
 *     or for any other of the shard.
 *   - A value whose migration failed is held by nobody: it is tried again at its next read.
 */

import { decodeValue } from '../codec/value-codec.js';
import { RamaxError } from '../core/errors.js';
import { type Value, valueBytes } from '../core/values.js';
import { absent, type ChangeLayer, type Known } from './change-layer.js';
import type { Migrator } from './migrator.js';
import type { KeyRange, PStateStore, ViewBuild } from './port.js';
import type { CacheSection, ValueCache } from './value-cache.js';

/** Which view of which space, where it is stored, and through what it is read. */
export interface StoredViewOptions {
  readonly spaceId: number;
  readonly view: ViewBuild;
  readonly store: PStateStore;
  readonly cache: ValueCache;
  /** Undefined when stored values are taken as they are. */
  readonly migrator: Migrator | undefined;
}

/** See the file's header. */
export class StoredView {
  readonly #spaceId: number;
  readonly #view: ViewBuild;
  readonly #store: PStateStore;
  readonly #cache: ValueCache;
  readonly #section: CacheSection;
  readonly #migrator: Migrator | undefined;
  #complete: boolean;
  #version = 0;
  #hits = 0;
  #misses = 0;
  #storeReads = 0;

  constructor({ spaceId, view, store, cache, migrator }: StoredViewOptions) {
    this.#spaceId = spaceId;
    this.#view = view;
    this.#store = store;
    this.#cache = cache;
    this.#section = cache.section(() => {
      this.#complete = false;
    });
    this.#migrator = migrator;
    this.#complete = this.#storeIsEmpty();
  }

  /** Grows whenever the stored entries may have changed: what was read before must be read again. */
  get version(): number {
    return this.#version;
  }

  get cachedEntries(): number {
    return this.#section.size;
  }

  /** Reads that memory answered. */
  get hits(): number {
    return this.#hits;
  }

  /** Reads that went to the store. */
  get misses(): number {
    return this.#misses;
  }

  /** Calls of the store that read entries. */
  get storeReads(): number {
    return this.#storeReads;
  }

  /** Counts a read that memory answered, here or above. */
  countHit(): void {
    this.#hits++;
    this.#cache.countHit();
  }

  /** What is known of `key` without asking the store; undefined when the store has to be asked. */
  known(key: string): Known | undefined {
    let known = this.#section.get(key);
    if (known === undefined && this.#complete) known = absent;
    if (known !== undefined) this.countHit();
    return known;
  }

  /** The value of `key` in the store, which the cache does not know. */
  load(key: string): Value | undefined {
    this.#countMisses(1);
    return this.#take(key, this.#read(key));
  }

  /** The values of `keys` in the store, which the cache does not know, in one read; without those that are not there. */
  loadMany(keys: readonly string[]): Map<string, Value> {
    this.#countMisses(keys.length);
    this.#storeReads++;
    const stored = this.#store.getMany(this.#spaceId, this.#view, keys);
    const loaded = new Map<string, Value>();
    for (const [index, key] of keys.entries()) {
      const value = this.#take(key, stored[index]);
      if (value !== undefined) loaded.set(key, value);
    }
    return loaded;
  }

  /** Whether the store has `key`, of which the cache does not know. Nothing is migrated for it. */
  probe(key: string): boolean {
    if (this.#migrator === undefined) return this.load(key) !== undefined;
    this.#countMisses(1);
    if (this.#read(key) !== undefined) return true;
    this.#section.set(key, absent, 0);
    return false;
  }

  /** Whether the store has `key`. Counts as no use. */
  has(key: string): boolean {
    const held = this.#section.peek(key);
    if (held !== undefined) return held !== absent;
    return !this.#complete && this.#read(key) !== undefined;
  }

  /** The number of entries in the store. */
  count(): number {
    return this.#complete ? this.#section.size : this.#store.count(this.#spaceId, this.#view);
  }

  /** Entries of the store as bytes, in the order of their keys. */
  page(range: KeyRange): readonly (readonly [key: string, bytes: Uint8Array])[] {
    this.#storeReads++;
    return this.#store.scan(this.#spaceId, this.#view, range);
  }

  /** The value of an entry of a page of the present version. A scan fills free room, but drives nothing out. */
  valueOf(key: string, bytes: Uint8Array): Value {
    const held = this.#section.peek(key);
    if (held !== undefined && held !== absent) return held;
    const value = this.#present(key, bytes);
    this.#section.fill(key, value, bytes.length);
    return value;
  }

  /** Migrates the bytes of an entry of a page, whatever the cache holds. Says whether it was in an older shape. */
  migrate(key: string, bytes: Uint8Array): boolean {
    const stored = this.#decode(key, bytes);
    return this.#migrator !== undefined && this.#migrator.present(key, stored) !== stored;
  }

  /** The store now holds the changes of `layer` as well. */
  written(layer: ChangeLayer): void {
    this.#version++;
    this.#migrator?.queue.supersede(layer);
    if (layer.cleared) {
      this.#section.clear();
      this.#complete = true;
    }
    for (const [key, change] of layer.changes) {
      if (change !== absent) this.#section.set(key, change, valueBytes(change));
      else if (this.#complete) this.#section.delete(key);
      else this.#section.set(key, absent, 0);
    }
  }

  /** Forgets what was read, also what waits to be written back: the store speaks again. */
  forget(): void {
    this.#version++;
    this.#migrator?.queue.clear();
    this.#section.clear();
    // Not asked of the store: whoever forgets may do so because the store fails.
    this.#complete = false;
  }

  /** Gives its part of the cache back, for good. */
  close(): void {
    this.#version++;
    this.#complete = false;
    this.#migrator?.queue.clear();
    this.#section.close();
  }

  /** What was read for `key`, as a value that the cache now knows. */
  #take(key: string, bytes: Uint8Array | undefined): Value | undefined {
    if (bytes === undefined) {
      this.#section.set(key, absent, 0);
      return undefined;
    }
    const value = this.#present(key, bytes);
    this.#section.set(key, value, bytes.length);
    return value;
  }

  #present(key: string, bytes: Uint8Array): Value {
    const stored = this.#decode(key, bytes);
    return this.#migrator === undefined ? stored : this.#migrator.present(key, stored);
  }

  #read(key: string): Uint8Array | undefined {
    this.#storeReads++;
    return this.#store.get(this.#spaceId, this.#view, key);
  }

  #countMisses(reads: number): void {
    this.#misses += reads;
    this.#cache.countMisses(reads);
  }

  #storeIsEmpty(): boolean {
    return this.page({ prefix: '', after: undefined, limit: 1 }).length === 0;
  }

  #decode(key: string, bytes: Uint8Array): Value {
    try {
      return decodeValue(bytes);
    } catch (cause) {
      const { name, version, build } = this.#view;
      throw new RamaxError(
        'corrupt',
        `space ${this.#spaceId}, view ${name} version ${version}: the value at ${JSON.stringify(key)} cannot be decoded`,
        { cause, details: { spaceId: this.#spaceId, view: name, viewVersion: version, build, key } },
      );
    }
  }
}
