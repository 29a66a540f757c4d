/**
 * Commands on their way: sends without waiting for each answer, holds back when too many are unanswered, and counts
 * what comes back. Not awaiting each command is what lets the runtime decide them in order and commit them together.
 *
 * Invariants: at most `inFlightMax` commands are unanswered; `send` never throws what a command answers.
 */

import { RamaxError } from 'ramax';
import type { Tally } from './tally.js';

/** What an accepted command answers with. */
export interface Receipt {
  readonly eventIds: readonly number[];
  readonly spaceSequence: number;
}

export class Traffic {
  readonly #tally: Tally;
  readonly #inFlightMax: number;
  #inFlight = 0;
  #failure: unknown;
  #waiting: { readonly below: number; readonly resume: () => void } | undefined;

  constructor(tally: Tally, inFlightMax: number) {
    this.#tally = tally;
    this.#inFlightMax = inFlightMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether the next command must wait for `room()`. */
  get isFull(): boolean {
    return this.#inFlight >= this.#inFlightMax;
  }

  /** The first error that was no decision, or of who was told of one; undefined while there is none. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Sends one command; call it only while not full. `acknowledged` runs at once when the answer is an ok. */
  send(command: () => Promise<Receipt>, acknowledged?: (receipt: Receipt) => void): void {
    this.#inFlight++;
    void this.#follow(command, acknowledged);
  }

  /** Resolves when one more command may be sent. One caller at a time. */
  room(): Promise<void> {
    return this.#until(this.#inFlightMax);
  }

  /** Resolves when everything that was sent is answered. */
  drained(): Promise<void> {
    return this.#until(1);
  }

  async #follow(command: () => Promise<Receipt>, acknowledged?: (receipt: Receipt) => void): Promise<void> {
    const sentMs = performance.now();
    try {
      const receipt = await command();
      this.#tally.accept(receipt.eventIds.length, performance.now() - sentMs);
      this.#acknowledge(receipt, acknowledged);
    } catch (error) {
      this.#refused(error, performance.now() - sentMs);
    }
    this.#inFlight--;
    if (this.#waiting !== undefined && this.#inFlight < this.#waiting.below) this.#resume();
  }

  /** The command stays accepted, whatever happens to the one who hears of it. */
  #acknowledge(receipt: Receipt, acknowledged?: (receipt: Receipt) => void): void {
    try {
      acknowledged?.(receipt);
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** A rejection, a conflicting command id and an argument that is no good are answers; all else is a failure. */
  #refused(error: unknown, latencyMs: number): void {
    const code = error instanceof RamaxError ? error.code : 'unexpected';
    if (error instanceof RamaxError && code === 'command_rejected') {
      this.#tally.reject(error.reason ?? code, latencyMs);
    } else if (code === 'conflict' || code === 'invalid_input') {
      this.#tally.reject(code, latencyMs);
    } else {
      this.#failure ??= error;
      this.#tally.fail(code, latencyMs);
    }
  }

  #until(below: number): Promise<void> {
    if (this.#inFlight < below) return Promise.resolve();
    return new Promise((resume) => {
      this.#waiting = { below, resume };
    });
  }

  #resume(): void {
    this.#waiting?.resume();
    this.#waiting = undefined;
  }
}
