import { RamaxError } from '../core/errors.js';

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
