/**
 * Conditions of a simulation: answers to commands with `failIfEventsMatch`, held against the log.
 *
 * A condition means events in their present shapes, so it matters which release has looked at it. An answer says only since when and until
 * when that may have been: it is right when it is right in one of the releases between.
 */

import { checkFailIfEventsMatch, matchesQuery } from '../core/event-query.js';
import { defaultLimits } from '../core/limits.js';
import type { EventShapes } from '../core/upcasters.js';
import type { StoredEvent } from '../event-store/port.js';
import { openForProjection } from '../event-store/seal.js';
import type { SentCommand } from './simulation-options.js';

/** See the head of this file. */
export class SimulatedConditions {
  readonly #shapes: readonly EventShapes[];
  readonly #eventsOf: (spaceName: string) => readonly StoredEvent[];

  /** @param shapes of each release */
  constructor(shapes: readonly EventShapes[], eventsOf: (spaceName: string) => readonly StoredEvent[]) {
    this.#shapes = shapes;
    this.#eventsOf = eventsOf;
  }

  /** What is wrong with an acceptance, decided between two releases; in words. */
  brokenAcceptance(sent: SentCommand, from: number, to: number): string | undefined {
    const { result, command, spaceName } = sent;
    if (result === undefined) return undefined;
    const last = result.spaceSequence - result.eventIds.length;
    const matches = this.#firstMatches(sent, last, from, to);
    return matches.length === 0 || matches.includes(undefined)
      ? undefined
      : `${spaceName}: '${command}' was accepted at sequence ${last + 1}, in spite of the event at ${matches[0]}`;
  }

  /** The same of a refusal that names the event which matches. */
  brokenRefusal(sent: SentCommand, matching: number, from: number, to: number): string | undefined {
    const matches = this.#firstMatches(sent, Number.POSITIVE_INFINITY, from, to);
    return matches.length === 0 || matches.includes(matching)
      ? undefined
      : `${sent.spaceName}: '${sent.command}' was refused for the event at ${matching}; the first that matches is ${matches[0] ?? 'none'}`;
  }

  /** The first event up to `last` that matches, by each release. */
  #firstMatches(
    { failIfEventsMatch, spaceName }: SentCommand,
    last: number,
    from: number,
    to: number,
  ): readonly (number | undefined)[] {
    if (failIfEventsMatch === undefined) return [];
    const { query, after } = checkFailIfEventsMatch(failIfEventsMatch, 'failIfEventsMatch', defaultLimits);
    const events = this.#eventsOf(spaceName);
    return this.#shapes.slice(from, to + 1).map((shapes) => {
      const isMeant = (stored: StoredEvent): boolean => {
        const event = openForProjection(stored);
        return shapes.partsOf(event).some(({ type }) => matchesQuery(query, { ...event, type }));
      };
      const first = events.find(
        (event) => event.spaceSequence > after && event.spaceSequence <= last && isMeant(event),
      );
      return first?.spaceSequence;
    });
  }
}
