/**
 * The ids of the commands that reactors issue: derived from what is reacted to, so that a handler that runs again asks for the
 * same command again, and has its first answer. Read by the log, which keeps the records of such commands for as long as
 * their event may be handled once more.
 */

/** Command ids that begin so are Ramax's own. */
export const reservedIdPrefix = 'ramax.';

const reactionPrefix = `${reservedIdPrefix}reactor/`;

/** What a reactor reacts to: one part of one event of one space. */
export interface ReactionPlace {
  readonly spaceId: number;
  readonly reactor: string;
  readonly spaceSequence: number;
  /** 0, where an event is not read as several. */
  readonly part: number;
}

/** The part of an event that is parked as a whole, because it could not be brought to its present shape: nobody knows its parts yet. */
export const wholePart = -1;

/** The id of the n-th command of a handler. `invocationId` is the event's: space ids are unique in one log only. */
export function reactionCommandId(
  { spaceId, reactor, spaceSequence, part }: ReactionPlace,
  invocationId: string,
  n: number,
): string {
  return `${reactionPrefix}${spaceId}.${spaceSequence}.${part}.${n}/${invocationId}/${reactor}`;
}

const form = /^ramax\.reactor\/(\d+)\.(\d+)\.(\d+)\.\d+\/[^/]*\/(.+)$/;

/** What the command with this id was a reaction to; undefined for any other. */
export function reactionOf(commandId: string): ReactionPlace | undefined {
  if (!commandId.startsWith(reactionPrefix)) return undefined;
  const [, spaceId, spaceSequence, part, reactor] = form.exec(commandId) ?? [];
  if (reactor === undefined) return undefined;
  return { spaceId: Number(spaceId), spaceSequence: Number(spaceSequence), part: Number(part), reactor };
}
