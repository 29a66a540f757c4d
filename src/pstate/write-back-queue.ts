/**
 * Values that a migration has made and that the store still holds in their old shape: they wait here to be written
 * back, a batch at a time.
 *
 * Owned by the migrator of one view; filled by reads, emptied by `PState.migratedFlush` and `migratedWritten`.
 *
 * Invariants:
 *   - One value per key, `queueMax` at most; what comes on top is not queued, and migrated again when it is next read.
 *   - Nothing here is ever newer than a change: a key that a layer knows is left out of every batch, and what a layer
 *     has brought to the store is taken out.
 *   - A value stays until its batch is confirmed: where the store fails, nothing is lost.
 */

import type { Value } from '../core/values.js';
import type { ChangeLayer } from './change-layer.js';

/** One value that waits. */
export type QueuedValue = readonly [key: string, value: Value];

/** See the file's header. */
export class WriteBackQueue {
  readonly #queueMax: number;
  readonly #waiting = new Map<string, Value>();
  #batch: readonly QueuedValue[] = [];

  constructor(queueMax: number) {
    this.#queueMax = queueMax;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get full(): boolean {
    return this.#waiting.size >= this.#queueMax;
  }

  /** Whether it is queued now and was not before. */
  add(key: string, value: Value): boolean {
    const known = this.#waiting.has(key);
    if (!known && this.full) return false;
    this.#waiting.set(key, value);
    return !known;
  }

  /** The oldest values, `batchMax` at most, without those that have `changed` since. They wait until `confirm()`. */
  batch(batchMax: number, changed: (key: string) => boolean): readonly QueuedValue[] {
    const batch: QueuedValue[] = [];
    for (const [key, value] of this.#waiting) {
      if (batch.length === batchMax) break;
      if (changed(key)) this.#waiting.delete(key);
      else batch.push([key, value]);
    }
    this.#batch = batch;
    return batch;
  }

  /** The store has the last batch. Returns how many values that were. */
  confirm(): number {
    const written = this.#batch;
    this.#batch = [];
    for (const [key, value] of written) {
      if (this.#waiting.get(key) === value) this.#waiting.delete(key);
    }
    return written.length;
  }

  /** The store has the changes of `layer`, which are newer than what waits here. */
  supersede(layer: ChangeLayer): void {
    if (this.#waiting.size === 0) return;
    if (layer.cleared) this.clear();
    for (const key of layer.changes.keys()) this.#waiting.delete(key);
  }

  clear(): void {
    this.#waiting.clear();
    this.#batch = [];
  }
}
