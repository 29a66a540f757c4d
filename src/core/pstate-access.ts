/**
 * What app code sees of a projection state: a reader for commands and queries, a writer for projections.
 * The class behind both is `PState` (`pstate/`), which knows no types of entities.
 *
 * Where the view has a schema, a key such as `card:c1` gives and takes the entity that the text before its first colon
 * names: `EntityReader`, `EntityWriter`. Keys of no entity take any value, with or without a schema. (These are interfaces
 * of their own, so that a function that takes any state takes one with a schema as well.)
 */

import type {
  AnyPreloadPath,
  Entity,
  EntityAt,
  EntityKey,
  EntityName,
  FreeKey,
  InputAt,
  PreloadPath,
  RelationAt,
  ResolvedAt,
  TargetKeyAt,
} from './schema/entity-types.js';
import type { Value } from './values.js';

/** Which entries to go over. */
export interface EntriesOptions {
  /** Only keys that start with it. Default: all keys. */
  readonly prefix?: string;
}

/** How far to follow references. */
export interface ResolveOptions {
  /**
   * References that lie one behind the other and are followed: 1 gives the entity with those that it refers to, whose
   * own references stay as they are. Default: all the way.
   */
  readonly depth?: number;
}

/** What reader and writer have in common. */
export interface PStateAccess {
  /**
   * The value at `key`, or undefined. For a key of no entity the type argument states what the app put there; it is not
   * checked at run time.
   */
  get<Stored = Value>(key: string): Stored | undefined;
  /** Whether there is a value at `key`. */
  has(key: string): boolean;
  /** The values at `keys`, in their order, undefined where there is none. */
  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[];
  /** Entries in the order of their keys' code points, lazily. */
  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]>;
  /** The number of keys. Counts; not meant for a hot path. */
  readonly size: number;
  /**
   * The entity at `key` with its references followed, or undefined when there is none. A reference that cannot be
   * followed stays and says why: `$missing` when there is nothing at its key, `$circular` (the keys of the chain) when it
   * leads back to an entity that it came from by more than one step. One that leads straight back to the entity that holds it
   * stays as it is: a child's way to its parent.
   *
   * @throws {RamaxError} `invalid_input` for a depth that is no integer from 0, and when more entities would be
   *   followed than `limits.resolvedEntitiesMax`
   * @example
   * ```ts
   * const deck = pstate.getResolved('deck:d1', { depth: 1 });
   * for (const card of Object.values(deck?.cards ?? {})) if (!isRef(card)) show(card.front);
   * ```
   */
  getResolved<Stored = Value>(key: string, options?: ResolveOptions): Stored | undefined;
  /**
   * Brings the entity at `key` and those that these fields refer to into memory, a whole generation in one read of the
   * store instead of one read for each. Returns how many entities these are, whether they were in memory already or not.
   *
   * @throws {RamaxError} `invalid_input` for a field that is no relation
   * @example
   * ```ts
   * pstate.preload('deck:d1', ['cards', { cards: ['translations'] }]);
   * ```
   */
  preload(key: string, paths: readonly AnyPreloadPath[]): number;
}

/** Read access to one view of one space. Values are deeply frozen; a mutation throws in strict mode. */
export interface PStateReader extends PStateAccess {
  /** The seed's access protocol, reading: `pstate.record['user:1']`. */
  readonly record: Readonly<Record<string, Value | undefined>>;
}

