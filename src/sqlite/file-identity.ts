/**
 * Notices that a database file was deleted or replaced while it was open. SQLite does not: it goes on writing into the
 * file that no name leads to any more, and every commit is lost with the process.
 *
 * It only asks for the file's status. Opening or closing the file here would drop SQLite's locks.
 */

import { statSync } from 'node:fs';
import { RamaxError } from '../core/errors.js';

/** The files that a connection has open, as they were when it began. */
export class FileIdentity {
  readonly #identities: ReadonlyMap<string, string | undefined>;

  constructor(files: readonly string[]) {
    this.#identities = new Map(files.map((file) => [file, identityOf(file)]));
  }

  /**
   * Throws when one of the files is no longer the one that was there at the beginning.
   *
   * @throws {RamaxError} `storage`
   */
  check(): void {
    const file = this.#changed();
    if (file === undefined) return;
    throw new RamaxError('storage', `${file} was deleted or replaced while it was open`, {
      details: { file },
    });
  }

  /** Whether each of the files is the one that was there at the beginning. */
  areSame(): boolean {
    return this.#changed() === undefined;
  }

  #changed(): string | undefined {
    for (const [file, identity] of this.#identities) if (identityOf(file) !== identity) return file;
    return undefined;
  }
}

function identityOf(file: string): string | undefined {
  const status = statSync(file, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? undefined : `${status.dev}:${status.ino}`;
}
