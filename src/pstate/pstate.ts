/**
 * The projection state of one view of one space: key to value, in memory over a synchronous store.
 *
 * Owned by the space's content store, which drives the turns and flushes; app code sees it through `reader()` and
 * `writer()`. Reads go through layers, newest first:
 *
 *   dirty   changed since the last freeze: the newest value of a key, or that it is gone
 *   frozen  changed before it, waiting until the events up to the freeze are committed and the store has it
 *   stored  what the store holds, through a bounded cache (`stored-view.ts`)
 *
 * Invariants:
 *   - What is handed out is deeply frozen; what is put is copied, unless it is a frozen value of ours already.
 *   - Only the cache is bounded and evicted. Changes leave a layer when the store has them, or with `reset()`.
 *   - After `undoTurn()` the state is equal to what it was at `beginTurn()`.
 */

import { assert } from '../core/assert.js';
import { invalidInput } from '../core/errors.js';
import { type Checkpoint, originCheckpoint } from '../core/event.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import type { EntriesOptions, PStateReader, PStateWriter } from '../core/pstate-access.js';
import { freezeValue, type Value } from '../core/values.js';
import { absent, ChangeLayer, describeFlush, type Known } from './change-layer.js';
import { ReaderFacade, WriterFacade } from './facades.js';
import { mergedEntries, overlayOf } from './merged-entries.js';
import type { PStateStore, ViewFlush, ViewRef } from './port.js';
import { writableRecord } from './record-proxy.js';
import { StoredView } from './stored-view.js';
import { UndoJournal } from './undo-journal.js';

/** The bounds that a state keeps. */
export type PStateLimits = Pick<Limits, 'cacheEntriesMax' | 'valueBytesMax' | 'valueDepthMax' | 'idBytesMax'>;

/** What a state is made of. */
export interface PStateOptions {
  readonly spaceId: number;
  readonly view: ViewRef;
  readonly store: PStateStore;
  /** Default: `defaultLimits`. */
  readonly limits?: PStateLimits;
}

/** Numbers about a state, for telemetry. */
export interface PStateStats {
  /** Entries and remembered absences in the cache. */
  readonly cleanEntries: number;
  /** Changes since the last freeze; a clear counts as one. */
  readonly dirtyKeys: number;
  /** Changes that are frozen; a clear counts as one. */
  readonly frozenKeys: number;
  /** Reads answered from memory. */
  readonly hits: number;
  /** Reads that went to the store. */
  readonly misses: number;
}

/**
 * See the file's header.
 *
 * @example
 * ```ts
 * const pstate = new PState({ spaceId: 1, view: { name: 'main', version: 1 }, store: new MemoryPStateStore() });
 * pstate.put('user:1', { name: 'Ada' });
 * pstate.fetch('user:1'); // { name: 'Ada' }
 * pstate.flush();
 * ```
 */
export class PState implements PStateWriter {
  readonly spaceId: number;
  readonly view: ViewRef;
  readonly #store: PStateStore;
  readonly #limits: PStateLimits;
  readonly #stored: StoredView;
  readonly #turn = new UndoJournal();
  #dirty = new ChangeLayer();
  #frozen: ChangeLayer | undefined;
  #hits = 0;
  #record: Record<string, unknown> | undefined;
  #reader: PStateReader | undefined;
  #writer: PStateWriter | undefined;

  /** @throws {RamaxError} `invalid_input`, or what the store throws when it is read */
  constructor({ spaceId, view, store, limits = defaultLimits }: PStateOptions) {
    checkInteger(spaceId, 'spaceId', 1);
    checkId(view.name, 'view.name', limits.idBytesMax);
    checkInteger(view.version, 'view.version', 1);
    this.spaceId = spaceId;
    this.view = Object.freeze({ name: view.name, version: view.version });
    this.#store = store;
    this.#limits = limits;
    this.#stored = new StoredView({ spaceId, view, store, cacheEntriesMax: limits.cacheEntriesMax });
  }

  // Reading

  /**
   * The value at `key`, or undefined.
   *
   * @throws {RamaxError} `invalid_input` for what is no key, `corrupt` or `storage` from the store
   */
  get<Stored = Value>(key: string): Stored | undefined {
    return this.#read(key) as Stored | undefined;
  }

  /** The seed's name for `get`. */
  fetch<Stored = Value>(key: string): Stored | undefined {
    return this.#read(key) as Stored | undefined;
  }

