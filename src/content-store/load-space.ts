/**
 * Loading a space: becoming its owner, and bringing its views from their checkpoints to the end of the log. The same when
 * a space opens and when it recovers. (What has far to go is left to the upkeep.)
 *
 * Invariant: what is loaded is committed; nothing of an earlier owner can be committed afterwards (G2 of the log link),
 * unless the space is loaded for reading alone.
 *
 * Trouble with the projection store that passes does not keep a space from being loaded: what cannot be written on the way
 * stays in memory, up to a bound, and is the next flush.
 */

import { type Cipher, checkKey } from '../core/cipher.js';
import type { Clock } from '../core/clock.js';
import { isPassingTrouble, isRamaxError, type RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { EventShapes } from '../core/upcasters.js';
import { openForViews } from '../event-store/seal.js';
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
  /** Of the app. */
  readonly shapes: EventShapes;
  /** Of an encrypted space. */
  readonly cipher: Cipher | undefined;
}

/** What loading a space has done. */
export interface LoadedSpace {
  /** Events applied after the checkpoints. */
  readonly applied: number;
  /** Stored builds that could not be read and are made anew. */
  readonly damagedBuilds: number;
  /** What is frozen and could not be written yet. */
  readonly unwritten: Unwritten | undefined;
}

/** Frozen changes that the store did not take. */
export interface Unwritten {
  readonly checkpoint: Checkpoint;
  readonly error: RamaxError;
}

/**
 * Catches the views of an opened space up.
 *
 * @throws {RamaxError} `not_found`, `key_missing`, `corrupt`, `storage`
 */
export async function loadSpace(options: LoadSpaceOptions, opened: OpenedSpace): Promise<LoadedSpace> {
  checkKey(opened.encryption, options.cipher);
  for (let damagedBuilds = 0; ; damagedBuilds++) {
    try {
      return { ...(await catchViewsUp(options, opened)), damagedBuilds };
    } catch (error) {
      // The damaged build is retired, so that each round has one less.
      if (!(error instanceof DamagedBuild) && !options.views.retireDamaged(error)) throw error;
    }
  }
}

/** Brings the views to the end of the log. */
async function catchViewsUp(
  options: LoadSpaceOptions,
  { head }: OpenedSpace,
): Promise<Omit<LoadedSpace, 'damagedBuilds'>> {
  const { log, clock, limits, spaceId, views, shapes } = options;
  const persisting = new Persisting(views, limits);
  views.load(head.lastSpaceSequence);
  const applied = await catchUp({
    log,
    clock,
    limits,
    spaceId,
    from: views.appliedSequence ?? head.lastSpaceSequence,
    to: head.lastSpaceSequence,
    apply: (stored) => views.catchUp(openForViews(stored, shapes)),
    afterBatch: ({ eventId, spaceSequence }) =>
      persisting.upTo({ lastEventId: eventId, lastSpaceSequence: spaceSequence }),
  });
  views.settle(head, persisting.unwritten?.error);
  return { applied, unwritten: persisting.unwritten };
}

/**
 * The link waits for a writer by itself; when that one is lost again, so does this.
 *
 * @throws {WriterIsDown} see `LogLink.openSpace`
 */
export async function openWithSomeWriter(
  log: LogLink,
  spaceId: number,
  wait?: 'untilUp',
): Promise<OpenedSpace> {
  for (;;) {
    try {
      return await log.openSpace(spaceId, wait);
    } catch (error) {
      if (!isRamaxError(error, 'unavailable')) throw error;
    }
  }
}

/** How many times `dirtyKeysMax` keys may wait for a store that fails. */
const unwrittenFactorMax = 8;

/** Writes the views as they are after an event of the log now and then, so that a long history needs little memory. */
class Persisting {
  readonly #views: Views;
  readonly #keysMax: number;
  unwritten: Unwritten | undefined;

  constructor(views: Views, { dirtyKeysMax }: Pick<Limits, 'dirtyKeysMax'>) {
    this.#views = views;
    this.#keysMax = dirtyKeysMax;
  }

  /** The views have come to this checkpoint. */
  upTo(reached: Checkpoint): void {
    const views = this.#views;
    if (views.dirtyKeys < this.#keysMax) return;
    if (views.frozenAt === undefined) views.freeze(reached.lastSpaceSequence);
    if (views.frozenAt === undefined) return;
    const checkpoint = this.unwritten?.checkpoint ?? reached;
    try {
      views.writeFrozen(checkpoint);
      this.unwritten = undefined;
    } catch (error) {
      if (!isPassingTrouble(error) || views.dirtyKeys >= this.#keysMax * unwrittenFactorMax) throw error;
      this.unwritten = { checkpoint, error };
    }
  }
}
