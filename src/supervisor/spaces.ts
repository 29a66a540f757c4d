/** The registry of spaces of a running runtime. */

import { assert } from '../core/assert.js';
import type { App } from '../core/define-app.js';
import { invalidInput, isRamaxError, RamaxError } from '../core/errors.js';
import { checkInteger, checkOptions, checkSpaceName } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { LogWriteOutcome, SpaceRow } from '../event-store/port.js';
import { checkMetadata } from '../event-store/seal.js';
import type { WriterCalls } from '../protocol/links.js';
import { spaceNotFound } from '../space/space-errors.js';
import { registryPlace } from './calls.js';
import { SpaceHandle, type SpaceServices } from './space-handle.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

const listPageMax = 1_000;

/** What `getOrCreate` may be given. */
export interface GetOrCreateOptions extends WaitOptions {
  /** Facts about the space: a JSON object of at most 16 KiB. Default: none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Encrypts payloads and state of a space that this call creates, with the key that `encryption.keyOf` gives for this name. */
  readonly encryption?: { readonly keyId: string } | undefined;
}

/** What `delete` may be given. */
export interface DeleteOptions extends WaitOptions {
  /**
   * Writes also files anew that are larger than `limits.rewriteBytesMax`, so that not even a stale copy of a row is left in an unused
   * part of a page. Nobody else writes meanwhile: about 1 s for each 130 MB. Default: false.
   */
  readonly rewriteFiles?: boolean | undefined;
}

const deleteOptionNames = [
  'rewriteFiles',
  ...waitOptionNames,
] as const satisfies readonly (keyof DeleteOptions)[];

