/** Reads of the log that a test holds and lets go. */

import type { LogStore, StoredEvent } from '../../src/event-store/port.js';

/** See the head of this file. Holds every read of a space's events from now on. */
export class HeldReads {
  readonly #log: LogStore;
  readonly #readSpace: LogStore['readSpace'];
  readonly #waiting: (() => void)[] = [];

  constructor(log: LogStore) {
    this.#log = log;
    this.#readSpace = log.readSpace.bind(log);
    log.readSpace = async (...where): Promise<readonly StoredEvent[]> => {
      await new Promise<void>((proceed) => this.#waiting.push(proceed));
      return this.#readSpace(...where);
    };
  }

  /** Reads that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets the reads that wait go on; those that come later wait again. */
  step(): void {
    for (const proceed of this.#waiting.splice(0)) proceed();
  }

  /** Who waits has died; reads are as usual again. */
  abandon(): void {
    this.#log.readSpace = this.#readSpace;
    this.#waiting.length = 0;
  }

  /** Holds no read any more. */
  release(): void {
    this.#log.readSpace = this.#readSpace;
    this.step();
  }
}
