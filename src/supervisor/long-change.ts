/**
 * A change that takes long and can be stopped: an import, a clone, a restore, a backup. Until its last step nothing of it is
 * seen, so it may be stopped and leaves nothing; from there on only its answer says what became of it.
 */

import type { Answerable } from '../core/answerable.js';
import { RamaxError } from '../core/errors.js';
import { registryPlace } from './admission.js';
import type { CallPlan } from './call-plan.js';

/** What the work of a long change may use. */
export interface LongChangeControl {
  /** Aborted when nobody waits any more, or the runtime closes. */
  readonly signal: AbortSignal;
  /** The next step takes effect. */
  readonly publishing: () => void;
}

/** See the head of this file. */
export class LongChange<Result> implements CallPlan<Result> {
  readonly #work: (control: LongChangeControl) => Promise<Result>;
  readonly #closing: AbortSignal;
  readonly #own = new AbortController();
  readonly spaceId = registryPlace;
  readonly bytes = 0;
  readonly isCancellable = true;
  #isPublishing = false;

  /** @param closing aborted when the runtime closes */
  constructor(closing: AbortSignal, work: (control: LongChangeControl) => Promise<Result>) {
    this.#closing = closing;
    this.#work = work;
  }

  get isCommand(): boolean {
    return this.#isPublishing;
  }

  begin(waiter: Answerable<Result>): void {
    const publishing = (): void => {
      this.#isPublishing = true;
    };
    const signal = AbortSignal.any([this.#closing, this.#own.signal]);
    this.#work({ signal, publishing }).then(
      (result) => waiter.answered(result),
      (error) => waiter.failed(this.#explained(error)),
    );
  }

  cancel(): void {
    this.#own.abort();
  }

  #explained(error: RamaxError): RamaxError {
    if (!this.#closing.aborted || this.#isPublishing) return error;
    return new RamaxError('closed', 'the runtime was closed before the change was done', { cause: error });
  }
}
