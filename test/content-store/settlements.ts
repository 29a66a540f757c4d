/** Promises whose settling a test watches: which have settled, in which order, and with what. */

import { RamaxError } from '../../src/core/errors.js';

/** An answer as it is compared: the value, or the error without its stack. */
export type Settled =
  | { readonly kind: 'ok'; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly reason: string | undefined;
      readonly details: unknown;
    };

/** See the head of this file. */
export class Settlements {
  readonly #settled = new Map<string, Settled>();
  #watched = 0;

  /** Watches a promise; anything but a `RamaxError` that it rejects with is told as the code `defect`. */
  watch(name: string, promise: Promise<unknown>): void {
    this.#watched++;
    promise.then(
      (value) => this.#settled.set(name, { kind: 'ok', value }),
      (error: unknown) => this.#settled.set(name, errorOutcome(error)),
    );
  }

  /** The names of what has settled, in the order in which it did. */
  get names(): string[] {
    return [...this.#settled.keys()];
  }

  /** What has settled, by name. */
  get outcomes(): Readonly<Record<string, Settled>> {
    return Object.fromEntries(this.#settled);
  }

  /** Promises that have not settled. */
  get open(): number {
    return this.#watched - this.#settled.size;
  }
}

function errorOutcome(error: unknown): Settled {
  if (!(error instanceof RamaxError)) {
    return { kind: 'error', code: 'defect', reason: String(error), details: undefined };
  }
  const { stack: _stack, ...details } = error.details;
  return { kind: 'error', code: error.code, reason: error.reason, details };
}
