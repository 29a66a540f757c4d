/**
 * The format of a database file: whose file it is (`application_id`), which version it has (`user_version`), and how an
 * older version becomes the current one.
 *
 * Invariants: a file is created or migrated in one transaction, so that after a crash it has one version or the other;
 * a file of someone else or of a newer version is refused before a byte of it is changed.
 */

import { RamaxError } from '../core/errors.js';
import type { Connection } from './connection.js';

/** One kind of file. */
export interface FileFormat {
  /** What the file is, for messages: `event log`. */
  readonly name: string;
  /** A 32-bit number that no other kind of file has. */
  readonly applicationId: number;
  /** `migrations[n]` takes a file from version n to n + 1; version 0 is the empty file. */
  readonly migrations: readonly ((connection: Connection) => void)[];
}

/**
 * Refuses a file that is not of this format, or of a newer version of it. An empty file is welcome.
 *
 * @throws {RamaxError} `storage_unsuitable` for another program's database, `format_newer`
 */
export function checkFormat(connection: Connection, format: FileFormat): void {
  const applicationId = readPragma(connection, 'application_id');
  if (applicationId !== format.applicationId && !isEmpty(connection, applicationId)) {
    throw new RamaxError(
      'storage_unsuitable',
      `${connection.name} is a SQLite database of something else, not a Ramax ${format.name}`,
      { details: { file: connection.name, applicationId, expected: format.applicationId } },
    );
  }
  const found = formatVersion(connection);
  const known = format.migrations.length;
  if (found > known) {
    throw new RamaxError(
      'format_newer',
      `${connection.name} has version ${found} of the ${format.name} format; this Ramax knows versions up to ${known}`,
      { details: { file: connection.name, found, known } },
    );
  }
}

/** Creates the file's tables, or brings them to the current version: all in one transaction. */
export function migrate(connection: Connection, format: FileFormat): void {
  const run = connection.transaction(() => {
    checkFormat(connection, format);
    for (const step of format.migrations.slice(formatVersion(connection))) step(connection);
    connection.pragma(`application_id = ${format.applicationId}`);
    connection.pragma(`user_version = ${format.migrations.length}`);
  });
  if (!isCurrent(connection, format)) run.immediate();
}

/** Whether the file has the current version: what a reader, which migrates nothing, needs. */
export function isCurrent(connection: Connection, format: FileFormat): boolean {
  return (
    readPragma(connection, 'application_id') === format.applicationId &&
    formatVersion(connection) === format.migrations.length
  );
}

function isEmpty(connection: Connection, applicationId: number): boolean {
  return applicationId === 0 && connection.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

/** The version that the file has; 0 for an empty one. */
export function formatVersion(connection: Connection): number {
  return readPragma(connection, 'user_version');
}

function readPragma(connection: Connection, name: 'application_id' | 'user_version'): number {
  return Number(connection.pragma(name, { simple: true }));
}
