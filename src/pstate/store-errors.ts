/** How projection stores refuse, in the same words whichever adapter it is. */

import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';
import type { ViewRef } from './port.js';

/** The error of a store whose data a newer owner has opened. */
export function fencedError(fence: number, storedFence: number): RamaxError {
  return new RamaxError(
    'fenced',
    `the projections now belong to a newer owner: their fence is ${storedFence}, this store's is ${fence}`,
    { details: { fence, storedFence } },
  );
}

/** The error of every call on a store after `close()`. */
export function closedError(): RamaxError {
  return new RamaxError('closed', 'the projection store is closed');
}

/** Two builds of one name cannot both become the live one. */
export function assertOneBuildPerName(views: readonly ViewRef[]): void {
  const names = new Set(views.map(({ name }) => name));
  assert(names.size === views.length, 'a swap names one build of a view name');
}
