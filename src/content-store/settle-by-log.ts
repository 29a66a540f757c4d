/**
 * After a failed commit the log decides: what it has of the held commands is accepted, what it does not have goes back to
 * the queue. Pure.
 *
 * Invariant: up to the first command that the log does not have, what was seen is what is committed, so the other answers
 * stand, too. Decided again, they would come behind younger commands that are committed.
 */

import type { Held } from './output-gate.js';
import type { Accepted, CommandTurn, ReadTurn } from './turn.js';

/**
 * Settles what the log has.
 *
 * @param written the answers of the commands that the log has, by invocation
 * @param accept settles one of them
 * @returns the turns to be decided again, in their order
 */
export function settleByLog(
  held: readonly Held[],
  written: ReadonlyMap<string, Accepted>,
  accept: (turn: CommandTurn, accepted: Accepted) => void,
): readonly (CommandTurn | ReadTurn)[] {
  let stands = true;
  for (const entry of held) {
    if (entry.kind === 'write') {
      const accepted = written.get(entry.turn.invocation.invocationId);
      if (accepted === undefined) stands = false;
      else accept(entry.turn, accepted);
    } else if (stands) entry.release();
  }
  const lost = held.map(({ turn }) => turn).filter(({ state }) => state !== 'settled');
  for (const turn of lost) turn.rolledBack();
  return lost;
}
