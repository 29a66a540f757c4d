/**
 * Fills the lookups in the thread of a store that nobody else fills them for: after a commit, when enough has been
 * committed since the last run. That commit takes some 100 ms longer.
 *
 * Invariant: a run that fails takes nothing back and fails nobody. It is tried again when as much again was committed;
 * until then reads by entity look through more of their space.
 */

import { lookupFileOf } from './lookup-format.js';
import { LookupReader } from './lookup-reader.js';
import { SqliteLookupFiller } from './sqlite-lookup-filler.js';

/** Events of one run: runs of 20,000 and of 50,000 sorted rows were filled equally fast. */
const runEvents = 20_000;

/** See the head of this file. */
export class SelfFilling {
  readonly #filler: SqliteLookupFiller;
  #filledUpTo: number;
  #isSweepDue = false;

  /** @param lastEventId where the log ends */
  constructor(logFile: string, lastEventId: number) {
    this.#filler = new SqliteLookupFiller(logFile);
    const mark = newestMarkIn(lookupFileOf(logFile));
    this.#filledUpTo = mark > lastEventId ? 0 : mark;
  }

  /** The log ends at this event now. One run for each commit, as long as there is enough for one. */
  committed(lastEventId: number): void {
    if (!this.#isSweepDue && lastEventId - this.#filledUpTo < runEvents) return;
    const outcome = this.#run();
    if (outcome !== 'more') this.#filledUpTo = lastEventId;
    this.#isSweepDue = outcome === 'more' && this.#isSweepDue;
  }

  /** The last rows of a space are gone: its entries go, too; what one run leaves of them, with the next commits. */
  purged(): void {
    if (this.#filledUpTo > 0) this.#isSweepDue = this.#run() === 'more';
  }

  /** @throws {RamaxError} `storage` */
  scrub(): void {
    if (this.#filledUpTo > 0) this.#filler.scrubNow();
  }

  close(): void {
    this.#filler.stop();
  }

  #run(): 'done' | 'more' | 'failed' {
    try {
      return this.#filler.fill(runEvents) ? 'done' : 'more';
    } catch {
      return 'failed';
    }
  }
}

function newestMarkIn(lookupFile: string): number {
  const reader = new LookupReader(lookupFile);
  try {
    return reader.read((lookups) => lookups?.mark(() => true)?.eventId ?? 0);
  } finally {
    reader.close();
  }
}
