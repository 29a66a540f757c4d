/** Bounds of one space, as users give them: for all spaces at the start, or for one of them. */

import { checkInteger, checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { SpaceLimits } from '../event-store/space-settings.js';

const names = [
  'commandsPerSecondMax',
  'commandsBurstMax',
  'inFlightMax',
] as const satisfies readonly (keyof SpaceLimits)[];

/**
 * A copy of the bounds that were given.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkedSpaceLimits(limits: unknown, of: string, field: string): SpaceLimits {
  checkOptions(limits, field);
  checkOptionNames(limits, names, of, field);
  const given = names.flatMap((name) => {
    const value = (limits as SpaceLimits)[name];
    if (value !== undefined) checkInteger(value, `${field}.${name}`, 1);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}
