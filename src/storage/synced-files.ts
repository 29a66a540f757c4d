/** Files and directories that are on disk when a call returns. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes read at once. */
const chunkBytes = 1024 * 1024;

/** Syncs a file that nobody has open through SQLite, or the names in a directory. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file in one step, synced with its name. */
export async function writeSynced(file: string, text: string): Promise<void> {
  const draft = `${file}.tmp`;
  await writeFile(draft, text);
  await syncPath(draft);
  await rename(draft, file);
  await syncPath(dirname(file));
}

/** SHA-256 of a file, in hexadecimal, and its size. */
export async function digestOfFile(
  file: string,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
    const piece = chunk as Buffer;
    digest.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: digest.digest('hex') };
}
