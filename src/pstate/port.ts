/**
 * The port of projection storage: what an adapter implements. One contract suite
 * (`test/pstate/pstate-store.contract.ts`) runs on every adapter.
 *
 * It is local to the thread that owns the space and synchronous: a command reads it in the middle of its turn.
 * Everything in it can be rebuilt from the log, so it is a cache with a checkpoint: never ahead of the log.
 *
 * A view is stored in *builds*. Readers use its live build; a rebuild fills another one beside it, and a swap makes
 * that one live by changing two rows, however large the builds are. What is retired is swept away in bounded chunks.
 *
 *   (new) -> building -> live -> retired -> (swept)
 *               |                  ^
 *               +------------------+  cancelled, or made by other projections
 *
 * Invariants of an adapter:
 *   P1  `flush` writes entries and checkpoints in one transaction: after a crash both are there or neither is.
 *   P2  Every write checks the fence in the same transaction and throws `fenced` when a newer owner has opened the
 *       store.
 *   P3  Every call is scoped to one space; builds are told apart by name, version and number.
 *   P4  Keys are ordered by code point.
 *   P5  At most one build of a view name is live in a space. `swap` changes all that it names in one transaction.
 */

import type { Checkpoint } from '../core/event.js';

/** One version of one view. */
export interface ViewRef {
  readonly name: string;
  readonly version: number;
}

/** One stored copy of one version of one view. */
export interface ViewBuild extends ViewRef {
  /** An integer from 1. A rebuild takes the next one that the view has never had among its stored builds. */
  readonly build: number;
}

/** What a build is for. See the head of this file. */
export type BuildState = 'building' | 'live' | 'retired';

/** What the store knows of one build. */
export interface StoredBuild {
  readonly view: ViewBuild;
  readonly state: BuildState;
  readonly checkpoint: Checkpoint;
  /** Of the projections that made it; undefined when nobody said. */
  readonly fingerprint: string | undefined;
}

/** One view's part of a flush. */
export interface ViewFlush {
  readonly view: ViewBuild;
  /**
   * The state of a build that the store does not know yet; default `live`. One that it knows keeps its state. A second
   * live build of a name is a bug (P5): an assertion fails and nothing of the flush is written.
   */
  readonly state?: 'building' | 'live' | undefined;
  /** Replaces the one that is stored, when given. */
  readonly fingerprint?: string | undefined;
  /** Remove every entry of the build first. */
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
  /**
   * Grows each time all that was stored is lost, because it was damaged: what was loaded before must be loaded again. Absent where
   * that cannot be.
   */
  readonly epoch?: number;
  /** The bytes at `key`, or undefined. Throws `corrupt` when they fail their checksum. */
  get(spaceId: number, view: ViewBuild, key: string): Uint8Array | undefined;
  /** The bytes at these keys, in their order, in one read of the store. A key may stand there twice. Throws as `get`. */
  getMany(spaceId: number, view: ViewBuild, keys: readonly string[]): readonly (Uint8Array | undefined)[];
  /** Entries of a range in the order of their keys. */
  scan(
    spaceId: number,
    view: ViewBuild,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[];
  /** The number of entries. */
  count(spaceId: number, view: ViewBuild): number;
  /** All builds of a space that were ever flushed and are not swept yet, in the order of name, version and number. */
  builds(spaceId: number): readonly StoredBuild[];
  /** The spaces with `spaceId > after` that have builds, in the order of their ids, `limit` at most. */
  listSpaces(after: number, limit: number): readonly number[];
  /** See P1, P2. */
  flush(spaceId: number, views: readonly ViewFlush[]): void;
  /**
   * Makes each of these builds the live one of its name; whichever was live before, of any version, is retired. One
   * that is unknown, or retired and so perhaps half swept, is a bug, and so are two of one name: an assertion fails and
   * nothing is changed.
   */
  swap(spaceId: number, views: readonly ViewBuild[]): void;
  /** Retires these builds. Those that are unknown or retired already are passed over. */
  retire(spaceId: number, views: readonly ViewBuild[]): void;
  /**
   * Deletes up to `rowsMax` rows of the retired builds of the space: the entries of a build, then the build itself, so
   * that a sweep that was interrupted is found again.
   */
  sweep(spaceId: number, rowsMax: number): { readonly done: boolean };
  /**
   * Remembers that this version of the view passes over the event at this sequence, in every build. Idempotent. Only
   * `dropSpace` forgets it.
   */
  skip(spaceId: number, view: ViewRef, spaceSequence: number): void;
  /** The sequences that this version of the view passes over, in order. */
  skips(spaceId: number, view: ViewRef): readonly number[];
  /**
   * Deletes up to `rowsMax` rows of the space, over all its builds and skips. Checkpoints go first: one over entries
   * that are half gone would be believed.
   */
  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean };
  /** Leaves nothing of what was deleted in the files, as `LogStore.scrub`. */
  scrub(rewriteBytesMax: number): void;
  close(): void;
}
