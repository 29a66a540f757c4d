/**
 * Projection storage in SQLite: one database file for the spaces of one partition, owned by one shard. The tables know
 * their rows; transactions, the owner and the write-ahead log are seen to here.
 *
 * Invariants: those of the port; the write-ahead log is moved into the database when it has grown past a bound and at
 * close, never by SQLite itself, which would not report an error.
 */

import { statSync } from 'node:fs';
import { AssertionFailed } from '../../core/assert.js';
import {
  type Connection,
  checkpointWal,
  openConnection,
  overwriteDeleted,
  type Statement,
  scrub,
  storageError,
} from '../../sqlite/connection.js';
import { checkFormat, migrate } from '../../sqlite/file-format.js';
import type { KeyRange, PStateStore, StoredBuild, ViewBuild, ViewFlush, ViewRef } from '../port.js';
import { closedError, fencedError } from '../store-errors.js';
import { BuildTable } from './build-table.js';
import { EntryTable } from './entry-table.js';
import { type Owner, pstateFormat, takeOver } from './pstate-format.js';
import { SkipTable } from './skip-table.js';

/** What opening a database needs. */
export interface SqlitePStateStoreOptions extends Owner {
  /** The path of the database file; it is created when it is missing. */
  readonly file: string;
}

/** Only a predecessor that is being stopped can hold the lock, and it writes for milliseconds. */
const busyTimeoutMs = 5_000;

/** 16 MiB of 4 KiB pages: a few flushes, and little to read again after a crash. */
const walPagesMax = 4_096;
const pageBytes = 4_096;
/** The table and the index of the live builds. */
const pagesPerBuildRow = 2;

/**
 * Opens the projections of one partition, as the owner with this fence.
 *
 * @throws {RamaxError} `fenced` when a newer owner has opened it, `format_newer`, `corrupt`, `storage`
 */
export function openSqlitePStateStore(options: SqlitePStateStoreOptions): PStateStore {
  const { file } = options;
  const connection = openConnection({
    file,
    use: 'cache',
    busyTimeoutMs,
    check: (opened) => checkFormat(opened, pstateFormat),
  });
  try {
    migrate(connection, pstateFormat);
    takeOver(connection, options);
    return new SqlitePStateStore(connection, options);
  } catch (error) {
    connection.close();
    throw storageError(error, `cannot open ${file}`);
  }
}

class SqlitePStateStore implements PStateStore {
  readonly #connection: Connection;
  readonly #owner: Owner;
  readonly #entries: EntryTable;
  readonly #builds: BuildTable;
  readonly #skips: SkipTable;
  readonly #storedOwner: Statement<[], Owner>;
  readonly #pageCount: Statement<[], number>;
  readonly #hasSpace: Statement<[spaceId: number, sameSpaceId: number, andAgain: number], number>;
  /** Pages that the write-ahead log holds at most, as counted here; when they seem too many, SQLite is asked. */
  #walPages: number;
  /** Pages of the present transaction at most: a row touches about one page besides those that it fills. */
  #touchedPages = 0;

  constructor(connection: Connection, owner: Owner) {
    this.#connection = connection;
    this.#owner = { logId: owner.logId, fence: owner.fence };
    this.#entries = new EntryTable(connection);
    this.#builds = new BuildTable(connection);
    this.#skips = new SkipTable(connection);
    this.#storedOwner = connection.prepare('SELECT log_id AS logId, fence FROM pstate_meta');
    this.#pageCount = connection.prepare<[], number>('SELECT page_count FROM pragma_page_count').pluck();
    this.#hasSpace = connection
      .prepare<[number, number, number], number>(
        `SELECT EXISTS (SELECT 1 FROM projection_checkpoints WHERE space_id = ?)
             OR EXISTS (SELECT 1 FROM projection_skips WHERE space_id = ?)
             OR EXISTS (SELECT 1 FROM pstate_entities WHERE space_id = ?)`,
      )
      .pluck();
    this.#walPages = walPagesFound(connection.name);
  }

  get(spaceId: number, view: ViewBuild, key: string): Uint8Array | undefined {
    return this.#run('cannot read a projection', () => this.#entries.get(spaceId, view, key));
  }

  getMany(spaceId: number, view: ViewBuild, keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    return this.#run('cannot read a projection', () => this.#entries.getMany(spaceId, view, keys));
  }

