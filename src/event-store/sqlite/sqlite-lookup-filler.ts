/**
 * Fills `lookups.db` behind the commits: rows of the log after the newest mark, sorted, in one transaction with the next
 * mark. It has a connection of its own on both files and runs beside the log's writer, in one thread at a time. Called by
 * the thread that main gives this work to, or by a store that fills by itself.
 *
 * Invariants: those of `lookup-format.ts`, and
 *   - It writes nothing into the log, and takes no lock there that a commit waits for. So no transaction begins with
 *     IMMEDIATE, which would lock both files; the first statement of each writes into the lookups and locks these alone.
 *   - After a run it moves the log's write-ahead log into the log, when that is due, so that the writer seldom has to. Its
 *     failure is that of the run.
 *   - What a run has filled before it failed is undone with it. A run that was not synced before a power cut is made again.
 *   - Damaged lookups, and those of a newer format, are thrown away and made anew.
 */

import { rmSync } from 'node:fs';
import { isRamaxError, RamaxError } from '../../core/errors.js';
import {
  type Connection,
  checkpointWal,
  openConnection,
  scrub,
  setSynchronous,
  storageError,
} from '../../sqlite/connection.js';
import { checkFormat, isCurrent, migrate } from '../../sqlite/file-format.js';
import { FileIdentity } from '../../sqlite/file-identity.js';
import type { LookupFiller } from '../port.js';
import { logFormat } from './log-format.js';
import { lookupFileOf, lookupFormat } from './lookup-format.js';
import { LookupRun, markEventsApart } from './lookup-run.js';
import { checkpointPagesMin, WalStatus } from './wal-checkpoints.js';

/** How long a run waits for another filler, one of a thread that is just being stopped. */
const busyTimeoutMs = 5_000;

/** Pages of the lookups' write-ahead log (16 MiB) at which they are moved into the file. */
const lookupWalPagesMax = 4_096;

/** See the head of this file. */
export class SqliteLookupFiller implements LookupFiller {
  readonly #logFile: string;
  readonly #lookupFile: string;
  readonly #eventsApart: number;
  #opened: OpenedFiles | undefined;
  #isClosed = false;

  /** Opens nothing yet: the first run does. */
  constructor(logFile: string, options: { readonly markEventsApart?: number } = {}) {
    this.#logFile = logFile;
    this.#eventsApart = options.markEventsApart ?? markEventsApart;
    this.#lookupFile = lookupFileOf(logFile);
  }

  async fillLookups(rowsMax: number): Promise<{ readonly done: boolean }> {
    return { done: this.fill(rowsMax) };
  }

  /** See `LookupFiller.fillLookups`; says whether nothing is left to do. */
  fill(rowsMax: number): boolean {
    if (this.#isClosed) throw new RamaxError('closed', 'the lookups are closed');
    try {
      return this.#current().fill(rowsMax);
    } catch (error) {
      this.#letGo();
      const failure = storageError(error, 'cannot fill the lookups');
      if (failure.code === 'corrupt' || failure.code === 'format_newer') this.#discard();
      throw failure;
    }
  }

  async scrub(): Promise<void> {
    this.scrubNow();
  }

  /** See `LookupFiller.scrub`. */
  scrubNow(): void {
    if (this.#isClosed) throw new RamaxError('closed', 'the lookups are closed');
    try {
      this.#current().scrub();
    } catch (error) {
      this.#letGo();
      throw storageError(error, 'cannot clear the lookups of what was deleted');
    }
  }

  async close(): Promise<void> {
    this.stop();
  }

  /** Closes it at once. A second call does nothing. */
  stop(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  /** The files as they are now: one that was removed or replaced is opened again. */
  #current(): OpenedFiles {
    if (this.#opened?.areStillThere() === false) this.#letGo();
    this.#opened ??= this.#openAnew();
    return this.#opened;
  }

  #openAnew(): OpenedFiles {
    try {
      return this.#openFiles();
    } catch (error) {
      if (!isRamaxError(error, 'corrupt') && !isRamaxError(error, 'format_newer')) throw error;
      this.#discard();
      return this.#openFiles();
    }
  }

  #openFiles(): OpenedFiles {
    assertIsLog(this.#logFile);
    const connection = openConnection({
      file: this.#lookupFile,
      use: 'cache',
      busyTimeoutMs,
      check: (opened) => checkFormat(opened, lookupFormat),
    });
    try {
      migrate(connection, lookupFormat);
      connection.prepare('ATTACH ? AS log').run(this.#logFile);
      // For checkpoints of the log, which sync it. Only macOS has a difference between fsync and a full flush.
      connection.pragma('checkpoint_fullfsync = 1');
      setSynchronous(connection, 'FULL', 'log');
      return new OpenedFiles(connection, this.#logFile, this.#eventsApart);
    } catch (error) {
      connection.close();
      throw storageError(error, `cannot open ${this.#lookupFile}`);
    }
  }

  #letGo(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  /** No connection of this object is open. Readers notice that the file is another one. */
  #discard(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#lookupFile}${suffix}`, { force: true });
  }
}

class OpenedFiles {
  readonly #connection: Connection;
  readonly #identity: FileIdentity;
  readonly #run: LookupRun;
  readonly #transact: (rowsMax: number) => boolean;
  readonly #lookupWal: WalStatus;
  readonly #logWal: WalStatus;

  constructor(connection: Connection, logFile: string, eventsApart: number) {
    this.#connection = connection;
    this.#identity = new FileIdentity([connection.name, logFile]);
    this.#run = new LookupRun(connection, eventsApart);
    this.#transact = connection.transaction((rowsMax: number) => this.#run.fill(rowsMax)).deferred;
    this.#lookupWal = new WalStatus(connection);
    this.#logWal = new WalStatus(connection, 'log');
  }

  areStillThere(): boolean {
    return this.#identity.areSame();
  }

  fill(rowsMax: number): boolean {
    const done = this.#transact(rowsMax);
    if (this.#lookupWal.pagesToMove() >= lookupWalPagesMax) checkpointWal(this.#connection, 'PASSIVE');
    if (this.#logWal.pagesToMove() >= checkpointPagesMin) checkpointWal(this.#connection, 'PASSIVE', 'log');
    return done;
  }

  scrub(): void {
    scrub(this.#connection, Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#connection.close();
  }
}

/** ATTACH would make a file where there is none, and reads what it finds. */
function assertIsLog(file: string): void {
  const connection = openConnection({ file, use: 'reader', busyTimeoutMs });
  const isLog = isCurrent(connection, logFormat(''));
  connection.close();
  if (!isLog)
    throw new RamaxError('storage', `${file} is no log of the current format`, { details: { file } });
}
