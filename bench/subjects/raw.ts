/**
 * The yardstick `raw`: how fast this machine takes the events themselves. One thread, transactions of 1,000 events, no
 * state, no check, nobody who waits for an answer.
 */

import { join } from 'node:path';
import type { LoopResult } from '../closed-loop.js';
import type { ContactLoad } from '../contact-load.js';
import { Meter } from '../meter.js';
import type { Bound } from '../trial-spec.js';
import { EventTable } from './event-table.js';

const eventsPerTransaction = 1_000;

/** The bounds of a raw trial. */
export interface RawOptions {
  readonly spaces: number;
  readonly warmUp: Bound;
  readonly measured: Bound;
}

/** The file that raw writes in its directory. */
export function rawFile(directory: string): string {
  return join(directory, 'raw.db');
}

/** Writes the load's events until both phases are over. */
export function runRaw(directory: string, load: ContactLoad, options: RawOptions): LoopResult {
  const writer = new RawWriter(new EventTable(rawFile(directory)), load, options.spaces);
  try {
    writer.phase(options.warmUp);
    const { reading } = writer.phase(options.measured);
    if (reading === undefined) throw new Error('the measured phase has not ended');
    const commits = reading.commands / eventsPerTransaction;
    return {
      ...reading,
      committed: { commits, commands: reading.commands },
      latencies: null,
      acknowledged: writer.written,
    };
  } finally {
    writer.close();
  }
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

  phase(bound: Bound): Meter {
    const meter = new Meter(bound);
    while (meter.reading === undefined) {
      this.#transaction();
      meter.recordGroup(eventsPerTransaction);
    }
    return meter;
  }

  close(): void {
    this.#table.close();
  }

  #transaction(): void {
    this.#table.begin();
    for (let count = 0; count < eventsPerTransaction; count++) {
      const command = this.#load.next();
      const spaceSequence = (this.#sequences[command.space] ?? 0) + 1;
      this.#sequences[command.space] = spaceSequence;
      this.#written++;
      this.#table.insert({ eventId: this.#written, spaceId: command.space + 1, spaceSequence }, command);
    }
    this.#table.commit();
  }
}
