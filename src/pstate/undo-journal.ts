/**
 * What a turn has to remember in order to be undone: for each write the change that the dirty layer held before.
 *
 * A clear replaces the whole layer. The first one in a turn keeps the layer that it replaced; whatever is written
 * after it goes into a layer that undoing drops, and needs no remembering.
 */

import { assert } from '../core/assert.js';
import type { ChangeLayer, Known } from './change-layer.js';

/** See the file's header. At most one turn is open at a time. */
export class UndoJournal {
  #open = false;
  readonly #keys: string[] = [];
  readonly #before: (Known | undefined)[] = [];
  #clearedLayer: ChangeLayer | undefined;

  get open(): boolean {
    return this.#open;
  }

  begin(): void {
    assert(!this.#open, 'a turn begins only when no other is open');
    this.#open = true;
  }

  /** Before `key` is written: what the dirty layer knows of it, undefined for nothing. */
  record(key: string, before: Known | undefined): void {
    if (this.#clearedLayer !== undefined) return;
    this.#keys.push(key);
    this.#before.push(before);
  }

  /** Before `layer` is replaced by a cleared one. */
  recordClear(layer: ChangeLayer): void {
    this.#clearedLayer ??= layer;
  }

  /** The keys that were written in this turn, or undefined in place of all keys. Told before the turn ends. */
  writtenKeys(): Iterable<string | undefined> {
    if (this.#clearedLayer !== undefined) return [undefined];
    return this.#keys.length > 1 ? new Set(this.#keys) : this.#keys;
  }

  /** Ends the turn and forgets how to undo it. */
  keep(): void {
    assert(this.#open, 'a turn is open when it is kept');
    this.drop();
  }

  /** Ends the turn; returns the dirty layer as it was when the turn began. */
  undo(dirty: ChangeLayer): ChangeLayer {
    assert(this.#open, 'a turn is open when it is undone');
    const layer = this.#clearedLayer ?? dirty;
    for (let index = this.#keys.length - 1; index >= 0; index--) {
      const key = this.#keys[index] as string;
      const before = this.#before[index];
      if (before === undefined) layer.changes.delete(key);
      else layer.changes.set(key, before);
    }
    this.drop();
    return layer;
  }

  /** Forgets everything, also an open turn. */
  drop(): void {
    this.#open = false;
    this.#clearedLayer = undefined;
    this.#keys.length = 0;
    this.#before.length = 0;
  }
}
