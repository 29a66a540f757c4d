/**
 * The interlock of a live space: when turns must wait.
 *
 * Owns: whether the space is recovering, in an exclusive section, broken or closed, and who waits for room at the
 * output gate. Called by: the live space.
 *
 * Invariants:
 *   W1  No turn is taken while a recovery or an exclusive section is under way, or when the gate is full.
 *   W2  Exclusive sections run one at a time, after everything in flight was answered and with no recovery under way.
 */

import { RamaxError } from '../core/errors.js';

/** See the head of this file. */
export class Interlock {
  readonly #hasRoom: () => boolean;
  #recovery: Promise<void> | undefined;
  #section: Promise<void> | undefined;
  #ended: RamaxError | undefined;
  readonly #roomWaiters: (() => void)[] = [];
  /** Appends whose answer has not come. */
  #appending = 0;
  readonly #quietWaiters: (() => void)[] = [];

  constructor(hasRoom: () => boolean) {
    this.#hasRoom = hasRoom;
  }

  /** Whether a turn may be taken now. Ask in the same breath: it may change with every await. */
  get open(): boolean {
    return this.#recovery === undefined && this.#section === undefined && this.#ended === undefined;
  }

  get recovering(): boolean {
    return this.#recovery !== undefined;
  }

  get ended(): RamaxError | undefined {
    return this.#ended;
  }

  /**
   * Resolves when a turn may be taken, as far as anyone can tell: promises settle between this and what follows it, so
   * the caller looks at `open` once more. Throws why no turn may ever be taken again.
   */
  async ready(): Promise<void> {
    for (;;) {
      this.assertNotEnded();
      if (this.#recovery !== undefined) await this.#recovery;
      else if (this.#section !== undefined) await this.#section;
      else if (!this.#hasRoom()) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
      else return;
    }
  }

  appendSent(): void {
    this.#appending++;
  }

  appendAnswered(): void {
    this.#appending--;
    if (this.#appending === 0) wake(this.#quietWaiters.splice(0));
  }

  /** The gate may have room again. */
  roomMade(): void {
    if (this.#roomWaiters.length > 0 && this.#hasRoom()) wake(this.#roomWaiters.splice(0));
  }

  /** Resolves when no append is waiting for its answer: nothing older can be written any more. */
  whenQuiet(): Promise<void> {
    if (this.#appending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  /** Blocks turns until `recover` calls `resume`, then resolves with it. `recover` never rejects. */
  recover(recover: (resume: () => void) => Promise<void>): void {
    this.#recovery = recover(() => {
      this.#recovery = undefined;
    });
  }

  /** A space may be deleted while it recovers: nothing is taken any more. */
  assertNotEnded(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** No turn may be taken ever again. */
  end(error: RamaxError): void {
    this.#ended ??= error;
    wake(this.#roomWaiters.splice(0));
  }

  /** Runs `section` while no turn is taken and nothing is uncommitted. */
  async exclusively<T>(section: () => Promise<T>): Promise<T> {
    // Between the last look and the next line nothing is awaited, so that only one section can pass (W2).
    while (!this.open) await this.#reopened();
    let leave: () => void = () => {};
    this.#section = new Promise<void>((resolve) => {
      leave = resolve;
    });
    try {
      await this.#settled();
      return await section();
    } finally {
      this.#section = undefined;
      leave();
    }
  }

  async #reopened(): Promise<void> {
    this.assertNotEnded();
    await (this.#recovery ?? this.#section);
  }

  /** A recovery may begin while appends are awaited, and leave others under way. */
  async #settled(): Promise<void> {
    while (this.#appending > 0 || this.#recovery !== undefined) {
      await this.whenQuiet();
      if (this.#recovery !== undefined) await this.#recovery;
    }
    this.assertNotEnded();
  }
}

/** The error of a space that its shard has closed. */
export function spaceClosed(): RamaxError {
  return new RamaxError('closed', 'the space is closed in this shard');
}

function wake(waiters: readonly (() => void)[]): void {
  for (const waiter of waiters) waiter();
}
