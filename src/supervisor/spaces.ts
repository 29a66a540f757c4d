/** The registry of spaces of a running runtime. */

import { assert } from '../core/assert.js';
import type { App } from '../core/define-app.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import { checkInteger, checkOptions, checkSpaceName } from '../core/names.js';
import type { LogWriteOutcome, SpaceRow } from '../event-store/port.js';
import { checkMetadata } from '../event-store/seal.js';
import type { WriterCalls } from '../protocol/links.js';
import { spaceNotFound } from '../space/space-errors.js';
import { SpaceHandle, type SpaceServices } from './space-handle.js';

const listPageMax = 1_000;

/**
 * Spaces: create, find, list, delete.
 *
 * @example
 * ```ts
 * const acme = await ramax.spaces.getOrCreate('crm_acme', { metadata: { plan: 'pro' } });
 * await ramax.spaces.delete('crm_acme');
 * ```
 */
export class Spaces<A extends App = App> {
  readonly #services: SpaceServices;
  readonly #assertOpen: () => void;

  constructor(services: SpaceServices, assertOpen: () => void) {
    this.#services = services;
    this.#assertOpen = assertOpen;
  }

  /**
   * The space of this name, created when there is none. Atomic, however many ask at once. `metadata` counts only for a
   * space that this call creates.
   *
   * @param spaceName well-formed NFC text of 1 to 200 bytes, without control, bidirectional or path characters
   * @throws {RamaxError} `invalid_input`, `closed`, `unavailable`, `storage`
   */
  async getOrCreate(
    spaceName: string,
    options: { readonly metadata?: Readonly<Record<string, unknown>> } = {},
  ): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkOptions(options);
    const metadata = checkMetadata(options.metadata, 'metadata', this.#services.limits);
    return this.#handle(spaceOf(await this.#change({ kind: 'createSpace', spaceName, metadata })));
  }

  /** The space of this name, or undefined. */
  async findByName(spaceName: string): Promise<SpaceHandle<A> | undefined> {
    checkSpaceName(spaceName);
    this.#assertOpen();
    const row = await this.#services.supervisor.writer.call('findSpaceByName', { spaceName });
    return row === null ? undefined : this.#handle(row);
  }

  /** The space of this id, or undefined. */
  async findById(spaceId: number): Promise<SpaceHandle<A> | undefined> {
    checkInteger(spaceId, 'spaceId', 1);
    this.#assertOpen();
    const row = await this.#services.supervisor.writer.call('findSpaceById', { spaceId });
    return row === null ? undefined : this.#handle(row);
  }

  /** All spaces, in the order of their ids. */
  async list(): Promise<readonly SpaceHandle<A>[]> {
    this.#assertOpen();
    const handles: SpaceHandle<A>[] = [];
    for (;;) {
      const after = handles.at(-1)?.spaceId ?? 0;
      const page = await this.#services.supervisor.writer.call('listSpaces', { after, limit: listPageMax });
      if (page.length === 0) return handles;
      for (const row of page) handles.push(this.#handle(row));
    }
  }

  /**
   * Replaces the metadata of a space.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`
   */
  async updateMetadata(
    spaceName: string,
    metadata: Readonly<Record<string, unknown>>,
  ): Promise<SpaceHandle<A>> {
    checkOptions(metadata, 'metadata');
    const checked = checkMetadata(metadata, 'metadata', this.#services.limits);
    const { spaceId } = await this.#existing(spaceName);
    return this.#handle(spaceOf(await this.#change({ kind: 'updateSpace', spaceId, metadata: checked })));
  }

  /**
   * Deletes a space with its events, projections, checkpoints and command records. The name is free and the space is
   * gone for every reader as soon as the deletion is committed; resolves when the last row is removed. A deletion that
   * is interrupted is finished at the next start. The id is never used again.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`
   */
  async delete(spaceName: string): Promise<void> {
    const space = await this.#existing(spaceName);
    await this.#change({ kind: 'markSpaceDeleted', spaceId: space.spaceId }).catch((error: unknown) => {
      // The mark was committed by a writer that was lost before it could say so.
      if (!isRamaxError(error, 'not_found')) throw error;
    });
    await this.finishDeletion(space);
  }

  /** Removes what is left of a space that is marked as deleted: projections first, the registry's row last. */
  async finishDeletion({ spaceId, spaceName }: Pick<SpaceRow, 'spaceId' | 'spaceName'>): Promise<void> {
    const { supervisor } = this.#services;
    const shard = supervisor.shardOf({ spaceId });
    await shard.call('dropSpace', { spaceId, spaceName }).answer;
    shard.forget(spaceId);
    await supervisor.writer.call('purgeSpace', { spaceId });
  }

  async #existing(spaceName: string): Promise<SpaceHandle<A>> {
    const space = await this.findByName(spaceName);
    if (space === undefined) throw spaceNotFound(spaceName);
    return space;
  }

  async #change(change: WriterCalls['changeSpace']['request']): Promise<LogWriteOutcome> {
    this.#assertOpen();
    const outcome = await this.#services.supervisor.writer.call('changeSpace', change);
    if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
    return outcome;
  }

  #handle(row: SpaceRow): SpaceHandle<A> {
    return new SpaceHandle(this.#services, row);
  }
}

function spaceOf(outcome: LogWriteOutcome): SpaceRow {
  assert(outcome.kind === 'space', 'a change of a space is answered with the space');
  return outcome.space;
}
