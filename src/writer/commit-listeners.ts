/**
 * Who wants to hear of commits. Pure; used by the writer, behind each transaction.
 *
 * Invariants: a notice goes out when its transaction is durable, one for each at most; while nobody listens, nothing is looked at.
 */

import type { LogWrite, LogWriteOutcome } from '../event-store/port.js';
import type { CommitNotice } from '../protocol/links.js';

type Listener = (notice: CommitNotice) => void;

/** See the head of this file. */
export class CommitListeners {
  readonly #listeners = new Set<Listener>();
  #lastEventId = 0;

  /** Adds a listener, which is told at once: it may have missed anything before. Gives what takes it away again. */
  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener({ lastEventId: this.#lastEventId, spaceIds: null });
    return () => this.#listeners.delete(listener);
  }

  /** A transaction is durable. */
  committed(group: readonly { readonly write: LogWrite }[], outcomes: readonly LogWriteOutcome[]): void {
    if (this.#listeners.size === 0) return;
    const spaceIds = new Set<number>();
    outcomes.forEach((outcome, place) => {
      const write = group[place]?.write;
      if (write !== undefined) this.#note(write, outcome, spaceIds);
    });
    if (spaceIds.size > 0) this.#tell([...spaceIds]);
  }

  /** A space is not what it was, and perhaps those that readers see behind it. */
  changed(spaceId: number): void {
    if (this.#listeners.size > 0) this.#tell([spaceId]);
  }

  #note(write: LogWrite, outcome: LogWriteOutcome, spaceIds: Set<number>): void {
    if (outcome.kind === 'refused') return;
    if (write.kind === 'append' && outcome.kind === 'appended') {
      if (write.events.length > 0) spaceIds.add(write.spaceId);
      if (outcome.firstEventId > 0) {
        this.#lastEventId = Math.max(this.#lastEventId, outcome.firstEventId + write.events.length - 1);
      }
    } else if (write.kind === 'markSpaceDeleted') spaceIds.add(write.spaceId);
    else if (write.kind === 'publishDraft') {
      spaceIds.add(write.spaceId);
      if (write.replaces !== undefined) spaceIds.add(write.replaces);
    }
  }

  #tell(spaceIds: readonly number[]): void {
    for (const listener of this.#listeners) listener({ lastEventId: this.#lastEventId, spaceIds });
  }
}
