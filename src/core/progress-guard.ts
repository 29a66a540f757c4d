/**
 * Keeps what a listener of progress throws apart from everything else: it would end the process, and other answers would be lost
 * with the message that brought the report. The call is cancelled, and its caller gets what was thrown. A promise that the
 * listener returns is not waited for; what it rejects with while the call is under way counts as thrown.
 */

import { invalidInput } from './errors.js';
import { isThenable } from './thenable.js';

/** A call that can be told to end. */
interface Cancellable {
  cancel(): void;
}

/** See the head of this file. */
export class ProgressGuard<Progress> {
  readonly #listener: (progress: Progress) => unknown;
  #pending: Cancellable | undefined;
  #thrown: { readonly error: unknown } | undefined;

  /** @throws {RamaxError} `invalid_input` for a listener that is there and no function */
  constructor(listener: ((progress: Progress) => void) | undefined) {
    if (listener !== undefined && typeof listener !== 'function') {
      throw invalidInput('onProgress', 'a function', listener);
    }
    this.#listener = listener ?? (() => {});
  }

  /** To be handed in where progress is reported. */
  readonly report = (progress: Progress): void => {
    try {
      const told = this.#listener(progress);
      if (isThenable(told)) Promise.resolve(told).catch((error: unknown) => this.#threw(error));
    } catch (error) {
      this.#threw(error);
    }
  };

  /** The call to cancel. */
  watch<Call extends Cancellable>(pending: Call): Call {
    this.#pending = pending;
    return pending;
  }

  /** The answer, or what the listener has thrown. */
  async settled<Reply>(answer: Promise<Reply>): Promise<Reply> {
    try {
      return await answer;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: what the listener has thrown comes before what that made of the call.
      if (this.#thrown !== undefined) throw this.#thrown.error;
    }
  }

  #threw(error: unknown): void {
    this.#thrown ??= { error };
    this.#pending?.cancel();
  }
}
