/**
 * Makes sure that a directory can hold a database safely: it exists, can be written to, and is not on a network file
 * system, where SQLite's locks may not hold between machines.
 */

import { access, constants, mkdir, stat, statfs } from 'node:fs/promises';
import { RamaxError } from '../core/errors.js';
import { syncNewDirectories } from '../sqlite/directory-sync.js';
import { networkFileSystemName } from './network-file-system.js';

/**
 * Creates the directory when it is missing, durably with its parents, and checks it.
 *
 * @throws {RamaxError} `storage_unsuitable`
 */
export async function prepareDataDirectory(
  directory: string,
  options: { readonly allowNetworkFileSystem: boolean },
): Promise<void> {
  try {
    const firstMade = await mkdir(directory, { recursive: true });
    if (firstMade !== undefined) syncNewDirectories(firstMade, directory);
    if (!(await stat(directory)).isDirectory()) throw new Error('it is not a directory');
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unsuitable(directory, error instanceof Error ? error.message : String(error), error);
  }
  if (!options.allowNetworkFileSystem) await refuseNetworkFileSystem(directory);
}

async function refuseNetworkFileSystem(directory: string): Promise<void> {
  // The numbers are Linux's; other systems give other numbers, or none.
  if (process.platform !== 'linux') return;
  const name = networkFileSystemName((await statfs(directory)).type);
  if (name === undefined) return;
  const advice = 'use a local disk, or set allowNetworkFileSystem if you know that its locks work';
  throw unsuitable(directory, `it is on a network file system (${name}): ${advice}`);
}

function unsuitable(directory: string, reason: string, cause?: unknown): RamaxError {
  return new RamaxError('storage_unsuitable', `${directory} cannot be a data directory: ${reason}`, {
    details: { directory, reason },
    cause,
  });
}
