/**
 * Keeps what a listener of progress throws apart from everything else: it would end the process, and other answers would be lost
 * with the message that brought the report. The call is cancelled, and its caller gets what was thrown.
 */

import type { PendingCall } from '../protocol/link.js';

/** See the head of this file. */
export class ProgressGuard<Progress> {
  readonly #listener: (progress: Progress) => void;
  #pending: { cancel(): void } | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(listener: (progress: Progress) => void) {
    this.#listener = listener;
  }

  /** To be handed in where progress is reported. */
  readonly report = (progress: Progress): void => {
    try {
      this.#listener(progress);
    } catch (error) {
      this.#thrown ??= { error };
      this.#pending?.cancel();
    }
  };

  /** The call to cancel. */
  watch<Reply>(pending: PendingCall<Reply>): PendingCall<Reply> {
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
}
