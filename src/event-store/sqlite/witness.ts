/**
 * Keeps the witness of a log: told after each commit, synced within a second, and at close. The log's store owns it.
 *
 * Invariants:
 *   V1  It is told of a transaction only when that is as durable as its log promises, so it is never ahead of what the log had.
 *   V2  What it was told is in the file at once, unless a sync is under way or the file cannot be written, and synced
 *       `witnessSyncMs` later at most, besides the time that the sync takes. A sync is made in another thread.
 *   V3  Telling never throws and takes nothing back: a commit is what the log says. A witness that cannot be written shows in
 *       `failure`, and so in `health()`, and the file is made anew after pauses that double up to `retryMsMax`. Until then
 *       the loss of newer commits would not be noticed, and nothing else suffers. At close nobody hears of it: the log is
 *       ahead of its witness then, as after a kill.
 *   V4  A file that was deleted or replaced while it was open is made again with the next sync.
 */

import type { Clock, Timer } from '../../core/clock.js';
import { asRamaxError, type RamaxError } from '../../core/errors.js';
import type { WitnessFile, WitnessFiles } from './witness-file.js';
import type { WitnessRecord } from './witness-record.js';

/** The longest time that what was told waits to be synced. The loss of later commits in a power cut may not be noticed. */
const witnessSyncMs = 1_000;

/** The longest pause before a file that failed is made anew; the first is `witnessSyncMs`. */
const retryMsMax = 60_000;

/** What a witness is made of. */
export interface WitnessOptions {
  readonly path: string;
  readonly files: WitnessFiles;
  readonly clock: Clock;
  /** What it tells at first. */
  readonly record: WitnessRecord;
}

/** See the head of this file. */
export class Witness {
  readonly #path: string;
  readonly #files: WitnessFiles;
  readonly #clock: Clock;
  /** Undefined: it failed, and is to be made anew. */
  #file: WitnessFile | undefined;
  #newest: WitnessRecord;
  #isWritten = true;
  #isSynced = true;
  #syncing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #failure: RamaxError | undefined;
  #isClosed = false;

  private constructor({ path, files, clock, record }: WitnessOptions, file: WitnessFile) {
    this.#path = path;
    this.#files = files;
    this.#clock = clock;
    this.#newest = record;
    this.#file = file;
  }

  /** Goes on with the file that is there. Throws when it cannot be opened. */
  static open(options: WitnessOptions): Witness {
    const witness = new Witness(options, options.files.open(options.path));
    witness.tell(options.record);
    return witness;
  }

  /** Makes a file, in place of whatever is there. Throws when it cannot be made. */
  static make(options: WitnessOptions): Witness {
    return new Witness(options, options.files.make(options.path, options.record));
  }

  /** Why it cannot be written at present. */
  get failure(): RamaxError | undefined {
    return this.#failure;
  }

  /** The log has come so far. */
  tell(record: WitnessRecord): void {
    this.#newest = record;
    this.#isWritten = false;
    this.#isSynced = false;
    this.#write();
    this.#timer ??= this.#after(witnessSyncMs);
  }

  /** Tells the last, syncs it, and lets go of the file. */
  async close(last: WitnessRecord): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#syncing;
    this.#newest = last;
    try {
      if (this.#file?.isInPlace() !== true) this.#makeAnew();
      this.#file?.write(last);
      this.#file?.syncNow();
    } catch {
      // See V3.
    }
    this.#file?.close();
    this.#file = undefined;
  }

  #after(delayMs: number): Timer {
    return this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #write(): void {
    if (this.#isWritten || this.#syncing !== undefined || this.#file === undefined) return;
    try {
      this.#file.write(this.#newest);
      this.#isWritten = true;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** It is time to sync, or to try again. */
  #look(): void {
    if (this.#isClosed) return;
    try {
      if (this.#file?.isInPlace() === true) this.#syncing = this.#sync(this.#file);
      else this.#makeAnew();
    } catch (error) {
      this.#failed(error);
    }
  }

  #makeAnew(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#file = this.#files.make(this.#path, this.#newest);
    this.#isWritten = true;
    this.#isSynced = true;
    this.#synced();
  }

  async #sync(file: WitnessFile): Promise<void> {
    this.#isSynced = true;
    try {
      await file.sync();
      this.#synced();
    } catch (error) {
      this.#failed(error);
    }
    this.#syncing = undefined;
    if (this.#isClosed) return;
    // What was told meanwhile.
    this.#write();
    if (!this.#isSynced) this.#timer ??= this.#after(witnessSyncMs);
  }

  #synced(): void {
    this.#failures = 0;
    this.#failure = undefined;
  }

  #failed(error: unknown): void {
    this.#failure = asRamaxError(error, 'storage', `the witness ${this.#path} cannot be written`);
    this.#isWritten = false;
    this.#isSynced = false;
    try {
      this.#file?.close();
    } catch {
      // It is given up in any case.
    }
    this.#file = undefined;
    this.#timer?.cancel();
    this.#timer = this.#isClosed
      ? undefined
      : this.#after(Math.min(witnessSyncMs * 2 ** this.#failures, retryMsMax));
    this.#failures += 1;
  }
}
