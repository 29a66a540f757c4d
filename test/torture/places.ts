/** Where the suite's files are: it runs from its sources (in the ordinary tests) and from `dist` (from the command line). */

import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The project's root: the only folder on the way up that has a package. */
export const root: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** A file of the suite's sources. */
export function sourceFile(path: string): string {
  return join(root, 'test', 'torture', path);
}

/** A program, app or adapter of the suite as it is built: threads and processes load only those. */
export function builtFile(path: string): string {
  const file = join(root, 'dist', 'test', 'torture', path);
  if (!existsSync(file)) throw new Error(`${file} is not there: run npm run build`);
  return file;
}

/** The same as a URL. */
export function builtUrl(path: string): string {
  return pathToFileURL(builtFile(path)).href;
}

/** A fresh directory for one trial or a series of them. */
export function newDirectory(row: string): string {
  return mkdtempSync(join(tmpdir(), `ramax-torture-${row}-`));
}
