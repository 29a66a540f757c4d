/**
 * The shard: the spaces that live in one worker thread.
 *
 * Owns: the resident spaces and the projection stores of its partitions.
 * Called by: main, through `serve-shard.ts`. Calls: the log, through the writer connection.
 *
 * Invariants:
 *   H1  A space is resident in one shard at a time (main's routing), so its state has one owner.
 *   H2  At most `openSpacesMax` spaces are resident, unless more are busy at once; the least recently used idle ones go.
 *       Whoever was not called for `idleSpaceMs` (twice that at most) goes as well.
 *   H3  A failure of one space is that space's; only a fenced projection store ends the shard, because its files then
 *       belong to another.
 */

import { spaceClosed } from '../content-store/interlock.js';
import type { LogLink } from '../content-store/log-link.js';
import { type OfThread, type SharedBySpaces, sharedBySpaces } from '../content-store/shared-by-spaces.js';
import { planView } from '../content-store/view-plan.js';
import type { Cipher } from '../core/cipher.js';
import type { Clock, Platform, Timer } from '../core/clock.js';
import { yieldToPorts } from '../core/clock.js';
import { asRamaxError, isRamaxError, type RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { SpaceAddress } from '../protocol/links.js';
import type { ReactorFigures, ShardHealth, ShardStats } from '../protocol/stats.js';
import type { PStateStore, StoredBuild } from '../pstate/port.js';
import { Partitions } from './partitions.js';
import { type ReactionVerdicts, type ReactorLink, Reactors } from './reactors.js';
import { ResidentSpace } from './resident-space.js';
import { Rounds } from './rounds.js';
import { healthOf, ShardFigures } from './shard-figures.js';

/** What a shard is made of. */
export interface ShardOptions {
  readonly app: LoadedApp;
  readonly log: LogLink;
  readonly openPartition: (partition: number) => PStateStore;
  readonly platform: Platform;
  readonly limits: Limits;
  /** The shard has lost its files to a newer owner and must end. */
  readonly onFatal: (error: RamaxError) => void;
  readonly ofThread?: OfThread | undefined;
  /** The log as reactors use it. Default: the app's reactors do nothing. */
  readonly reactorLink?: ReactorLink | undefined;
  readonly verdicts?: ReactionVerdicts | undefined;
}

/** See the head of this file. */
export class Shard {
  readonly #options: ShardOptions;
  readonly #partitions: Partitions;
  /** In the order of their last use. */
  readonly #residents = new Map<number, ResidentSpace>();
  /** Residents that are being closed to make room. */
  #retiring = 0;
  readonly #shared: SharedBySpaces;
  /** Of the encrypted spaces that main has unlocked. */
  readonly #ciphers = new Map<number, Cipher>();
  readonly #rounds: Rounds;
  readonly #figures = new ShardFigures();
  /** Looks for spaces that nobody calls, while any is resident. */
  #idleTimer: Timer | undefined;
  #isDraining = false;
  /** Undefined where the app has none. */
  readonly reactors: Reactors | undefined;

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#partitions = new Partitions(options.openPartition, options.onFatal);
    this.#shared = sharedBySpaces(options.limits, options.ofThread);
    this.#rounds = new Rounds(options.platform.clock, options.limits);
    const { app, reactorLink: link, platform, limits, verdicts } = options;
    if (app.reactors.length === 0 || link === undefined) return;
    this.reactors = new Reactors({
      app,
      link,
      platform,
      limits,
      vitals: this.#shared.vitals,
      recorder: this.#shared.recorder,
      verdicts,
      cipherOf: (spaceId) => this.#ciphers.get(spaceId),
      read: (address, turn) => {
        this.space(address).post(turn);
        return turn.answer;
      },
    });
  }

  /** What sends the answers and appends that are made and wait for the end of the event loop's turn. */
  set sendNow(sendNow: () => void) {
    this.#rounds.sendNow = sendNow;
  }

  get app(): LoadedApp {
    return this.#options.app;
  }

  get limits(): Limits {
    return this.#options.limits;
  }

  /**
   * The space at this address, made resident by this.
   *
   * @throws {RamaxError} `closed` when the shard drains
   */
  space(address: SpaceAddress): ResidentSpace {
    if (this.#isDraining) throw spaceClosed();
    const { spaceId } = address;
    const resident = this.#residents.get(spaceId) ?? this.#admit(address);
    this.#residents.delete(spaceId);
    this.#residents.set(spaceId, resident);
    resident.lastUsedMs = this.#clock.monotonicMs();
    this.#watchIdle();
    if (this.#surplus > 0) this.#makeRoom(resident);
    return resident;
  }

  /** Fills the views of a space that are not of the app's version. One that has none, and is not resident, stays closed. */
  async fillViews(address: SpaceAddress): Promise<void> {
    const { spaceId } = address;
    const stored = this.#partitions.of(spaceId).builds(spaceId);
    if (!this.#residents.has(spaceId) && !this.#hasViewsToFill(stored)) return;
    await this.space(address).fillViews();
  }

  #hasViewsToFill(stored: readonly StoredBuild[]): boolean {
    const { textDigest } = this.#options.platform;
    const lastSpaceSequence = Number.MAX_SAFE_INTEGER;
    return this.app.views.some((view) => {
      const fingerprint = this.#shared.fingerprints.of(view, textDigest);
      return (
        stored.length > 0 && planView(view, stored, { lastSpaceSequence, fingerprint }).fill !== undefined
      );
    });
  }

  /** What is encrypted of this space can be read and written from now on. */
  unlock(spaceId: number, key: Uint8Array): void {
    const cipher = this.#options.platform.cipherOf(key);
    this.#ciphers.set(spaceId, cipher);
    this.#residents.get(spaceId)?.unlock(cipher);
  }

  /** Lets go of an encrypted space and of its key. */
  async lock(spaceId: number): Promise<void> {
    this.#ciphers.delete(spaceId);
    const rested = this.reactors?.rest(spaceId);
    const resident = this.#residents.get(spaceId);
    resident?.unlock(undefined);
    await resident?.close().catch(() => {});
    await rested;
    this.#shared.history.forget(spaceId);
  }

  /**
   * The space is deleted: lets go of it, and removes its projections a bounded number of rows at a time. Gives back why traces may be
   * left of them in the file, where they may: that keeps nobody from removing the rest of the space.
   */
  async dropSpace(address: SpaceAddress, rewriteBytesMax: number): Promise<RamaxError | undefined> {
    const resident = this.space(address);
    const rested = this.reactors?.rest(address.spaceId);
    await resident.drop();
    await rested;
    this.#shared.history.forget(address.spaceId);
    const store = this.#partitions.of(address.spaceId);
    while (!this.#dropRows(store, address.spaceId)) await yieldToPorts(this.#clock);
    if (this.#residents.delete(address.spaceId)) this.#figures.keep(resident.stats);
    const { vitals } = this.#shared;
    vitals.worksLong();
    try {
      store.scrub(rewriteBytesMax);
      return undefined;
    } catch (error) {
      return asRamaxError(error, 'storage', 'the projections could not be cleared of what was deleted');
    } finally {
      vitals.rests();
    }
  }

  /** Says whether none are left. A file that is found damaged was set aside by that: the fresh one has none. */
  #dropRows(store: PStateStore, spaceId: number): boolean {
    const { purgeRowsMax } = this.#options.limits;
    try {
      return store.dropSpace(spaceId, purgeRowsMax).done;
    } catch (error) {
      if (!isRamaxError(error, 'corrupt') || error.details['isSetAside'] !== true) throw error;
      return store.dropSpace(spaceId, purgeRowsMax).done;
    }
  }

  /** Persists and closes every space. Their turns must have been answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#idleTimer?.cancel();
    // What could not be persisted is in the log.
    for (const resident of this.#residents.values()) await resident.end().catch(() => {});
    this.#partitions.close();
  }

  get stats(): ShardStats {
    return this.#figures.of(this.#residents.values(), this.app, this.#shared, this.#reactorFigures);
  }

  get health(): ShardHealth {
    return healthOf(
      this.#residents.values(),
      {
        views: this.#figures.remadeOf(this.#residents.values()),
        files: this.#partitions.setAside,
      },
      this.#reactorFigures,
    );
  }

  get #reactorFigures(): readonly ReactorFigures[] {
    return this.reactors?.figures ?? [];
  }

  get #clock(): Clock {
    return this.#options.platform.clock;
  }

  #admit({ spaceId, spaceName }: SpaceAddress): ResidentSpace {
    const { app, log, platform, limits, onFatal } = this.#options;
    const onError = (error: RamaxError): void => {
      if (error.code === 'fenced') onFatal(error);
    };
    const pstates = this.#partitions.of(spaceId);
    const shared = this.#shared;
    const { reactors } = this;
    const address = { spaceId, spaceName };
    const onCommitted =
      reactors === undefined ? undefined : (sequence: number) => reactors.committed(address, sequence);
    const resident = new ResidentSpace(
      { spaceId, spaceName, app, log, pstates, platform, limits, shared, onError, onCommitted },
      this.#rounds,
    );
    resident.unlock(this.#ciphers.get(spaceId));
    return resident;
  }

  /** Residents over the bound that nobody has begun to close. */
  get #surplus(): number {
    return this.#residents.size - this.#retiring - this.#options.limits.openSpacesMax;
  }

  /** Closes the least recently used idle spaces, until the bound holds or all that is left is busy. */
  #makeRoom(wanted: ResidentSpace): void {
    for (const resident of this.#residents.values()) {
      if (this.#surplus <= 0) return;
      if (!resident.idle || resident === wanted) continue;
      this.#retiring++;
      void this.#retire(resident).finally(() => {
        this.#retiring--;
      });
    }
  }

  /**
   * Closes a space and lets it go, unless somebody has come for it meanwhile. Never rejects: what could not be persisted
   * is in the log.
   */
  async #retire(resident: ResidentSpace): Promise<void> {
    await resident.close().catch(() => {});
    if (!resident.idle || this.#residents.get(resident.spaceId) !== resident) return;
    this.#residents.delete(resident.spaceId);
    this.#figures.keep(resident.stats);
  }

  #watchIdle(): void {
    if (this.#isDraining) return;
    this.#idleTimer ??= this.#clock.after(this.#options.limits.idleSpaceMs, () => {
      this.#idleTimer = undefined;
      this.#retireIdle();
      if (this.#residents.size > 0) this.#watchIdle();
    });
  }

  /** Closes the spaces that nobody has called for `idleSpaceMs`; they come back with the next call. */
  #retireIdle(): void {
    const idleSinceMs = this.#clock.monotonicMs() - this.#options.limits.idleSpaceMs;
    for (const resident of this.#residents.values()) {
      if (resident.lastUsedMs > idleSinceMs) return;
      if (resident.idle) void this.#retire(resident);
    }
  }
}
