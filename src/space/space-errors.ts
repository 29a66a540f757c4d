import { RamaxError } from '../core/errors.js';

/** The error for a space that is not there, or not any more. */
export function spaceNotFound(space: number | string): RamaxError {
  const shown = typeof space === 'number' ? `with id ${space}` : `'${space}'`;
  return new RamaxError('not_found', `there is no space ${shown}`, {
    details: typeof space === 'number' ? { spaceId: space } : { spaceName: space },
  });
}
