/**
 * When the write-ahead log of the log is moved into the database, and by whom.
 *
 * A checkpoint syncs the database: 843 ms of the writer's time in a run of 200,000 commands. So beside a filler of the
 * lookups the writer leaves it to that thread, and does itself what only it can, or what nobody else has done:
 *   - A write-ahead log begins again from its start only when all of it is moved and the writer comes next. While commits go
 *     on there are always some that the other thread has not seen, so the writer moves the few that are left.
 *   - When the other thread is slow, fails, or is not woken because events are few and large, the writer moves all. So
 *     the write-ahead log stays bounded, whatever that thread does.
 */

import { isPassingTrouble } from '../../core/errors.js';
import { type Connection, checkpointWal, type Statement, storageError } from '../../sqlite/connection.js';

/**
 * Pages in the write-ahead log that are not in the database yet (16 MiB at 4 KiB each) at which they are moved. A
 * checkpoint costs the same few milliseconds for a few pages as for thousands, so it must be rare; but all readers search
 * a longer write-ahead log.
 */
export const checkpointPagesMin = 4_096;

/** The same where the writer leaves it to another thread (64 MiB): four times what that needs to be late. */
const unaidedPagesMin = 16_384;

/** The length of a write-ahead log from which on the writer moves the last pages (32 MiB), so that it begins again. */
const restartPagesMin = 8_192;

/** The length from which on the writer moves whatever is left (128 MiB): under steady load there may never be few. */
const restartPagesMust = 32_768;

/** The last pages are no more than these: some commits. */
const lastPagesMax = 1_024;

/**
 * A checkpoint that failed is tried again behind so many pages more (4 MiB): while the disk cannot take the pages, commits that
 * still find room in the write-ahead log are as durable as ever.
 */
const retryPages = 1_024;

/** The length from which on commits end while checkpoints fail (512 MiB): whoever opens the log has to read all of it. */
const failingPagesMax = 131_072;

/** How long a write-ahead log is, and how much of it is in the database. */
export class WalStatus {
  readonly #status: Statement<[], readonly [busy: number, walPages: number, checkpointedPages: number]>;

  constructor(connection: Connection, database = 'main') {
    this.#status = connection
      .prepare<[], readonly [number, number, number]>(`PRAGMA ${database}.wal_checkpoint(NOOP)`)
      .raw();
  }

  read(): { readonly walPages: number; readonly movedPages: number } {
    const [, walPages, movedPages] = this.#status.get() ?? [0, 0, 0];
    return { walPages, movedPages };
  }

  pagesToMove(): number {
    const { walPages, movedPages } = this.read();
    return walPages - movedPages;
  }
}

/** The writer's part. */
export class WriterCheckpoints {
  readonly #connection: Connection;
  readonly #wal: WalStatus;
  readonly #pagesMin: number;
  /** How far we have moved pages ourselves: a reader may keep the write-ahead log from beginning again for a while. */
  #movedTo = 0;
  /** The last checkpoint failed: the length from which on the next one is tried. */
  #retryAt = 0;

  /** @param isAlone nobody else moves pages */
  constructor(connection: Connection, isAlone: boolean) {
    this.#connection = connection;
    this.#wal = new WalStatus(connection);
    this.#pagesMin = isAlone ? checkpointPagesMin : unaidedPagesMin;
  }

  /**
   * After each commit. A checkpoint that fails takes nothing back: nothing counts as moved, so the next one moves it all
   * again. Throws what SQLite says of it when that is not trouble of the disk that passes, or the write-ahead log is too long.
   */
  committed(): void {
    const { walPages, movedPages } = this.#wal.read();
    if (walPages < this.#movedTo) {
      this.#movedTo = 0;
      this.#retryAt = 0;
    }
    if (walPages < this.#retryAt) return;
    const pages = walPages - movedPages;
    const hasMoved = movedPages > this.#movedTo;
    const areLast = hasMoved && pages <= lastPagesMax && walPages >= restartPagesMin;
    const isLong = hasMoved && walPages >= restartPagesMust;
    if (pages < this.#pagesMin && !areLast && !isLong) return;
    this.#move(walPages);
  }

  #move(walPages: number): void {
    try {
      this.#movedTo = checkpointWal(this.#connection, 'PASSIVE').checkpointedPages;
      this.#retryAt = 0;
    } catch (error) {
      const failure = storageError(error, 'cannot move the write-ahead log into the database');
      if (!isPassingTrouble(failure) || walPages >= failingPagesMax) throw failure;
      this.#retryAt = walPages + retryPages;
    }
  }
}
