/** Flashcards as a running system, in the first version and in the present one, over the same directory. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { allPages } from '../demo/page.js';
import type { StartOptions } from '../demo/run-context.js';
import type flashcards from './flashcards.app.js';
import type flashcardsV1 from './flashcards-v1.app.js';

/** Starts version 1; `close()` it, or hold it with `await using`. */
export function startFirstVersion(options: StartOptions) {
  return Ramax.start<typeof flashcardsV1>({
    app: new URL('./flashcards-v1.app.js', import.meta.url),
    ...storageOf(options),
  });
}

/** Starts the present version. */
export function startFlashcards(options: StartOptions) {
  return Ramax.start<typeof flashcards>({
    app: new URL('./flashcards.app.js', import.meta.url),
    ...storageOf(options),
  });
}

export type FirstVersion = Awaited<ReturnType<typeof startFirstVersion>>;
export type Flashcards = Awaited<ReturnType<typeof startFlashcards>>;

/** One school: a space. */
export type School = Awaited<ReturnType<Flashcards['spaces']['getOrCreate']>>;

export const schoolName = 'tour_school';

/** Every entry of a school's state, in its present shape. */
export function readSchool(school: School) {
  return allPages('main', ({ offset, limit }) => school.query('page', { offset, limit }));
}

/** What all shards say of values that had an older shape when they were read. */
export async function migrationsOf(flashcards: Flashcards) {
  const sum = { entries: 0, written: 0, pending: 0, failed: 0 };
  for (const { migrations } of (await flashcards.stats()).shards) {
    sum.entries += migrations.entries;
    sum.written += migrations.written;
    sum.pending += migrations.pending;
    sum.failed += migrations.failed;
  }
  return sum;
}

function storageOf({ directory, shards }: StartOptions) {
  return { storage: sqlite({ directory }), ...(shards === undefined ? {} : { shards }) };
}
