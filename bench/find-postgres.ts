/** Where a PostgreSQL server is installed, if there is one. */

import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Debian keeps the server's programs out of PATH. */
const debianRoot = '/usr/lib/postgresql';

/** The folder that holds `initdb` and `postgres`, or undefined. */
export async function findPostgres(path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  const versions = await readdir(debianRoot).catch(() => []);
  const newestFirst = versions.sort((left, right) => Number(right) - Number(left));
  const folders = [
    ...path.split(delimiter).filter((folder) => folder !== ''),
    ...newestFirst.map((version) => join(debianRoot, version, 'bin')),
  ];
  for (const folder of folders) {
    if ((await isProgram(join(folder, 'initdb'))) && (await isProgram(join(folder, 'postgres'))))
      return folder;
  }
  return undefined;
}

function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