  has(key: string): boolean {
    return this.#read(key) !== undefined;
  }

  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    if (!Array.isArray(keys)) throw invalidInput('keys', 'an array of strings', keys);
    return keys.map((key: string) => this.get<Stored>(key));
  }

  /**
   * Entries in the order of their keys' code points, lazily: the state as it is at this call. Writes made while the
   * iterator is open do not show in it. (`merged-entries.ts` says what a flush in between does.)
   *
   * @throws {RamaxError} `invalid_input` when the prefix is not text that a key can begin with
   */
  entries<Stored = Value>(options: EntriesOptions = {}): IterableIterator<[key: string, value: Stored]> {
    const { prefix = '' } = options;
    if (prefix !== '') checkId(prefix, 'prefix', this.#limits.idBytesMax);
    const overlay = overlayOf(this.#dirty, this.#frozen, prefix);
    return mergedEntries(this.#stored, overlay, prefix) as IterableIterator<[key: string, value: Stored]>;
  }

  /** The number of keys. Asks the store for its count and, key by key, for what has changed. */
  get size(): number {
    const overlay = overlayOf(this.#dirty, this.#frozen, '');
    let size = overlay.cleared ? 0 : this.#stored.count();
    for (const [key, change] of overlay.changes) {
      if (change !== absent) size++;
      if (!overlay.cleared && this.#stored.has(key)) size--;
    }
    return size;
  }

  /** The seed's access protocol: read, write, `in` and `delete` on `pstate.record['user:1']`. */
  get record(): Record<string, unknown> {
    this.#record ??= writableRecord(this);
    return this.#record;
  }

  #read(key: string): Value | undefined {
    const known = this.#known(key);
    if (known !== undefined && known !== absent) return known;
    // What has a value was checked when it was put. Everything else is checked here, whatever lies in memory.
    checkId(key, 'key', this.#limits.idBytesMax);
    return known === absent ? undefined : this.#stored.load(key);
  }

  /** What is known without asking the store. (A value may be null, so that `??` would look through it.) */
  #known(key: string): Known | undefined {
    const change = this.#changed(key);
    if (change === undefined) return this.#stored.known(key);
    this.#hits++;
    return change;
  }

  #changed(key: string): Known | undefined {
    const change = this.#dirty.lookup(key);
    return change !== undefined || this.#frozen === undefined ? change : this.#frozen.lookup(key);
  }

  // Writing

  /**
   * Sets the value at `key`.
   *
   * @throws {RamaxError} `invalid_input` naming what is wrong with the key or the value; nothing is changed then
   */
  put(key: string, value: unknown): void {
    const frozen = this.#checked(key, value);
    this.#write(key, frozen);
  }

  /** Sets several values, all or, when one of them is refused, none. */
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void {
    const checked: [string, Value][] = [];
    for (const [key, value] of entries) checked.push([key, this.#checked(key, value)]);
    for (const [key, value] of checked) this.#write(key, value);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    const value = this.#checked(key, change(this.get<Stored>(key)));
    this.#write(key, value);
    return value as Stored;
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#write(key, absent);
    return true;
  }

  clear(): void {
    if (this.#turn.open) this.#turn.recordClear(this.#dirty);
    this.#dirty = new ChangeLayer(true);
  }

  #checked(key: string, value: unknown): Value {
    if (!this.#dirty.changes.has(key)) checkId(key, 'key', this.#limits.idBytesMax);
    return freezeValue(value, `pstate["${key}"]`, this.#limits);
  }

  #write(key: string, change: Known): void {
    const { changes } = this.#dirty;
    if (this.#turn.open) this.#turn.record(key, changes.get(key));
    changes.set(key, change);
  }

  // Faces for app code

  /** What commands and queries get: frozen, without any way to write. The same one at every call. */
  reader(): PStateReader {
    this.#reader ??= new ReaderFacade(this);
    return this.#reader;
  }

  /** What projections get: frozen, without the machine room below. The same one at every call. */
  writer(): PStateWriter {
    this.#writer ??= new WriterFacade(this);
    return this.#writer;
  }

  // Machine room: turns

  /** From here on writes can be undone. Turns do not nest. */
  beginTurn(): void {
    this.#turn.begin();
  }

  /** Ends the turn and keeps its writes. */
  keepTurn(): void {
    this.#turn.keep();
  }

  /** Ends the turn and takes its writes back, also a `clear()`. */
  undoTurn(): void {
    this.#dirty = this.#turn.undo(this.#dirty);
  }

  // Machine room: from memory to the store

  /** Changes since the last freeze; a clear counts as one, so that 0 means that there is nothing to freeze. */
  get dirtyKeys(): number {
    return this.#dirty.size;
  }

  /** Sets the changes so far apart for a flush, in constant time. False when there are none. */
  freeze(): boolean {
    assert(!this.#turn.open, 'a state is frozen between turns');
    assert(this.#frozen === undefined, 'a state is frozen once at a time');
    if (this.#dirty.size === 0) return false;
    this.#frozen = this.#dirty;
    this.#dirty = new ChangeLayer();
    return true;
  }

  /** The frozen changes for `store.flush`; without any, a flush that moves the checkpoint alone. */
  frozenFlush(checkpoint: Checkpoint): ViewFlush {
    return describeFlush(this.view, this.#frozen, checkpoint);
  }

  /** To be called when the store has what `frozenFlush` described: nothing waits any more. */
  frozenWritten(): void {
    if (this.#frozen === undefined) return;
    this.#stored.written(this.#frozen);
    this.#frozen = undefined;
  }

  /** Forgets every change that the store does not have, the cache and an open turn: the store speaks again. */
  reset(): void {
    this.#turn.drop();
    this.#dirty = new ChangeLayer();
    this.#frozen = undefined;
    this.#stored.forget();
  }

  /**
   * Writes all changes to the store at once, for a state that is used alone. Where that fails, nothing is lost and
   * it may be tried again.
   *
   * @param checkpoint default: the one that the store has
   * @throws {RamaxError} `fenced` or `storage` from the store
   */
  flush(checkpoint?: Checkpoint): void {
    if (!this.freeze() && checkpoint === undefined) return;
    const { spaceId, view } = this;
    try {
      const reached = checkpoint ?? this.#store.checkpoint(spaceId, view) ?? originCheckpoint;
      this.#store.flush(spaceId, [this.frozenFlush(reached)]);
    } catch (error) {
      this.#dirty = this.#frozen ?? this.#dirty;
      this.#frozen = undefined;
      throw error;
    }
    this.frozenWritten();
  }

  stats(): PStateStats {
    return {
      cleanEntries: this.#stored.cachedEntries,
      dirtyKeys: this.#dirty.size,
      frozenKeys: this.#frozen?.size ?? 0,
      hits: this.#hits + this.#stored.hits,
      misses: this.#stored.misses,
    };
  }
}
