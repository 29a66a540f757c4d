/**
 * Backups of SQLite storage: a copy of the log in a directory of its own, with a manifest. Projections and lookups are not in it:
 * they are made again.
 *
 * Invariants:
 *   - The manifest is written last: a directory without one holds no backup.
 *   - What a backup or a restore that fails has made is removed.
 *   - A restored log is another log: it has an id of its own, so that projections and lookups of the first one, which may be ahead of
 *     it, are thrown away wherever they meet it, and it says what it was restored from.
 *   - It has a witness of its own, so that it starts like any other, and the loss of its end is noticed.
 *   - The restored directory appears whole, by one renaming.
 */

import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { logFormat, metaKeys } from '../event-store/sqlite/log-format.js';
import { type LogSummary, summaryOf, verifyChains } from '../event-store/sqlite/verify-log.js';
import { witnessCopy } from '../event-store/sqlite/witnessed-opening.js';
import { type Connection, openPlainFile, storageError } from '../sqlite/connection.js';
import { checkFormat } from '../sqlite/file-format.js';
import type { BackupTarget } from './adapter.js';
import {
  type BackupManifest,
  backupLogName,
  manifestName,
  manifestOf,
  manifestText,
  readManifest,
} from './backup-manifest.js';
import { digestOfFile, syncPath, writeSynced } from './synced-files.js';

/** The log's file in a data directory. */
const logName = 'ramax.db';

/**
 * A place for a backup.
 *
 * @throws {RamaxError} `invalid_input` for a directory that has something in it, `storage`
 */
export async function beginBackup(path: string, now: () => number): Promise<BackupTarget> {
  const directory = resolve(path);
  const made = await newDirectory(directory);
  const discard = async (): Promise<void> => {
    const names = [backupLogName, `${backupLogName}-journal`, manifestName, `${manifestName}.tmp`];
    for (const name of names) await rm(join(directory, name), { force: true });
    if (made !== undefined) await removeUpTo(directory, made);
  };
  return {
    file: join(directory, backupLogName),
    finish: () =>
      withStorageErrors(`cannot finish the backup in ${directory}`, () => finish(directory, made, now())),
    discard,
  };
}

async function finish(directory: string, made: string | undefined, madeAt: number): Promise<BackupManifest> {
  const file = join(directory, backupLogName);
  const summary = withLog(file, 'change', (connection) => {
    // A file of its own, which needs no write-ahead log beside it to be read.
    connection.pragma('journal_mode = DELETE');
    return {
      ...summaryOf(connection),
      logFormat: Number(connection.pragma('user_version', { simple: true })),
    };
  });
  await syncPath(file);
  const { bytes, sha256 } = await digestOfFile(file);
  const manifest = manifestOf({ ...summary, bytes, sha256, madeAt, madeBy: versionOfRamax() });
  await writeSynced(join(directory, manifestName), manifestText(manifest));
  if (made !== undefined) await syncPath(dirname(made));
  return manifest;
}

/** See `verifyBackup` in `sqlite.ts`. */
export async function verify(from: string): Promise<BackupManifest> {
  const directory = resolve(from);
  const manifest = await readManifest(directory);
  await verifyCopy(join(directory, backupLogName), manifest);
  return manifest;
}

/** See `restoreBackup` in `sqlite.ts`. */
export async function restore(from: string, to: string): Promise<BackupManifest> {
  const [source, target] = [resolve(from), resolve(to)];
  const manifest = await readManifest(source);
  await assertEmpty(target);
  return withStorageErrors(`cannot restore into ${target}`, async () => {
    await mkdir(dirname(target), { recursive: true });
    const draft = await mkdtemp(join(dirname(target), `.${basename(target)}.restoring-`));
    try {
      const file = join(draft, logName);
      await copyFile(join(source, backupLogName), file).catch((cause: unknown) => {
        throw new RamaxError('corrupt', `the copy of the log is missing in ${source}`, {
          cause,
          details: { directory: source },
        });
      });
      // The copy of the copy is what is verified: it is what will be used.
      await verifyCopy(file, manifest);
      withLog(file, 'change', (connection) => {
        makeAnotherLog(connection, manifest);
        witnessCopy(connection, Date);
      });
      await syncPath(file);
      await syncPath(draft);
      await moveTo(draft, target);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
    return manifest;
  });
}

async function verifyCopy(file: string, manifest: BackupManifest): Promise<void> {
  const found = await digestOfFile(file).catch((cause: unknown) => {
    throw new RamaxError('corrupt', `${file} cannot be read`, { cause, details: { file } });
  });
  if (found.bytes !== manifest.bytes || found.sha256 !== manifest.sha256) {
    const message = `${file} is not the file that the backup has made: its size or its SHA-256 is another one`;
    const { bytes, sha256 } = manifest;
    throw new RamaxError('corrupt', message, { details: { file, found, expected: { bytes, sha256 } } });
  }
  const connection = openPlainFile(file, 'read');
  try {
    checkFormat(connection, logFormat(''));
    assertSame(summaryOf(connection), manifest, file);
    await verifyChains(connection, () => setImmediate());
  } catch (error) {
    throw storageError(error, `cannot verify ${file}`);
  } finally {
    connection.close();
  }
}

function assertSame(found: LogSummary, manifest: BackupManifest, file: string): void {
  for (const name of ['logId', 'lastEventId', 'lastEventHash', 'spaces'] as const) {
    if (found[name] === manifest[name]) continue;
    throw new RamaxError('corrupt', `${file} has another ${name} than its manifest`, {
      details: { file, field: name, found: found[name], expected: manifest[name] },
    });
  }
}

/** The log gets an id of its own, and says where it comes from. */
function makeAnotherLog(connection: Connection, manifest: BackupManifest): void {
  const { logId, lastEventId, madeAt } = manifest;
  const set = connection.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
  connection.transaction(() => {
    set.run(metaKeys.logId, randomUUID());
    set.run(metaKeys.restoredFrom, JSON.stringify({ logId, lastEventId, madeAt }));
  })();
}

function withLog<Result>(
  file: string,
  use: 'read' | 'change',
  work: (connection: Connection) => Result,
): Result {
  const connection = openPlainFile(file, use);
  try {
    return work(connection);
  } catch (error) {
    throw storageError(error, `cannot read ${file}`);
  } finally {
    connection.close();
  }
}

/** The topmost directory that was made for it, or undefined when it was there, empty. */
async function newDirectory(directory: string): Promise<string | undefined> {
  await assertEmpty(directory);
  return withStorageErrors(`cannot create ${directory}`, () => mkdir(directory, { recursive: true }));
}

/** Removes a directory, and those above it up to `topmost`, as long as they are empty: others may use them by now. */
async function removeUpTo(directory: string, topmost: string): Promise<void> {
  for (let path = directory; path.startsWith(topmost); path = dirname(path)) {
    const removed = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

async function assertEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw asRamaxError(error, 'storage', `cannot read ${directory}`);
  });
  if (names.length === 0) return;
  throw new RamaxError('invalid_input', `${directory} must be empty or new, but there is ${names[0]}`, {
    details: { field: 'directory', directory },
  });
}

async function moveTo(draft: string, target: string): Promise<void> {
  await rmdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(draft, target);
  await syncPath(dirname(target));
}

async function withStorageErrors<Result>(context: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw asRamaxError(error, 'storage', context);
  }
}

function versionOfRamax(): string {
  const { version } = createRequire(import.meta.url)('ramax/package.json') as { version: string };
  return version;
}
