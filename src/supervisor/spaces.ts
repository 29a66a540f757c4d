/** The registry of spaces of a running runtime. */

import { assert } from '../core/assert.js';
import type { App } from '../core/define-app.js';
import { type ErrorData, invalidInput, isPassingTrouble, isRamaxError, RamaxError } from '../core/errors.js';
import { checkId, checkInteger, checkOptions, checkSpaceName } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { CreateSpaceRequest, LogReader, LogWriteOutcome, SpaceRow } from '../event-store/port.js';
import { checkMetadata } from '../event-store/seal.js';
import type { SettingsChange, SpaceLimits } from '../event-store/space-settings.js';
import type { WriterCalls } from '../protocol/links.js';
import { spaceNotFound } from '../space/space-errors.js';
import { registryPlace } from './admission.js';
import type { Reactions } from './reactions.js';
import { type CloneOptions, type ImportOptions, type RestoreOptions, SpaceCopies } from './space-copies.js';
import { SpaceHandle, type SpaceServices } from './space-handle.js';
import { checkedSpaceLimits } from './space-limits.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';
import type { WriterHandle } from './writer-handle.js';

const listPageMax = 1_000;

/** What `getOrCreate` may be given. */
export interface GetOrCreateOptions extends WaitOptions {
  /** Facts about the space: a JSON object of at most 16 KiB. Default: none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Encrypts payloads and state of a space that this call creates, with the key that `encryption.keyOf` gives for this name. */
  readonly encryption?: { readonly keyId: string } | undefined;
  /** Bounds of the space in place of those of all spaces. Default: none. */
  readonly limits?: SpaceLimits;
}

/** What `suspend` may be given. */
export interface SuspendOptions extends WaitOptions {
  /** What callers are told: text of 1 to 512 bytes. Default: nothing. */
  readonly reason?: string;
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
  'limits',
  ...waitOptionNames,
] as const satisfies readonly (keyof GetOrCreateOptions)[];

const suspendOptionNames = [
  'reason',
  ...waitOptionNames,
] as const satisfies readonly (keyof SuspendOptions)[];

/**
 * Spaces: create, find, list, suspend, import, clone, restore, delete.
 *
 * @example
 * ```ts
 * const acme = await ramax.spaces.getOrCreate('crm_acme', { metadata: { plan: 'pro' } });
 * await ramax.spaces.delete('crm_acme');
 * ```
 */
export class Spaces<A extends App = App> {
  readonly #services: SpaceServices;
  readonly #copies: SpaceCopies;
  readonly #reactions: Pick<Reactions, 'react' | 'rest'>;

  constructor(services: SpaceServices, reactions: Pick<Reactions, 'react' | 'rest'>) {
    this.#services = services;
    this.#reactions = reactions;
    this.#copies = new SpaceCopies(services, async (space) => void (await this.finishDeletion(space)));
  }

  /** The runtime closes: imports, clones and restores under way end, and leave nothing. */
  close(): void {
    this.#copies.close();
  }

