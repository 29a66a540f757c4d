/**
 * The shard: the spaces that live in one worker thread.
 *
 * Owns: the resident spaces and the projection stores of its partitions.
 * Called by: main, through `serve-shard.ts`. Calls: the log, through the writer connection.
 *
 * Invariants:
 *   H1  A space is resident in one shard at a time (main's routing), so its state has one owner.
 *   H2  At most `openSpacesMax` spaces are resident, unless more are busy at once; the least recently used idle ones go.
 *   H3  A failure of one space is that space's; only a fenced projection store ends the shard, because its files then
 *       belong to another.
 */

import type { LogLink } from '../content-store/log-link.js';
import type { Clock, Platform } from '../core/clock.js';
import { yieldToPorts } from '../core/clock.js';
import type { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { SpaceAddress } from '../protocol/links.js';
import type { ShardStats } from '../protocol/stats.js';
import type { PStateStore } from '../pstate/port.js';
import { Partitions } from './partitions.js';
import { ResidentSpace } from './resident-space.js';

/** What a shard is made of. */
export interface ShardOptions {
  readonly app: LoadedApp;
  readonly log: LogLink;
  readonly openPartition: (partition: number) => PStateStore;
  readonly platform: Platform;
  readonly limits: Limits;
  /** The shard has lost its files to a newer owner and must end. */
  readonly onFatal: (error: RamaxError) => void;
}

/** See the head of this file. */
export class Shard {
  readonly #options: ShardOptions;
  readonly #partitions: Partitions;
  /** In the order of their last use. */
  readonly #residents = new Map<number, ResidentSpace>();
  /** Residents that are being closed to make room. */
  #retiring = 0;
  /** Figures of spaces that are resident no longer. */
  readonly #past = { turns: 0, caughtUpEvents: 0, recoveries: 0, flushFailures: 0 };

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#partitions = new Partitions(options.openPartition, options.onFatal);
  }

  get app(): LoadedApp {
    return this.#options.app;
  }

  get limits(): Limits {
    return this.#options.limits;
  }

  /** The space at this address, made resident by this. */
  space(address: SpaceAddress): ResidentSpace {
    const { spaceId } = address;
    const resident = this.#residents.get(spaceId) ?? this.#admit(address);
    this.#residents.delete(spaceId);
    this.#residents.set(spaceId, resident);
    if (this.#surplus > 0) this.#makeRoom(resident);
    return resident;
  }

  /** The space is deleted: lets go of it, and removes its projections a bounded number of rows at a time. */
  async dropSpace(address: SpaceAddress): Promise<void> {
    await this.space(address).drop();
    const store = this.#partitions.of(address.spaceId);
    while (!store.dropSpace(address.spaceId, this.#options.limits.purgeRowsMax).done) {
      await yieldToPorts(this.#clock);
    }
    this.#residents.delete(address.spaceId);
  }

  /** Persists and closes every space. Their turns must have been answered. */
  async drain(): Promise<void> {
    for (const resident of this.#residents.values()) await this.#retire(resident);
    this.#partitions.close();
  }

  get stats(): ShardStats {
    const sum = { ...this.#past, openSpaces: 0, queuedTurns: 0, heldAnswers: 0, dirtyKeys: 0 };
    for (const { stats } of this.#residents.values()) {
      if (stats.isOpen) sum.openSpaces++;
      sum.queuedTurns += stats.queuedTurns;
      sum.heldAnswers += stats.heldAnswers;
      sum.dirtyKeys += stats.dirtyKeys;
      sum.turns += stats.turns;
      sum.caughtUpEvents += stats.caughtUpEvents;
      sum.recoveries += stats.recoveries;
      sum.flushFailures += stats.flushFailures;
    }
    return sum;
  }

  get #clock(): Clock {
    return this.#options.platform.clock;
  }

  #admit({ spaceId, spaceName }: SpaceAddress): ResidentSpace {
    const { app, log, platform, limits, onFatal } = this.#options;
    return new ResidentSpace({
      spaceId,
      spaceName,
      app,
      log,
      pstates: this.#partitions.of(spaceId),
      platform,
      limits,
      onError: (error) => {
        if (error.code === 'fenced') onFatal(error);
      },
    });
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
    this.#past.turns += resident.stats.turns;
    this.#past.caughtUpEvents += resident.stats.caughtUpEvents;
    this.#past.recoveries += resident.stats.recoveries;
    this.#past.flushFailures += resident.stats.flushFailures;
  }
}
