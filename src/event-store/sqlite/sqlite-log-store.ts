/**
 * The writer's end of the log in SQLite: one connection, synced at every commit.
 *
 * Invariants:
 *   - One batch is one transaction, from BEGIN IMMEDIATE to COMMIT.
 *   - After any error in a transaction its outcome counts as in doubt, and the store serves nothing more: what this
 *     connection would read may differ from what is found when the log is opened again. (A COMMIT that failed at the
 *     disk has been seen to look undone and to be there after the next opening.)
 *   - A transaction checks that no newer owner has opened the log (`fenced`); opening writes the owner generation, which
 *     also settles what a predecessor left in doubt.
 *   - A batch is acknowledged only while the database file is still where it was opened.
 *   - A checkpoint that fails does not take back the commit before it. It is tried again (`wal-checkpoints.ts`), or stops the
 *     store at the next call.
 */

import { AssertionFailed } from '../../core/assert.js';
import type { Clock, Platform } from '../../core/clock.js';
import { RamaxError } from '../../core/errors.js';
import {
  type Connection,
  checkpointWal,
  openConnection,
  type Statement,
  scrub,
  storageError,
} from '../../sqlite/connection.js';
import { checkFormat, migrate } from '../../sqlite/file-format.js';
import { FileIdentity } from '../../sqlite/file-identity.js';
import { applyBatch, assertBatch } from '../apply-batch.js';
import { newerOwner } from '../log-errors.js';
import type { LogStore, LogWrite, LogWriteOutcome, SpaceHead } from '../port.js';
import { logFormat, metaKeys } from './log-format.js';
import { LogMaintenance } from './log-maintenance.js';
import { LogQueries } from './log-queries.js';
import { SelfFilling } from './self-filling.js';
import { busyTimeoutMs, SqliteLogReader } from './sqlite-log-reader.js';
import { SqliteTables } from './sqlite-tables.js';
import { WriterCheckpoints } from './wal-checkpoints.js';

/** A write-ahead log that a long read has kept from being emptied is cut to this once it can be (64 MiB). */
const walBytesKept = 64 * 1024 * 1024;

/** The writer's page cache: the upper pages of the indexes of some ten million events. */
const writerCacheKibibytes = 64 * 1024;

/** The log in SQLite, for its one writer. */
export class SqliteLogStore extends SqliteLogReader implements LogStore {
  readonly logId: string;
  readonly ownerGeneration: number;
  readonly #connection: Connection;
  readonly #tables: SqliteTables;
  readonly #maintenance: LogMaintenance;
  readonly #files: FileIdentity;
  readonly #selfFilling: SelfFilling | undefined;
  readonly #begin: Statement<[]>;
  readonly #commit: Statement<[]>;
  readonly #generation: Statement<[string], number>;
  readonly #checkpoints: WriterCheckpoints;
  #failure: RamaxError | undefined;

  /** Use `openSqliteLogStore`. */
  constructor(
    connection: Connection,
    ownerGeneration: number,
    clock: Clock,
    { isAlone = false }: SqliteLogStoreOptions = {},
  ) {
    const queries = new LogQueries(connection);
    super(connection, queries);
    this.#connection = connection;
    this.logId = readLogId(connection);
    this.ownerGeneration = ownerGeneration;
    this.#tables = new SqliteTables(connection, queries, clock);
    this.#maintenance = new LogMaintenance(connection);
    this.#selfFilling = isAlone ? new SelfFilling(connection.name, this.#tables.lastEventId) : undefined;
    this.#files = new FileIdentity([connection.name, `${connection.name}-wal`]);
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#generation = connection.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck();
    this.#checkpoints = new WriterCheckpoints(connection, isAlone);
  }

