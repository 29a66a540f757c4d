/**
 * Projection storage in memory: for `memory()` storage, tests and simulations.
 *
 * The data is apart from the store, as a disk is from the process: a store can be dropped and another one opened
 * over the same `MemoryPStateData`, with all that was flushed and nothing else.
 */

import type { Checkpoint } from '../../core/event.js';
import type { KeyRange, PStateStore, ViewFlush, ViewRef } from '../port.js';
import { closedError, fencedError } from '../store-errors.js';
import { MemoryView } from './memory-view.js';

/** What outlives a store: one partition's entries and checkpoints, and its fence. */
export class MemoryPStateData {
  fence = 0;
  logId: string | undefined;
  readonly spaces = new Map<number, Map<string, MemoryView>>();
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

  get(spaceId: number, view: ViewRef, key: string): Uint8Array | undefined {
    const bytes = this.#view(spaceId, view)?.get(key);
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  }

  scan(
    spaceId: number,
    view: ViewRef,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[] {
    const entries = this.#view(spaceId, view)?.scan(range) ?? [];
    return entries.map(([key, bytes]) => [key, new Uint8Array(bytes)] as const);
  }

  count(spaceId: number, view: ViewRef): number {
    return this.#view(spaceId, view)?.count ?? 0;
  }

  checkpoint(spaceId: number, view: ViewRef): Checkpoint | undefined {
    return this.#view(spaceId, view)?.checkpoint;
  }

  flush(spaceId: number, views: readonly ViewFlush[]): void {
    this.#checkOwner();
    const space = this.data.spaces.get(spaceId) ?? new Map<string, MemoryView>();
    this.data.spaces.set(spaceId, space);
    for (const flush of views) {
      const name = viewName(flush.view);
      const view = space.get(name) ?? new MemoryView();
      space.set(name, view);
      view.apply(flush);
    }
  }

  replaceViews(spaceId: number, pairs: readonly { readonly from: ViewRef; readonly to: ViewRef }[]): void {
    this.#checkOwner();
    const space = this.data.spaces.get(spaceId);
    for (const { from, to } of pairs) {
      const replacement = space?.get(viewName(from)) ?? new MemoryView();
      space?.delete(viewName(from));
      space?.set(viewName(to), replacement);
    }
  }

  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean } {
    this.#checkOwner();
    const space = this.data.spaces.get(spaceId) ?? new Map<string, MemoryView>();
    let rowsLeft = rowsMax;
    // Checkpoints go first: a checkpoint over entries that are half gone would be believed.
    for (const view of space.values()) rowsLeft -= view.dropCheckpoint(rowsLeft);
    for (const view of space.values()) rowsLeft -= view.dropEntries(rowsLeft);
    const done = [...space.values()].every((view) => view.empty);
    if (done) this.data.spaces.delete(spaceId);
    return { done };
  }

  close(): void {
    this.#closed = true;
  }

  #view(spaceId: number, view: ViewRef): MemoryView | undefined {
    if (this.#closed) throw closedError();
    return this.data.spaces.get(spaceId)?.get(viewName(view));
  }

  #checkOwner(): void {
    if (this.#closed) throw closedError();
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

function viewName(view: ViewRef): string {
  return `${view.version}:${view.name}`;
}
