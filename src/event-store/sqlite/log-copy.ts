/**
 * A copy of the log beside the commits, by SQLite's own way to copy a live database, on the writer's own connection: what it
 * commits while the copy is made goes into the copy at once, so that the copy never begins again and ends when the last
 * page is copied. It then holds the log as it is at that moment.
 *
 * Invariants: a step runs between two turns of the event loop and never inside a transaction; a copy that fails takes its
 * file with it and leaves the store as it was.
 */

import { type FileHandle, open, rm } from 'node:fs/promises';
import { RamaxError } from '../../core/errors.js';
import { type Connection, storageError } from '../../sqlite/connection.js';
import type { BackupControl } from '../port.js';

/** Pages of one step (1 MiB): it takes about as long as a commit. */
const pagesPerStep = 256;

/** Pages after which the file is synced beside the copying (32 MiB), so that the sync at its end is a short one. */
const pagesPerSync = 8_192;

/** Copies the database of `connection` into a new `file`; see `LogStore.backup`. */
export async function copyLog(connection: Connection, file: string, control: BackupControl): Promise<void> {
  const handle = await open(file, 'wx').catch((error: unknown) => {
    throw storageError(error, `cannot create ${file}`);
  });
  const syncing = new SyncBeside(handle);
  try {
    await connection.backup(file, {
      progress: ({ totalPages, remainingPages }) => {
        if (control.isStopped()) throw new RamaxError('aborted', 'the backup was stopped');
        const pagesCopied = totalPages - remainingPages;
        control.report({ pagesCopied, pagesTotal: totalPages });
        syncing.copied(pagesCopied);
        return pagesPerStep;
      },
    });
  } catch (error) {
    await syncing.end();
    await rm(file, { force: true });
    throw storageError(error, `cannot copy the log to ${file}`);
  }
  await syncing.end();
}

/** Syncs what is written of a file now and then, in another thread. Nobody else holds a lock on the file that this could drop. */
class SyncBeside {
  readonly #handle: FileHandle;
  #synced = 0;
  #running: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  copied(pages: number): void {
    if (this.#running !== undefined || pages - this.#synced < pagesPerSync) return;
    this.#synced = pages;
    // If it fails, so does the sync at the end of the copy, which counts.
    const sync = this.#handle.datasync().catch(() => {});
    this.#running = sync.then(() => {
      this.#running = undefined;
    });
  }

  async end(): Promise<void> {
    await this.#running;
    await this.#handle.close();
  }
}
