import { RamaxError } from '../../src/core/errors.js';

/** The `RamaxError` that `run` throws; anything else fails the test. */
export function errorOf(run: () => unknown): RamaxError {
  try {
    run();
  } catch (error) {
    if (error instanceof RamaxError) return error;
    throw error;
  }
  throw new Error('expected a RamaxError, but nothing was thrown');
}

/** The `RamaxError` that `promise` rejects with; anything else fails the test. */
export async function rejectionOf(promise: Promise<unknown>): Promise<RamaxError> {
  const error: unknown = await promise.then(
    () => new Error('expected a RamaxError, but the promise was fulfilled'),
    (reason: unknown) => reason,
  );
  if (error instanceof RamaxError) return error;
  throw error;
}
