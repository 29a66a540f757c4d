/**
 * `ramax/storage/sqlite`: names SQLite storage as plain data. It loads no driver: each thread imports the adapter's
 * module and opens the part of the storage that it owns.
 */

import { resolve } from 'node:path';
import { invalidInput } from '../core/errors.js';
import { checkOptionNames } from '../core/option-names.js';
import type { StorageRef } from './adapter.js';
import type { BackupManifest } from './backup-manifest.js';

export type { BackupManifest } from './backup-manifest.js';

/** What `sqlite()` takes. */
export interface SqliteOptions {
  /** The data directory; created when it is missing. A relative path is taken from the current working directory. */
  readonly directory: string;
  /**
   * Allow a directory on a network file system (NFS, SMB, 9p, FUSE …), where locks may not work and two runtimes may
   * damage one database. Default: false, and `Ramax.start` refuses it with `storage_unsuitable`. Only Linux can tell.
   */
  readonly allowNetworkFileSystem?: boolean;
  /**
   * What an acknowledged command survives. `synced`: a power cut; each commit is synced. `os`: the end of the process, also
   * `kill -9`, but not of the machine: a power cut loses commands that were acknowledged since the start, the newest first, and
   * `health()` says how many. Default: `synced`.
   */
  readonly durability?: 'synced' | 'os';
  /**
   * Takes the log although `ramax.witness` is missing or damaged, and makes another one: after the log was restored from a copy,
   * or the file was lost. Nobody can say then whether the log is whole. Default: false, and the start ends with
   * `witness_missing`. A log that contradicts a sound witness is `corrupt` all the same.
   */
  readonly acceptMissingWitness?: boolean;
}

const optionNames = ['directory', 'allowNetworkFileSystem', 'durability', 'acceptMissingWitness'] as const;

/**
 * Storage in SQLite files of one directory: `ramax.db` (the log), `ramax.witness` (how far the log has come, so that its loss is
 * noticed), `lookups.db` (what is derived from it, can be rebuilt), `pstate-00.db` to `pstate-15.db` (projections, which
 * can be rebuilt), `owner.lock` and `owner.json`.
 *
 * @throws {RamaxError} `invalid_input`
 * @example
 * ```ts
 * const ramax = await Ramax.start({ app, storage: sqlite({ directory: './data' }) });
 * ```
 */
export function sqlite(options: SqliteOptions): StorageRef {
  if (typeof options !== 'object' || options === null) {
    throw invalidInput('options', 'an object with a directory', options);
  }
  checkOptionNames(options, optionNames, 'sqlite()');
  const { directory, allowNetworkFileSystem = false } = options;
  const { durability = 'synced', acceptMissingWitness = false } = options;
  checkPath(directory, 'directory');
  if (typeof allowNetworkFileSystem !== 'boolean') {
    throw invalidInput('allowNetworkFileSystem', 'a boolean', allowNetworkFileSystem);
  }
  if (durability !== 'synced' && durability !== 'os') {
    throw invalidInput('durability', "'synced' or 'os'", durability);
  }
  if (typeof acceptMissingWitness !== 'boolean') {
    throw invalidInput('acceptMissingWitness', 'a boolean', acceptMissingWitness);
  }
  return {
    module: new URL('./sqlite-adapter.js', import.meta.url).href,
    options: { directory: resolve(directory), allowNetworkFileSystem, durability, acceptMissingWitness },
  };
}

/** What `verifyBackup` takes. */
export interface VerifyBackupOptions {
  /** The directory of the backup. */
  readonly from: string;
}

/** What `restoreBackup` takes. */
export interface RestoreBackupOptions extends VerifyBackupOptions {
  /** The data directory to make: empty, or not there yet. */
  readonly to: string;
}

/**
 * Verifies a backup that `ramax.backup` has made: its SHA-256, its manifest, and every event against its chain.
 *
 * @throws {RamaxError} `not_found` when there is none, or an unfinished one; `corrupt`; `format_newer`; `storage`
 * @example
 * ```ts
 * const { lastEventId, madeAt } = await verifyBackup({ from: './backups/monday' });
 * ```
 */
export async function verifyBackup(options: VerifyBackupOptions): Promise<BackupManifest> {
  checkPaths(options, ['from'], 'verifyBackup()');
  return (await import('./sqlite-backup.js')).verify(options.from);
}

/**
 * Makes a data directory of a backup, verified as by `verifyBackup`. A runtime that is started on it finds all that was
 * acknowledged before the backup was asked for, and makes projections and lookups again. The log in it is another one from
 * then on, with an id of its own. Nothing remains of a restore that fails.
 *
 * @throws {RamaxError} `invalid_input` for a directory that has something in it, a data directory in use among them; and the codes of
 *   `verifyBackup`
 * @example
 * ```ts
 * await restoreBackup({ from: './backups/monday', to: './data' });
 * const ramax = await Ramax.start({ app, storage: sqlite({ directory: './data' }) });
 * ```
 */
export async function restoreBackup(options: RestoreBackupOptions): Promise<BackupManifest> {
  checkPaths(options, ['from', 'to'], 'restoreBackup()');
  return (await import('./sqlite-backup.js')).restore(options.from, options.to);
}

function checkPaths(options: unknown, names: readonly string[], of: string): void {
  if (typeof options !== 'object' || options === null) throw invalidInput('options', 'an object', options);
  checkOptionNames(options, names, of);
  for (const name of names) checkPath((options as Record<string, unknown>)[name], name);
}

function checkPath(path: unknown, field: string): asserts path is string {
  if (typeof path === 'string' && path !== '' && !path.includes('\u0000')) return;
  throw invalidInput(field, 'a path', path);
}
