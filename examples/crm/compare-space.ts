/**
 * The events of one space held against what was acknowledged of it. Pure; called by `verify-log.ts`.
 */

import type { Acknowledgement } from './acknowledged-log.js';

/** What of an event is compared. */
export interface LoggedEvent {
  readonly eventId: number;
  readonly spaceSequence: number;
  readonly entityId: string;
  /** The command's id: the load sends it as the correlation id, which every event carries. */
  readonly correlationId: string;
}

/** What is wrong with one space, or with all together. All zero is what a healthy directory gives. */
export interface Faults {
  /** Acknowledged commands without an event. */
  readonly missing: number;
  /** Acknowledged commands whose event is elsewhere, or about something else. */
  readonly misplaced: number;
  /** Commands, acknowledged or not, that have more than one event, or two acknowledgements. */
  readonly duplicated: number;
  /** Spaces whose sequences are not 1, 2, 3 … */
  readonly notDense: number;
  /** Spaces whose state is not the fold of their log. */
  readonly notFolded: number;
}

/** Nothing is wrong. */
export const noFaults: Faults = { missing: 0, misplaced: 0, duplicated: 0, notDense: 0, notFolded: 0 };

/** Holds the events of one space against its acknowledgements. */
export async function compareSpace(
  acknowledgements: readonly Acknowledgement[],
  events: AsyncIterable<LoggedEvent>,
): Promise<Faults & { readonly events: number }> {
  const promised = new Map(
    acknowledgements.map((acknowledgement) => [acknowledgement.commandId, acknowledgement]),
  );
  const found = new Set<string>();
  let count = 0;
  let misplaced = 0;
  let duplicated = acknowledgements.length - promised.size;
  let isDense = true;
  for await (const event of events) {
    count++;
    if (event.spaceSequence !== count) isDense = false;
    const acknowledgement = promised.get(event.correlationId);
    if (found.has(event.correlationId)) duplicated++;
    else if (acknowledgement !== undefined && !isAt(acknowledgement, event)) misplaced++;
    found.add(event.correlationId);
  }
  const missing = [...promised.keys()].filter((commandId) => !found.has(commandId)).length;
  return { ...noFaults, missing, misplaced, duplicated, notDense: isDense ? 0 : 1, events: count };
}

function isAt({ contactId, spaceSequence, eventId }: Acknowledgement, event: LoggedEvent): boolean {
  return (
    event.entityId === `contact:${contactId}` &&
    event.spaceSequence === spaceSequence &&
    event.eventId === eventId
  );
}

/** Faults of several spaces together. */
export function sumOf(left: Faults, right: Faults): Faults {
  return {
    missing: left.missing + right.missing,
    misplaced: left.misplaced + right.misplaced,
    duplicated: left.duplicated + right.duplicated,
    notDense: left.notDense + right.notDense,
    notFolded: left.notFolded + right.notFolded,
  };
}
