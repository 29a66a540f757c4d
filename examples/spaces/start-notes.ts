/** The notes as a running system: how it is started, and what can be read of a space. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { allPages } from '../demo/page.js';
import type { StartOptions } from '../demo/run-context.js';
import type notes from './notes.app.js';

/** Starts the notes on a directory; `close()` it, or hold it with `await using`. */
export function startNotes({ directory, shards }: StartOptions) {
  return Ramax.start<typeof notes>({
    app: new URL('./notes.app.js', import.meta.url),
    storage: sqlite({ directory }),
    ...(shards === undefined ? {} : { shards }),
  });
}

export type Notes = Awaited<ReturnType<typeof startNotes>>;

/** One space with notes. */
export type Notebook = Awaited<ReturnType<Notes['spaces']['getOrCreate']>>;

/** Everything that a space shows: all entries of its two views. */
export async function readNotebook(space: Notebook) {
  return {
    main: await allPages('main', (page) => space.query('page', page)),
    writings: await allPages('writings', (page) => space.query('page', page)),
  };
}

/** All that these spaces show, by name. */
export async function readNotebooks(spaces: readonly Notebook[]) {
  const states = spaces.map(async (space) => [space.spaceName, await readNotebook(space)] as const);
  return new Map(await Promise.all(states));
}
