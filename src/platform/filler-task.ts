import type { ErrorData } from '../core/errors.js';
import type { StorageRef } from '../storage/adapter.js';

/** One run of the lookups' filler, as it crosses to its thread. */
export interface FillerTask {
  readonly storage: StorageRef;
  readonly rowsMax: number;
}

/** What became of it: an error that is thrown would lose its code. */
export type FillerAnswer = { readonly done: boolean } | { readonly error: ErrorData };
