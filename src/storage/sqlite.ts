/**
 * `ramax/storage/sqlite`: names SQLite storage as plain data. It loads no driver: each thread imports the adapter's
 * module and opens the part of the storage that it owns.
 */

import { resolve } from 'node:path';
import { invalidInput } from '../core/errors.js';
import { checkOptionNames } from '../core/option-names.js';
import type { StorageRef } from './adapter.js';

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
  if (typeof directory !== 'string' || directory === '' || directory.includes('\u0000')) {
    throw invalidInput('directory', 'a path', directory);
  }
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
