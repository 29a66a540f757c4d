/** `backup.json`: what a backup is, and how one sees that it is whole. It is written last. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RamaxError } from '../core/errors.js';

/** The version of the manifest that is written, and the newest one that is read. */
const manifestVersion = 1;
const manifestFormat = 'ramax-backup';

/** The manifest's file. */
export const manifestName = 'backup.json';
/** The log's file in a backup. It is not named like that of a data directory: nobody is to start on a backup. */
export const backupLogName = 'log.db';

/** What a backup holds. */
export interface BackupManifest {
  readonly format: typeof manifestFormat;
  readonly version: number;
  /** Names the log that it is a copy of. */
  readonly logId: string;
  /** The log's format. */
  readonly logFormat: number;
  /** The largest event id that was ever given: everything up to it is there, but for spaces that were deleted. */
  readonly lastEventId: number;
  /** The hash of the newest event, in hexadecimal; null when there is none. */
  readonly lastEventHash: string | null;
  /** Live spaces. */
  readonly spaces: number;
  /** Size of the copy of the log. */
  readonly bytes: number;
  /** SHA-256 of the copy of the log, in hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since the Unix epoch. */
  readonly madeAt: number;
  /** The version of Ramax. */
  readonly madeBy: string;
}

/** A manifest of these facts. */
export function manifestOf(facts: Omit<BackupManifest, 'format' | 'version'>): BackupManifest {
  return { format: manifestFormat, version: manifestVersion, ...facts };
}

/** The text of the file. */
export function manifestText(manifest: BackupManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * The manifest of the backup in a directory.
 *
 * @throws {RamaxError} `not_found` when there is none, `corrupt`, `format_newer`
 */
export async function readManifest(directory: string): Promise<BackupManifest> {
  const file = join(directory, manifestName);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `there is no backup in ${directory}, or it was never finished: ${manifestName} cannot be read`;
    throw new RamaxError('not_found', message, { cause, details: { directory } });
  });
  const manifest = parsed(text);
  if (manifest?.['format'] !== manifestFormat) throw unreadable(file);
  const version = manifest['version'];
  if (typeof version === 'number' && version > manifestVersion) {
    throw new RamaxError(
      'format_newer',
      `${file} has version ${version}; this Ramax reads up to ${manifestVersion}`,
      {
        details: { file, found: version, known: manifestVersion },
      },
    );
  }
  if (!isManifest(manifest)) throw unreadable(file);
  return manifest;
}

function unreadable(file: string): RamaxError {
  return new RamaxError('corrupt', `${file} is no manifest of a backup`, { details: { file } });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & BackupManifest {
  const texts = ['logId', 'sha256', 'madeBy'];
  const numbers = ['version', 'logFormat', 'lastEventId', 'spaces', 'bytes', 'madeAt'];
  const { lastEventHash } = value;
  return (
    texts.every((name) => typeof value[name] === 'string') &&
    numbers.every((name) => Number.isSafeInteger(value[name])) &&
    (lastEventHash === null || typeof lastEventHash === 'string')
  );
}
