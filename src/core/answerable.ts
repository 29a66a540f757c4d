/**
 * Who waits for the answer of one call. A promise costs an object, two functions and a turn of the microtask queue, and a
 * command passes five places on its way: so between rooms the one who waits is told directly, and only the public door
 * makes a promise.
 *
 * Invariant: exactly one of both is called, once.
 */

import type { RamaxError } from './errors.js';

/** See the head of this file. */
export interface Answerable<Answer> {
  answered(answer: Answer): void;
  failed(error: RamaxError): void;
}

/** A promise for one that is waited for with `await`. */
export class PromisedAnswer<Answer> implements Answerable<Answer> {
  readonly promise: Promise<Answer>;
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: RamaxError) => void = () => {};

  constructor() {
    this.promise = new Promise<Answer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  answered(answer: Answer): void {
    this.#resolve(answer);
  }

  failed(error: RamaxError): void {
    this.#reject(error);
  }
}
