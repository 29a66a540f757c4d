/**
 * The tables of a projection database, and who may write to it.
 *
 * Everything in here can be rebuilt from the log: what follows another log is dropped, not migrated.
 */

import type { Connection } from '../../sqlite/connection.js';
import type { FileFormat } from '../../sqlite/file-format.js';
import { fencedError } from '../store-errors.js';
import { buildSeed, entryChecksum, valueChecksum } from './entry-checksum.js';

/** "RMXP" in ASCII. */
const pstateApplicationId = 0x524d5850;

const versionOne = `
  CREATE TABLE pstate_meta (    -- one row: whose projections these are
    id INTEGER PRIMARY KEY CHECK (id = 1),
    log_id TEXT NOT NULL,
    fence INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE pstate_entities (
    space_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    view_version INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,        -- msgpack
    checksum INTEGER NOT NULL,  -- crc32 of the value
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE projection_checkpoints (
    space_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    view_version INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL,
    last_space_sequence INTEGER NOT NULL,
    fingerprint TEXT,           -- of the projections that made the view; NULL: not known
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Version 2 tells the builds of a view apart. Before it a rebuild filled a view named `<view>~rebuild`: what one left
 * there is dropped. A file of version 1 may have several versions of a view: the one that has come furthest is live.
 */
const versionTwo = `
  ALTER TABLE pstate_entities RENAME TO pstate_entities_v1;
  ALTER TABLE projection_checkpoints RENAME TO projection_checkpoints_v1;

  CREATE TABLE pstate_entities (
    space_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    view_version INTEGER NOT NULL,
    build INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,        -- msgpack
    checksum INTEGER NOT NULL,  -- crc32 of the value
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version, build, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE projection_checkpoints (  -- one row per build
    space_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    view_version INTEGER NOT NULL,
    build INTEGER NOT NULL CHECK (build >= 1),
    state TEXT NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    last_event_id INTEGER NOT NULL,
    last_space_sequence INTEGER NOT NULL,
    fingerprint TEXT,           -- of the projections that made the build; NULL: not known
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version, build)
  ) STRICT, WITHOUT ROWID;

  CREATE UNIQUE INDEX projection_checkpoints_live  -- one live build per view name
    ON projection_checkpoints (space_id, view) WHERE state = 'live';

  CREATE TABLE projection_skips (        -- events that a version of a view passes over
    space_id INTEGER NOT NULL,
    view TEXT NOT NULL,
    view_version INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version, space_sequence)
  ) STRICT, WITHOUT ROWID;

  INSERT INTO pstate_entities
    SELECT space_id, view, view_version, 1, key, value, checksum, updated_at
      FROM pstate_entities_v1 WHERE view NOT GLOB '*~rebuild';

  INSERT INTO projection_checkpoints
    SELECT space_id, view, view_version, 1,
        iif(row_number() OVER furthest_first = 1, 'live', 'retired'),
        last_event_id, last_space_sequence, fingerprint, updated_at
      FROM projection_checkpoints_v1 WHERE view NOT GLOB '*~rebuild'
      WINDOW furthest_first AS
        (PARTITION BY space_id, view ORDER BY last_space_sequence DESC, view_version DESC);

  DROP TABLE pstate_entities_v1;
  DROP TABLE projection_checkpoints_v1;
`;

/**
 * Version 3 has the place of an entry in its checksum. Each gets the new one if its value fits the old one; what does not is still
 * damaged afterwards.
 */
function toVersionThree(connection: Connection): void {
  const checksum = (...row: unknown[]): number => {
    const [spaceId, name, version, build, key, value, before] = row as [
      number,
      string,
      number,
      number,
      string,
      Uint8Array,
      number,
    ];
    const right = entryChecksum(buildSeed(spaceId, { name, version, build }), key, value);
    return valueChecksum(value) === before ? right : -1;
  };
  connection.function('ramax_checksum', { deterministic: true, varargs: true }, checksum);
  connection.exec(`UPDATE pstate_entities
    SET checksum = ramax_checksum(space_id, view, view_version, build, key, value, checksum)`);
}

/** The format of a projection database; its version is in the file's header. */
export const pstateFormat: FileFormat = {
  name: 'projection database',
  applicationId: pstateApplicationId,
  migrations: [
    (connection) => connection.exec(versionOne),
    (connection) => connection.exec(versionTwo),
    toVersionThree,
  ],
};

/** Who writes to a database. See `PartitionOptions`. */
export interface Owner {
  readonly logId: string;
  readonly fence: number;
}

/** The owner that a database has, or undefined when it is new. */
export function readOwner(connection: Connection): Owner | undefined {
  return connection.prepare<[], Owner>('SELECT log_id AS logId, fence FROM pstate_meta').get();
}

/**
 * Makes `owner` the owner of a database that has the current format, and drops what follows another log.
 *
 * @throws {RamaxError} `fenced` when a newer owner was here
 */
export function takeOver(connection: Connection, owner: Owner): void {
  const run = connection.transaction(() => {
    const before = readOwner(connection);
    if (before !== undefined && before.logId !== owner.logId) {
      connection.exec(
        'DELETE FROM pstate_entities; DELETE FROM projection_checkpoints; DELETE FROM projection_skips;',
      );
    } else if (before !== undefined && before.fence > owner.fence) {
      // Only here: the fences of two logs cannot be compared.
      throw fencedError(owner.fence, before.fence);
    }
    connection
      .prepare('INSERT OR REPLACE INTO pstate_meta (id, log_id, fence) VALUES (1, ?, ?)')
      .run(owner.logId, owner.fence);
  });
  run.immediate();
}
