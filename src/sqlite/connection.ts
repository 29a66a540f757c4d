/**
 * Opens SQLite connections with every pragma that a promise rests on, and turns SQLite's errors into ours. This folder is
 * the one door to better-sqlite3.
 *
 * Invariants:
 *   - A durable connection has `synchronous=FULL`, asserted after the first statement: better-sqlite3 is built with
 *     WAL synchronous=NORMAL, and the pragma only tells the truth once the connection was used. The same is asserted
 *     wherever the level is set.
 *   - Checkpoints are never left to SQLite (`wal_autocheckpoint=0`), because COMMIT does not report their errors.
 *   - Nobody opens or closes a database file by other means while this process holds it: on POSIX that drops locks.
 */

import Database from 'better-sqlite3';
import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';

/** A connection; better-sqlite3's own class, named here so that nobody else imports it. */
export type Connection = Database.Database;
/** A prepared statement. */
export type Statement<Parameters extends unknown[] = unknown[], Row = unknown> = Database.Statement<
  Parameters,
  Row
>;

/** How a connection is used. */
export interface ConnectionOptions {
  readonly file: string;
  /**
   * `durable`: the log's writer, every commit synced. `cache`: rebuildable data, consistent but synced late.
   * `reader`: read only.
   */
  readonly use: 'durable' | 'cache' | 'reader';
  /** How long a statement waits for another connection's lock. */
  readonly busyTimeoutMs: number;
  /** Runs before anything of the file is changed, its journal mode included, and throws to refuse the file. */
  readonly check?: (connection: Connection) => void;
}

/**
 * Opens a database file.
 *
 * @throws {RamaxError} `storage`, or `corrupt` when the file is no database
 */
