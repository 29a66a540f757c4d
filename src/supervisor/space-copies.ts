/**
 * Spaces that are made of others, or of files: import, clone, and restore to a sequence.
 *
 * Owns: the signal that ends them when the runtime closes. Called by: the registry (`spaces.ts`).
 *
 * Invariant: the space is seen when it is whole, or never: what is made is a draft (`event-store/draft.ts`).
 */

import { RamaxError } from '../core/errors.js';
import { checkInteger, checkIterable, checkOptions, checkSpaceName } from '../core/names.js';
import { ProgressGuard } from '../core/progress-guard.js';
import { nameConflict } from '../event-store/log-errors.js';
import type { LogWriteOutcome, SpaceRow } from '../event-store/port.js';
import { type CopyProgress, cloneSpace } from '../portability/clone-space.js';
import type { DraftLog } from '../portability/draft.js';
import { type ImportProgress, importSpace } from '../portability/import-space.js';
import { spaceNotFound } from '../space/space-errors.js';
import { LongChange, type LongChangeControl } from './long-change.js';
import type { SpaceServices } from './space-handle.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

/** What a long change may be given. */
interface LongOptions<Progress> extends WaitOptions {
  /** Told after each batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What `spaces.import` may be given. */
export interface ImportOptions extends LongOptions<ImportProgress> {
  /** The name of the new space. Default: the one in the file. */
  readonly spaceName?: string | undefined;
}

/** What `spaces.clone` may be given. */
export interface CloneOptions extends LongOptions<CopyProgress> {
  /** The last sequence to copy. Default: the latest one when the copy begins. */
  readonly upTo?: number | undefined;
}

/** What `spaces.restoreTo` may be given. */
export interface RestoreOptions extends LongOptions<CopyProgress> {}

const restoreOptionNames = [
  'onProgress',
  ...waitOptionNames,
] as const satisfies readonly (keyof RestoreOptions)[];
const importOptionNames = ['spaceName', ...restoreOptionNames] as const;
const cloneOptionNames = ['upTo', ...restoreOptionNames] as const;

/** See the head of this file. */
export class SpaceCopies {
  readonly #services: SpaceServices;
  readonly #finishDeletion: (space: Pick<SpaceRow, 'spaceId' | 'spaceName'>) => Promise<void>;
  readonly #closing = new AbortController();

  constructor(
    services: SpaceServices,
    finishDeletion: (space: Pick<SpaceRow, 'spaceId' | 'spaceName'>) => Promise<void>,
  ) {
    this.#services = services;
    this.#finishDeletion = finishDeletion;
  }

  /** What is under way ends, and leaves nothing. */
  close(): void {
    this.#closing.abort();
  }

  /** See `Spaces.import`. */
  async import(source: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<SpaceRow> {
    checkIterable(source, 'source', 'an async iterable of bytes, such as a stream');
    checkWaitOptions(options, 'import()', importOptionNames);
    const { spaceName } = options;
    if (spaceName !== undefined) checkSpaceName(spaceName);
    const { platform, limits } = this.#services;
    return this.#make(options, (control, report) =>
      importSpace({
        source,
        log: this.#draftLog,
        platform,
        limits,
        spaceName,
        report,
        beforeWriting: (name) => this.#assertFree(name),
        ...control,
      }),
    );
  }

  /** See `Spaces.clone`. */
  async clone(from: string, to: string, options: CloneOptions): Promise<SpaceRow> {
    checkSpaceName(from);
    checkSpaceName(to);
    checkWaitOptions(options, 'clone()', cloneOptionNames);
    const { upTo } = options;
    if (upTo !== undefined) checkInteger(upTo, 'upTo', 0);
    return this.#make(options, async (control, report) => {
      const space = await this.#existing(from);
      await this.#assertFree(to);
      return this.#copy(space, {
        ...control,
        report,
        to,
        replaces: false,
        upTo: await this.#reached(space, upTo, 'upTo'),
      });
    });
  }

  /** See `Spaces.restoreTo`. */
  async restoreTo(spaceName: string, spaceSequence: number, options: RestoreOptions): Promise<SpaceRow> {
    checkSpaceName(spaceName);
    checkInteger(spaceSequence, 'spaceSequence', 0);
    checkWaitOptions(options, 'restoreTo()', restoreOptionNames);
    return this.#make(options, async (control, report) => {
      const space = await this.#existing(spaceName);
      const upTo = await this.#reached(space, spaceSequence, 'spaceSequence');
      const restored = await this.#copy(space, { ...control, report, to: spaceName, replaces: true, upTo });
      // It has taken effect: what is left of the old one goes at the next start at the latest.
      await this.#finishDeletion(space).catch(() => {});
      return restored;
    });
  }

  async #copy(
    from: SpaceRow,
    options: LongChangeControl & {
      readonly report: (progress: CopyProgress) => void;
      readonly to: string;
      readonly replaces: boolean;
      readonly upTo: number;
    },
  ): Promise<SpaceRow> {
    return cloneSpace({ ...options, from, log: this.#draftLog, limits: this.#services.limits });
  }

  async #make<Progress>(
    options: LongOptions<Progress>,
    work: (control: LongChangeControl, report: (progress: Progress) => void) => Promise<SpaceRow>,
  ): Promise<SpaceRow> {
    checkOptions(options);
    const { calls, limits, supervisor } = this.#services;
    const { onProgress, timeoutMs = limits.longCallTimeoutMs } = options;
    const guard = new ProgressGuard(onProgress);
    const plan = guard.watch(
      new LongChange<SpaceRow>(this.#closing.signal, async (control) => {
        const space = await work(control, guard.report);
        calls.changed(space);
        // Nobody but main can say that there are events to fill lookups from.
        const head = await supervisor.writer.call('spaceHead', { spaceId: space.spaceId });
        if (head) supervisor.lookups.committed(head.lastEventId);
        return space;
      }),
    );
    return guard.settled(calls.make(plan, { ...options, timeoutMs }, 'wait'));
  }

  get #draftLog(): DraftLog {
    const { supervisor } = this.#services;
    return {
      change: async (request): Promise<LogWriteOutcome> => {
        const outcome = await supervisor.writer.call('changeSpace', request);
        if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
        return outcome;
      },
      abandon: async (spaceId) => {
        // A large one would hold up the closing: it is purged at the next start.
        if (this.#closing.signal.aborted) return;
        await supervisor.writer.call('purgeSpace', {
          spaceId,
          rewriteBytesMax: this.#services.limits.rewriteBytesMax,
        });
        supervisor.lookups.spacePurged().catch(() => {});
      },
    };
  }

  async #existing(spaceName: string): Promise<SpaceRow> {
    const space = await this.#services.supervisor.writer.call('findSpaceByName', { spaceName });
    if (space === null) throw spaceNotFound(spaceName);
    return space;
  }

  async #assertFree(spaceName: string): Promise<void> {
    const space = await this.#services.supervisor.writer.call('findSpaceByName', { spaceName });
    if (space !== null) throw nameConflict(spaceName);
  }

  /** The sequence when the space has reached it; the latest one where none is given. */
  async #reached({ spaceId }: SpaceRow, sequence: number | undefined, field: string): Promise<number> {
    const head = await this.#services.supervisor.writer.call('spaceHead', { spaceId });
    if (!head) throw spaceNotFound(spaceId);
    const { lastSpaceSequence } = head;
    if (sequence === undefined) return lastSpaceSequence;
    checkInteger(sequence, field, 0, lastSpaceSequence);
    return sequence;
  }
}
