/**
 * The registry of spaces, alone in one thread: names to ids, metadata, creation and deletion. The runtime asks its
 * writer for the same requests of the log's port.
 *
 * Invariants:
 *   - Creation is one request of the log: concurrent callers of `getOrCreate` get the same space.
 *   - Deletion begins with a committed mark. From then on the name is free and no read finds anything of the space,
 *     and what is left is taken away in chunks: first the projections, then the log's rows, the registry's row last. A
 *     deletion that was interrupted is therefore known at the next start (`finishDeletions`).
 */

import { type Clock, yieldToPorts } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import { type Limits, type LimitsOptions, resolveLimits } from '../core/limits.js';
import { checkInteger, checkOptions, checkSpaceName } from '../core/names.js';
import type { LogStore, LogWrite, LogWriteOutcome, SpaceRow } from '../event-store/port.js';
import { checkMetadata } from '../event-store/seal.js';
import { spaceNotFound } from './space-errors.js';

/** The projections of all spaces, as far as a deletion is concerned. A `PStateStore` is one. */
export interface SpaceProjections {
  /** See `PStateStore.scrub`. */
  scrub(rewriteBytesMax: number): void;
  /** Deletes up to `rowsMax` rows of the space; called until it says that it is done. */
  dropSpace(
    spaceId: number,
    rowsMax: number,
  ): { readonly done: boolean } | Promise<{ readonly done: boolean }>;
}

/** What a registry is made of. */
export interface SpaceRegistryOptions {
  /** The log that keeps the registry; the caller closes it. */
  readonly log: LogStore;
  /** Between two chunks of a deletion, others get their turn. */
  readonly clock: Clock;
  /** Deleted together with their space. Default: none. */
  readonly projections?: SpaceProjections;
  /** Default: `defaultLimits`. */
  readonly limits?: LimitsOptions;
}

/** How many spaces one read of the registry takes. */
const pageSpacesMax = 1_000;

/**
 * The spaces of one log.
 *
 * @example
 * ```ts
 * const acme = await registry.getOrCreate('crm_acme', { metadata: { plan: 'pro' } });
 * await store.append(acme.spaceId, { entityId: 'contact:c1', type: 'contact.added' });
 * await registry.delete('crm_acme');
 * ```
 */
export class SpaceRegistry {
  readonly #log: LogStore;
  readonly #clock: Clock;
  readonly #projections: SpaceProjections | undefined;
  readonly #limits: Limits;

  constructor({ log, clock, projections, limits }: SpaceRegistryOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#projections = projections;
    this.#limits = resolveLimits(limits);
  }

  /**
   * The space of this name, created when there is none. `metadata` counts only then.
   *
   * @throws {RamaxError} `invalid_input`, `storage`
   */
  async getOrCreate(
    spaceName: string,
    options: { readonly metadata?: Readonly<Record<string, unknown>> } = {},
  ): Promise<SpaceRow> {
    checkSpaceName(spaceName);
    const metadata = checkMetadata(options.metadata, 'metadata', this.#limits);
    return spaceIn(await this.#commit({ kind: 'createSpace', spaceName, metadata }));
  }

  /** The live space of this name, or undefined. */
  async findByName(spaceName: string): Promise<SpaceRow | undefined> {
    checkSpaceName(spaceName);
    return this.#log.findSpaceByName(spaceName);
  }

  /** The live space of this id, or undefined. */
  async findById(spaceId: number): Promise<SpaceRow | undefined> {
    checkInteger(spaceId, 'spaceId', 1);
    return this.#log.findSpaceById(spaceId);
  }

  /** Every live space, in the order of their ids. */
  async listAll(): Promise<readonly SpaceRow[]> {
    const spaces: SpaceRow[] = [];
    for (;;) {
      const page = await this.#log.listSpaces(spaces.at(-1)?.spaceId ?? 0, pageSpacesMax);
      if (page.length === 0) return spaces;
      for (const space of page) spaces.push(space);
    }
  }

  /**
   * Replaces the metadata of the live space of this name.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, `storage`
   */
  async updateMetadata(spaceName: string, metadata: Readonly<Record<string, unknown>>): Promise<SpaceRow> {
    checkOptions(metadata, 'metadata');
    const checked = checkMetadata(metadata, 'metadata', this.#limits);
    const { spaceId } = await this.#liveSpace(spaceName);
    return spaceIn(await this.#commit({ kind: 'updateSpace', spaceId, metadata: checked }));
  }

  /**
   * Deletes the live space of this name with its events, command records and projections. Resolves when all are gone;
   * the name is free, and the events are out of every reader's sight, much earlier.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, `storage`
   */
  async delete(spaceName: string): Promise<void> {
    const { spaceId } = await this.#liveSpace(spaceName);
    await this.#commit({ kind: 'markSpaceDeleted', spaceId });
    await this.#purge(spaceId);
  }

  /** Finishes the deletions that an earlier process began. Says how many spaces it took away. */
  async finishDeletions(): Promise<number> {
    const spaceIds = await this.#log.deletedSpaces();
    for (const spaceId of spaceIds) await this.#purge(spaceId);
    return spaceIds.length;
  }

  async #liveSpace(spaceName: string): Promise<SpaceRow> {
    const space = await this.findByName(spaceName);
    if (space !== undefined) return space;
    throw spaceNotFound(spaceName);
  }

  async #commit(request: LogWrite): Promise<LogWriteOutcome> {
    const [outcome] = await this.#log.commit([request]);
    if (outcome === undefined) throw new RamaxError('storage', 'the log did not answer');
    if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
    return outcome;
  }

  async #purge(spaceId: number): Promise<void> {
    const { purgeRowsMax, rewriteBytesMax } = this.#limits;
    const projections = this.#projections;
    if (projections !== undefined) await this.#repeat(() => projections.dropSpace(spaceId, purgeRowsMax));
    await this.#repeat(() => this.#log.purgeSpace(spaceId, purgeRowsMax));
    projections?.scrub(rewriteBytesMax);
    await this.#log.scrub(rewriteBytesMax);
  }

  async #repeat(
    chunk: () => { readonly done: boolean } | Promise<{ readonly done: boolean }>,
  ): Promise<void> {
    while (!(await chunk()).done) await yieldToPorts(this.#clock);
  }
}

function spaceIn(outcome: LogWriteOutcome): SpaceRow {
  if (outcome.kind === 'space') return outcome.space;
  throw new RamaxError('storage', `the log answered ${outcome.kind} where it had to answer with a space`);
}