/** Write access to one view of one space: what a projection receives. Values are copied and frozen when they are put. */
export interface PStateWriter extends PStateAccess {
  /**
   * Sets the value at `key`. `value` is a JSON value, and for a key of an entity what the schema takes: what is absent
   * and has a default is filled in.
   *
   * @throws {RamaxError} `invalid_input` with the path to what is wrong, what was expected and what came
   */
  put(key: string, value: unknown): void;
  /** Sets several values, all or, when one of them is refused, none. */
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void;
  /** Replaces the value at `key` by what `change` makes of it (undefined where there was none), and returns it. */
  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored;
  /** Removes `key`; says whether it was there. References to it stay, and are `$missing` when they are followed. */
  delete(key: string): boolean;
  /** Removes every key of this view of this space. */
  clear(): void;
  /**
   * Lets `field` of the entity at `key` refer to the entity at `targetKey`, and the field that leads back, where there is
   * one, to it. What was linked there before and can be linked once only is let go on both sides.
   *
   * @throws {RamaxError} `invalid_input` when there is no such entity, no such relation, or the target is of another one
   * @example
   * ```ts
   * pstate.link('deck:d1', 'cards', 'card:c1'); // deck:d1 has the card, and the card its deck
   * ```
   */
  link(key: string, field: string, targetKey: string): void;
  /** Takes back what `link` did, on both sides. Says whether there was anything to take back. */
  unlink(key: string, field: string, targetKey: string): boolean;
  /** The seed's access protocol: read, write, `in` and `delete` on `pstate.record['user:1']`. */
  readonly record: Record<string, unknown>;
}

/** What reader and writer have in common where a schema says what lies at which key. Overloads for other keys come last. */
export interface EntityAccess<S> extends PStateAccess {
  get<const Key extends EntityKey<S>>(key: Key): EntityAt<S, Key> | undefined;
  get<Stored = Value>(key: string): Stored | undefined;
  getMany<const Key extends EntityKey<S>>(keys: readonly Key[]): (EntityAt<S, Key> | undefined)[];
  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[];
  entries<const Name extends EntityName<S>>(options: {
    readonly prefix: `${Name}:${string}`;
  }): IterableIterator<[key: `${Name}:${string}`, value: Entity<S, Name>]>;
  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]>;
  getResolved<const Key extends EntityKey<S>>(
    key: Key,
    options?: ResolveOptions,
  ): ResolvedAt<S, Key> | undefined;
  getResolved<Stored = Value>(key: string, options?: ResolveOptions): Stored | undefined;
  preload<const Key extends EntityKey<S>>(key: Key, paths: readonly PreloadPath<S, Key>[]): number;
  preload<const Key extends string>(key: Key & FreeKey<S, Key>, paths: readonly AnyPreloadPath[]): number;
}

/**
 * A `PStateReader` of a view with the schema `S`: keys of its entities give their types.
 *
 * @example
 * ```ts
 * function cardsOf(pstate: EntityReader<typeof schema>, deckId: string) {
 *   return Object.values(pstate.get(`deck:${deckId}`)?.cards ?? {}).map(({ $ref }) => pstate.get($ref));
 * }
 * ```
 */
export interface EntityReader<S> extends EntityAccess<S> {
  readonly record: Readonly<Record<string, Value | undefined>>;
}

/** A `PStateWriter` of a view with the schema `S`: keys of its entities give and take their types. */
export interface EntityWriter<S> extends EntityAccess<S> {
  put<const Key extends string>(key: Key, value: InputAt<S, Key>): void;
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void;
  update<const Key extends EntityKey<S>>(
    key: Key,
    change: (entity: EntityAt<S, Key> | undefined) => InputAt<S, Key>,
  ): EntityAt<S, Key>;
  update<Stored = Value, const Key extends string = string>(
    key: Key & FreeKey<S, Key>,
    change: (value: Stored | undefined) => unknown,
  ): Stored;
  delete(key: string): boolean;
  clear(): void;
  link<const Key extends string, const Field extends RelationAt<S, Key>>(
    key: Key,
    field: Field,
    targetKey: TargetKeyAt<S, Key, Field>,
  ): void;
  unlink<const Key extends string, const Field extends RelationAt<S, Key>>(
    key: Key,
    field: Field,
    targetKey: TargetKeyAt<S, Key, Field>,
  ): boolean;
  readonly record: Record<string, unknown>;
}

/** What commands and queries of an app get: by the schema of the view, where `S` is one. */
export type ReaderOf<S> = [EntityName<S>] extends [never] ? PStateReader : EntityReader<S>;

/** What projections get: by the schema of the view, where `S` is one. */
export type WriterOf<S> = [EntityName<S>] extends [never] ? PStateWriter : EntityWriter<S>;