  /**
   * The space of this name, created when there is none. Atomic, however many ask at once. `metadata` and `limits` count only
   * for a space that this call creates; `encryption` must be that of the space.
   *
   * @param spaceName well-formed NFC text of 1 to 200 bytes, without control, bidirectional or path characters
   * @throws {RamaxError} `invalid_input`, `conflict`, `key_missing`, `aborted`, `timeout`, `closed`, `unavailable`, `storage`
   */
  async getOrCreate(spaceName: string, options: GetOrCreateOptions = {}): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'getOrCreate()', getOrCreateOptionNames);
    const metadata = checkMetadata(options.metadata, 'metadata', this.#services.limits);
    const limits = checkedSpaceLimits(options.limits ?? {}, 'getOrCreate()', 'limits');
    const keyId = checkedKeyId(options.encryption);
    const create = async (): Promise<SpaceRow> => {
      const settings = {
        ...(Object.keys(limits).length === 0 ? {} : { limits }),
        ...(keyId === undefined ? {} : { encryption: await this.#services.locks.encryptionOf(keyId) }),
      };
      return this.#created({ kind: 'createSpace', spaceName, metadata, settings });
    };
    const row = await this.#services.calls.change(create, options);
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
      () =>
        this.#orBeside(
          async (writer) => (await writer.call('findSpaceById', { spaceId })) ?? undefined,
          (log) => log.findSpaceById(spaceId),
        ),
      options,
    );
    return row === undefined ? undefined : this.#handle(row);
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
   * Suspends a space: from now on it takes no commands, on any handle, also after a restart, until `resume`. Commands that were
   * admitted before end as they would have; resolves when they have. Commands that wait for room are refused. Reads, streams,
   * watches, rebuilds, checkpoints and deletion go on. Of a space that is suspended, it replaces the reason.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, and the codes of every wait. A caller that stops waiting gets
   *   `outcome_unknown`; the suspension goes on
   * @example
   * ```ts
   * await ramax.spaces.suspend('crm_acme', { reason: 'invoice 17 is unpaid' });
   * await acme.execute('addContact', contact); // throws suspended
   * await ramax.spaces.resume('crm_acme');
   * ```
   */
  async suspend(spaceName: string, options: SuspendOptions = {}): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'suspend()', suspendOptionNames);
    const { platform, limits } = this.#services;
    const { reason } = options;
    if (reason !== undefined) checkId(reason, 'reason', limits.idBytesMax);
    const at = Math.trunc(platform.clock.now());
    const suspended = { at, ...(reason === undefined ? {} : { reason }) };
    return this.#set(spaceName, { suspended }, options, async (row) => {
      // Their commands are refused from now on: what they wait for would not come.
      await this.#reactions.rest(row);
      await this.#services.calls.noCommands(row.spaceId);
      // What was admitted before may have woken them.
      await this.#reactions.rest(row);
    });
  }

  /**
   * Lets a suspended space take commands again. One that is not suspended stays as it is.
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, and the codes of every wait
   */
  async resume(spaceName: string, options: WaitOptions = {}): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    checkWaitOptions(options, 'resume()');
    return this.#set(spaceName, { suspended: null }, options, async (row) => {
      void this.#reactions.react(row);
      await this.#services.timers.resumed(row.spaceId);
    });
  }

  /**
   * Replaces the bounds that a space has of its own, also after a restart; without any, those of all spaces hold for it again. A
   * command over its rate is refused as `overloaded`, with `retryAfterMs` in the details, or waits (`overload: 'wait'`).
   *
   * @throws {RamaxError} `invalid_input`, `not_found`, and the codes of every wait
   * @example
   * ```ts
   * await ramax.spaces.setLimits('crm_acme', { commandsPerSecondMax: 50, commandsBurstMax: 200, inFlightMax: 64 });
   * ```
   */
  async setLimits(
    spaceName: string,
    limits: SpaceLimits,
    options: WaitOptions = {},
  ): Promise<SpaceHandle<A>> {
    checkSpaceName(spaceName);
    const checked = checkedSpaceLimits(limits, 'setLimits()', 'limits');
    checkWaitOptions(options, 'setLimits()');
    return this.#set(spaceName, { limits: Object.keys(checked).length === 0 ? null : checked }, options);
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

  /**
   * Makes a space of a file that `SpaceHandle.export` has written. It has the same events in the same order, with the same hashes,
   * and the same records of accepted commands; its id and its event ids are new. The file is verified as it is read, and the
   * space is there when all of it has held, at once and whole. Nothing remains of one that is refused, stopped or interrupted.
   *
   * @param source the file, such as a stream. It may take `limits.callTimeoutMs` for each chunk; meanwhile `streamAllEvents`
   *   stops before the first event that was imported
   * @throws {RamaxError} `conflict` when there is a space of this name; `corrupt`, `invalid_input` and `format_newer` with the
   *   `line` of the file; and the codes of every wait (default: `limits.longCallTimeoutMs`)
   * @example
   * ```ts
   * const acme = await ramax.spaces.import(createReadStream('./acme.ramax'), { spaceName: 'acme_copy' });
   * ```
   */
  async import(source: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<SpaceHandle<A>> {
    return this.#handle(await this.#copies.import(source, options));
  }

  /**
   * Makes a space that has the events of another one, up to the latest sequence when the copy begins or up to `upTo`, with its
   * metadata, its settings and the records of its accepted commands. Its id and its event ids are new. It is there when it is whole.
   * Other spaces and the original go on meanwhile; `streamAllEvents` stops before its first event until then.
   *
   * @throws {RamaxError} `not_found`, also when the original is deleted meanwhile; `conflict` when there is a space of the new
   *   name; `invalid_input`; and the codes of every wait (default: `limits.longCallTimeoutMs`)
   */
  async clone(from: string, to: string, options: CloneOptions = {}): Promise<SpaceHandle<A>> {
    return this.#handle(await this.#copies.clone(from, to, options));
  }

  /**
   * Takes a space back to a sequence: a clone up to it takes the name, the metadata and the settings, and the space is deleted, in
   * one transaction. What the space was told after that sequence, up to this moment, is gone with it. Older handles get
   * `not_found`; the new one is returned when what was replaced is deleted.
   *
   * @throws {RamaxError} `not_found`; `invalid_input` for a sequence that the space has not reached; and the codes of every wait
   *   (default: `limits.longCallTimeoutMs`)
   */
  async restoreTo(
    spaceName: string,
    spaceSequence: number,
    options: RestoreOptions = {},
  ): Promise<SpaceHandle<A>> {
    return this.#handle(await this.#copies.restoreTo(spaceName, spaceSequence, options));
  }

  async #delete(spaceName: string, rewriteBytesMax: number): Promise<void> {
    const space = await this.#existing(spaceName);
    await this.#change({ kind: 'markSpaceDeleted', spaceId: space.spaceId }).catch((error: unknown) => {
      // The mark was committed by a writer that was lost before it could say so.
      if (!isRamaxError(error, 'not_found')) throw error;
    });
    const { lookups, traces } = await this.finishDeletion(space, rewriteBytesMax);
    await lookups;
    if (traces !== null) throw tracesLeft(space, traces);
  }

  /**
   * Removes what is left of a space that is marked as deleted: projections first, the registry's row last. The lookups let go of it
   * behind everything else: nobody has to wait for that.
   */
  async finishDeletion(
    { spaceId, spaceName }: Pick<SpaceRow, 'spaceId' | 'spaceName'>,
    rewriteBytesMax = this.#services.limits.rewriteBytesMax,
  ): Promise<{ readonly lookups: Promise<void>; readonly traces: ErrorData | null }> {
    const { supervisor } = this.#services;
    const shard = supervisor.shardOf({ spaceId });
    const dropped = await shard.call('dropSpace', { spaceId, spaceName, rewriteBytesMax }).answer;
    shard.forget(spaceId);
    this.#services.calls.forget(spaceId);
    this.#services.locks.drop(spaceId);
    const purged = await supervisor.writer.call('purgeSpace', { spaceId, rewriteBytesMax }, 'untilUp');
    const lookups = supervisor.lookups.spacePurged();
    lookups.catch(() => {});
    return { lookups, traces: dropped.traces ?? purged.traces };
  }

  /** Changes settings: first on disk, then for whoever calls, then `ends`. */
  async #set(
    spaceName: string,
    settings: SettingsChange,
    options: WaitOptions,
    ends: (row: SpaceRow) => Promise<void> = async () => {},
  ): Promise<SpaceHandle<A>> {
    const { calls } = this.#services;
    const change = async (): Promise<SpaceRow> => {
      const { spaceId } = await this.#existing(spaceName);
      const row = spaceOf(await this.#change({ kind: 'updateSpace', spaceId, settings }));
      calls.changed(row);
      await ends(row);
      return row;
    };
    return this.#handle(await calls.change(change, options));
  }

  /** While nobody can write, those spaces that are there are found. */
  async #created(change: CreateSpaceRequest): Promise<SpaceRow> {
    try {
      return spaceOf(await this.#change(change));
    } catch (error) {
      const found = isPassingTrouble(error) ? await this.#findByName(change.spaceName) : undefined;
      if (found === undefined) throw error;
      return found;
    }
  }

  #read<Reply>(ask: () => Promise<Reply>, options: WaitOptions): Promise<Reply> {
    return this.#services.calls.read(registryPlace, ask, options);
  }

  async #findByName(spaceName: string): Promise<SpaceRow | undefined> {
    return this.#orBeside(
      async (writer) => (await writer.call('findSpaceByName', { spaceName })) ?? undefined,
      (log) => log.findSpaceByName(spaceName),
    );
  }

  /** Asks the writer, which needs no other thread for it, or while it is down for long the log beside it. */
  async #orBeside<Reply>(
    askWriter: (writer: WriterHandle) => Promise<Reply>,
    askLog: (log: LogReader) => Promise<Reply>,
  ): Promise<Reply> {
    const { writer, log } = this.#services.supervisor;
    try {
      return await askWriter(writer);
    } catch (error) {
      if (!isPassingTrouble(error)) throw error;
      return askLog(log);
    }
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
      const page = await this.#orBeside(
        (writer) => writer.call('listSpaces', { after, limit: listPageMax }),
        (log) => log.listSpaces(after, listPageMax),
      );
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

/** The deletion itself is done: the name is free, and no row is left. */
function tracesLeft({ spaceId, spaceName }: SpaceRow, traces: ErrorData): RamaxError {
  return new RamaxError(
    'storage',
    `the space '${spaceName}' is deleted, but traces of it may be left in unused parts of the files until another one is: ${traces.message}`,
    { details: { ...traces.details, spaceId, spaceName, isDeleted: true } },
  );
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