  async commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]> {
    assertBatch(batch);
    const outcomes = this.#transact('commit to the log', () => applyBatch(batch, this.#tables));
    this.#selfFilling?.committed(this.#tables.lastEventId);
    return outcomes;
  }

  override async latestEventId(): Promise<number> {
    this.assertUsable();
    return this.#tables.lastEventId;
  }

  override async spaceHead(spaceId: number): Promise<SpaceHead | undefined> {
    const head = this.read(() => this.#tables.head(spaceId));
    return head === undefined ? undefined : { ...head };
  }

  async deletedSpaces(): Promise<readonly number[]> {
    return this.read((queries) => queries.deletedSpaces());
  }

  async purgeSpace(spaceId: number, rowsMax: number): Promise<{ readonly done: boolean }> {
    const purged = this.#transact('delete from the log', () =>
      this.#maintenance.purgeSpace(spaceId, rowsMax, this.#tables),
    );
    if (purged.done) this.#selfFilling?.purged();
    return purged;
  }

  async pruneCommands(before: number, rowsMax: number): Promise<{ readonly done: boolean }> {
    return this.#transact('forget commands', () => this.#maintenance.pruneCommands(before, rowsMax));
  }

  /** Not in doubt when it fails: what it writes anew is what was there. */
  async scrub(rewriteBytesMax: number): Promise<void> {
    this.assertUsable();
    try {
      scrub(this.#connection, rewriteBytesMax);
    } catch (error) {
      throw storageError(error, 'cannot clear the log of what was deleted');
    }
    this.#selfFilling?.scrub();
  }

  override async close(): Promise<void> {
    if (!this.#connection.open) return;
    this.#selfFilling?.close();
    this.closeLookups();
    try {
      // A reader may hold the log open: what is left over is moved at the next opening.
      if (this.#failure === undefined) checkpointWal(this.#connection, 'TRUNCATE');
    } catch (error) {
      throw storageError(error, 'cannot move the write-ahead log into the database');
    } finally {
      this.#connection.close();
    }
  }

  protected override assertUsable(): void {
    super.assertUsable();
    if (this.#failure === undefined) return;
    throw new RamaxError('storage', `the log must be opened again: ${this.#failure.message}`, {
      cause: this.#failure,
      details: this.#failure.details,
    });
  }

  #transact<Result>(intent: string, work: () => Result): Result {
    this.assertUsable();
    let result: Result;
    try {
      this.#begin.run();
      this.#checkOwner();
      this.#tables.begin();
      result = work();
      this.#commit.run();
      this.#files.check();
    } catch (error) {
      throw this.#fail(error, `cannot ${intent}`);
    }
    this.#checkpointWhenDue();
    return result;
  }

  #checkOwner(): void {
    const current = this.#generation.get(metaKeys.ownerGeneration);
    if (current === this.ownerGeneration) return;
    throw newerOwner(this.ownerGeneration, current);
  }

  /** Stops the store, and gives the error to throw: a defect stays a defect. */
  #fail(error: unknown, context: string): Error {
    const failure = storageError(error, context);
    this.#failure = failure;
    try {
      if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
    } catch {
      // The store is not used again, and closing the connection rolls back as well.
    }
    return error instanceof AssertionFailed ? error : failure;
  }

  #checkpointWhenDue(): void {
    try {
      this.#checkpoints.committed();
    } catch (error) {
      this.#fail(error, 'cannot move the write-ahead log into the database');
    }
  }
}

/** How to open the log for writing. */
export interface SqliteLogStoreOptions {
  /**
   * No `SqliteLookupFiller` works beside it: it fills the lookups and moves the write-ahead log itself, in its own thread.
   * Default: false, as in a runtime, which has a thread for it.
   */
  readonly isAlone?: boolean;
}

/**
 * Opens the log in `file` for writing; creates or migrates it.
 *
 * @throws {RamaxError} `storage`, `storage_unsuitable`, `format_newer`, `corrupt`
 */
export function openSqliteLogStore(
  file: string,
  platform: Platform,
  options: SqliteLogStoreOptions = {},
): SqliteLogStore {
  const format = logFormat(platform.ids.newId());
  const connection = openConnection({
    file,
    use: 'durable',
    busyTimeoutMs,
    check: (opened) => checkFormat(opened, format),
  });
  try {
    connection.pragma(`journal_size_limit = ${walBytesKept}`);
    connection.pragma(`cache_size = -${writerCacheKibibytes}`);
    migrate(connection, format);
    return new SqliteLogStore(connection, raiseOwnerGeneration(connection), platform.clock, options);
  } catch (error) {
    connection.close();
    throw storageError(error, `cannot open ${file}`);
  }
}

/**
 * Before anything is read: from here on every older owner is fenced off. The synced commit of the new generation is also the
 * barrier behind what a predecessor has left in doubt: its pages take the place of that in the write-ahead log. So it must be
 * a commit that reports its errors. A statement that returns rows does not when it commits by itself: it commits when it is
 * reset, and nobody is told what came of that.
 */
function raiseOwnerGeneration(connection: Connection): number {
  const raise = connection.prepare<[string]>('UPDATE meta SET value = value + 1 WHERE key = ?');
  const read = 'SELECT value FROM meta WHERE key = ?';
  const barrier = connection.transaction(() => {
    raise.run(metaKeys.ownerGeneration);
    return Number(metaValue(connection, read, metaKeys.ownerGeneration));
  });
  return barrier.immediate();
}

function readLogId(connection: Connection): string {
  return String(metaValue(connection, 'SELECT value FROM meta WHERE key = ?', metaKeys.logId));
}

function metaValue(connection: Connection, sql: string, key: string): unknown {
  const value = connection.prepare<[string], unknown>(sql).pluck().get(key);
  if (value !== undefined) return value;
  throw new RamaxError('corrupt', `${connection.name} has lost its ${key}`, { details: { key } });
}
