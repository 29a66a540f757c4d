/** What is different for a space in the admission: it is suspended, or its commands have a rate. Most spaces have no rules. */

import type { Clock, Timer } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { SpaceLimits, SpaceSettings, Suspension } from '../event-store/space-settings.js';
import { CommandPace } from './command-pace.js';

/** See the head of this file. They are about commands alone. */
export interface SpaceRules {
  readonly suspended: Suspension | undefined;
  readonly pace: CommandPace | undefined;
  /** Runs while the next waiting call is a command before its time. */
  timer: Timer | undefined;
}

/**
 * The rules that follow from settings.
 *
 * @param forAll the bounds of spaces that have none of their own
 * @param before the rules until now: a rate that stays the same goes on where it is, or each change would begin it anew
 */
export function rulesOf(
  { suspended, limits = {} }: SpaceSettings,
  forAll: SpaceLimits,
  clock: Clock,
  before: SpaceRules | undefined,
): SpaceRules | undefined {
  const own = limits.commandsPerSecondMax === undefined ? forAll : limits;
  const perSecondMax = own.commandsPerSecondMax;
  if (perSecondMax === undefined) {
    return suspended === undefined ? undefined : { suspended, pace: undefined, timer: undefined };
  }
  const burstMax = limits.commandsBurstMax ?? own.commandsBurstMax ?? perSecondMax;
  const known = before?.pace;
  const isSame = known?.perSecondMax === perSecondMax && known.burstMax === burstMax;
  const pace = isSame ? known : new CommandPace(clock, perSecondMax, burstMax);
  return { suspended, pace, timer: undefined };
}

/** Whether a command may go now. */
export function isAllowed({ suspended, pace }: SpaceRules): boolean {
  return suspended === undefined && (pace === undefined || pace.allows);
}

/** What a command of a suspended space is refused with. */
export function suspendedError(spaceId: number, { at: suspendedAt, reason }: Suspension): RamaxError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new RamaxError('suspended', `the space is suspended${why}`, {
    details: { spaceId, suspendedAt, ...(reason === undefined ? {} : { reason }) },
  });
}
