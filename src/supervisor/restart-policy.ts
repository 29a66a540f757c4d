/**
 * Whether and when a thread is started again: with backoff, and not for ever, but for trouble that passes (a full
 * disk): then for as long as it lasts. Pure over the clock it is asked with.
 *
 * A death for which a suspect is known (`quarantine.ts`) does not count: the suspect is refused after some of them, so that they end.
 * It counts from the moment in which the suspect turns out to be innocent. The backoff grows with all of them.
 */

import type { Limits } from '../core/limits.js';

const firstDelayMs = 10;
const longestDelayMs = 2_000;

/** What to do about a thread that has ended. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number }
  | { readonly kind: 'giveUp' };

/** Why a thread has ended, as far as it decides what follows. */
export interface RestartCause {
  /** Names the call or event that it ran when it died. */
  readonly suspect?: string | undefined;
  /** It passes by itself: such ends make the pause longer and do not count for giving up. */
  readonly passes?: boolean;
}

interface Restart extends RestartCause {
  readonly atMs: number;
}

/** The restarts of one thread. */
export class RestartPolicy {
  readonly #limits: Pick<Limits, 'restartsMax' | 'restartWindowMs'>;
  /** Restarts inside the window, oldest first. */
  #restarts: Restart[] = [];

  constructor(limits: Pick<Limits, 'restartsMax' | 'restartWindowMs'>) {
    this.#limits = limits;
  }

  /** Restarts inside the window for which no suspect is known, and whose cause does not pass. */
  get recent(): number {
    return this.#restarts.filter(({ suspect, passes }) => suspect === undefined && passes !== true).length;
  }

  /** Restarts inside the window whose cause passes. */
  get passing(): number {
    return this.#restarts.filter(({ passes }) => passes === true).length;
  }

  /** The thread has ended at `nowMs` (monotonic). */
  ended(nowMs: number, { suspect, passes = false }: RestartCause = {}): RestartDecision {
    const windowStart = nowMs - this.#limits.restartWindowMs;
    this.#restarts = this.#restarts.filter(({ atMs }) => atMs > windowStart);
    const counts = suspect === undefined && !passes;
    if (counts && this.recent >= this.#limits.restartsMax) return { kind: 'giveUp' };
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#restarts.length);
    this.#restarts.push({ atMs: nowMs, suspect, passes });
    return { kind: 'restart', delayMs };
  }

  /** The thread has outlived the suspect: what it was suspected of has another reason. */
  acquitted(suspect: string): void {
    this.#restarts = this.#restarts.map((restart) =>
      restart.suspect === suspect ? { atMs: restart.atMs } : restart,
    );
  }
}
