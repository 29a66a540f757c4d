/**
 * The position of a named subscription: what its consumer has acknowledged, and how far the log knows of it.
 *
 * Owns: the cursor while its consumer is connected. Called by `subscriber.ts`.
 *
 * Invariants:
 *   P1  The cursor never stands behind an event that was given and not acknowledged: after a crash, what is not acknowledged comes
 *       again, and perhaps some of what is.
 *   P2  It only goes forwards. Acknowledging a position acknowledges all up to it.
 *   P3  One write is under way at most; what is acknowledged meanwhile goes into the next one, at most `delayMs` later.
 */

import type { Clock, Timer } from '../core/clock.js';
import { invalidInput } from '../core/errors.js';

/** What a position stands on. */
export interface DurablePositionOptions {
  readonly clock: Clock;
  readonly delayMs: number;
  /** Writes the cursor; resolves when it is durable. */
  readonly write: (position: number) => Promise<void>;
  /** Where the cursor is. */
  readonly from: number;
}

interface Waiter {
  readonly position: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** See the head of this file. */
export class DurablePosition {
  readonly #options: DurablePositionOptions;
  #delivered: number;
  #acknowledged: number;
  #durable: number;
  #waiters: Waiter[] = [];
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: DurablePositionOptions) {
    this.#options = options;
    this.#delivered = options.from;
    this.#acknowledged = options.from;
    this.#durable = options.from;
  }

  /** Everything up to it is acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The consumer has got the event at this position. */
  delivered(position: number): void {
    this.#delivered = position;
  }

  /** Events up to this position were looked at, and the consumer does not want those that it has not got. */
  passed(position: number): void {
    if (this.#acknowledged < this.#delivered || position <= this.#acknowledged) return;
    this.#delivered = position;
    this.#acknowledged = position;
    this.#plan();
  }

  /** @throws {RamaxError} `invalid_input` for what was not given yet */
  acknowledge(position: number): Promise<void> {
    if (!Number.isSafeInteger(position) || position < 0 || position > this.#delivered) {
      throw invalidInput(
        'position',
        `an integer up to ${this.#delivered}, the last event that was given`,
        position,
      );
    }
    this.#acknowledged = Math.max(this.#acknowledged, position);
    if (position <= this.#durable) return Promise.resolve();
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ position, resolve, reject });
    });
    // Not everybody waits for it.
    durable.catch(() => {});
    this.#plan();
    return durable;
  }

  /** Acknowledges what was given before this position. */
  acknowledgeBefore(position: number): Promise<void> {
    return this.acknowledge(Math.max(0, Math.min(position - 1, this.#delivered)));
  }

  /** Writes what is acknowledged; resolves when it is durable. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#durable < this.#acknowledged) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  #plan(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#options.clock.after(this.#options.delayMs, () => {
      // Whoever waits for it was told; the next acknowledgement tries again.
      this.flush().catch(() => {});
    });
  }

  async #write(): Promise<void> {
    const position = this.#acknowledged;
    try {
      await this.#options.write(position);
      this.#durable = position;
      this.#settle(position, ({ resolve }) => resolve());
    } catch (error) {
      this.#settle(position, ({ reject }) => reject(error));
      throw error;
    }
  }

  #settle(position: number, how: (waiter: Waiter) => void): void {
    const settled = this.#waiters.filter((waiter) => waiter.position <= position);
    this.#waiters = this.#waiters.filter((waiter) => waiter.position > position);
    settled.forEach(how);
  }
}
