/**
 * When changed keys are written to the projection store: behind the commits, never ahead of them, and coalesced.
 *
 * Owns: the timer, and the checkpoint at which the frozen changes may be written. Called by: the live space.
 *
 * Invariants:
 *   F1  Changes are frozen at a sequence and written only when that sequence is committed, with its checkpoint.
 *   F2  A changed key waits at most `flushDelayMs` (plus its commit) or until `dirtyKeysMax` keys have changed.
 *   F3  A flush that fails is reported and tried again; the log has everything, so nothing is lost by it. While it keeps
 *       failing, commands are refused once `dirtyKeysMax` keys times `unflushedFactorMax` are waiting, or `unflushedBytesMax`
 *       of events came since over all spaces of the shard.
 */

import type { Clock, Timer } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { DraftEvent } from '../event-store/seal.js';
import type { Unwritten } from './load-space.js';
import type { Views } from './views.js';

/** How many times `dirtyKeysMax` may wait while flushes fail: room for a short trouble of the disk, and a bound. */
const unflushedFactorMax = 8;

/**
 * Bytes of events that the spaces of one shard may take while their flushes fail. What their projections make of them stays in
 * memory until it can be written, so without this bound large values would fill it long before the keys are counted up.
 */
const unflushedBytesMax = 64 * 1024 * 1024;

/** What the spaces of one shard have taken since their flushes began to fail. */
export interface Unflushed {
  bytes: number;
}

/** What a flush needs to know. */
export interface PendingFlushOptions {
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'dirtyKeysMax' | 'flushDelayMs'>;
  readonly views: Views;
  readonly heads: () => { readonly head: number; readonly committed: Checkpoint };
  readonly onError: (error: RamaxError) => void;
  /** Shared by the spaces of a shard. Default: this space's own. */
  readonly unflushed?: Unflushed;
}

/** The flush of one space's views. */
export class PendingFlush {
  readonly #options: PendingFlushOptions;
  #timer: Timer | undefined;
  /** The commit that the frozen changes waited for, once it has come. */
  #due: Checkpoint | undefined;
  #failures = 0;
  /** Why the last flush failed, if it did. */
  #failing: RamaxError | undefined;
  readonly #unflushed: Unflushed;
  /** This space's part of it. */
  #unflushedBytes = 0;

  constructor(options: PendingFlushOptions) {
    this.#options = options;
    this.#unflushed = options.unflushed ?? { bytes: 0 };
  }

  /** How many flushes have failed. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Refuses more changes while flushes fail and too many keys wait.
   *
   * @throws {RamaxError} `storage`
   */
  assertRoom(): void {
    if (this.#failing === undefined) return;
    const { views, limits } = this.#options;
    const { bytes } = this.#unflushed;
    if (views.dirtyKeys < limits.dirtyKeysMax * unflushedFactorMax && bytes < unflushedBytesMax) return;
    throw new RamaxError('storage', `projections cannot be written: ${this.#failing.message}`, {
      cause: this.#failing,
      details: { ...this.#failing.details, dirtyKeys: views.dirtyKeys, unflushedBytes: bytes },
    });
  }

  /** The head has moved, by these events. */
  changed(drafts: readonly DraftEvent[] = []): void {
    const { views, limits } = this.#options;
    if (this.#failing !== undefined) this.#countUnflushed(drafts);
    if (views.frozenAt === undefined && views.dirtyKeys >= limits.dirtyKeysMax) this.#begin();
    else this.#arm();
  }

  /** The committed head has moved, by one command. */
  committed(): void {
    const { views, heads } = this.#options;
    // Asked behind every command: the heads are made only while a flush waits for its commit.
    if (views.frozenAt === undefined) return;
    const { committed } = heads();
    if (committed.lastSpaceSequence !== views.frozenAt) return;
    this.#due = committed;
    this.#write();
  }

  /** Writes everything, while nothing is uncommitted. Throws what the store throws. */
  now(): void {
    const { views, heads } = this.#options;
    if (this.#due !== undefined) this.#writeDue(this.#due);
    const { head, committed } = heads();
    views.freeze(head);
    if (views.frozenAt !== undefined) {
      // It stays due until it is written: when the store fails now, it is tried again.
      this.#due = committed;
      this.#writeDue(committed);
    }
    this.close();
  }

  /** The state was reloaded: nothing waits, but what could not be written meanwhile. */
  reset(unwritten?: Unwritten): void {
    this.close();
    this.#due = unwritten?.checkpoint;
    this.#failing = unwritten?.error;
    if (this.#due !== undefined) this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#forgetUnflushed();
  }

  #countUnflushed(drafts: readonly DraftEvent[]): void {
    let bytes = 0;
    for (const { sealed } of drafts) bytes += sealed.payload.length;
    this.#unflushedBytes += bytes;
    this.#unflushed.bytes += bytes;
  }

  #forgetUnflushed(): void {
    this.#unflushed.bytes -= this.#unflushedBytes;
    this.#unflushedBytes = 0;
  }

  #begin(): void {
    const { views, heads } = this.#options;
    const { head, committed } = heads();
    views.freeze(head);
    if (views.frozenAt === committed.lastSpaceSequence) {
      this.#due = committed;
      this.#write();
    }
  }

  #write(): void {
    if (this.#due === undefined) return;
    try {
      this.#writeDue(this.#due);
    } catch (error) {
      this.#failures++;
      this.#failing = asRamaxError(error, 'storage', 'a flush of projections failed');
      this.#options.onError(this.#failing);
    }
    const { head } = this.#options.heads();
    if (head > (this.#options.views.persistedSequence ?? head)) this.#arm();
  }

  #writeDue(checkpoint: Checkpoint): void {
    this.#options.views.writeFrozen(checkpoint);
    this.#due = undefined;
    this.#failing = undefined;
    if (this.#unflushedBytes > 0) this.#forgetUnflushed();
  }

  #arm(): void {
    this.#timer ??= this.#options.clock.after(this.#options.limits.flushDelayMs, () => {
      this.#timer = undefined;
      if (this.#due !== undefined) this.#write();
      else if (this.#options.views.frozenAt === undefined) this.#begin();
      else this.#arm();
    });
  }
}
