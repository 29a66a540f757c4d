/**
 * Goes over stored entries in the order of their keys and migrates them, for an app that does not wait until each is
 * read. Called by `PState.migratePage`, a page at a time between other work.
 */

import { isRamaxError, type RamaxError } from '../core/errors.js';
import type { Migrator } from './migrator.js';
import type { StoredView } from './stored-view.js';

/** What one page came to. */
export interface MigrationPage {
  /** The last key that was dealt with: where the next page begins. Undefined when there was none yet. */
  readonly last: string | undefined;
  /** Values that were looked at. */
  readonly read: number;
  /** Values that were in an older shape. They wait to be written back. */
  readonly migrated: number;
  /** Whether there is nothing after `last`. */
  readonly done: boolean;
  /** Keys whose migration failed, as `migration_failed`. They stay as they are stored. */
  readonly failures: readonly { readonly key: string; readonly error: RamaxError }[];
}

/** See the file's header. Without a migrator there is nothing to do. */
export function migratePage(
  stored: StoredView,
  migrator: Migrator | undefined,
  changed: (key: string) => boolean,
  after: string | undefined,
  limit: number,
): MigrationPage {
  const failures: { key: string; error: RamaxError }[] = [];
  if (migrator === undefined) return { last: after, read: 0, migrated: 0, done: true, failures };
  let last = after;
  let [read, migrated] = [0, 0];
  const page = stored.page({ prefix: '', after, limit });
  for (const [key, bytes] of page) {
    if (migrator.queue.full) return { last, read, migrated, done: false, failures };
    try {
      // What a change takes the place of is not worth migrating: the change is in its present shape.
      if (!changed(key) && stored.migrate(key, bytes)) migrated++;
    } catch (error) {
      if (!isRamaxError(error, 'migration_failed')) throw error;
      failures.push({ key, error });
    }
    last = key;
    read++;
  }
  return { last, read, migrated, done: page.length < limit, failures };
}
