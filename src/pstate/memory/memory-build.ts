/**
 * One view of one space in memory: entries, their order, and the checkpoint.
 *
 * The order is mended when a scan needs it after keys have come or gone. That is nearly linear, because it is then made
 * of two runs that are sorted already.
 */

import type { Checkpoint } from '../../core/event.js';
import { compareCodePoints } from '../../core/names.js';
import type { KeyRange, ViewFlush } from '../port.js';

/** See the file's header. Bytes are handed out as they are: the store copies them. */
export class MemoryView {
  readonly #entries = new Map<string, Uint8Array>();
  #order: readonly string[] = [];
  #orderHolds = true;
  #checkpoint: Checkpoint | undefined;

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  get count(): number {
    return this.#entries.size;
  }

  get empty(): boolean {
    return this.#entries.size === 0 && this.#checkpoint === undefined;
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

  apply({ clear, deletes, puts, checkpoint }: ViewFlush): void {
    const before = this.#entries.size;
    if (clear) this.#entries.clear();
    for (const key of deletes) this.#entries.delete(key);
    const kept = this.#entries.size;
    for (const [key, bytes] of puts) this.#entries.set(key, new Uint8Array(bytes));
    if (kept !== before || this.#entries.size !== kept) this.#orderHolds = false;
    this.#checkpoint = Object.freeze({ ...checkpoint });
  }

  /** Returns how many rows that were: 0 or 1. */
  dropCheckpoint(rowsMax: number): number {
    if (this.#checkpoint === undefined || rowsMax < 1) return 0;
    this.#checkpoint = undefined;
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
