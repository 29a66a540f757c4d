import type { Answerable } from '../core/answerable.js';

/**
 * One call to make, as its public way (`calls.ts`) sees it: what it takes up, how it is begun, and how it is taken back.
 * The data flows one way: who waits for the answer is given to `begin`, and is told.
 */
export interface CallPlan<Result> {
  readonly spaceId: number;
  /** The size of its parameters. */
  readonly bytes: number;
  /** It may have an effect: when its caller stops waiting and nobody can say, the outcome is unknown. */
  readonly isCommand: boolean;
  /** Whether the other end can be told to stop; else a caller that stops waiting has its answer at once. */
  readonly isCancellable: boolean;
  /** Called once at most. A call that throws here has failed, and tells `waiter` nothing. */
  begin(waiter: Answerable<Result>): void;
  /** The answer is no longer needed. It still comes, and may say that nothing happened. */
  cancel(): void;
}

/** What is asked with a promise, and cannot be taken back: calls to the registry and to the log. */
export class AskedPlan<Result> implements CallPlan<Result> {
  readonly #ask: () => Promise<Result>;
  readonly spaceId: number;
  readonly bytes = 0;
  readonly isCommand: boolean;
  readonly isCancellable = false;

  constructor(spaceId: number, isCommand: boolean, ask: () => Promise<Result>) {
    this.#ask = ask;
    this.spaceId = spaceId;
    this.isCommand = isCommand;
  }

  begin(waiter: Answerable<Result>): void {
    this.#ask().then(
      (result) => waiter.answered(result),
      (error) => waiter.failed(error),
    );
  }

  cancel(): void {}
}
