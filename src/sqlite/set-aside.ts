/**
 * Getting a damaged file that can be made again out of the way, for somebody who wants to know what has become of it.
 *
 * It renames, and never opens: opening and closing a file here would drop SQLite's locks on it.
 */

import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RamaxError } from '../core/errors.js';

/** Damaged files that are kept of one file; older ones go. */
const keptMax = 2;

/**
 * Renames a database file to `<file>.damaged-<time>`, with its write-ahead log. The caller has closed its connection.
 *
 * @throws {RamaxError} `storage`
 */
export function setAside(file: string, now: number): void {
  try {
    let stamp = now;
    while (existsSync(`${file}.damaged-${stamp}`)) stamp++;
    const damaged = `${file}.damaged-${stamp}`;
    if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${damaged}-wal`);
    if (existsSync(file)) renameSync(file, damaged);
    rmSync(`${file}-shm`, { force: true });
    removeOlder(file, keptMax);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RamaxError('storage', `${file} is damaged and cannot be set aside: ${message}`, {
      cause: error,
      details: { file },
    });
  }
}

/** Deletes what was set aside of a file, because nothing of it may be kept any more. */
export function removeSetAside(file: string): void {
  removeOlder(file, 0);
}

function removeOlder(file: string, kept: number): void {
  const directory = dirname(file);
  const prefix = `${basename(file)}.damaged-`;
  const stamps = readdirSync(directory)
    .filter((name) => name.startsWith(prefix) && !name.endsWith('-wal') && !name.endsWith('-shm'))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((left, right) => right - left);
  for (const stamp of stamps.slice(kept)) {
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(directory, `${prefix}${stamp}${suffix}`), { force: true });
  }
}