  scan(
    spaceId: number,
    view: ViewBuild,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[] {
    return this.#run('cannot scan a projection', () => this.#entries.scan(spaceId, view, range));
  }

  count(spaceId: number, view: ViewBuild): number {
    return this.#run('cannot count a projection', () => this.#entries.count(spaceId, view));
  }

  builds(spaceId: number): readonly StoredBuild[] {
    return this.#run('cannot read the builds of a space', () => this.#builds.ofSpace(spaceId));
  }

  listSpaces(after: number, limit: number): readonly number[] {
    return this.#run('cannot list spaces', () => this.#builds.spaces(after, limit));
  }

  skips(spaceId: number, view: ViewRef): readonly number[] {
    return this.#run('cannot read skipped events', () => this.#skips.ofView(spaceId, view));
  }

  flush(spaceId: number, views: readonly ViewFlush[]): void {
    this.#write('cannot write projections', () => {
      const updatedAt = Date.now();
      for (const flush of views) {
        this.#wrote(this.#entries.write(spaceId, flush, updatedAt));
        this.#wrote(this.#builds.write(spaceId, flush, updatedAt) * pagesPerBuildRow);
        for (const [, value] of flush.puts) this.#wrote(Math.ceil(value.length / pageBytes));
      }
    });
  }

  swap(spaceId: number, views: readonly ViewBuild[]): void {
    this.#write('cannot swap projections', () => {
      this.#wrote(this.#builds.swap(spaceId, views, Date.now()) * pagesPerBuildRow);
    });
  }

  retire(spaceId: number, views: readonly ViewBuild[]): void {
    this.#write('cannot retire projections', () => {
      this.#wrote(this.#builds.retire(spaceId, views, Date.now()) * pagesPerBuildRow);
    });
  }

  sweep(spaceId: number, rowsMax: number): { readonly done: boolean } {
    return this.#write('cannot sweep projections', () => {
      const rows = this.#sweepRows(spaceId, rowsMax);
      this.#wrote(rows);
      return { done: this.#builds.nextRetired(spaceId) === undefined };
    });
  }

  /** A build's own row goes after its entries: a sweep that was interrupted finds it again. */
  #sweepRows(spaceId: number, rowsMax: number): number {
    let rows = 0;
    while (rows < rowsMax) {
      const view = this.#builds.nextRetired(spaceId);
      if (view === undefined) break;
      rows += this.#entries.deleteSome(spaceId, view, rowsMax - rows);
      if (rows < rowsMax) rows += this.#builds.delete(spaceId, view);
    }
    return rows;
  }

  skip(spaceId: number, view: ViewRef, spaceSequence: number): void {
    this.#write('cannot skip an event', () => this.#wrote(this.#skips.add(spaceId, view, spaceSequence)));
  }

  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean } {
    return this.#run('cannot delete projections', () => {
      overwriteDeleted(this.#connection, 'everywhere');
      try {
        return this.#dropRows(spaceId, rowsMax);
      } finally {
        overwriteDeleted(this.#connection, 'where it is free');
      }
    });
  }

  #dropRows(spaceId: number, rowsMax: number): { readonly done: boolean } {
    return this.#write('cannot delete projections', () => {
      // Checkpoints go first: a checkpoint over entries that are half gone would be believed.
      let rows = this.#builds.deleteSomeOfSpace(spaceId, rowsMax);
      rows += this.#entries.deleteSomeOfSpace(spaceId, rowsMax - rows);
      rows += this.#skips.deleteSomeOfSpace(spaceId, rowsMax - rows);
      this.#wrote(rows);
      return { done: this.#hasSpace.get(spaceId, spaceId, spaceId) === 0 };
    });
  }

  scrub(rewriteBytesMax: number): void {
    this.#run('cannot clear the projections of what was deleted', () =>
      scrub(this.#connection, rewriteBytesMax),
    );
    this.#walPages = 0;
  }

  close(): void {
    if (!this.#connection.open) return;
    try {
      this.#run('cannot close the projections', () => checkpointWal(this.#connection, 'TRUNCATE'));
    } finally {
      this.#connection.close();
    }
  }

  /** One transaction that only the present owner may make. */
  #write<Result>(context: string, write: () => Result): Result {
    const transaction = this.#connection.transaction(() => {
      this.#checkOwner();
      return write();
    });
    this.#touchedPages = 0;
    const result = this.#run(context, () => transaction.immediate());
    // Rows share pages, and a page is written once: never more of them than the database has.
    this.#walPages += Math.min(
      this.#touchedPages,
      this.#run(context, () => this.#pageCount.get() ?? 0),
    );
    this.#checkpointWalWhenLong();
    return result;
  }

  #checkOwner(): void {
    const stored = this.#storedOwner.get();
    if (stored?.fence === this.#owner.fence && stored.logId === this.#owner.logId) return;
    throw fencedError(this.#owner.fence, stored?.fence ?? this.#owner.fence);
  }

  #run<Result>(context: string, task: () => Result): Result {
    if (!this.#connection.open) throw closedError();
    try {
      return task();
    } catch (error) {
      if (error instanceof AssertionFailed) throw error;
      throw storageError(error, context);
    }
  }

  #wrote(pages: number): void {
    this.#touchedPages += pages;
  }

  #checkpointWalWhenLong(): void {
    if (this.#walPages <= walPagesMax) return;
    this.#walPages = this.#pagesToMove('NOOP');
    // What a reader kept from moving is tried again after the next write.
    if (this.#walPages > walPagesMax) this.#walPages = this.#pagesToMove('PASSIVE');
  }

  /** What is left in the write-ahead log after a look at it, or after it was moved. */
  #pagesToMove(mode: 'NOOP' | 'PASSIVE'): number {
    const result = this.#run('cannot move the write-ahead log into the database', () =>
      checkpointWal(this.#connection, mode),
    );
    return result.walPages - result.checkpointedPages;
  }
}

/** What a migration or a crash has left in the write-ahead log. */
function walPagesFound(file: string): number {
  const { size } = statSync(`${file}-wal`, { throwIfNoEntry: false }) ?? { size: 0 };
  return Math.ceil(size / pageBytes);
}