const getOrCreateOptionNames = [
  'metadata',
  'encryption',
  ...waitOptionNames,
] as const satisfies readonly (keyof GetOrCreateOptions)[];

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

  constructor(services: SpaceServices) {
    this.#services = services;
  }

  /**
   * The space of this name, created when there is none. Atomic, however many ask at once. `metadata` counts only for a
   * space that this call creates; `encryption` must be that of the space.
   *
   * @param spaceName well-formed NFC text of 1 to 200 bytes, without control, bidirectional or path characters
   * @throws {RamaxError} `invalid_input`, `conflict`, `key_missing`, `aborted`, `timeout`, `closed`, `unavailable`, `storage`
   */
  async getOrCreate(spaceName: string, options: GetOrCreateOptions = {}): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'getOrCreate()', getOrCreateOptionNames);
    const metadata = checkMetadata(options.metadata, 'metadata', this.#services.limits);
    const keyId = checkedKeyId(options.encryption);
    const create = async (): Promise<LogWriteOutcome> => {
      const settings =
        keyId === undefined ? {} : { encryption: await this.#services.locks.encryptionOf(keyId) };
      return this.#change({ kind: 'createSpace', spaceName, metadata, settings });
    };
    const row = spaceOf(await this.#services.calls.change(create, options));
    if (keyId !== undefined && row.settings.encryption?.keyId !== keyId) throw otherEncryption(row, keyId);
    return this.#handle(row);
  }

  /** The space of this name, or undefined. */
  async findByName(spaceName: string, options: WaitOptions = {}): Promise<SpaceHandle<A> | undefined> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'findByName()');
    const row = await this.#read(() => this.#findByName(spaceName), options);
    return row === undefined ? undefined : this.#handle(row);
  }

  /** The space of this id, or undefined. */
  async findById(spaceId: number, options: WaitOptions = {}): Promise<SpaceHandle<A> | undefined> {
    checkInteger(spaceId, 'spaceId', 1);
    checkWaitOptions(options, 'findById()');
    const row = await this.#read(
      () => this.#services.supervisor.writer.call('findSpaceById', { spaceId }),
      options,
    );
    return row === null ? undefined : this.#handle(row);
  }

  /** All spaces, in the order of their ids. */
  async list(options: WaitOptions = {}): Promise<readonly SpaceHandle<A>[]> {
    checkWaitOptions(options, 'list()');
    const rows = await this.#read(() => this.#listRows(), options);
    return rows.map((row) => this.#handle(row));
  }

  /**
   * Replaces the metadata of a space.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, and the codes of every wait
   */
  async updateMetadata(
    spaceName: string,
    metadata: Readonly<Record<string, unknown>>,
    options: WaitOptions = {},
  ): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkOptions(metadata, 'metadata');
    checkWaitOptions(options, 'updateMetadata()');
    const checked = checkMetadata(metadata, 'metadata', this.#services.limits);
    const update = async (): Promise<LogWriteOutcome> => {
      const { spaceId } = await this.#existing(spaceName);
      return this.#change({ kind: 'updateSpace', spaceId, metadata: checked });
    };
    return this.#handle(spaceOf(await this.#services.calls.change(update, options)));
  }

  /**
   * Deletes a space with its events, projections, checkpoints and command records. The name is free and the space is
   * gone for every reader as soon as the deletion is committed; resolves when the last row is removed and nothing of it is left in
   * the files, those over `limits.rewriteBytesMax` excepted (see `rewriteFiles`). A deletion whose
   * caller stops waiting goes on, and one that is interrupted is finished at the next start. The id is never used again.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, and the codes of every wait (default: `limits.longCallTimeoutMs`)
   */
  async delete(spaceName: string, options: DeleteOptions = {}): Promise<void> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'delete()', deleteOptionNames);
    const { limits, calls } = this.#services;
    const { timeoutMs = limits.longCallTimeoutMs, rewriteFiles = false, ...waiting } = options;
    if (typeof rewriteFiles !== 'boolean') throw invalidInput('rewriteFiles', 'true or false', rewriteFiles);
    const rewriteBytesMax = rewriteFiles ? Number.MAX_SAFE_INTEGER : limits.rewriteBytesMax;
    await calls.change(() => this.#delete(spaceName, rewriteBytesMax), { ...waiting, timeoutMs });
  }

  async #delete(spaceName: string, rewriteBytesMax: number): Promise<void> {
    const space = await this.#existing(spaceName);
    await this.#change({ kind: 'markSpaceDeleted', spaceId: space.spaceId }).catch((error: unknown) => {
      // The mark was committed by a writer that was lost before it could say so.
      if (!isRamaxError(error, 'not_found')) throw error;
    });
    const cleared = await this.finishDeletion(space, rewriteBytesMax);
    await cleared.lookups;
  }

  /**
   * Removes what is left of a space that is marked as deleted: projections first, the registry's row last. The lookups let go of it
   * behind everything else: nobody has to wait for that.
   */
  async finishDeletion(
    { spaceId, spaceName }: Pick<SpaceRow, 'spaceId' | 'spaceName'>,
    rewriteBytesMax = this.#services.limits.rewriteBytesMax,
  ): Promise<{ readonly lookups: Promise<void> }> {
    const { supervisor } = this.#services;
    const shard = supervisor.shardOf({ spaceId });
    await shard.call('dropSpace', { spaceId, spaceName, rewriteBytesMax }).answer;
    shard.forget(spaceId);
    this.#services.locks.drop(spaceId);
    await supervisor.writer.call('purgeSpace', { spaceId, rewriteBytesMax });
    const lookups = supervisor.lookups.spacePurged();
    lookups.catch(() => {});
    return { lookups };
  }

  #read<Reply>(ask: () => Promise<Reply>, options: WaitOptions): Promise<Reply> {
    return this.#services.calls.read(registryPlace, ask, options);
  }

  async #findByName(spaceName: string): Promise<SpaceRow | undefined> {
    return (await this.#services.supervisor.writer.call('findSpaceByName', { spaceName })) ?? undefined;
  }

  async #existing(spaceName: string): Promise<SpaceRow> {
    const space = await this.#findByName(spaceName);
    if (space === undefined) throw spaceNotFound(spaceName);
    return space;
  }

  async #listRows(): Promise<readonly SpaceRow[]> {
    const rows: SpaceRow[] = [];
    for (;;) {
      const after = rows.at(-1)?.spaceId ?? 0;
      const page = await this.#services.supervisor.writer.call('listSpaces', { after, limit: listPageMax });
      if (page.length === 0) return rows;
      for (const row of page) rows.push(row);
    }
  }

  async #change(change: WriterCalls['changeSpace']['request']): Promise<LogWriteOutcome> {
    const outcome = await this.#services.supervisor.writer.call('changeSpace', change);
    if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
    return outcome;
  }

  #handle(row: SpaceRow): SpaceHandle<A> {
    return new SpaceHandle(this.#services, row);
  }
}

function checkedKeyId(encryption: unknown): string | undefined {
  if (encryption === undefined) return undefined;
  checkOptions(encryption, 'encryption');
  checkOptionNames(encryption, ['keyId'], 'getOrCreate()', 'encryption');
  const { keyId } = encryption as { readonly keyId?: unknown };
  if (typeof keyId !== 'string') throw invalidInput('encryption.keyId', 'the name of a key', keyId);
  return keyId;
}

/** Nobody may believe that a space is encrypted which is not. */
function otherEncryption({ spaceName, settings }: SpaceRow, keyId: string): RamaxError {
  const known = settings.encryption?.keyId;
  const how = known === undefined ? 'without encryption' : `with the key '${known}'`;
  return new RamaxError('conflict', `the space '${spaceName}' is there already, ${how}`, {
    details: { spaceName, keyId, ...(known === undefined ? {} : { knownKeyId: known }) },
  });
}

function spaceOf(outcome: LogWriteOutcome): SpaceRow {
  assert(outcome.kind === 'space', 'a change of a space is answered with the space');
  return outcome.space;
}
