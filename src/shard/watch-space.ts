/**
 * Watching: answers when what a target shows is no longer what the watcher knows.
 *
 * The caller asks again with what it got, so whatever happens between two calls is one change to it, and it holds as much
 * as it has asked for. What it knows is a digest: a watcher can go on in another shard thread, or after a restart.
 *
 * Invariants:
 *   - A value goes through the mailbox and the output gate like any read: it is committed, and no older than one before.
 *   - The watcher registers before it reads, so it misses no change, and the last value always arrives.
 *   - A view that is not there yet is waited for: nobody asks it again before it serves something else.
 */

import type { AwaitedChange, Changes, WatchTarget } from '../content-store/changes.js';
import { watchTurn } from '../content-store/reads.js';
import type { ReadTurn } from '../content-store/turn.js';
import { delay, type Platform } from '../core/clock.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import { canonicalJson, type Value, type ValueLimits } from '../core/values.js';

/** Prefixes and queries are evaluated at most this often for a watcher: each change may concern them, and few do. */
const evaluationPauseMs = 10;

/** A value that is new to its watcher. */
export interface Watched {
  readonly value?: Value | undefined;
  /** What the watcher knows from now on. */
  readonly token: string;
}

/** Who watches what. */
export interface WatchSpaceOptions {
  readonly target: WatchTarget;
  /** The token of what the watcher has; undefined: nothing. */
  readonly known: string | undefined;
  readonly signal: AbortSignal;
  /** See `Turn`. */
  readonly callId?: number | undefined;
  readonly limits: ValueLimits;
  readonly platform: Pick<Platform, 'clock' | 'textDigest'>;
  /** The changes of the space that is open now. */
  readonly changes: () => Promise<Changes>;
  readonly post: (turn: ReadTurn) => void;
}

/**
 * Waits for a value that the watcher does not know.
 *
 * @throws {RamaxError} `aborted`, `overloaded`, and what the read throws
 */
export async function watchSpace(options: WatchSpaceOptions): Promise<Watched> {
  const { target, known, signal, platform, changes } = options;
  let awaited: AwaitedChange = 'any';
  for (;;) {
    const waiting = (await changes()).wait(target, awaited);
    try {
      const watched = await look(options);
      if (watched !== 'building' && watched.token !== known) return watched;
      const needed = watched === 'building' ? 'serving' : 'any';
      // Else it registers anew for what it needs, and reads once more.
      if (awaited === needed) await changedOrAborted(waiting.changed, signal);
      awaited = needed;
    } finally {
      waiting.cancel();
    }
    if (target.kind !== 'key') await delay(platform.clock, evaluationPauseMs);
  }
}

async function look(options: WatchSpaceOptions): Promise<Watched | 'building'> {
  const { target, limits, platform, signal, post } = options;
  const turn = watchTurn(target, limits);
  turn.callId = options.callId;
  const cancel = (): void => turn.cancel();
  if (signal.aborted) throw aborted();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    post(turn);
    const value = await turn.answer;
    // Equal values have one token, in whatever order their keys were written.
    return value === undefined
      ? { token: 'nothing' }
      : { value, token: platform.textDigest(canonicalJson(value)) };
  } catch (error) {
    if (isRamaxError(error, 'view_building')) return 'building';
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

function changedOrAborted(changed: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void changed.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

function aborted(): RamaxError {
  return new RamaxError('aborted', 'the watcher has gone');
}
