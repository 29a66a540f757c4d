/**
 * Watching from main: each watcher asks its shard for the next value that it does not know, and holds one value at most.
 *
 * Owns: the calls of watchers that wait. They may wait for hours: they are no calls in flight, have no deadline, and end when
 * their consumer stops or the runtime closes.
 */

import type { WatchTarget } from '../content-store/changes.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';
import type { PendingCall } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { ShardHandle } from './shard-handle.js';

type WatchReply = ShardCalls['watch']['reply'];

/** What a watcher watches, and where. */
export interface WatchRequest {
  readonly shard: ShardHandle;
  readonly address: SpaceAddress;
  readonly target: WatchTarget;
  readonly signal: AbortSignal | undefined;
}

/** See the head of this file. */
export class Watches {
  readonly #stops = new Set<(error: RamaxError) => void>();
  #closed: RamaxError | undefined;

  /** Ends every watcher with `error`. */
  close(error: RamaxError): void {
    this.#closed ??= error;
    for (const stop of [...this.#stops]) stop(error);
  }

  /** The values of the target: what it shows now, and then each newest one after changes. */
  async *watch({
    shard,
    address,
    target,
    signal,
  }: WatchRequest): AsyncGenerator<Value | undefined, void, void> {
    let known: string | null = null;
    for (;;) {
      // Nothing is asked for in vain: a shard that drains would open the space for it.
      if (this.#closed !== undefined) throw this.#closed;
      if (signal?.aborted === true) throw watcherAborted();
      const call: PendingCall<WatchReply> = shard.call('watch', { ...address, target, known });
      const answer = this.#answerOf(call, signal);
      const watched = await answer.catch((error: unknown) => this.#unlessLost(error));
      if (watched === undefined) continue;
      known = watched.token;
      yield watched.value;
    }
  }

  /** A watcher may outlive more shards than a call may: it asks again. */
  #unlessLost(error: unknown): undefined {
    if (this.#closed === undefined && isRamaxError(error, 'unavailable')) return undefined;
    throw error;
  }

  #answerOf<Reply>(call: PendingCall<Reply>, signal: AbortSignal | undefined): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => stop(watcherAborted());
      const settle = (): void => {
        this.#stops.delete(stop);
        signal?.removeEventListener('abort', onAbort);
      };
      const stop = (error: RamaxError): void => {
        settle();
        call.cancel();
        reject(error);
      };
      call.answer.then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error: unknown) => {
          settle();
          reject(error);
        },
      );
      this.#stops.add(stop);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function watcherAborted(): RamaxError {
  return new RamaxError('aborted', 'the watcher was aborted');
}
