/**
 * Makes names durable: a file that was synced may still be gone after a power cut when its directory was not. SQLite does
 * this for its own files; these functions are for the files and directories that we make ourselves.
 */

import { closeSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Syncs a directory, and so the names in it. Windows cannot and needs not. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes the names of directories durable that were made one inside the other.
 *
 * @param first the outermost one that was made
 * @param last the innermost one
 */
export function syncNewDirectories(first: string, last: string): void {
  for (let made = last; made.length >= first.length; made = dirname(made)) syncDirectory(dirname(made));
}
