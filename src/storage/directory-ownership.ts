/**
 * One owner of a data directory: holds an exclusive lock on `owner.lock` and says in `owner.json` who it is.
 *
 * Invariants: the lock alone decides; the kernel frees it when its process ends, however it ends, so nothing that a
 * killed owner left behind stands in the way. `owner.lock` is touched through SQLite only (see `exclusive-lock.ts`).
 */

import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { ExclusiveLock } from '../sqlite/exclusive-lock.js';
import type { Ownership, OwnershipOptions } from './adapter.js';
import { type Owner, readOwner, removeOwner, thisOwner, writeOwner } from './owner-file.js';
import { sleep } from './sleep.js';

/** The first pause between two attempts: an owner that is closing lets go soon. */
const firstPauseMs = 10;

/** The longest pause: a waiting runtime takes over at most this long after the owner let go. */
const longestPauseMs = 250;

/** The right to use a data directory. */
export class DirectoryOwnership implements Ownership {
  readonly #lock: ExclusiveLock;
  readonly #ownerFile: string;
  #isReleased = false;

  private constructor(lock: ExclusiveLock, ownerFile: string) {
    this.#lock = lock;
    this.#ownerFile = ownerFile;
  }

  /**
   * Becomes the owner, waiting for another one to let go as long as `options` say.
   *
   * @throws {RamaxError} `already_owned` with the owner's `pid`, `host` and `startedAt`, `aborted`, `storage`
   */
  static async acquire(directory: string, clock: Clock, options: OwnershipOptions): Promise<Ownership> {
    const ownerFile = join(directory, 'owner.json');
    const lock = await acquireLock(directory, ownerFile, clock, options);
    try {
      await writeOwner(ownerFile, thisOwner(Math.trunc(clock.now())));
    } catch (error) {
      lock.release();
      throw asRamaxError(error, 'storage', `cannot write ${ownerFile}`);
    }
    return new DirectoryOwnership(lock, ownerFile);
  }

  /** Lets go. A second call does nothing. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    try {
      // While the lock is held the file is ours; afterwards it may be the next owner's.
      await removeOwner(this.#ownerFile);
    } finally {
      this.#lock.release();
    }
  }
}

async function acquireLock(
  directory: string,
  ownerFile: string,
  clock: Clock,
  { ownershipWaitMs, signal }: OwnershipOptions,
): Promise<ExclusiveLock> {
  const deadline = clock.monotonicMs() + ownershipWaitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    if (signal?.aborted) throw new RamaxError('aborted', `gave up waiting for ${directory}`);
    const lock = ExclusiveLock.tryAcquire(join(directory, 'owner.lock'));
    if (lock !== undefined) return lock;
    const leftMs = deadline - clock.monotonicMs();
    if (leftMs <= 0) throw alreadyOwned(directory, await readOwner(ownerFile));
    await sleep(Math.min(pauseMs, leftMs), clock, signal);
  }
}

function alreadyOwned(directory: string, owner: Owner | undefined): RamaxError {
  const who =
    owner === undefined
      ? 'another process'
      : `process ${owner.pid} on ${owner.host}, started at ${new Date(owner.startedAt).toISOString()}`;
  return new RamaxError('already_owned', `${directory} is owned by ${who}`, {
    details: { directory, ...owner },
  });
}
