/**
 * One build of one view of one space in memory: entries, their order, and what the store knows of it.
 *
 * The order is mended when a scan needs it after keys have come or gone. That is nearly linear, because it is then made
 * of two runs that are sorted already.
 */

import type { Checkpoint } from '../../core/event.js';
import { compareCodePoints } from '../../core/names.js';
import type { BuildState, KeyRange, StoredBuild, ViewBuild, ViewFlush } from '../port.js';

/** What the store knows of a build besides its entries. */
interface Row {
  readonly state: BuildState;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string | undefined;
}

/** See the file's header. Bytes are handed out as they are: the store copies them. */
export class MemoryBuild {
  readonly view: ViewBuild;
  readonly #entries = new Map<string, Uint8Array>();
  #order: readonly string[] = [];
  #orderHolds = true;
  /** Undefined before the first flush, and again when the space is being dropped. */
  #row: Row | undefined;

  constructor({ name, version, build }: ViewBuild) {
    this.view = Object.freeze({ name, version, build });
  }

  /** Undefined when the build has no row: the store then does not know it. */
  get state(): BuildState | undefined {
    return this.#row?.state;
  }

  get stored(): StoredBuild | undefined {
    return this.#row === undefined ? undefined : { view: this.view, ...this.#row };
  }

  get count(): number {
    return this.#entries.size;
  }

  get empty(): boolean {
    return this.#entries.size === 0 && this.#row === undefined;
  }

  get(key: string): Uint8Array | undefined {
    return this.#entries.get(key);
  }

  scan({ prefix, after, limit }: KeyRange): (readonly [key: string, value: Uint8Array])[] {
    const keys = this.#ordered();
    const found: (readonly [string, Uint8Array])[] = [];
    for (let index = firstIndex(keys, prefix, after); index < keys.length && found.length < limit; index++) {
      const key = keys[index] as string;
      if (!key.startsWith(prefix)) break;
      found.push([key, this.#entries.get(key) as Uint8Array]);
    }
    return found;
  }

  apply({ clear, deletes, puts, checkpoint, fingerprint, state = 'live' }: ViewFlush): void {
    const before = this.#entries.size;
    if (clear) this.#entries.clear();
    for (const key of deletes) this.#entries.delete(key);
    const kept = this.#entries.size;
    for (const [key, bytes] of puts) this.#entries.set(key, new Uint8Array(bytes));
    if (kept !== before || this.#entries.size !== kept) this.#orderHolds = false;
    const { lastEventId, lastSpaceSequence } = checkpoint;
    this.#row = {
      state: this.#row?.state ?? state,
      checkpoint: Object.freeze({ lastEventId, lastSpaceSequence }),
      fingerprint: fingerprint ?? this.#row?.fingerprint,
    };
  }

  /** Of a build that has no row nothing is changed. */
  enter(state: BuildState): void {
    if (this.#row !== undefined) this.#row = { ...this.#row, state };
  }

  /** Returns how many rows that were: 0 or 1. */
  dropRow(rowsMax: number): number {
    if (this.#row === undefined || rowsMax < 1) return 0;
    this.#row = undefined;
    return 1;
  }

  /** Returns how many rows that were. */
  dropEntries(rowsMax: number): number {
    let rows = 0;
    for (const key of this.#entries.keys()) {
      if (rows >= rowsMax) break;
      this.#entries.delete(key);
      rows++;
    }
    if (rows > 0) this.#orderHolds = false;
    return rows;
  }

  #ordered(): readonly string[] {
    if (this.#orderHolds) return this.#order;
    const known = new Set(this.#order);
    const kept = this.#order.filter((key) => this.#entries.has(key));
    const added = [...this.#entries.keys()].filter((key) => !known.has(key)).sort(compareCodePoints);
    this.#order = [...kept, ...added].sort(compareCodePoints);
    this.#orderHolds = true;
    return this.#order;
  }
}

/** Where the keys with this prefix after this key begin, by bisection. */
function firstIndex(keys: readonly string[], prefix: string, after: string | undefined): number {
  const afterLater = after !== undefined && compareCodePoints(after, prefix) >= 0;
  const comesBefore = (key: string): boolean =>
    afterLater ? compareCodePoints(key, after) <= 0 : compareCodePoints(key, prefix) < 0;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comesBefore(keys[middle] as string)) low = middle + 1;
    else high = middle;
  }
  return low;
}
