/**
 * The projection state of one view of one space: key to value, in memory over a synchronous store.
 *
 * Owned by the space's content store, which drives the turns and flushes; app code sees it through `reader()` and
 * `writer()`. Reads go through layers, newest first:
 *
 *   dirty   changed since the last freeze: the newest value of a key, or that it is gone   (`change-layers.ts`)
 *   frozen  changed before it, waiting until the events up to the freeze are committed and the store has it
 *   stored  what the store holds, through the shard's cache and, where the schema has older shapes, through its
 *           migrations                                                                     (`stored-view.ts`)
 *
 * Invariants:
 *   - What is handed out is deeply frozen; what is put is copied, unless it is a frozen value of ours already.
 *   - Only the cache is bounded and evicted. Changes leave a layer when the store has them, or with `reset()`.
 *   - After `undoTurn()` the state is equal to what it was at `beginTurn()`.
 *   - What a schema refuses is never in a layer, and a migrated value never takes the place of a change.
 */

import { encodeValue } from '../codec/value-codec.js';
import { invalidInput, RamaxError } from '../core/errors.js';
import { type Checkpoint, originCheckpoint } from '../core/event.js';
import { defaultLimits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import type { EntriesOptions, PStateReader, PStateWriter, ResolveOptions } from '../core/pstate-access.js';
import type { StateSchema } from '../core/state-schema.js';
import { freezeValue, isKnownValue, type Value } from '../core/values.js';
import { absent, describeFlush, type FlushExtras, type Known } from './change-layer.js';
import { ChangeLayers, type ChangeListener } from './change-layers.js';
import { type FacedState, ReaderFacade, WriterFacade } from './facades.js';
import { FaceGate } from './face-gate.js';
import { link, unlink } from './links.js';
import { mergedEntries } from './merged-entries.js';
import { type MigrationPage, migratePage } from './migrate-page.js';
import { type MigrationStats, Migrator, noMigrations } from './migrator.js';
import type { PStateStore, ViewBuild, ViewFlush } from './port.js';
import { type PreloadPaths, preloadPaths } from './preload.js';
import { checkView, type PStateLimits, type PStateOptions, type PStateStats } from './pstate-options.js';
import { writableRecord } from './record-proxy.js';
import { resolveEntity } from './resolve.js';
import { StoredView } from './stored-view.js';
import { ValueCache } from './value-cache.js';

export type { PStateLimits, PStateOptions, PStateStats } from './pstate-options.js';

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
export class PState implements FacedState {
  readonly spaceId: number;
  readonly view: ViewBuild;
  readonly #store: PStateStore;
  readonly #limits: PStateLimits;
  readonly #schema: StateSchema | undefined;
  readonly #migrator: Migrator | undefined;
  readonly #stored: StoredView;
  readonly #layers = new ChangeLayers();
  readonly #readerGate = new FaceGate();
  readonly #writerGate = new FaceGate();
  #record: Record<string, unknown> | undefined;
  #reader: PStateReader | undefined;
  #writer: PStateWriter | undefined;

  /** @throws {RamaxError} `invalid_input`, or what the store throws when it is read */
  constructor(options: PStateOptions) {
    const { spaceId, store, schema, limits = defaultLimits } = options;
    checkInteger(spaceId, 'spaceId', 1);
    this.spaceId = spaceId;
    this.view = checkView(options.view, limits);
    this.#store = store;
    this.#limits = limits;
    this.#schema = schema;
    this.#migrator = schema?.migrates
      ? new Migrator({ schema, limits, onWaiting: options.onMigrated })
      : undefined;
    const { cacheEntriesMax: entriesMax, cacheBytesMax: bytesMax } = limits;
    const cache = options.cache ?? new ValueCache({ entriesMax, bytesMax });
    this.#stored = new StoredView({ spaceId, view: this.view, store, cache, migrator: this.#migrator });
  }

  // Reading

  /**
   * The value at `key`, or undefined.
   *
   * @throws {RamaxError} `invalid_input` for what is no key, `migration_failed` from the schema, `corrupt` or `storage`
   *   from the store
   */
  get<Stored = Value>(key: string): Stored | undefined {
    return this.#read(key) as Stored | undefined;
  }

  /** The seed's name for `get`. */
  fetch<Stored = Value>(key: string): Stored | undefined {
    return this.#read(key) as Stored | undefined;
  }

  /** Whether there is a value at `key`. Migrates nothing. */
  has(key: string): boolean {
    const known = this.#lookup(key);
    return known === undefined ? this.#stored.probe(key) : known !== absent;
  }

  /** The values at `keys`. Those that memory does not know are read from the store at once. */
  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[] {
    if (!Array.isArray(keys)) throw invalidInput('keys', 'an array of strings', keys);
    // What memory knows is taken before anything is loaded, which may drive it out.
    const known = Array.from(keys, (key: string) => this.#lookup(key));
    const unknown = new Set(keys.filter((_, index) => known[index] === undefined));
    const loaded = unknown.size === 0 ? undefined : this.#stored.loadMany([...unknown]);
    return known.map((value, index) => {
      if (value === undefined) return loaded?.get(keys[index] as string) as Stored | undefined;
      return value === absent ? undefined : (value as Stored);
    });
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
    const overlay = this.#layers.overlay(prefix);
    return mergedEntries(this.#stored, overlay, prefix) as IterableIterator<[key: string, value: Stored]>;
  }

  /** The number of keys. Asks the store for its count and, key by key, for what has changed. */
  get size(): number {
    const overlay = this.#layers.overlay('');
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
    const known = this.#lookup(key);
    if (known === undefined) return this.#stored.load(key);
    return known === absent ? undefined : known;
  }

  /** What is known of `key` without asking the store. */
  #lookup(key: string): Known | undefined {
    const change = this.#layers.lookup(key);
    if (change !== undefined) this.#stored.countHit();
    // A value may be null, so that `??` would look through it.
    const known = change === undefined ? this.#stored.known(key) : change;
    // What has a value was checked when it was put. Everything else is checked here, whatever lies in memory.
    if (known === undefined || known === absent) checkId(key, 'key', this.#limits.idBytesMax);
    return known;
  }

  // References

  /**
   * The value at `key` with the values that it refers to in the place of its references; undefined when there is none.
   * `resolve.ts` says what becomes of references that lead back or nowhere.
   *
   * @throws {RamaxError} `invalid_input` for a bad depth, over `resolvedEntitiesMax` entities read or in the answer, and
   *   for an answer of more than `valueDepthMax` levels
   */
  getResolved<Resolved = Value>(key: string, options: ResolveOptions = {}): Resolved | undefined {
    return resolveEntity(this, key, options, this.#limits) as Resolved | undefined;
  }

  /**
   * Brings the value at `key` and those that these fields refer to into memory, with one read of the store per level.
   * Returns how many values that are, also those that were in memory already.
   *
   * @throws {RamaxError} `invalid_input` for paths that are none, also for a field that the schema knows as no relation,
   *   and over `resolvedEntitiesMax`
   */
  preload(key: string, paths: PreloadPaths): number {
    return preloadPaths(this, key, paths, this.#limits, this.#schema);
  }

  /**
   * Makes `field` of the entity at `parentKey` and, where there is one, the field that leads back refer to one another.
   * A former partner that can no longer be one lets go on its side. All or nothing.
   *
   * @throws {RamaxError} `invalid_input` when one of both is not there, or `field` is no relation between them
   */
  link(parentKey: string, field: string, childKey: string): void {
    link(this, this.#schema, parentKey, field, childKey);
  }

  /** Takes both references of a link away. False when there was none. */
  unlink(parentKey: string, field: string, childKey: string): boolean {
    return unlink(this, this.#schema, parentKey, field, childKey);
  }

  // Writing

  /**
   * Sets the value at `key`.
   *
   * @throws {RamaxError} `invalid_input` naming what is wrong with the key or the value; nothing is changed then
   */
  put(key: string, value: unknown): void {
    const frozen = this.#checked(key, value);
    this.#layers.write(key, frozen);
  }

  /** Sets several values, all or, when one of them is refused, none. */
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void {
    const checked: [string, Value][] = [];
    for (const [key, value] of entries) checked.push([key, this.#checked(key, value)]);
    for (const [key, value] of checked) this.#layers.write(key, value);
  }

  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored {
    const value = this.#checked(key, change(this.get<Stored>(key)));
    this.#layers.write(key, value);
    return value as Stored;
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#layers.write(key, absent);
    return true;
  }

  clear(): void {
    this.#layers.clear();
  }

  #checked(key: string, value: unknown): Value {
    if (!this.#layers.isDirty(key)) checkId(key, 'key', this.#limits.idBytesMax);
    const admitted = this.#schema === undefined ? value : this.#schema.admit(key, value);
    // What comes from an event is known: no text for an error that cannot come.
    return isKnownValue(admitted) ? admitted : freezeValue(admitted, `pstate["${key}"]`, this.#limits);
  }

  // Faces for app code

  /** What commands and queries get: frozen, without any way to write. The same one at every call. */
  reader(): PStateReader {
    this.#reader ??= new ReaderFacade(this, this.#readerGate);
    return this.#reader;
  }

  /** What projections get: frozen, without the machine room below. The same one at every call. */
  writer(): PStateWriter {
    this.#writer ??= new WriterFacade(this, this.#writerGate);
    return this.#writer;
  }

  /** From here on every method of `reader()` and `writer()` throws what `error` makes, also those handed out before. */
  stop(error: () => RamaxError): void {
    this.#readerGate.stop(error);
    this.#writerGate.stop(error);
  }

  /** As `stop`, but projections go on: nobody may read what is half made. */
  stopReading(error: () => RamaxError): void {
    this.#readerGate.stop(error);
  }

  /** The faces work again. */
  resume(): void {
    this.#readerGate.resume();
    this.#writerGate.resume();
  }

  // Machine room: turns

  /** From here on writes can be undone. Turns do not nest. */
  beginTurn(): void {
    this.#layers.beginTurn();
  }

  /** Ends the turn and keeps its writes. */
  keepTurn(): void {
    this.#layers.keepTurn();
  }

  /** Ends the turn and takes its writes back, also a `clear()`. */
  undoTurn(): void {
    this.#layers.undoTurn();
  }

  /**
   * Tells `listener` of each key that a turn has written and kept, once per turn, and of undefined in the place of all
   * keys (after a clear or a reset). A write outside of a turn is told at once. There is one listener at most; undefined
   * takes it away. It must not throw.
   */
  watchChanges(listener: ChangeListener | undefined): void {
    this.#layers.watch(listener);
  }

  // Machine room: from memory to the store

  /** Changes since the last freeze; a clear counts as one, so that 0 means that there is nothing to freeze. */
  get dirtyKeys(): number {
    return this.#layers.dirtyKeys;
  }

  /** Sets the changes so far apart for a flush, in constant time. False when there are none. */
  freeze(): boolean {
    return this.#layers.freeze();
  }

  /** The frozen changes for `store.flush`; without any, a flush that moves the checkpoint alone. */
  frozenFlush(checkpoint: Checkpoint, extras?: FlushExtras): ViewFlush {
    return describeFlush(this.view, this.#layers.frozen, checkpoint, extras);
  }

  /** To be called when the store has what `frozenFlush` described: nothing waits any more. */
  frozenWritten(): void {
    const frozen = this.#layers.takeFrozen();
    if (frozen !== undefined) this.#stored.written(frozen);
  }

  /**
   * Forgets every change that the store does not have, the cache, an open turn and what waits to be written back: the
   * store speaks again.
   */
  reset(): void {
    this.#layers.drop();
    this.#stored.forget();
    this.#layers.tellAll();
  }

  /**
   * Gives the memory of this state back: its part of the shard's cache, and every change that the store does not have.
   * Its faces throw `closed` from then on.
   */
  close(): void {
    this.stop(() => new RamaxError('closed', `the state of view '${this.view.name}' is closed`));
    this.#layers.watch(undefined);
    this.#layers.drop();
    this.#stored.close();
  }

  /**
   * Writes all changes to the store at once, for a state that is used alone, and with them up to `migrationBatchMax`
   * migrated values. Where that fails, nothing is lost and it may be tried again.
   *
   * @param checkpoint default: the one that the store has
   * @throws {RamaxError} `fenced` or `storage` from the store
   */
  flush(checkpoint?: Checkpoint): void {
    if (!this.freeze() && checkpoint === undefined && this.migrated.pending === 0) return;
    try {
      const reached = checkpoint ?? this.#storedCheckpoint();
      const frozen = this.frozenFlush(reached);
      const puts = [...frozen.puts, ...(this.migratedFlush(reached)?.puts ?? [])];
      this.#store.flush(this.spaceId, [{ ...frozen, puts }]);
    } catch (error) {
      this.#layers.unfreeze();
      throw error;
    }
    this.frozenWritten();
    this.migratedWritten();
  }

  #storedCheckpoint(): Checkpoint {
    const { name, version, build } = this.view;
    const same = ({ view }: { readonly view: ViewBuild }): boolean =>
      view.name === name && view.version === version && view.build === build;
    return this.#store.builds(this.spaceId).find(same)?.checkpoint ?? originCheckpoint;
  }

  // Machine room: migrated values, back to the store

  /** Numbers about the migrations of this state. */
  get migrated(): MigrationStats {
    return this.#migrator?.stats ?? noMigrations;
  }

  /**
   * Up to `migrationBatchMax` migrated values for `store.flush`, or undefined when none waits. To be written at once:
   * a change that another flush brings to the store in between would be overwritten.
   *
   * @param checkpoint the one that the store has, or that the same flush of the store brings
   */
  migratedFlush(checkpoint: Checkpoint): ViewFlush | undefined {
    const changed = (key: string): boolean => this.#layers.lookup(key) !== undefined;
    const batch = this.#migrator?.queue.batch(this.#limits.migrationBatchMax, changed) ?? [];
    if (batch.length === 0) return undefined;
    const puts = batch.map(([key, value]) => [key, encodeValue(value)] as const);
    return { view: this.view, clear: false, puts, deletes: [], checkpoint };
  }

  /** To be called when the store has what the last `migratedFlush` described. Without it, that is described again. */
  migratedWritten(): void {
    this.#migrator?.written();
  }

  /**
   * Migrates the stored entries with keys after `after`, `limit` at most, and queues what was in an older shape. It ends
   * early when the queue is full: the caller writes it (`migratedFlush`) and goes on after `last`.
   *
   * @throws {RamaxError} `corrupt` or `storage` from the store. Failed migrations are returned.
   */
  migratePage(after: string | undefined, limit: number): MigrationPage {
    checkInteger(limit, 'limit', 1);
    const changed = (key: string): boolean => this.#layers.lookup(key) !== undefined;
    return migratePage(this.#stored, this.#migrator, changed, after, limit);
  }

  stats(): PStateStats {
    return {
      cleanEntries: this.#stored.cachedEntries,
      dirtyKeys: this.#layers.dirtyKeys,
      frozenKeys: this.#layers.frozenKeys,
      hits: this.#stored.hits,
      misses: this.#stored.misses,
      storeReads: this.#stored.storeReads,
    };
  }
}
