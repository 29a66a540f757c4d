/**
 * The timers of a simulation, as the log tells of them: each that is scheduled fires or is cancelled, once.
 *
 * Invariant: it knows what the events of the log say, and nothing of what the runtime keeps of them.
 */

import type { SpaceEvent } from '../core/event.js';
import { builtInEvents } from '../core/reserved.js';

interface PendingTimer {
  readonly spaceSequence: number;
  readonly dueAt: number;
}

interface TimerFacts {
  readonly timerId: string;
  readonly dueAt: number;
  readonly scheduledSequence: number;
  readonly outcome: string;
}

/** See the head of this file. */
export class SimulatedTimers {
  readonly #pending = new Map<string, PendingTimer>();

  /** Takes the next event of a space; says what is wrong with it. */
  take(
    spaceName: string,
    event: Pick<SpaceEvent, 'type' | 'payload' | 'spaceSequence' | 'timestamp'>,
  ): string | undefined {
    const { type, spaceSequence, timestamp } = event;
    const isEnd = type === builtInEvents.timerFired || type === builtInEvents.timerCancelled;
    if (!isEnd && type !== builtInEvents.timerScheduled) return undefined;
    const facts = event.payload as unknown as TimerFacts;
    const name = JSON.stringify([spaceName, facts.timerId]);
    const before = this.#pending.get(name);
    if (!isEnd) {
      this.#pending.set(name, { spaceSequence, dueAt: facts.dueAt });
      return undefined;
    }
    this.#pending.delete(name);
    const what = `timer '${facts.timerId}' of ${spaceName} ${type === builtInEvents.timerFired ? 'fired' : 'was cancelled'} at sequence ${spaceSequence}`;
    if (before === undefined || before.spaceSequence !== facts.scheduledSequence)
      return `${what}, and was not pending since ${facts.scheduledSequence}`;
    if (type === builtInEvents.timerCancelled) return undefined;
    if (timestamp < before.dueAt) return `${what}, ${before.dueAt - timestamp} ms before its time`;
    return facts.outcome === 'failed' ? `${what} and failed` : undefined;
  }

  /** A timer that was due before this, and has not fired; in words. */
  overdue(wallMs: number): string | undefined {
    for (const [name, { dueAt }] of this.#pending) {
      if (dueAt < wallMs)
        return `timer ${name} was due ${(wallMs - dueAt).toFixed(0)} ms ago, and has not fired`;
    }
    return undefined;
  }
}
