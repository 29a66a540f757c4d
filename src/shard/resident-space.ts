/**
 * A space that lives in this shard: its mailbox, and its live state while it is open.
 *
 * Owns: the live space, opened by the first turn and closed when the shard needs room.
 * Invariant: at most one live space per resident; a new one is opened only after the old one has let go.
 */

import type { FireParams } from '../content-store/built-in-commands.js';
import type { WatchTarget } from '../content-store/changes.js';
import { spaceClosed } from '../content-store/interlock.js';
import { keptInvocation } from '../content-store/invocation.js';
import { LiveSpace, type LiveSpaceOptions } from '../content-store/live-space.js';
import { type AnyTurn, type Invocation, ReadTurn } from '../content-store/turn.js';
import type { MigrationProgress } from '../content-store/upkeep.js';
import type { RebuildProgress } from '../content-store/view-fill.js';
import type { ViewStatus } from '../content-store/view-status.js';
import { addMigrations, type MigrationCounts, noMigrations } from '../content-store/write-back.js';
import type { Cipher } from '../core/cipher.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import { builtInCommands } from '../core/reserved.js';
import type { Value } from '../core/values.js';
import { Mailbox } from './mailbox.js';
import { Rounds } from './rounds.js';
import { type Watched, watchSpace } from './watch-space.js';

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
  readonly watchers: number;
  readonly migrations: MigrationCounts;
  readonly remade: number;
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
  /** Of an encrypted space that is unlocked. */
  #cipher: Cipher | undefined;
  /** Calls under way that are not turns. */
  #visitors = 0;
  /** Why nothing is opened or taken any more, when that is so. */
  #ended: RamaxError | undefined;
  /** When somebody last came for it, on the monotonic clock; kept by the shard. */
  lastUsedMs = 0;
  /** Figures of the live states that were closed. */
  readonly #past = { caughtUp: 0, recoveries: 0, flushFailures: 0, remade: 0 };
  #pastMigrations: MigrationCounts = noMigrations;

  /** @param rounds of the shard; default: its own */
  constructor(options: LiveSpaceOptions, rounds = new Rounds(options.platform.clock, options.limits)) {
    this.#options = options;
    const { limits, platform } = options;
    this.#mailbox = new Mailbox({
      clock: platform.clock,
      limits,
      rounds,
      current: () => (this.#ended === undefined && this.#live?.ended === undefined ? this.#live : undefined),
      open: () => this.#open(),
    });
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
      watchers: this.#live?.changes.size ?? 0,
      migrations: addMigrations(this.#pastMigrations, live?.migrations ?? noMigrations),
      remade: this.#past.remade + (live?.remade ?? 0),
    };
  }

  get spaceName(): string {
    return this.#options.spaceName;
  }

  /** How the views stand while the space is open; none while it is closed. */
  get openViews(): readonly ViewStatus[] {
    return this.#live?.viewStatuses ?? [];
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

  /** The next opening uses this cipher. */
  unlock(cipher: Cipher | undefined): void {
    this.#cipher = cipher;
    this.#failed = undefined;
  }

  /** See `keptInvocation`. */
  kept(invocation: Invocation): Invocation {
    return keptInvocation(invocation, this.#cipher);
  }

  post(turn: AnyTurn): void {
    if (this.#ended !== undefined) throw this.#ended;
    this.#mailbox.post(turn);
  }

  /**
   * Completes a call of the runtime by itself: a timer that fires is given what was scheduled.
   *
   * @throws {RamaxError} what opening or reading the space throws
   */
  async completed(invocation: Invocation): Promise<Invocation> {
    if (invocation.command !== builtInCommands.fireTimer) return invocation;
    const { timerId, spaceSequence } = invocation.params as unknown as FireParams;
    const scheduled = await this.#visit((live) => live.scheduledAt(spaceSequence));
    const target = scheduled?.payload ?? undefined;
    const params = { timerId, spaceSequence, ...(target === undefined ? {} : { target }) };
    return { ...invocation, params, correlationId: scheduled?.correlationId };
  }

  checkpoint(): Promise<Checkpoint> {
    return this.#visit((live) => live.checkpoint());
  }

  rebuild(
    views: readonly string[],
    onProgress: (progress: RebuildProgress) => void,
    signal: AbortSignal,
  ): Promise<RebuildProgress> {
    return this.#visit((live) => live.rebuild(views, onProgress, signal));
  }

  migrateAll(
    views: readonly string[],
    onProgress: (progress: MigrationProgress) => void,
    signal: AbortSignal,
  ): Promise<MigrationProgress> {
    return this.#visit((live) => live.migrateAll(views, onProgress, signal));
  }

  /** How the views stand; behind the commit of all that this could tell of, like any answer. */
  async viewStatuses(): Promise<readonly ViewStatus[]> {
    const turn = new ReadTurn(() => this.openViews as unknown as Value);
    this.post(turn);
    return (await turn.answer) as unknown as readonly ViewStatus[];
  }

  skip(view: string, spaceSequence: number): Promise<void> {
    return this.#visit((live) => live.skip(view, spaceSequence));
  }

  /** Reads the state as of an earlier sequence; not in the mailbox, for the past does not change. */
  readAt(spaceSequence: number, turn: ReadTurn): Promise<Value | undefined> {
    return this.#visit((live) => live.readAt(spaceSequence, turn));
  }

  /** Resolves when every view is of the app's version, or has failed. */
  fillViews(): Promise<void> {
    return this.#visit((live) => live.fillViews());
  }

  /** See `watchSpace`. */
  watch(
    target: WatchTarget,
    known: string | undefined,
    signal: AbortSignal,
    callId?: number,
  ): Promise<Watched> {
    const { limits, platform } = this.#options;
    return this.#visit(() =>
      watchSpace({
        target,
        known,
        signal,
        callId,
        limits,
        platform,
        changes: async () => (await this.#open()).changes,
        post: (turn) => this.post(turn),
      }),
    );
  }

  /** Persists and closes the live state; the next turn opens it again. */
  async close(): Promise<void> {
    this.#closing ??= this.#mailbox
      .run(async () => {
        // Views may be filled of a space that nobody has posted to: its opening is no task of the mailbox.
        await this.#opening?.catch(() => {});
        const live = this.#live;
        this.#forget();
        await live?.close();
      })
      .finally(() => {
        this.#closing = undefined;
      });
    await this.#closing;
  }

  /** Persists and closes the live state for good. Its turns must have been answered; whatever else waits for it fails. */
  async end(): Promise<void> {
    this.#ended ??= spaceClosed();
    await this.close();
  }

  /**
   * The space is deleted: everything that waits fails, nothing is opened again. What was appended before the deletion has its answer
   * on the way, and what came behind it is refused by the log: both are waited for, so that nobody is told that it is not known.
   */
  async drop(): Promise<void> {
    const gone = this.#gone();
    this.#ended = gone;
    this.#mailbox.refuseAll(gone);
    await this.#opening?.catch(() => {});
    await this.#closing?.catch(() => {});
    await this.#live?.appendsAnswered();
    this.#live?.abandon(gone);
    this.#forget();
  }

  #forget(): void {
    this.#past.caughtUp += this.#live?.stats.caughtUp ?? 0;
    this.#past.recoveries += this.#live?.stats.recoveries ?? 0;
    this.#past.flushFailures += this.#live?.stats.flushFailures ?? 0;
    this.#past.remade += this.#live?.stats.remade ?? 0;
    this.#pastMigrations = addMigrations(this.#pastMigrations, this.#live?.stats.migrations ?? noMigrations);
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
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#live !== undefined && this.#live.ended === undefined) return Promise.resolve(this.#live);
    const { clock } = this.#options.platform;
    if (this.#failed !== undefined && clock.monotonicMs() < this.#failed.untilMs) {
      return Promise.reject(this.#failed.error);
    }
    const cipher = this.#cipher;
    this.#opening ??= this.#openAnew()
      .catch((error: unknown) => {
        const failure = asRamaxError(error, 'storage', 'the space cannot be opened');
        // With another key it may be opened at once.
        if (cipher === this.#cipher)
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
    const live = await LiveSpace.open({ ...this.#options, cipher: this.#cipher });
    if (this.#ended !== undefined) {
      live.abandon(this.#ended);
      throw this.#ended;
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
