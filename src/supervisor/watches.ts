/**
 * Watching from main: each watcher asks its shard for the next value that it does not know (`watcher.ts`).
 *
 * Owns: the watchers that wait. They may wait for hours: they are no calls in flight, have no deadline, and end when their
 * consumer stops or the runtime closes. At most `totalWatchersMax` wait, because each keeps its space open.
 */

import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { type WaitingRoom, Watcher, type WatchRequest } from './watcher.js';

/** See the head of this file. */
export class Watches {
  readonly #totalWatchersMax: number;
  readonly #waiting = new Set<Watcher>();
  #closed: RamaxError | undefined;

  constructor({ totalWatchersMax }: Pick<Limits, 'totalWatchersMax'>) {
    this.#totalWatchersMax = totalWatchersMax;
  }

  /** Ends every watcher with `error`. */
  close(error: RamaxError): void {
    this.#closed ??= error;
    for (const watcher of [...this.#waiting]) watcher.stop(error);
  }

  /** The values of the target: what it shows now, and then each newest one after changes. */
  watch(request: WatchRequest): Watcher {
    return new Watcher(request, this.#room);
  }

  get #room(): WaitingRoom {
    const closed = (): RamaxError | undefined => this.#closed;
    return {
      get closed() {
        return closed();
      },
      enter: (watcher) => this.#enter(watcher),
      leave: (watcher) => this.#waiting.delete(watcher),
    };
  }

  #enter(watcher: Watcher): void {
    if (this.#waiting.size >= this.#totalWatchersMax) {
      throw new RamaxError('overloaded', `${this.#waiting.size} watchers are waiting already`, {
        details: { totalWatchersMax: this.#totalWatchersMax },
      });
    }
    this.#waiting.add(watcher);
  }
}
