/**
 * When the lookups of the log are filled: main sees how far the log has come, and has runs made in a thread that nobody
 * waits for.
 *
 * Owns: the filler, and what is known of the log's end. Called by: the supervisor, with every answer of a command.
 *
 * Invariants:
 *   Q1  One run at a time.
 *   Q2  A run is due when `runEvents` events are committed and not filled, or less and nothing was committed for
 *       `quietMs`. So while runs succeed and keep up, less than two runs' events are left to the readers, which look
 *       through that part of their space themselves, and none when nothing is written.
 *   Q4  Entries of purged spaces are cleared away, so that nothing of them is left in the files, after a run that has left nothing to
 *       do. Whoever waits for that is told of the first attempt; one that fails is made again.
 *   Q3  A run that fails is tried again, after pauses that double up to `retryMsMax`. What is not filled grows meanwhile
 *       and reads by entity and by tags get slower; from the third failure on it shows in `health()`.
 */

import type { Clock, Timer } from '../core/clock.js';
import { asRamaxError, type ErrorData, RamaxError } from '../core/errors.js';
import type { LookupFiller } from '../event-store/port.js';

/** Events of one run, some 100 ms. Runs of 20,000 and of 50,000 sorted rows were filled equally fast. */
const runEvents = 20_000;
/** How long nothing is committed before fewer events are filled. */
const quietMs = 1_000;
/** The pauses after a run that failed: the first, and the longest. */
const retryMsMin = 1_000;
const retryMsMax = 60_000;
/** Failures in a row that one does not have to know of: a disk that is full for a moment. */
const quietFailuresMax = 2;

/** How the lookups of the log are. */
export interface LookupHealth {
  /** Committed events, as far as main knows of them, that reads by entity and by tags still have to look for themselves. */
  readonly unfilledEvents: number;
  /** Why they cannot be filled, from the third failure in a row on. */
  readonly failure: ErrorData | undefined;
}

interface ClearWaiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function fillingClosed(): RamaxError {
  return new RamaxError('closed', 'the runtime was closed before the lookups were cleared');
}

/** See the head of this file. */
export class LookupFilling {
  readonly #filler: LookupFiller | undefined;
  readonly #clock: Clock;
  /** The largest event id that an answer has told of, and up to where the lookups are filled. */
  #newest = 0;
  #filled = 0;
  #isRunning = false;
  #isRunDue = false;
  /** A run is to be followed by a clearing. */
  #isClearDue = false;
  #clearWaiters: ClearWaiter[] = [];
  #isClosed = false;
  #timer: Timer | undefined;
  #failures = 0;
  #failure: RamaxError | undefined;

  /** @param filler undefined: the storage has no lookups */
  constructor(filler: LookupFiller | undefined, clock: Clock) {
    this.#filler = filler;
    this.#clock = clock;
  }

  /** Fills what an earlier runtime has left, when everything else has started: a process that is soon over never does. */
  start(): void {
    if (this.#filler !== undefined) this.#timer ??= this.#whenQuiet(this.#newest);
  }

  /** Up to this event the log is committed. */
  committed(eventId: number): void {
    if (eventId <= this.#newest || this.#filler === undefined) return;
    this.#newest = eventId;
    this.#look();
  }

  /**
   * A space is purged: its entries are to go, too. Resolves when nothing of them is left in the files.
   *
   * @throws {RamaxError} `storage`, `closed`
   */
  spacePurged(): Promise<void> {
    if (this.#filler === undefined) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(fillingClosed());
    const cleared = new Promise<void>((resolve, reject) => this.#clearWaiters.push({ resolve, reject }));
    this.#isClearDue = true;
    this.#runSoon();
    return cleared;
  }

  get health(): LookupHealth {
    return {
      unfilledEvents: this.#filler === undefined ? 0 : this.#newest - this.#filled,
      failure: this.#failures > quietFailuresMax ? this.#failure?.toData() : undefined,
    };
  }

  /** No run begins any more; one that is under way ends first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#filler?.close();
    this.#tellCleared(fillingClosed());
  }

  /** What is to be done now. While a run or a pause is under way, its end looks again. */
  #look(): void {
    if (this.#isRunning || this.#isClosed || this.#filler === undefined) return;
    const isPause = this.#failures > 0 && this.#timer !== undefined;
    if (isPause) return;
    if (this.#isRunDue || this.#newest - this.#filled >= runEvents) void this.#run(this.#filler);
    else if (this.#newest > this.#filled) this.#timer ??= this.#whenQuiet(this.#newest);
  }

  #runSoon(): void {
    this.#isRunDue = true;
    this.#look();
  }

  /** Looks again and again until nothing was committed in between. */
  #whenQuiet(newest: number): Timer {
    return this.#clock.after(quietMs, () => {
      this.#timer = undefined;
      if (newest === this.#newest) this.#runSoon();
      else this.#look();
    });
  }

  async #run(filler: LookupFiller): Promise<void> {
    this.#isRunning = true;
    this.#isRunDue = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    const committed = this.#newest;
    try {
      const { done } = await filler.fillLookups(runEvents);
      this.#failures = 0;
      if (done) this.#filled = Math.max(this.#filled, committed);
      else this.#isRunDue = true;
      if (done && this.#isClearDue) await this.#clear(filler);
    } catch (error) {
      this.#failed(asRamaxError(error, 'storage', 'the lookups cannot be filled'));
    }
    this.#isRunning = false;
    this.#look();
  }

  async #clear(filler: LookupFiller): Promise<void> {
    // Who comes meanwhile has a space of which the run has not heard.
    const waiters = this.#clearWaiters;
    this.#clearWaiters = [];
    this.#isClearDue = false;
    try {
      await filler.scrub();
      for (const { resolve } of waiters) resolve();
    } catch (error) {
      this.#isClearDue = true;
      for (const { reject } of waiters) reject(error);
      throw error;
    }
  }

  #tellCleared(error: RamaxError): void {
    for (const { reject } of this.#clearWaiters.splice(0)) reject(error);
  }

  #failed(error: RamaxError): void {
    this.#tellCleared(error);
    if (this.#isClosed) return;
    this.#failure = error;
    const pauseMs = Math.min(retryMsMin * 2 ** this.#failures, retryMsMax);
    this.#failures++;
    this.#isRunDue = true;
    this.#timer = this.#clock.after(pauseMs, () => {
      this.#timer = undefined;
      this.#look();
    });
  }
}
