/**
 * All changes of one state that the store does not hold yet: the dirty layer over the frozen one, and the turn that
 * may still be undone.
 *
 * Owned by `PState`, which reads the store where nothing is known here.
 *
 * Invariants:
 *   - Writes go to the dirty layer alone; the frozen one stays as it was at the freeze until the store has it.
 *   - After `undoTurn()` the changes are equal to what they were at `beginTurn()`.
 *   - The watcher is told of what is kept: at the end of a turn, or at once where no turn is open.
 */

import { assert } from '../core/assert.js';
import { ChangeLayer, type Known } from './change-layer.js';
import { type Overlay, overlayOf } from './merged-entries.js';
import { UndoJournal } from './undo-journal.js';

/** Is told of each key that was written and is kept; of undefined when that is every key. */
export type ChangeListener = (key: string | undefined) => void;

/** See the file's header. */
export class ChangeLayers {
  readonly #turn = new UndoJournal();
  #dirty = new ChangeLayer();
  #frozen: ChangeLayer | undefined;
  #listener: ChangeListener | undefined;

  /** Without a listener, nobody is told. */
  watch(listener: ChangeListener | undefined): void {
    this.#listener = listener;
  }

  /** What the changes say of `key`; undefined when the store decides. */
  lookup(key: string): Known | undefined {
    const change = this.#dirty.lookup(key);
    return change !== undefined || this.#frozen === undefined ? change : this.#frozen.lookup(key);
  }

  /** Whether `key` itself was written since the last freeze. */
  isDirty(key: string): boolean {
    return this.#dirty.changes.has(key);
  }

  /** The changes with this prefix as they are at this moment. */
  overlay(prefix: string): Overlay {
    return overlayOf(this.#dirty, this.#frozen, prefix);
  }

  get dirtyKeys(): number {
    return this.#dirty.size;
  }

  get frozenKeys(): number {
    return this.#frozen?.size ?? 0;
  }

  get frozen(): ChangeLayer | undefined {
    return this.#frozen;
  }

  write(key: string, change: Known): void {
    const { changes } = this.#dirty;
    if (this.#turn.open) this.#turn.record(key, changes.get(key));
    changes.set(key, change);
    if (!this.#turn.open) this.#listener?.(key);
  }

  clear(): void {
    if (this.#turn.open) this.#turn.recordClear(this.#dirty);
    this.#dirty = new ChangeLayer(true);
    if (!this.#turn.open) this.#listener?.(undefined);
  }

  beginTurn(): void {
    this.#turn.begin();
  }

  keepTurn(): void {
    const listener = this.#listener;
    if (listener !== undefined) for (const key of this.#turn.writtenKeys()) listener(key);
    this.#turn.keep();
  }

  undoTurn(): void {
    this.#dirty = this.#turn.undo(this.#dirty);
  }

  /** Sets the dirty layer apart. False when nothing changed. */
  freeze(): boolean {
    assert(!this.#turn.open, 'a state is frozen between turns');
    assert(this.#frozen === undefined, 'a state is frozen once at a time');
    if (this.#dirty.size === 0) return false;
    this.#frozen = this.#dirty;
    this.#dirty = new ChangeLayer();
    return true;
  }

  /** Takes a freeze back, after which nothing was written. */
  unfreeze(): void {
    assert(this.#dirty.size === 0, 'a freeze is taken back before anything is written');
    this.#dirty = this.#frozen ?? this.#dirty;
    this.#frozen = undefined;
  }

  /** The frozen layer, which the store now has: it is let go. */
  takeFrozen(): ChangeLayer | undefined {
    const frozen = this.#frozen;
    this.#frozen = undefined;
    return frozen;
  }

  /** Forgets everything, also an open turn. */
  drop(): void {
    this.#turn.drop();
    this.#dirty = new ChangeLayer();
    this.#frozen = undefined;
  }

  /** Tells that every key may have another value. */
  tellAll(): void {
    this.#listener?.(undefined);
  }
}
