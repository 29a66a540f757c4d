/**
 * Who waits for a change of the state: watchers register before they read, and learn of any change made since.
 *
 * Owns: the waiting watchers of one live space. Told by: the views, of every key that a kept turn has written. A change that is
 * taken back after a failed commit wakes watchers in vain; they look, see what they knew, and wait again.
 *
 * Invariants:
 *   - A watcher that registers before it reads misses no change.
 *   - Nobody waits here any more once the space has ended.
 */

import { RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';

/** What is watched. */
export type WatchTarget =
  | { readonly kind: 'key'; readonly view: string; readonly key: string }
  | { readonly kind: 'prefix'; readonly view: string; readonly prefix: string }
  | { readonly kind: 'query'; readonly query: string; readonly params?: Value | undefined };

/** A registered watcher. */
export interface Waiting {
  /** Resolves at the next change that the target may see, or when the space ends. */
  readonly changed: Promise<void>;
  cancel(): void;
}

/** What a watcher waits for: any change that it may see, or only that its view serves something else than before. */
export type AwaitedChange = 'any' | 'serving';

interface Waiter {
  readonly target: WatchTarget;
  readonly awaited: AwaitedChange;
  readonly wake: () => void;
}

/** See the head of this file. */
export class Changes {
  readonly #watchersMax: number;
  readonly #waiters = new Set<Waiter>();
  #hasEnded = false;

  constructor({ watchersMax }: { readonly watchersMax: number }) {
    this.#watchersMax = watchersMax;
  }

  /** Watchers that wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Registers a watcher.
   *
   * @throws {RamaxError} `overloaded`
   */
  wait(target: WatchTarget, awaited: AwaitedChange = 'any'): Waiting {
    if (this.#hasEnded) return { changed: Promise.resolve(), cancel: () => {} };
    if (this.#waiters.size >= this.#watchersMax) {
      throw new RamaxError('overloaded', `the space has ${this.#waiters.size} watchers already`, {
        details: { watchersMax: this.#watchersMax },
      });
    }
    let wake: () => void = () => {};
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const waiter = { target, awaited, wake };
    this.#waiters.add(waiter);
    return { changed, cancel: () => this.#waiters.delete(waiter) };
  }

  /** A key of a view was written; undefined: any of them may have been, or the view serves something else. */
  changed(view: string, key: string | undefined): void {
    for (const waiter of this.#waiters) {
      if (!sees(waiter, view, key)) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
  }

  /** Wakes everyone: there is nothing to wait for here any more. */
  end(): void {
    this.#hasEnded = true;
    for (const { wake } of this.#waiters) wake();
    this.#waiters.clear();
  }
}

/** What a query reads is not known: it may see every change. */
function sees({ target, awaited }: Waiter, view: string, key: string | undefined): boolean {
  if (awaited === 'serving' && key !== undefined) return false;
  if (target.kind === 'query') return true;
  if (target.view !== view) return false;
  if (key === undefined) return true;
  return target.kind === 'key' ? key === target.key : key.startsWith(target.prefix);
}
