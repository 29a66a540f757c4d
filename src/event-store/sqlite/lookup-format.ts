/**
 * `lookups.db`: what is derived from the log so that events are found by their entity and by their tags. It lies beside the
 * log, is filled behind the commits by one `SqliteLookupFiller`, and can be removed at any time: it is made again.
 *
 * Why it is not in the log: an index by entity is written at random places, so that a commit of 64 events dirtied some
 * sixty pages more; rows that are sorted first dirty a fraction of that, and none of it is synced with a commit.
 *
 * Invariants, on which reads by entity (`entity-reads.ts`) and filtered reads (`lookup-steps.ts`) rest:
 *   X1  A mark says: every event of this log up to this id has its entry, and one for each of its tags, except those of
 *       spaces in `swept_spaces`. A mark counts only for a log that has this event in this space with this hash; hashes are chained and cover a fresh
 *       id of each call, so a log that has it has the same events before it. Several older marks are kept, for when the event of
 *       the newest is gone with its space, or the log is an older copy of itself.
 *   X2  An entry alone says nothing: the event is read, and has to be of that space and entity, or have that tag. So entries that are too
 *       many, of another past of the log or of spaces that are gone, do no harm.
 *   X3  Entries are taken away for one reason: their space is purged. It is in `swept_spaces` before the first goes, and a
 *       space that is there is read without the lookups: an older copy of the log may still have it.
 */

import { dirname, join } from 'node:path';
import type { Connection } from '../../sqlite/connection.js';
import type { FileFormat } from '../../sqlite/file-format.js';

/** The keys of the table `meta`. */
export const lookupMetaKeys = {
  /** The log that the lookups are derived from. */
  logId: 'log_id',
  /** The last of the log's `purged_spaces` whose entries are gone. */
  purgesSwept: 'purges_swept',
} as const;

/** "RMXK" in ASCII. */
const lookupApplicationId = 0x524d584b;

const versionOne = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE marks (           -- up to where the entries are complete; the newest counts, see X1
    event_id INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL,   -- of this event
    hash BLOB NOT NULL           -- of this event
  ) STRICT;

  CREATE TABLE entity_events (
    space_id INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (space_id, entity_id, event_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE swept_spaces (    -- whose entries were taken away, see X3
    space_id INTEGER PRIMARY KEY
  ) STRICT;

  INSERT INTO meta (key, value) VALUES ('${lookupMetaKeys.logId}', ''), ('${lookupMetaKeys.purgesSwept}', 0);
`;

/**
 * An event without tags has nothing in `tag_events`. The marks of version 1 say nothing of tags, so all is filled once more; the
 * entries by entity that are there stay, and are passed over.
 */
const versionTwo = `
  CREATE TABLE tag_events (
    space_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (space_id, tag, event_id)
  ) STRICT, WITHOUT ROWID;

  DELETE FROM marks;
`;

/** The format of the lookups. */
export const lookupFormat: FileFormat = {
  name: 'lookups',
  applicationId: lookupApplicationId,
  migrations: [
    (connection: Connection) => connection.exec(versionOne),
    (connection: Connection) => connection.exec(versionTwo),
  ],
};

/** Where the lookups of a log lie. */
export function lookupFileOf(logFile: string): string {
  return join(dirname(logFile), 'lookups.db');
}
