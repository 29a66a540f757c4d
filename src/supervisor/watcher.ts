/**
 * One watcher: what a consumer goes over. It asks its shard for the next value that it does not know whenever the consumer
 * wants one, and holds one value at most.
 *
 * Written by hand: a generator that waits does not hear its consumer leave, and would wait on.
 *
 * Invariants:
 *   - One question is under way at most; calls of `next` are answered one after the other, in their order.
 *   - `return` and `throw` take the question under way back and settle at once; nothing is asked afterwards.
 */

import type { WatchTarget } from '../content-store/changes.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import { Line } from '../core/line.js';
import type { Value } from '../core/values.js';
import type { PendingCall } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { ShardHandle } from './shard-handle.js';
import type { SpaceLock } from './space-lock.js';

type WatchReply = ShardCalls['watch']['reply'];
type Step = IteratorResult<Value | undefined, void>;

/** What a watcher watches, and where. */
export interface WatchRequest {
  readonly shard: ShardHandle;
  readonly address: SpaceAddress;
  /** Of an encrypted space. */
  readonly lock?: SpaceLock | undefined;
  readonly target: WatchTarget;
  readonly signal: AbortSignal | undefined;
}

/** Where watchers wait. */
export interface WaitingRoom {
  /** Why nobody may wait there any more. */
  readonly closed: RamaxError | undefined;
  /** @throws {RamaxError} `overloaded` */
  enter(watcher: Watcher): void;
  leave(watcher: Watcher): void;
}

/** See the head of this file. */
export class Watcher implements AsyncIterableIterator<Value | undefined, void, void> {
  readonly #request: WatchRequest;
  readonly #room: WaitingRoom;
  readonly #nexts = new Line();
  /** The digest of what the consumer has. */
  #known: string | null = null;
  #isEnded = false;
  /** Takes the question under way back, and fails it; without an error it is answered by nothing. */
  #takeBack: (error?: RamaxError) => void = () => {};

  constructor(request: WatchRequest, room: WaitingRoom) {
    this.#request = request;
    this.#room = room;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    return this.#nexts.run(() => this.#next());
  }

  async return(): Promise<Step> {
    this.#end();
    return { done: true, value: undefined };
  }

  async throw(error?: unknown): Promise<Step> {
    this.#end();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  /** Fails the question under way. */
  stop(error: RamaxError): void {
    this.#takeBack(error);
  }

  #end(): void {
    this.#isEnded = true;
    this.#takeBack();
  }

  async #next(): Promise<Step> {
    if (this.#isEnded) return { done: true, value: undefined };
    try {
      const watched = await this.#watched();
      if (watched === undefined || this.#isEnded) return { done: true, value: undefined };
      this.#known = watched.token;
      return { done: false, value: watched.value };
    } catch (error) {
      this.#isEnded = true;
      throw error;
    }
  }

  async #watched(): Promise<WatchReply | undefined> {
    // Nothing is asked for in vain: a shard that drains would open the space for it.
    this.#assertGoingOn();
    this.#room.enter(this);
    try {
      for (;;) {
        this.#assertGoingOn();
        await this.#unlocked();
        this.#assertGoingOn();
        const answer = await this.#ask().catch((error: unknown) => this.#lost(error));
        if (answer !== 'lost') return answer;
      }
    } finally {
      this.#room.leave(this);
    }
  }

  /** A watcher of an encrypted space waits for its key, but not longer than its consumer does. */
  #unlocked(): Promise<void> {
    const { lock, signal } = this.#request;
    if (lock === undefined || this.#isEnded) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#takeBack(watcherAborted());
      const settle = (): void => {
        this.#takeBack = () => {};
        signal?.removeEventListener('abort', onAbort);
      };
      this.#takeBack = (error) => {
        settle();
        if (error === undefined) resolve();
        else reject(error);
      };
      const settled = <Args extends unknown[]>(how: (...args: Args) => void) => {
        return (...args: Args): void => {
          settle();
          how(...args);
        };
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      lock.pass(settled(resolve), settled(reject));
    });
  }

  #assertGoingOn(): void {
    if (this.#room.closed !== undefined) throw this.#room.closed;
    if (this.#request.signal?.aborted === true) throw watcherAborted();
  }

  /** A watcher may outlive more shards than a call may: it asks again. */
  #lost(error: unknown): 'lost' {
    if (this.#room.closed === undefined && isRamaxError(error, 'unavailable')) return 'lost';
    throw error;
  }

  #ask(): Promise<WatchReply | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    const { shard, address, target, signal } = this.#request;
    const call: PendingCall<WatchReply> = shard.call('watch', { ...address, target, known: this.#known });
    return new Promise<WatchReply | undefined>((resolve, reject) => {
      const onAbort = (): void => this.#takeBack(watcherAborted());
      const settle = (): void => {
        this.#takeBack = () => {};
        signal?.removeEventListener('abort', onAbort);
      };
      this.#takeBack = (error) => {
        settle();
        call.cancel();
        if (error === undefined) resolve(undefined);
        else reject(error);
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
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function watcherAborted(): RamaxError {
  return new RamaxError('aborted', 'the watcher was aborted');
}
