import type { ErrorData } from '../core/errors.js';
import type { StorageRef } from '../storage/adapter.js';

/** One task of the lookups' filler, as it crosses to its thread. */
export type FillerTask =
  | { readonly task: 'fill'; readonly storage: StorageRef; readonly rowsMax: number }
  | { readonly task: 'scrub'; readonly storage: StorageRef };

/** What became of it: an error that is thrown would lose its code. */
export type FillerAnswer = { readonly done: boolean } | { readonly error: ErrorData };
