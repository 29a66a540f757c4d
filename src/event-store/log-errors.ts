/** The refusals that the log and those who write to it have in common. */

import { RamaxError } from '../core/errors.js';

/** `not_found`: the space was never there, or its deletion is committed. */
export function noSuchSpace(spaceId: number): RamaxError {
  return new RamaxError('not_found', `there is no space ${spaceId}, or it has been deleted`, {
    details: { spaceId },
  });
}

/** `conflict`: the space is somewhere else than its caller thinks. */
export function sequenceConflict(
  spaceId: number,
  expectedSequence: number,
  actualSequence: number,
): RamaxError {
  return new RamaxError(
    'conflict',
    `space ${spaceId} is at sequence ${actualSequence}, not at ${expectedSequence} as expected`,
    { details: { spaceId, expectedSequence, actualSequence } },
  );
}

/** `conflict`: the space has the expected sequence, but another event is there. */
export function chainConflict(spaceId: number, sequence: number): RamaxError {
  return new RamaxError(
    'conflict',
    `event ${sequence} of space ${spaceId} is not the one that was expected`,
    {
      details: { spaceId, expectedSequence: sequence, actualSequence: sequence },
    },
  );
}

/** Where damage was found in the log. */
export interface DamagedPlace {
  readonly spaceId: number;
  readonly spaceSequence?: number;
  readonly eventId?: number;
}

/** `corrupt`: what is stored is not what was written. */
export function damagedLog(place: DamagedPlace, what: string): RamaxError {
  const { spaceId, spaceSequence, eventId } = place;
  const event = spaceSequence === undefined ? '' : `, event ${spaceSequence}`;
  const id = eventId === undefined ? '' : ` (event id ${eventId})`;
  return new RamaxError('corrupt', `the log of space ${spaceId} is damaged${event}${id}: ${what}`, {
    details: { ...place },
  });
}

/** `conflict`: the space has a record of this command id. */
export function commandConflict(spaceId: number, commandId: string): RamaxError {
  return new RamaxError(
    'conflict',
    `space ${spaceId} has accepted a command with the id ${JSON.stringify(commandId)} before`,
    { details: { spaceId, commandId } },
  );
}

/** `fenced`: another writer has opened the log since. */
export function newerOwner(generation: number, current: number | undefined): RamaxError {
  return new RamaxError('fenced', `a newer owner (${current}) has opened the log since ${generation}`, {
    details: { generation, current },
  });
}

/** `conflict`: a live space has this name. */
export function nameConflict(spaceName: string): RamaxError {
  return new RamaxError('conflict', `there is a space '${spaceName}' already`, { details: { spaceName } });
}

/** `conflict`: the condition of an append does not hold. */
export function eventsMatch(matchingSequence: number, after: number): RamaxError {
  return new RamaxError('conflict', `event ${matchingSequence} of the space matches failIfEventsMatch`, {
    details: { matchingSequence, after },
  });
}

/** `conflict`: the caller knows of events that the space does not have. */
export function spaceIsBehind(after: number, actualSequence: number): RamaxError {
  return new RamaxError(
    'conflict',
    `failIfEventsMatch.after is ${after}, but the space is at ${actualSequence}`,
    { details: { after, actualSequence } },
  );
}
