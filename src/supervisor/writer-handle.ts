/**
 * Main's stand-in for the writer: calls wait while it is being started again, and are made again when it was lost.
 * Every call of main to the writer may be repeated: it finds or creates, replaces, marks, or reads.
 *
 * While it is down for trouble that passes and may last (a full disk), a call that no writer has had fails with that. One that
 * a writer has had waits on: it may have been carried out.
 */

import { isRamaxError, RamaxError } from '../core/errors.js';
import type { Caller, ReplyOf, SentOf } from '../protocol/link.js';
import type { CommitNotice, WriterCalls } from '../protocol/links.js';

/** Whether the writer says of itself that it is finished. */
function hasFailed(error: unknown): boolean {
  return isRamaxError(error, 'unavailable') && error.details['writerHasFailed'] === true;
}

/** What changes nothing. */
const isRead: ReadonlySet<keyof WriterCalls> = new Set<keyof WriterCalls>([
  'findSpaceByName',
  'findSpaceById',
  'listSpaces',
  'latestEventId',
  'stats',
  'timersScheduled',
]);

/** See the head of this file. */
export class WriterHandle {
  #caller: Caller<WriterCalls> | undefined;
  #failure: RamaxError | undefined;
  #trouble: RamaxError | undefined;
  readonly #waiters: (() => void)[] = [];

  /** A writer is up. */
  up(caller: Caller<WriterCalls>): void {
    this.#caller = caller;
    this.#trouble = undefined;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** It is down, and may be so for long. */
  down(error: RamaxError): void {
    this.#trouble = error;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** There will be no writer any more. */
  fail(error: RamaxError): void {
    this.#failure ??= error;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** The link to the writer that is up. */
  current(): Caller<WriterCalls> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#caller === undefined) throw new RamaxError('unavailable', 'the writer is down');
    return this.#caller;
  }

  /**
   * Makes a call, again with the next writer if this one is lost before it answers.
   *
   * @param wait `untilUp`: however long the writer is down
   */
  async call<Name extends keyof WriterCalls>(
    name: Name,
    body: SentOf<WriterCalls, Name>,
    wait?: 'untilUp',
  ): Promise<ReplyOf<WriterCalls, Name>> {
    const mayFail = wait === undefined;
    for (let wasSent = false; ; wasSent = !isRead.has(name)) {
      const caller = await this.#whenUp(mayFail && !wasSent);
      try {
        return await caller.call(name, body);
      } catch (error) {
        if (hasFailed(error)) this.#letGo(caller);
        else if (!caller.isLost) throw error;
      }
    }
  }

  /**
   * Listens to commits until the listener is taken away again, at one writer after the other. Each one's first notice is for what
   * may have been missed before.
   */
  onCommit(listener: (notice: CommitNotice) => void): () => void {
    const listening = { isOver: false, cancel: () => {} };
    const told = (notice: CommitNotice): void => {
      if (!listening.isOver) listener(notice);
    };
    void this.#listen(told, listening);
    return () => {
      listening.isOver = true;
      listening.cancel();
    };
  }

  async #listen(
    listener: (notice: CommitNotice) => void,
    listening: { isOver: boolean; cancel: () => void },
  ): Promise<void> {
    while (!listening.isOver && this.#failure === undefined) {
      const caller = await this.#whenUp(false).catch(() => undefined);
      if (caller === undefined || listening.isOver) return;
      const { answer, cancel } = caller.start('commits', null, { onProgress: listener });
      listening.cancel = cancel;
      // The writer answers when the listener has gone; otherwise it was lost.
      await answer.catch(() => this.#letGo(caller));
    }
  }

  /** A writer that has failed still answers until its thread has ended: the call is one for the next. */
  #letGo(caller: Caller<WriterCalls>): void {
    if (this.#caller === caller) this.#caller = undefined;
  }

  async #whenUp(mayFail: boolean): Promise<Caller<WriterCalls>> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#caller !== undefined && !this.#caller.isLost) return this.#caller;
      if (mayFail && this.#trouble !== undefined) throw this.#trouble;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}
