/**
 * What app code sees of a projection state: a reader for commands and queries, a writer for projections.
 * The class behind both is `PState` (`pstate/`).
 */

import type { Value } from './values.js';

/** Which entries to go over. */
export interface EntriesOptions {
  /** Only keys that start with it. Default: all keys. */
  readonly prefix?: string;
}

/**
 * Read access to one view of one space. Values are deeply frozen; a mutation throws in strict mode.
 *
 * The type argument states what the app put there; it is not checked at run time.
 */
export interface PStateReader {
  /** The value at `key`, or undefined. */
  get<Stored = Value>(key: string): Stored | undefined;
  /** Whether there is a value at `key`. */
  has(key: string): boolean;
  /** The values at `keys`, in their order, undefined where there is none. */
  getMany<Stored = Value>(keys: readonly string[]): (Stored | undefined)[];
  /** Entries in the order of their keys' code points, lazily. */
  entries<Stored = Value>(options?: EntriesOptions): IterableIterator<[key: string, value: Stored]>;
  /** The number of keys. Counts; not meant for a hot path. */
  readonly size: number;
  /** The seed's access protocol, reading: `pstate.record['user:1']`. */
  readonly record: Readonly<Record<string, Value | undefined>>;
}

/** Write access to one view of one space: what a projection receives. Values are copied and frozen when they are put. */
export interface PStateWriter extends Omit<PStateReader, 'record'> {
  /** Sets the value at `key`. `value` is a JSON value. */
  put(key: string, value: unknown): void;
  /** Sets several values. */
  putMany(entries: Iterable<readonly [key: string, value: unknown]>): void;
  /** Replaces the value at `key` by what `change` makes of it (undefined where there was none), and returns it. */
  update<Stored = Value>(key: string, change: (value: Stored | undefined) => unknown): Stored;
  /** Removes `key`; says whether it was there. */
  delete(key: string): boolean;
  /** Removes every key of this view of this space. */
  clear(): void;
  /** The seed's access protocol: read, write, `in` and `delete` on `pstate.record['user:1']`. */
  readonly record: Record<string, unknown>;
}
