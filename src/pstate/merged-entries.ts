/**
 * Goes over the entries of a state in the order of their keys: the changes of the layers merged over the store.
 *
 * What an iterator shows: the state as it was when `entries()` was called. Writes made since, also by the loop that
 * it drives, do not show, whatever lies in memory and whatever in the store, so that a projection which writes while
 * it iterates folds to the same state live and in a rebuild. One thing is not held still: when the state is flushed
 * or reset while an iterator is open, keys that it has not reached and that had not changed when it was made are
 * shown as the store has them then. No key is shown twice, and the order is kept in any case.
 *
 * Cost: the changed keys with the prefix are sorted; the store is read in pages bounded in entries and bytes.
 */

import { compareCodePoints } from '../core/names.js';
import type { Value } from '../core/values.js';
import { absent, type ChangeLayer, type Known } from './change-layer.js';
import type { StoredView } from './stored-view.js';

const firstPageEntries = 16;
const pageEntriesMax = 256;
/** A page larger than this makes the next one smaller. */
const pageBytesAim = 1024 * 1024;

/** What lies over the store at one moment. */
export interface Overlay {
  /** Nothing of the store shows through. */
  readonly cleared: boolean;
  /** In the order of their keys. */
  readonly changes: readonly (readonly [key: string, change: Known])[];
}

/** The changes with this prefix that `dirty` and `frozen` lay over the store at this moment. */
export function overlayOf(dirty: ChangeLayer, frozen: ChangeLayer | undefined, prefix: string): Overlay {
  const changes = new Map<string, Known>();
  if (!dirty.cleared && frozen !== undefined) collect(frozen, prefix, changes);
  collect(dirty, prefix, changes);
  return {
    cleared: dirty.cleared || frozen?.cleared === true,
    changes: [...changes].sort(([left], [right]) => compareCodePoints(left, right)),
  };
}

function collect(layer: ChangeLayer, prefix: string, changes: Map<string, Known>): void {
  for (const [key, change] of layer.changes) {
    if (key.startsWith(prefix)) changes.set(key, change);
  }
}

/** The entries of `stored` under `overlay`. See the file's header. */
export function* mergedEntries(
  stored: StoredView,
  overlay: Overlay,
  prefix: string,
): Generator<[key: string, value: Value], undefined, undefined> {
  const below = overlay.cleared ? undefined : new StoredCursor(stored, prefix);
  for (const [key, change] of overlay.changes) {
    for (let head = below?.headBefore(key); head !== undefined; head = below?.headBefore(key)) {
      below?.pass(head[0]);
      yield [head[0], stored.valueOf(head[0], head[1])];
    }
    below?.pass(key);
    if (change !== absent) yield [key, change];
  }
  for (let head = below?.head(); head !== undefined; head = below?.head()) {
    below?.pass(head[0]);
    yield [head[0], stored.valueOf(head[0], head[1])];
  }
}

type StoredEntry = readonly [key: string, bytes: Uint8Array];

/** Reads the stored entries page by page, and again from where it stands when they may have changed. */
class StoredCursor {
  readonly #stored: StoredView;
  readonly #prefix: string;
  /** Every key up to this one has been dealt with. */
  #passed: string | undefined;
  #page: readonly StoredEntry[] = [];
  #index = 0;
  #limit = firstPageEntries;
  #version: number | undefined;

  constructor(stored: StoredView, prefix: string) {
    this.#stored = stored;
    this.#prefix = prefix;
  }

  /** The first stored entry that has not been passed. */
  head(): StoredEntry | undefined {
    if (this.#version !== this.#stored.version) this.#read(firstPageEntries);
    else if (this.#index === this.#page.length && this.#page.length === this.#limit)
      this.#read(this.#nextLimit());
    return this.#page[this.#index];
  }

  /** The same, when it comes before `end`. */
  headBefore(end: string): StoredEntry | undefined {
    const head = this.head();
    return head !== undefined && compareCodePoints(head[0], end) < 0 ? head : undefined;
  }

  /** Deals with `key`, before which all has been passed, whether the store has it or not. */
  pass(key: string): void {
    this.#passed = key;
    if (this.#page[this.#index]?.[0] === key) this.#index++;
  }

  #read(limit: number): void {
    this.#limit = limit;
    this.#version = this.#stored.version;
    this.#page = this.#stored.page({ prefix: this.#prefix, after: this.#passed, limit });
    this.#index = 0;
  }

  #nextLimit(): number {
    const bytes = this.#page.reduce((sum, entry) => sum + entry[1].length, 0);
    if (bytes > pageBytesAim) return Math.max(1, this.#limit >> 1);
    return Math.min(pageEntriesMax, this.#limit * 2);
  }
}
