/**
 * Commit notices on main: who waits for commits of a space, or of any, is woken by the writer's notices.
 *
 * Owns: the places where somebody waits, and the listening at the writer, which goes on only while there are any.
 * Called by: subscriptions (`subscriber.ts`, `tail-reads.ts`).
 *
 * Invariants:
 *   N1  No commit is missed: whoever joins a place, then looks at its version, then reads the log, and then waits for another
 *       version, is woken by everything that the read has not seen. A writer that begins to listen says so by a notice for all.
 *   N2  A version is never given twice, over all places.
 */

import { everySpace } from '../event-store/cursor.js';
import type { CommitNotice } from '../protocol/links.js';

/** The writer, as far as notices go. */
export interface NoticeSource {
  onCommit(listener: (notice: CommitNotice) => void): () => void;
}

interface Place {
  version: number;
  joined: number;
  readonly waiters: Set<() => void>;
}

/** See the head of this file. Places are space ids, or `everySpace`. */
export class CommitNotices {
  readonly #source: NoticeSource;
  readonly #places = new Map<number, Place>();
  #versions = 0;
  #stop: (() => void) | undefined;

  constructor(source: NoticeSource) {
    this.#source = source;
  }

  /** Begins to note commits of a place; gives what ends it. */
  join(spaceId: number): () => void {
    const place = this.#places.get(spaceId) ?? { version: ++this.#versions, joined: 0, waiters: new Set() };
    place.joined += 1;
    this.#places.set(spaceId, place);
    this.#stop ??= this.#source.onCommit((notice) => this.#noticed(notice));
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#leave(spaceId, place);
    };
  }

  /** What a place's version is now. Only of a place that somebody has joined. */
  version(spaceId: number): number {
    return this.#places.get(spaceId)?.version ?? 0;
  }

  /** Wakes once when the place has another version, at once when it has; gives what takes the wish back. */
  wait(spaceId: number, version: number, wake: () => void): () => void {
    const place = this.#places.get(spaceId);
    if (place === undefined || place.version !== version) {
      wake();
      return () => {};
    }
    place.waiters.add(wake);
    return () => place.waiters.delete(wake);
  }

  #leave(spaceId: number, place: Place): void {
    place.joined -= 1;
    if (place.joined > 0) return;
    this.#places.delete(spaceId);
    if (this.#places.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #noticed({ spaceIds }: CommitNotice): void {
    if (spaceIds === null) for (const place of this.#places.values()) this.#raise(place);
    else for (const spaceId of [everySpace, ...spaceIds]) this.#raise(this.#places.get(spaceId));
  }

  #raise(place: Place | undefined): void {
    if (place === undefined) return;
    place.version = ++this.#versions;
    const waiters = [...place.waiters];
    place.waiters.clear();
    for (const wake of waiters) wake();
  }
}
