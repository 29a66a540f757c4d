/**
 * The yardsticks of the machine: how fast it takes the events themselves. One thread, no state, no check, nobody who waits
 * for an answer.
 *
 *   raw         both lookups, transactions of 1,000 events
 *   raw log     the same without lookups: the ceiling of a log that is only appended to
 *   raw commit  both lookups, each event in a transaction of its own: what one synced commit takes
 */

import { join } from 'node:path';
import type { RawConfiguration } from '../configuration.js';
import type { ContactLoad } from '../contact-load.js';
import { Meter } from '../meter.js';
import type { Bound } from '../trial-spec.js';
import { EventTable } from './event-table.js';

/** How the yardsticks differ. */
interface RawKind {
  readonly hasLookups: boolean;
  readonly eventsPerTransaction: number;
}

const kinds: Readonly<Record<RawConfiguration['subject'], RawKind>> = {
  raw: { hasLookups: true, eventsPerTransaction: 1_000 },
  'raw log': { hasLookups: false, eventsPerTransaction: 1_000 },
  'raw commit': { hasLookups: true, eventsPerTransaction: 1 },
};

/** The bounds of a raw trial. */
export interface RawOptions {
  readonly subject: RawConfiguration['subject'];
  readonly file: string;
  readonly spaces: number;
  readonly warmUp: Bound;
  readonly measured: Bound;
}

/** What was written. */
export interface RawResult {
  readonly meter: Meter;
  readonly eventsPerTransaction: number;
  /** Over both phases. */
  readonly written: number;
}

/** The file that raw writes in its directory. */
export function rawFile(directory: string): string {
  return join(directory, 'raw.db');
}

/** Writes the load's events until both phases are over. */
export function runRaw(
  load: ContactLoad,
  { subject, file, spaces, warmUp, measured }: RawOptions,
): RawResult {
  const { hasLookups, eventsPerTransaction } = kinds[subject];
  const table = new EventTable(file, { hasLookups });
  try {
    const writer = new RawWriter(table, load, spaces);
    writer.phase(warmUp, eventsPerTransaction);
    const meter = writer.phase(measured, eventsPerTransaction);
    return { meter, eventsPerTransaction, written: writer.written };
  } finally {
    table.close();
  }
}

/** Writes exactly so many events, in transactions of 1,000. */
export function writeRaw(table: EventTable, load: ContactLoad, spaces: number, events: number): void {
  const writer = new RawWriter(table, load, spaces);
  while (writer.written < events) writer.transaction(Math.min(1_000, events - writer.written));
}

class RawWriter {
  readonly #table: EventTable;
  readonly #load: ContactLoad;
  readonly #sequences: Uint32Array;
  #written = 0;

  constructor(table: EventTable, load: ContactLoad, spaces: number) {
    this.#table = table;
    this.#load = load;
    this.#sequences = new Uint32Array(spaces);
  }

  get written(): number {
    return this.#written;
  }

  phase(bound: Bound, eventsPerTransaction: number): Meter {
    const meter = new Meter(bound);
    while (meter.reading === undefined) {
      const startedMs = performance.now();
      this.transaction(eventsPerTransaction);
      if (eventsPerTransaction === 1) meter.recordAnswer(startedMs);
      else meter.recordGroup(eventsPerTransaction);
    }
    return meter;
  }

  transaction(events: number): void {
    this.#table.begin();
    for (let count = 0; count < events; count++) {
      const command = this.#load.next();
      const spaceSequence = (this.#sequences[command.space] ?? 0) + 1;
      this.#sequences[command.space] = spaceSequence;
      this.#written++;
      this.#table.insert({ eventId: this.#written, spaceId: command.space + 1, spaceSequence }, command);
    }
    this.#table.commit();
  }
}
