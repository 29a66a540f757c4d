/**
 * The lock of an encrypted space: nothing reaches its shard before the shard has the key.
 *
 *   locked -> asking for the key -> open
 *      ^            |                 |
 *      +------------+-----------------+  no key, or forgotten
 *
 * Invariant: whoever comes first is let through first, also while it opens: calls of a handle keep their order.
 */

import type { Answerable } from '../core/answerable.js';
import type { SpaceEncryption } from '../core/cipher.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { CallPlan } from './call-plan.js';
import type { KeyRing } from './key-ring.js';
import type { ShardHandle } from './shard-handle.js';

interface Waiting {
  readonly open: () => void;
  readonly failed: (error: RamaxError) => void;
}

/** See the head of this file. */
export class SpaceLock {
  readonly spaceId: number;
  readonly encryption: SpaceEncryption;
  readonly #keys: KeyRing;
  readonly #shard: ShardHandle;
  #isOpen = false;
  #isAsking = false;
  #timesLocked = 0;
  #ended: RamaxError | undefined;
  readonly #waiting: Waiting[] = [];

  constructor(spaceId: number, encryption: SpaceEncryption, keys: KeyRing, shard: ShardHandle) {
    this.spaceId = spaceId;
    this.encryption = encryption;
    this.#keys = keys;
    this.#shard = shard;
  }

  /** Calls `open` when the shard has the key: at once, where it has it and nobody is before. */
  pass(open: () => void, failed: (error: RamaxError) => void): void {
    if (this.#ended !== undefined) {
      failed(this.#ended);
      return;
    }
    if (this.#isOpen && this.#waiting.length === 0) {
      open();
      return;
    }
    this.#waiting.push({ open, failed });
    if (!this.#isAsking && !this.#isOpen) void this.#ask();
  }

  /** The same as a promise. */
  passed(): Promise<void> {
    return new Promise((resolve, reject) => this.pass(resolve, reject));
  }

  /** The call behind this lock. */
  guard<Result>(plan: CallPlan<Result>): CallPlan<Result> {
    return new LockedPlan(this, plan);
  }

  /** Takes the key from the shard; resolves when the space is closed there. The next call asks for the key. */
  async lock(): Promise<void> {
    this.#isOpen = false;
    this.#timesLocked++;
    await this.#shard.lock(this.spaceId);
  }

  /** The space is gone: nobody passes any more, and its key is asked for no more. */
  end(error: RamaxError): void {
    this.#ended = error;
    this.#isOpen = false;
    this.#timesLocked++;
    this.#failAll(error);
    void this.#shard.lock(this.spaceId);
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      for (;;) {
        const lockedBefore = this.#timesLocked;
        const { key } = await this.#keys.load(this.encryption);
        // What was asked for before the space was locked again does not count.
        if (this.#ended !== undefined) return;
        if (lockedBefore !== this.#timesLocked) continue;
        this.#isAsking = false;
        this.#open(key);
        return;
      }
    } catch (error) {
      // Before anybody is told: who fails makes room for another, and that one asks again.
      this.#isAsking = false;
      this.#failAll(asRamaxError(error, 'unavailable', 'the key of the space cannot be had'));
    }
  }

  #open(key: Uint8Array): void {
    this.#shard.unlock(this.spaceId, key);
    this.#isOpen = true;
    this.#letThrough();
  }

  #failAll(error: RamaxError): void {
    for (const { failed } of this.#waiting.splice(0)) failed(error);
  }

  /** Who comes meanwhile waits behind those that are here. */
  #letThrough(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      next.open();
      this.#waiting.shift();
    }
  }
}

/** A call that is begun when the lock is open. */
class LockedPlan<Result> implements CallPlan<Result> {
  readonly #lock: SpaceLock;
  readonly #plan: CallPlan<Result>;
  #waiter: Answerable<Result> | undefined;
  #isBegun = false;

  constructor(lock: SpaceLock, plan: CallPlan<Result>) {
    this.#lock = lock;
    this.#plan = plan;
  }

  get spaceId(): number {
    return this.#plan.spaceId;
  }

  get bytes(): number {
    return this.#plan.bytes;
  }

  get isCommand(): boolean {
    return this.#plan.isCommand;
  }

  get isCancellable(): boolean {
    return this.#plan.isCancellable;
  }

  begin(waiter: Answerable<Result>): void {
    this.#waiter = waiter;
    this.#lock.pass(
      () => this.#opened(),
      (error) => this.#fail(error),
    );
  }

  cancel(): void {
    if (this.#isBegun) this.#plan.cancel();
    else this.#fail(new RamaxError('aborted', 'the call was aborted before its space was unlocked'));
  }

  #opened(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#isBegun = true;
    try {
      this.#plan.begin(waiter);
    } catch (error) {
      this.#fail(asRamaxError(error, 'unavailable', 'the call could not be begun'));
    }
  }

  #fail(error: RamaxError): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.failed(error);
  }
}
