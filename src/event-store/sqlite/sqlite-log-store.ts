/**
 * The writer's end of the log in SQLite: one connection, synced at every commit, or with durability `os` at none.
 *
 * Invariants:
 *   - One batch is one transaction, from BEGIN IMMEDIATE to COMMIT.
 *   - After any error in a transaction its outcome counts as in doubt, and the store serves nothing more: what this
 *     connection would read may differ from what is found when the log is opened again. (A COMMIT that failed at the
 *     disk has been seen to look undone and to be there after the next opening.)
 *   - A transaction checks that no newer owner has opened the log (`fenced`); opening writes the owner generation, which
 *     also settles what a predecessor left in doubt.
 *   - A batch is acknowledged only while the database file is still where it was opened.
 *   - Each transaction that writes anything raises the last event id or the change number. The witness is told of it behind
 *     the commit; see `witness.ts` for what its failure does, which is nothing to the commit.
 *   - A checkpoint that fails does not take back the commit before it. It is tried again (`wal-checkpoints.ts`), or stops the
 *     store at the next call.
 */

import { AssertionFailed } from '../../core/assert.js';
import type { Platform } from '../../core/clock.js';
import { RamaxError } from '../../core/errors.js';
import {
  type Connection,
  checkpointWal,
  openConnection,
  type Statement,
  scrub,
  setSynchronous,
  storageError,
} from '../../sqlite/connection.js';
import { checkFormat, type FileFormat } from '../../sqlite/file-format.js';
import { FileIdentity } from '../../sqlite/file-identity.js';
import { applyBatch, assertBatch } from '../apply-batch.js';
import { newerOwner } from '../log-errors.js';
import type {
  BackupControl,
  Durability,
  LogHealth,
  LogStore,
  LogWrite,
  LogWriteOutcome,
  SpaceHead,
} from '../port.js';
import { copyLog } from './log-copy.js';
import { logFormat, metaKeys } from './log-format.js';
import { LogMaintenance } from './log-maintenance.js';
import { LogQueries } from './log-queries.js';
import { SelfFilling } from './self-filling.js';
import { busyTimeoutMs, SqliteLogReader } from './sqlite-log-reader.js';
import { SqliteTables } from './sqlite-tables.js';
import { WriterCheckpoints } from './wal-checkpoints.js';
import type { Witness } from './witness.js';
import { diskWitnessFiles, type WitnessFiles } from './witness-file.js';
import { WitnessedCommits } from './witnessed-commits.js';
import { type ExaminedLog, examineLog, type TakenLog, takeOverLog } from './witnessed-opening.js';

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
  readonly #durability: SqliteDurability;
  readonly #lost: ExaminedLog['lost'];
  readonly #witness: Witness;
  readonly #witnessed: WitnessedCommits;
  #failure: RamaxError | undefined;

  /** Use `openSqliteLogStore`. */
  constructor(
    connection: Connection,
    { clock, chainDigest }: Pick<Platform, 'clock' | 'chainDigest'>,
    { taken, lost, isAlone, durability }: StoreParts,
  ) {
    const queries = new LogQueries(connection, chainDigest);
    super(connection, queries);
    this.#connection = connection;
    this.logId = readLogId(connection);
    this.ownerGeneration = taken.ownerGeneration;
    this.#durability = durability;
    this.#lost = lost;
    this.#witness = taken.witness;
    this.#tables = new SqliteTables(connection, queries, clock, taken.record.lastHash);
    this.#witnessed = new WitnessedCommits(connection, {
      ...taken,
      tables: this.#tables,
      isSynced: durability === 'synced',
    });
    this.#maintenance = new LogMaintenance(connection);
    this.#selfFilling = isAlone ? new SelfFilling(connection.name, this.#tables.lastEventId) : undefined;
    this.#files = new FileIdentity([connection.name, `${connection.name}-wal`]);
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#generation = connection.prepare<[string], number>('SELECT value FROM meta WHERE key = ?').pluck();
    this.#checkpoints = new WriterCheckpoints(connection, isAlone);
  }

  get health(): LogHealth {
    const witnessFailure = this.#witness.failure?.toData();
    return { durability: this.#durability, lost: this.#lost, witnessFailure };
  }

  async commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]> {
    assertBatch(batch);
    const outcomes = this.#transact('commit to the log', () => applyBatch(batch, this.#tables));
    this.#selfFilling?.committed(this.#tables.lastEventId);
    return outcomes;
  }

  takeScheduled(): number | undefined {
    return this.#tables.takeScheduled();
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

  async backup(file: string, control: BackupControl): Promise<void> {
    this.assertUsable();
    await copyLog(this.#connection, file, control);
  }

  override async close(): Promise<void> {
    if (!this.#connection.open) return;
    this.#selfFilling?.close();
    this.closeLookups();
    try {
      // A reader may hold the log open: what is left over is moved at the next opening.
      if (this.#failure === undefined && !checkpointWal(this.#connection, 'TRUNCATE').busy) {
        this.#witnessed.synced();
      }
    } catch (error) {
      throw storageError(error, 'cannot move the write-ahead log into the database');
    } finally {
      this.#connection.close();
      await this.#witnessed.close();
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
      this.#witnessed.begin();
      result = work();
      this.#witnessed.count();
      this.#commit.run();
      this.#files.check();
    } catch (error) {
      throw this.#fail(error, `cannot ${intent}`);
    }
    this.#witnessed.committed();
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

/** What a log on disk can promise. */
export type SqliteDurability = Exclude<Durability, 'memory'>;

/** How to open the log for writing. */
export interface SqliteLogStoreOptions {
  /**
   * No `SqliteLookupFiller` works beside it: it fills the lookups and moves the write-ahead log itself, in its own thread.
   * Default: false, as in a runtime, which has a thread for it.
   */
  readonly isAlone?: boolean | undefined;
  /** What a commit survives. Default: `synced`. */
  readonly durability?: SqliteDurability | undefined;
  /** Takes a log whose witness is missing or damaged as it is. Default: false. */
  readonly acceptMissingWitness?: boolean | undefined;
  /** Default: the disk. */
  readonly witnessFiles?: WitnessFiles;
}

/** What a store is made of. */
interface StoreParts {
  readonly taken: TakenLog;
  readonly lost: ExaminedLog['lost'];
  readonly isAlone: boolean;
  readonly durability: SqliteDurability;
}

/**
 * Opens the log in `file` for writing; creates or migrates it.
 *
 * @throws {RamaxError} `storage`, `storage_unsuitable`, `format_newer`, `corrupt`, `witness_missing`
 */
export function openSqliteLogStore(
  file: string,
  platform: Platform,
  options: SqliteLogStoreOptions = {},
): SqliteLogStore {
  const { isAlone = false, durability = 'synced', acceptMissingWitness = false } = options;
  const { witnessFiles = diskWitnessFiles } = options;
  const format = logFormat(platform.ids.newId());
  const opening = { format, platform, acceptMissingWitness, witnessFiles };
  try {
    const examined = examineLog(file, opening);
    const connection = openForWriting(file, format);
    try {
      const taken = takeOverLog(connection, examined, opening);
      if (durability === 'os') setSynchronous(connection, 'NORMAL');
      const parts = { taken, lost: examined.lost, isAlone, durability };
      return new SqliteLogStore(connection, platform, parts);
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    throw storageError(error, `cannot open ${file}`);
  }
}

function openForWriting(file: string, format: FileFormat): Connection {
  const connection = openConnection({
    file,
    use: 'durable',
    busyTimeoutMs,
    check: (opened) => checkFormat(opened, format),
  });
  connection.pragma(`journal_size_limit = ${walBytesKept}`);
  connection.pragma(`cache_size = -${writerCacheKibibytes}`);
  return connection;
}

function readLogId(connection: Connection): string {
  const read = connection.prepare<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck();
  const logId = read.get(metaKeys.logId);
  if (logId !== undefined) return String(logId);
  const details = { key: metaKeys.logId };
  throw new RamaxError('corrupt', `${connection.name} has lost its ${metaKeys.logId}`, { details });
}
