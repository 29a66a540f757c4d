/**
 * The port of projection storage: what an adapter implements. One contract suite
 * (`test/pstate/pstate-store.contract.ts`) runs on every adapter.
 *
 * It is local to the thread that owns the space and synchronous: a command reads it in the middle of its turn.
 * Everything in it can be rebuilt from the log, so it is a cache with a checkpoint: never ahead of the log.
 *
 * Invariants of an adapter:
 *   P1  `flush` writes entries and checkpoints in one transaction: after a crash both are there or neither is.
 *   P2  `flush` and `dropSpace` check the fence in the same transaction and throw `fenced` when a newer owner has
 *       opened the store.
 *   P3  Every call is scoped to one space; views are told apart by name and version.
 *   P4  Keys are ordered by code point.
 */

import type { Checkpoint } from '../core/event.js';

/** One version of one view. */
export interface ViewRef {
  readonly name: string;
  readonly version: number;
}

/** One view's part of a flush. */
export interface ViewFlush {
  readonly view: ViewRef;
  /** Remove every entry of the view first. */
  readonly clear: boolean;
  readonly puts: readonly (readonly [key: string, value: Uint8Array])[];
  readonly deletes: readonly string[];
  readonly checkpoint: Checkpoint;
}

/** A read of a range of keys. */
export interface KeyRange {
  /** Only keys that start with it; empty for all. */
  readonly prefix: string;
  /** Only keys after this one, when given. */
  readonly after: string | undefined;
  /** Entries at most. */
  readonly limit: number;
}

/** The stored projections of the spaces of one partition. */
export interface PStateStore {
  /** The bytes at `key`, or undefined. Throws `corrupt` when they fail their checksum. */
  get(spaceId: number, view: ViewRef, key: string): Uint8Array | undefined;
  /** Entries of a range in the order of their keys. */
  scan(
    spaceId: number,
    view: ViewRef,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[];
  /** The number of entries. */
  count(spaceId: number, view: ViewRef): number;
  /** How far the view has come, or undefined when nothing was ever flushed. */
  checkpoint(spaceId: number, view: ViewRef): Checkpoint | undefined;
  /** See P1, P2. */
  flush(spaceId: number, views: readonly ViewFlush[]): void;
  /**
   * Puts views in the place of others, in one transaction: for each pair the entries and the checkpoint of `to` are
   * removed and those of `from` become those of `to`. Checks the fence (P2).
   */
  replaceViews(spaceId: number, pairs: readonly { readonly from: ViewRef; readonly to: ViewRef }[]): void;
  /** Deletes up to `rowsMax` rows of the space, over all its views. */
  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean };
  close(): void;
}
