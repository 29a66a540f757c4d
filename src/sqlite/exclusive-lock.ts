/**
 * A lock between processes without a native module of our own: a second SQLite file, on which one connection holds an
 * exclusive transaction. The kernel frees it when its process ends, however it ends.
 *
 * Invariant: nobody opens or closes the lock file through `fs` in a process that may hold it; on POSIX, closing any
 * descriptor of a file drops all of the process's locks on it.
 */

import Database from 'better-sqlite3';
import { type Connection, isBusy, storageError } from './connection.js';

/** A lock that is held until it is released or the process ends. */
export class ExclusiveLock {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * The lock on `file`, which is created when it is missing, or undefined when another connection holds it.
   *
   * @throws {RamaxError} `storage`, or `corrupt` when the file is no database
   */
  static tryAcquire(file: string): ExclusiveLock | undefined {
    let connection: Connection | undefined;
    try {
      connection = new Database(file, { timeout: 0 });
      connection.exec('BEGIN EXCLUSIVE');
      return new ExclusiveLock(connection);
    } catch (error) {
      connection?.close();
      if (isBusy(error)) return undefined;
      throw storageError(error, `cannot lock ${file}`);
    }
  }

  /** Lets go. A second call does nothing. */
  release(): void {
    this.#connection.close();
  }
}
