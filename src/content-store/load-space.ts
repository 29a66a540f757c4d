/**
 * Loading a space: becoming its owner, and bringing its views from their checkpoints to the end of the log. The same when
 * a space opens and when it recovers. (What has far to go is left to the upkeep.)
 *
 * Invariant: what is loaded is committed; nothing of an earlier owner can be committed afterwards (G2 of the log link).
 */

import { type Cipher, checkKey } from '../core/cipher.js';
import type { Clock } from '../core/clock.js';
import { isRamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { StoredEvent } from '../event-store/port.js';
import { openForProjection } from '../event-store/seal.js';
import { catchUp } from './catch-up.js';
import type { LogLink, OpenedSpace } from './log-link.js';
import { DamagedBuild, type Views } from './views.js';

/** What to load, and into what. */
export interface LoadSpaceOptions {
  readonly log: LogLink;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly spaceId: number;
  readonly views: Views;
  /** Of an encrypted space. */
  readonly cipher: Cipher | undefined;
}

/** A space as it was loaded. */
export interface LoadedSpace extends OpenedSpace {
  /** Events applied after the checkpoints. */
  readonly applied: number;
  /** Stored builds that could not be read and are made anew. */
  readonly damagedBuilds: number;
}

/**
 * Opens a space under a new generation and catches its views up.
 *
 * @throws {RamaxError} `not_found`, `key_missing`, `corrupt`, `storage`
 */
export async function loadSpace(options: LoadSpaceOptions): Promise<LoadedSpace> {
  const opened = await openWithSomeWriter(options.log, options.spaceId);
  checkKey(opened.encryption, options.cipher);
  for (let damagedBuilds = 0; ; damagedBuilds++) {
    try {
      return { ...opened, applied: await catchViewsUp(options, opened), damagedBuilds };
    } catch (error) {
      // The damaged build is retired, so that each round has one less.
      if (!(error instanceof DamagedBuild) && !options.views.retireDamaged(error)) throw error;
    }
  }
}

/** Brings the views to the end of the log. Returns the number of events. */
async function catchViewsUp(options: LoadSpaceOptions, { head }: OpenedSpace): Promise<number> {
  const { log, clock, limits, spaceId, views } = options;
  views.load(head.lastSpaceSequence);
  const applied = await catchUp({
    log,
    clock,
    limits,
    spaceId,
    from: views.appliedSequence ?? head.lastSpaceSequence,
    to: head.lastSpaceSequence,
    apply: (stored) => views.catchUp(openForProjection(stored)),
    afterBatch: (last) => {
      if (views.dirtyKeys >= limits.dirtyKeysMax) persistUpTo(views, last);
    },
  });
  views.settle(head);
  return applied;
}

/** The link waits for a writer by itself; when that one is lost again, so does this. */
async function openWithSomeWriter(log: LogLink, spaceId: number): Promise<OpenedSpace> {
  for (;;) {
    try {
      return await log.openSpace(spaceId);
    } catch (error) {
      if (!isRamaxError(error, 'unavailable')) throw error;
    }
  }
}

/** Writes the views as they are after an event of the log, so that a long history needs little memory. */
function persistUpTo(
  views: Views,
  { eventId, spaceSequence }: Pick<StoredEvent, 'eventId' | 'spaceSequence'>,
): void {
  views.freeze(spaceSequence);
  if (views.frozenAt !== undefined)
    views.writeFrozen({ lastEventId: eventId, lastSpaceSequence: spaceSequence });
}
