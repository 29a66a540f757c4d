/**
 * Projection storage in memory: for `memory()` storage, tests and simulations.
 *
 * The data is apart from the store, as a disk is from the process: a store can be dropped and another one opened
 * over the same `MemoryPStateData`, with all that was flushed and nothing else.
 */

import type { KeyRange, PStateStore, StoredBuild, ViewBuild, ViewFlush, ViewRef } from '../port.js';
import { closedError, fencedError } from '../store-errors.js';
import { MemorySpace } from './memory-space.js';

/** What outlives a store: one partition's spaces, and its fence. */
export class MemoryPStateData {
  fence = 0;
  logId: string | undefined;
  readonly spaces = new Map<number, MemorySpace>();
}

/** How a store is opened. */
export interface MemoryPStateStoreOptions {
  /** Default: new and empty data. */
  readonly data?: MemoryPStateData;
  /** The log that the projections follow: those of another log are discarded. Default: whichever it is. */
  readonly logId?: string;
  /** Default: the one that the data has. */
  readonly fence?: number;
}

/** See the file's header. */
export class MemoryPStateStore implements PStateStore {
  /** To open another store over. */
  readonly data: MemoryPStateData;
  readonly #fence: number;
  readonly #logId: string | undefined;
  #closed = false;

  /** @throws {RamaxError} `fenced` when a newer owner has opened the data */
  constructor({ data = new MemoryPStateData(), logId = data.logId, fence }: MemoryPStateStoreOptions = {}) {
    // Fences of different logs cannot be compared.
    if (logId !== data.logId) startOver(data, logId);
    this.data = data;
    this.#logId = logId;
    this.#fence = fence ?? data.fence;
    if (data.fence > this.#fence) throw fencedError(this.#fence, data.fence);
    data.fence = this.#fence;
  }

  get(spaceId: number, view: ViewBuild, key: string): Uint8Array | undefined {
    const bytes = this.#space(spaceId)?.build(view)?.get(key);
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  }

  getMany(spaceId: number, view: ViewBuild, keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    const build = this.#space(spaceId)?.build(view);
    return keys.map((key) => {
      const bytes = build?.get(key);
      return bytes === undefined ? undefined : new Uint8Array(bytes);
    });
  }

  scan(
    spaceId: number,
    view: ViewBuild,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[] {
    const entries = this.#space(spaceId)?.build(view)?.scan(range) ?? [];
    return entries.map(([key, bytes]) => [key, new Uint8Array(bytes)] as const);
  }

  count(spaceId: number, view: ViewBuild): number {
    return this.#space(spaceId)?.build(view)?.count ?? 0;
  }

  builds(spaceId: number): readonly StoredBuild[] {
    return this.#space(spaceId)?.stored() ?? [];
  }

  listSpaces(after: number, limit: number): readonly number[] {
    this.#checkOpen();
    const known = [...this.data.spaces].filter(([spaceId, space]) => spaceId > after && space.hasBuilds);
    const spaceIds = known.map(([spaceId]) => spaceId).sort((one, other) => one - other);
    return spaceIds.slice(0, limit);
  }

  skips(spaceId: number, view: ViewRef): readonly number[] {
    return this.#space(spaceId)?.skips(view) ?? [];
  }

  flush(spaceId: number, views: readonly ViewFlush[]): void {
    this.#change(spaceId, (space) => space.flush(views));
  }

  swap(spaceId: number, views: readonly ViewBuild[]): void {
    this.#change(spaceId, (space) => space.swap(views));
  }

  retire(spaceId: number, views: readonly ViewBuild[]): void {
    this.#change(spaceId, (space) => space.retire(views));
  }

  sweep(spaceId: number, rowsMax: number): { readonly done: boolean } {
    return { done: this.#change(spaceId, (space) => space.sweep(rowsMax)) };
  }

  skip(spaceId: number, view: ViewRef, spaceSequence: number): void {
    this.#change(spaceId, (space) => space.skip(view, spaceSequence));
  }

  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean } {
    this.#change(spaceId, (space) => space.drop(rowsMax));
    return { done: !this.data.spaces.has(spaceId) };
  }

  /** Nothing of it is in any file. */
  scrub(): void {}

  close(): void {
    this.#closed = true;
  }

  #space(spaceId: number): MemorySpace | undefined {
    this.#checkOpen();
    return this.data.spaces.get(spaceId);
  }

  /** What only the present owner may do. */
  #change<Result>(spaceId: number, change: (space: MemorySpace) => Result): Result {
    this.#checkOwner();
    const space = this.data.spaces.get(spaceId) ?? new MemorySpace();
    const result = change(space);
    if (space.empty) this.data.spaces.delete(spaceId);
    else this.data.spaces.set(spaceId, space);
    return result;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #checkOwner(): void {
    this.#checkOpen();
    if (this.data.fence !== this.#fence || this.data.logId !== this.#logId) {
      throw fencedError(this.#fence, this.data.fence);
    }
  }
}

function startOver(data: MemoryPStateData, logId: string | undefined): void {
  data.spaces.clear();
  data.fence = 0;
  data.logId = logId;
}
