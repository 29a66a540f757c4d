/**
 * Projection storage in SQLite: one database file for the spaces of one partition, owned by one shard.
 *
 * Invariants: those of the port; every value is stored with its crc32 and verified whenever it is read; the
 * write-ahead log is moved into the database when it has grown past a bound and at close, never by SQLite itself,
 * which would not report an error.
 */

import { crc32 } from 'node:zlib';
import { RamaxError } from '../../core/errors.js';
import type { Checkpoint } from '../../core/event.js';
import { compareCodePoints } from '../../core/names.js';
import { type Connection, checkpointWal, openConnection, storageError } from '../../sqlite/connection.js';
import { checkFormat, migrate } from '../../sqlite/file-format.js';
import type { KeyRange, PStateStore, ViewFlush, ViewRef } from '../port.js';
import { closedError, fencedError } from '../store-errors.js';
import { afterPrefix } from './key-range.js';
import { type Owner, pstateFormat, takeOver } from './pstate-format.js';
import {
  type EntryRow,
  type PStateStatements,
  prepareStatements,
  type ViewKey,
} from './pstate-statements.js';

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
  readonly #statements: PStateStatements;
  readonly #owner: Owner;
  /** Pages that the write-ahead log holds at most: a row touches about one page besides those that it fills. */
  #walPages = 0;

  constructor(connection: Connection, owner: Owner) {
    this.#connection = connection;
    this.#owner = { logId: owner.logId, fence: owner.fence };
    this.#statements = prepareStatements(connection);
  }

  get(spaceId: number, view: ViewRef, key: string): Uint8Array | undefined {
    const row = this.#run('cannot read a projection', () =>
      this.#statements.get.get(...viewKey(spaceId, view), key),
    );
    return row === undefined ? undefined : verified(spaceId, view, { key, ...row });
  }

  scan(
    spaceId: number,
    view: ViewRef,
    range: KeyRange,
  ): readonly (readonly [key: string, value: Uint8Array])[] {
    const rows = this.#run('cannot scan a projection', () => this.#rows(viewKey(spaceId, view), range));
    return rows.map((row) => [row.key, verified(spaceId, view, row)] as const);
  }

  #rows(view: ViewKey, { prefix, after, limit }: KeyRange): EntryRow[] {
    const { scanFrom, scanFromTo, scanAfter, scanAfterTo } = this.#statements;
    const end = afterPrefix(prefix);
    // Keys after `after` and keys with the prefix are both ranges; the later of the two beginnings holds.
    if (after !== undefined && compareCodePoints(after, prefix) >= 0) {
      return end === undefined
        ? scanAfter.all(...view, after, limit)
        : scanAfterTo.all(...view, after, end, limit);
    }
    return end === undefined
      ? scanFrom.all(...view, prefix, limit)
      : scanFromTo.all(...view, prefix, end, limit);
  }

  count(spaceId: number, view: ViewRef): number {
    return (
      this.#run('cannot count a projection', () => this.#statements.count.get(...viewKey(spaceId, view))) ?? 0
    );
  }

  checkpoint(spaceId: number, view: ViewRef): Checkpoint | undefined {
    return this.#run('cannot read a checkpoint', () =>
      this.#statements.checkpoint.get(...viewKey(spaceId, view)),
    );
  }

  flush(spaceId: number, views: readonly ViewFlush[]): void {
    this.#write('cannot write projections', () => {
      const updatedAt = Date.now();
      for (const flush of views) this.#flushView(spaceId, flush, updatedAt);
    });
    this.#checkpointWalWhenLong();
  }

  #flushView(
    spaceId: number,
    { view, clear, deletes, puts, checkpoint }: ViewFlush,
    updatedAt: number,
  ): void {
    const statements = this.#statements;
    const place = viewKey(spaceId, view);
    if (clear) this.#walPages += statements.clear.run(...place).changes;
    for (const key of deletes) statements.delete.run(...place, key);
    for (const [key, value] of puts) {
      statements.put.run(...place, key, value, crc32(value), updatedAt);
      this.#walPages += Math.ceil(value.length / pageBytes);
    }
    statements.putCheckpoint.run(...place, checkpoint.lastEventId, checkpoint.lastSpaceSequence, updatedAt);
    this.#walPages += deletes.length + puts.length + 1;
  }

  replaceViews(spaceId: number, pairs: readonly { readonly from: ViewRef; readonly to: ViewRef }[]): void {
    this.#write('cannot replace projections', () => {
      for (const { from, to } of pairs) this.#replaceView(viewKey(spaceId, from), viewKey(spaceId, to));
    });
    this.#checkpointWalWhenLong();
  }

  #replaceView(from: ViewKey, to: ViewKey): void {
    const { clear, dropCheckpoint, renameEntries, renameCheckpoint } = this.#statements;
    const [, name, version] = to;
    this.#walPages += clear.run(...to).changes;
    dropCheckpoint.run(...to);
    this.#walPages += renameEntries.run(name, version, ...from).changes;
    renameCheckpoint.run(name, version, ...from);
  }

  dropSpace(spaceId: number, rowsMax: number): { readonly done: boolean } {
    const done = this.#write('cannot delete projections', () => this.#dropRows(spaceId, rowsMax));
    this.#checkpointWalWhenLong();
    return { done };
  }

  /** Checkpoints go first: a checkpoint over entries that are half gone would be believed. There is one per view. */
  #dropRows(spaceId: number, rowsMax: number): boolean {
    const { dropCheckpoints, entryAt, dropEntriesBefore, dropEntries } = this.#statements;
    const rowsLeft = Math.max(0, rowsMax - dropCheckpoints.run(spaceId).changes);
    const end = entryAt.get(spaceId, rowsLeft);
    const { changes } =
      end === undefined
        ? dropEntries.run(spaceId)
        : dropEntriesBefore.run(spaceId, end.view, end.viewVersion, end.key);
    this.#walPages += changes;
    return end === undefined;
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
    return this.#run(context, () => transaction.immediate());
  }

  #checkOwner(): void {
    const stored = this.#statements.owner.get();
    if (stored?.fence === this.#owner.fence && stored.logId === this.#owner.logId) return;
    throw fencedError(this.#owner.fence, stored?.fence ?? this.#owner.fence);
  }

  #run<Result>(context: string, task: () => Result): Result {
    if (!this.#connection.open) throw closedError();
    try {
      return task();
    } catch (error) {
      throw storageError(error, context);
    }
  }

  #checkpointWalWhenLong(): void {
    if (this.#walPages <= walPagesMax) return;
    const result = this.#run('cannot move the write-ahead log into the database', () =>
      checkpointWal(this.#connection, 'PASSIVE'),
    );
    // What a reader kept from moving is tried again after the next flush.
    this.#walPages = result.walPages - result.checkpointedPages;
  }
}

function viewKey(spaceId: number, view: ViewRef): ViewKey {
  return [spaceId, view.name, view.version];
}

function verified(spaceId: number, view: ViewRef, row: EntryRow): Uint8Array {
  if (crc32(row.value) === row.checksum) return row.value;
  throw new RamaxError(
    'corrupt',
    `space ${spaceId}, view ${view.name} version ${view.version}: the value at ${JSON.stringify(row.key)} fails its checksum`,
    { details: { spaceId, view: view.name, viewVersion: view.version, key: row.key } },
  );
}
