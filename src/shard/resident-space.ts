/**
 * A space that lives in this shard: its mailbox, and its live state while it is open.
 *
 * Owns: the live space, opened by the first turn and closed when the shard needs room.
 * Invariant: at most one live space per resident; a new one is opened only after the old one has let go.
 */

import { type AnyTurn, LiveSpace, type LiveSpaceOptions } from '../content-store/live-space.js';
import type { RebuildProgress } from '../content-store/rebuild.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import { Mailbox } from './mailbox.js';

/** How long a space that could not be opened is not tried again: it may have to replay a long history each time. */
const reopenDelayMs = 500;

/** Figures of one resident space. */
export interface ResidentStats {
  readonly isOpen: boolean;
  readonly queuedTurns: number;
  readonly turns: number;
  readonly heldAnswers: number;
  readonly dirtyKeys: number;
  readonly caughtUpEvents: number;
  readonly recoveries: number;
  readonly flushFailures: number;
}

/** See the head of this file. */
export class ResidentSpace {
  readonly #options: LiveSpaceOptions;
  readonly #mailbox: Mailbox;
  #live: LiveSpace | undefined;
  #opening: Promise<LiveSpace> | undefined;
  #closing: Promise<void> | undefined;
  /** The last opening failed: until then it is not tried again. */
  #failed: { readonly error: RamaxError; readonly untilMs: number } | undefined;
  /** Calls under way that are not turns. */
  #visitors = 0;
  #dropped = false;
  /** Figures of the live states that were closed. */
  readonly #past = { caughtUp: 0, recoveries: 0, flushFailures: 0 };

  constructor(options: LiveSpaceOptions) {
    this.#options = options;
    const { limits, platform } = options;
    this.#mailbox = new Mailbox({ clock: platform.clock, limits, open: () => this.#open() });
  }

  get spaceId(): number {
    return this.#options.spaceId;
  }

  /** The figures of this space since it became resident. */
  get stats(): ResidentStats {
    const live = this.#live?.stats;
    return {
      isOpen: live !== undefined,
      queuedTurns: this.#mailbox.size,
      turns: this.#mailbox.decided,
      heldAnswers: live?.held ?? 0,
      dirtyKeys: live?.dirtyKeys ?? 0,
      caughtUpEvents: this.#past.caughtUp + (live?.caughtUp ?? 0),
      recoveries: this.#past.recoveries + (live?.recoveries ?? 0),
      flushFailures: this.#past.flushFailures + (live?.flushFailures ?? 0),
    };
  }

  /** Nobody waits for it, so it may be closed. */
  get idle(): boolean {
    return (
      this.#mailbox.size === 0 &&
      this.#visitors === 0 &&
      this.#opening === undefined &&
      this.#closing === undefined &&
      (this.#live === undefined || this.#live.idle)
    );
  }

  post(turn: AnyTurn): void {
    if (this.#dropped) throw this.#gone();
    this.#mailbox.post(turn);
  }

  checkpoint(): Promise<Checkpoint> {
    return this.#visit((live) => live.checkpoint());
  }

  rebuild(onProgress: (progress: RebuildProgress) => void, signal: AbortSignal): Promise<RebuildProgress> {
    return this.#visit((live) => live.rebuild(onProgress, signal));
  }

  /** Persists and closes the live state; the next turn opens it again. */
  async close(): Promise<void> {
    this.#closing ??= this.#mailbox
      .run(async () => {
        const live = this.#live;
        this.#forget();
        await live?.close();
      })
      .finally(() => {
        this.#closing = undefined;
      });
    await this.#closing;
  }

  /** The space is deleted: everything that waits fails, nothing is opened again. */
  async drop(): Promise<void> {
    this.#dropped = true;
    const gone = this.#gone();
    this.#mailbox.refuseAll(gone);
    await this.#opening?.catch(() => {});
    await this.#closing?.catch(() => {});
    this.#live?.abandon(gone);
    this.#forget();
  }

  #forget(): void {
    this.#past.caughtUp += this.#live?.stats.caughtUp ?? 0;
    this.#past.recoveries += this.#live?.stats.recoveries ?? 0;
    this.#past.flushFailures += this.#live?.stats.flushFailures ?? 0;
    this.#live = undefined;
  }

  async #visit<T>(visit: (live: LiveSpace) => Promise<T>): Promise<T> {
    this.#visitors++;
    try {
      await this.#closing?.catch(() => {});
      return await visit(await this.#open());
    } finally {
      this.#visitors--;
    }
  }

  #open(): Promise<LiveSpace> {
    if (this.#dropped) return Promise.reject(this.#gone());
    if (this.#live !== undefined && this.#live.ended === undefined) return Promise.resolve(this.#live);
    const { clock } = this.#options.platform;
    if (this.#failed !== undefined && clock.monotonicMs() < this.#failed.untilMs) {
      return Promise.reject(this.#failed.error);
    }
    this.#opening ??= this.#openAnew()
      .catch((error: unknown) => {
        const failure = asRamaxError(error, 'storage', 'the space cannot be opened');
        this.#failed = { error: failure, untilMs: clock.monotonicMs() + reopenDelayMs };
        throw failure;
      })
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  async #openAnew(): Promise<LiveSpace> {
    if (this.#live !== undefined) this.#forget();
    const live = await LiveSpace.open(this.#options);
    if (this.#dropped) {
      live.abandon(this.#gone());
      throw this.#gone();
    }
    this.#live = live;
    return live;
  }

  #gone(): RamaxError {
    const { spaceId, spaceName } = this.#options;
    return new RamaxError('not_found', `the space '${spaceName}' has been deleted`, {
      details: { spaceId, spaceName },
    });
  }
}