export function openConnection(options: ConnectionOptions): Connection {
  const readonly = options.use === 'reader';
  try {
    const connection = new Database(options.file, {
      readonly,
      fileMustExist: readonly,
      timeout: options.busyTimeoutMs,
    });
    try {
      options.check?.(connection);
      configure(connection, options.use);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  } catch (error) {
    throw storageError(error, `cannot open ${options.file}`);
  }
}

function configure(connection: Connection, use: ConnectionOptions['use']): void {
  if (use === 'reader') {
    connection.pragma('query_only = 1');
    return;
  }
  connection.pragma('journal_mode = WAL');
  if (use === 'durable') {
    // Only macOS has a difference between fsync and a full flush; elsewhere the pragma has no effect.
    connection.pragma('fullfsync = 1');
    connection.pragma('checkpoint_fullfsync = 1');
  }
  connection.pragma('wal_autocheckpoint = 0');
  overwriteDeleted(connection, use === 'durable' ? 'everywhere' : 'where it is free');
  setSynchronous(connection, use === 'durable' ? 'FULL' : 'NORMAL');
}

/** What `PRAGMA synchronous` gives for each level. */
const synchronousLevels = { NORMAL: 1, FULL: 2 } as const;

/**
 * Says when SQLite syncs: at each commit (`FULL`), or only before and after a checkpoint (`NORMAL`). A statement follows, and
 * only then is the level read back, because the first use of a database may change it.
 *
 * @param database which one, where several are attached to the connection
 */
export function setSynchronous(
  connection: Connection,
  level: keyof typeof synchronousLevels,
  database = 'main',
): void {
  connection.pragma(`${database}.synchronous = ${level}`);
  connection.prepare(`SELECT count(*) FROM ${database}.sqlite_schema`).get();
  const synchronous = connection.pragma(`${database}.synchronous`, { simple: true });
  assert(synchronous === synchronousLevels[level], 'synchronous stays as set after the first statement');
}

/**
 * Whether what is deleted becomes zeros: everywhere, or only in pages that are written anyway. The second leaves whole pages that were freed
 * as they are; the first writes them, too, which is twice the work where large values are replaced often.
 */
export function overwriteDeleted(connection: Connection, where: 'everywhere' | 'where it is free'): void {
  connection.pragma(`secure_delete = ${where === 'everywhere' ? 'ON' : 'FAST'}`);
}

/**
 * Opens a database file that nobody else has open and that has no write-ahead log: a copy.
 *
 * @throws {RamaxError} `storage`, or `corrupt` when the file is no database
 */
export function openPlainFile(file: string, use: 'read' | 'change'): Connection {
  try {
    const connection = new Database(file, { readonly: use === 'read', fileMustExist: true });
    connection.pragma('synchronous = FULL');
    return connection;
  } catch (error) {
    throw storageError(error, `cannot open ${file}`);
  }
}

/** What a checkpoint of the write-ahead log did. */
export interface CheckpointResult {
  /** A reader kept the checkpoint from finishing. */
  readonly busy: boolean;
  /** Pages in the write-ahead log, and how many of them are in the database now. */
  readonly walPages: number;
  readonly checkpointedPages: number;
}

/**
 * Moves the write-ahead log into the database, as far as readers allow (`PASSIVE`) or wholly (`TRUNCATE`), or only says how
 * long it is (`NOOP`).
 *
 * @param database which one, where several are attached to the connection
 */
export function checkpointWal(
  connection: Connection,
  mode: 'PASSIVE' | 'TRUNCATE' | 'NOOP',
  database = 'main',
): CheckpointResult {
  const [row] = connection.pragma(`${database}.wal_checkpoint(${mode})`) as [
    { busy: number; log: number; checkpointed: number },
  ];
  return { busy: row.busy !== 0, walPages: row.log, checkpointedPages: row.checkpointed };
}

/**
 * Leaves nothing in the file and its write-ahead log of what was deleted. Deleted rows are zeros already (`secure_delete`); what is
 * left are older copies of pages in the write-ahead log, and copies of rows that SQLite once moved between pages and let lie in
 * the unused part of a page (found in 4 of 8 random histories). Only writing the file anew is sure to leave none of these: some 130 MB in a
 * second, during which nobody else writes.
 *
 * @param rewriteBytesMax a larger file is not written anew
 * @throws {RamaxError} `storage` when a reader keeps the write-ahead log
 */
export function scrub(connection: Connection, rewriteBytesMax: number): void {
  const pages = Number(connection.pragma('page_count', { simple: true }));
  const pageBytes = Number(connection.pragma('page_size', { simple: true }));
  if (pages * pageBytes <= rewriteBytesMax) connection.exec('VACUUM');
  if (!checkpointWal(connection, 'TRUNCATE').busy) return;
  throw new RamaxError('storage', `a reader keeps ${connection.name} from letting go of what was deleted`);
}

/**
 * `error` as a `RamaxError`: `corrupt` for damage, `storage` for the rest. The details say what SQLite (`sqliteCode`) or the
 * system (`systemCode`) called it, and whether it is of the kind that passes by itself or when somebody makes room (`passes`).
 */
export function storageError(error: unknown, context: string): RamaxError {
  if (error instanceof RamaxError) return error;
  const sqliteCode = error instanceof Database.SqliteError ? error.code : undefined;
  const systemCode = sqliteCode === undefined ? systemCodeOf(error) : undefined;
  const damaged = sqliteCode === 'SQLITE_NOTADB' || sqliteCode?.startsWith('SQLITE_CORRUPT') === true;
  const message = error instanceof Error ? error.message : String(error);
  return new RamaxError(damaged ? 'corrupt' : 'storage', `${context}: ${message}`, {
    cause: error,
    details: {
      ...(sqliteCode === undefined ? {} : { sqliteCode }),
      ...(systemCode === undefined ? {} : { systemCode }),
      ...(passes(sqliteCode ?? systemCode) ? { passes: true } : {}),
    },
  });
}

/** A disk that is full, fails, is mounted read-only for a while, or a system without descriptors or memory to give. */
const passingCodes =
  /^(SQLITE_(FULL|IOERR|BUSY|LOCKED|CANTOPEN|NOMEM|READONLY$|READONLY_(CANTINIT|RECOVERY)|PROTOCOL)|E(NOSPC|IO|DQUOT|MFILE|NFILE|ROFS|NOMEM|AGAIN|BUSY|INTR)$)/;

function passes(code: string | undefined): boolean {
  return code !== undefined && passingCodes.test(code);
}

function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether `error` says that another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
