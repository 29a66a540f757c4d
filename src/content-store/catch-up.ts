/**
 * Catching up: applying what the log has after a checkpoint. Used when a space opens, after a failed commit, and by a
 * rebuild; always over committed events only.
 *
 * Invariant C1: events are applied in the order of their sequence without a hole, each once; a hole is `corrupt`.
 */

import type { Clock } from '../core/clock.js';
import { yieldToPorts } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { StoredEvent } from '../event-store/port.js';
import type { LogLink } from './log-link.js';

/** What to replay, and into what. */
export interface CatchUpOptions {
  readonly log: Pick<LogLink, 'readSpace'>;
  readonly clock: Clock;
  readonly limits: Pick<Limits, 'readEventsMax' | 'readBytesMax'>;
  readonly spaceId: number;
  /** The last sequence that is applied already. */
  readonly from: number;
  /** The last sequence to apply. */
  readonly to: number;
  readonly apply: (event: StoredEvent) => void;
  /** Runs after each batch, with the last event applied. */
  readonly afterBatch?: (last: StoredEvent) => void;
  readonly signal?: AbortSignal | undefined;
  /** Events of the next batch at most, asked before each. Default: `readEventsMax`. */
  readonly batchEvents?: (() => number) | undefined;
  /** Awaited between two batches. Default: until the end of this turn of the event loop. */
  readonly rest?: (() => Promise<void>) | undefined;
}

/** Applies the events `from + 1 … to`, a bounded batch at a time, and yields between batches. Returns their number. */
export async function catchUp(options: CatchUpOptions): Promise<number> {
  const { log, clock, limits, spaceId, from, to, signal, batchEvents, rest } = options;
  const { readEventsMax, readBytesMax: bytesMax } = limits;
  let sequence = from;
  while (sequence < to) {
    const limit = Math.min(readEventsMax, batchEvents?.() ?? readEventsMax);
    const batch = await log.readSpace(spaceId, sequence, { limit, bytesMax });
    assertGoingOn(signal);
    let last: StoredEvent | undefined;
    for (const stored of batch) {
      if (stored.spaceSequence > to) break;
      if (stored.spaceSequence !== sequence + 1) {
        throw missingEvent(spaceId, sequence + 1, `sequence ${stored.spaceSequence}`);
      }
      options.apply(stored);
      sequence = stored.spaceSequence;
      last = stored;
    }
    if (last === undefined) throw missingEvent(spaceId, sequence + 1, 'the end of the log');
    options.afterBatch?.(last);
    if (sequence < to) await (rest?.() ?? yieldToPorts(clock));
  }
  return to - from;
}

/**
 * To be asked in the same breath as what it guards: whoever has aborted may have let another begin at the same place.
 *
 * @throws {RamaxError} `aborted`
 */
export function assertGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new RamaxError('aborted', 'the replay was aborted');
}

function missingEvent(spaceId: number, expected: number, found: string): RamaxError {
  return new RamaxError(
    'corrupt',
    `space ${spaceId}: expected sequence ${expected} in the log, found ${found}`,
    {
      details: { spaceId, expectedSequence: expected },
    },
  );
}
