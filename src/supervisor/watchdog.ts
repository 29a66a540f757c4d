/**
 * The watchdog of one thread: tells when its event loop stands still.
 *
 * Called by: the keeper, from the thread's first answer until it drains or ends. Pure over the clock and the beat that it is given.
 *
 * Invariants:
 *   Z1  Only time in which main itself was there counts: after a look that comes late (the process was paused, the machine
 *       slept, main was busy) it counts anew.
 *   Z2  It tells once.
 */

import type { Clock, Timer } from '../core/clock.js';
import { beatIntervalMs } from '../core/vitals.js';

/** What is watched, and how. */
export interface WatchdogOptions {
  readonly clock: Clock;
  readonly hangTimeoutMs: number;
  /** Another number after each beat of the thread. */
  readonly beat: () => number;
  readonly onHang: () => void;
}

/** Between two looks that are this many intervals apart, main was away. */
const intervalsApartMax = 2;

/** See the head of this file. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #intervalMs: number;
  #timer: Timer | undefined;
  #beat: number;
  #lookedAtMs: number;
  #silentMs = 0;

  /** Begins to watch. */
  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#intervalMs = beatIntervalMs(options.hangTimeoutMs);
    this.#beat = options.beat();
    this.#lookedAtMs = options.clock.monotonicMs();
    this.#lookLater();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(this.#intervalMs, () => this.#look());
  }

  #look(): void {
    const { clock, beat, hangTimeoutMs, onHang } = this.#options;
    const [nowMs, now] = [clock.monotonicMs(), beat()];
    const sinceMs = nowMs - this.#lookedAtMs;
    const wasAway = sinceMs > this.#intervalMs * intervalsApartMax;
    this.#silentMs = wasAway || now !== this.#beat ? 0 : this.#silentMs + sinceMs;
    this.#beat = now;
    this.#lookedAtMs = nowMs;
    if (this.#silentMs < hangTimeoutMs) this.#lookLater();
    else onHang();
  }
}
