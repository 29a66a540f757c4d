/**
 * What is done to all spaces: filling the views that an earlier app has left behind, rebuilding, migrating.
 *
 * Owns: the signal that ends it all when the runtime closes.
 */

import { RamaxError } from '../core/errors.js';
import { checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { ProgressGuard } from '../core/progress-guard.js';
import type { SpaceRow } from '../event-store/port.js';
import { everySpace } from './every-space.js';
import { SpaceHandle, type SpaceServices } from './space-handle.js';
import { checkedView } from './space-reads.js';

/** Spaces asked for at once. */
const pageSpacesMax = 256;

/** How far a task over all spaces has come. */
export interface AllSpacesProgress {
  /** Spaces that are done. */
  readonly spacesDone: number;
  /** Events applied by a rebuild, or values looked at by a migration. */
  readonly itemsDone: number;
  /** Values whose migration has failed. */
  readonly failed: number;
}

/** What a task over all spaces may be given. */
export interface AllSpacesOptions {
  /** The view; default: all of them. */
  readonly view?: string | undefined;
  /** Told after each space. */
  readonly onProgress?: ((progress: AllSpacesProgress) => void) | undefined;
  /** Ends it: spaces that are done stay done. */
  readonly signal?: AbortSignal | undefined;
}

const optionNames = ['view', 'onProgress', 'signal'] as const satisfies readonly (keyof AllSpacesOptions)[];

/** See the head of this file. */
export class AllSpaces {
  readonly #services: SpaceServices;
  readonly #ending = new AbortController();

  constructor(services: SpaceServices) {
    this.#services = services;
  }

  /** Nothing more is begun. */
  close(): void {
    this.#ending.abort();
  }

  /** Fills the views that are not of the app's version, in every space. Never rejects: a space that fails says so itself. */
  async fillViews(): Promise<void> {
    const { supervisor, locks } = this.#services;
    const fill = async (row: SpaceRow): Promise<void> => {
      const { spaceId, spaceName } = row;
      // An encrypted space fills its views when it is opened: nobody asks for keys of which there may be thousands.
      if (locks.of(row) !== undefined) return;
      await supervisor
        .shardOf({ spaceId })
        .call('fillViews', { spaceId, spaceName })
        .answer.catch(() => {});
    };
    const fillOrLeave = (row: SpaceRow): Promise<void> => fill(row).catch(() => {});
    await this.#everySpace(fillOrLeave, this.#ending.signal).catch(() => {});
  }

  /** Runs a task of the space's handle for every space. */
  async run(name: 'rebuild' | 'migrateAll', options: AllSpacesOptions): Promise<AllSpacesProgress> {
    checkOptions(options);
    checkOptionNames(options, optionNames, `${name}()`);
    const { view, onProgress, signal } = options;
    const guard = new ProgressGuard(onProgress);
    checkSignal(signal);
    if (view !== undefined) checkedView(view, this.#services.supervisor);
    const ownEnd = new AbortController();
    const ends = AbortSignal.any([
      this.#ending.signal,
      ownEnd.signal,
      ...(signal === undefined ? [] : [signal]),
    ]);
    const sum = { spacesDone: 0, itemsDone: 0, failed: 0 };
    const task = async (row: SpaceRow): Promise<void> => {
      // A signal for each space: Node takes many listeners on one for a leak, and warns.
      const done = await this.#runOne(name, row, { view, signal: AbortSignal.any([ends]) });
      sum.spacesDone++;
      sum.itemsDone += done.items;
      sum.failed += done.failed;
      guard.report({ ...sum });
    };
    const answer = this.#everySpace(task, ends).then(
      () => {
        if (ends.aborted) throw this.#endedError();
        return { ...sum };
      },
      (error: unknown) => {
        // The space under way only says that it was aborted.
        throw ends.aborted ? this.#endedError() : error;
      },
    );
    return guard.settled(guard.watch({ answer, cancel: () => ownEnd.abort() }).answer);
  }

  async #runOne(
    name: 'rebuild' | 'migrateAll',
    row: SpaceRow,
    options: { readonly view: string | undefined; readonly signal: AbortSignal },
  ): Promise<{ readonly items: number; readonly failed: number }> {
    const space = new SpaceHandle(this.#services, row);
    const waiting = { ...options, overload: 'wait' as const };
    try {
      if (name === 'rebuild') return { items: (await space.rebuild(waiting)).eventsApplied, failed: 0 };
      const { entriesRead, failed } = await space.migrateAll(waiting);
      return { items: entriesRead, failed };
    } catch (error) {
      if (options.signal.aborted || !(await this.#isGone(row))) throw error;
      // It was deleted meanwhile, and says so by whatever it met first.
      return { items: 0, failed: 0 };
    }
  }

  async #isGone({ spaceId }: SpaceRow): Promise<boolean> {
    const found = this.#services.supervisor.writer.call('findSpaceById', { spaceId });
    return (await found.catch(() => undefined)) === null;
  }

  #everySpace(task: (space: SpaceRow) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { supervisor, limits } = this.#services;
    return everySpace({
      shards: supervisor.shards.length,
      spacesAtOnce: limits.buildsAtOnceMax,
      listAfter: (after) => supervisor.writer.call('listSpaces', { after, limit: pageSpacesMax }),
      task,
      signal,
    });
  }

  #endedError(): RamaxError {
    return this.#ending.signal.aborted
      ? new RamaxError('closed', 'the runtime is closed')
      : new RamaxError('aborted', 'the caller aborted before all spaces were done');
  }
}
