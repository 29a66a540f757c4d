/**
 * The tables of the log in SQLite, version by version. Version 1 has every column that export, upcasting, reactors and
 * several views are known to need, so that they add rows and not columns. Version 2 leaves in the commit what must be
 * there, the events and the uniqueness of their sequences: where a space ends is read from its last event, and the
 * lookup by entity is filled behind the commits, in a file of its own (`lookup-format.ts`). Version 3 has what operators set
 * for a space beside what the app says of it, and counts what shows in no event id, so that a witness beside the log can
 * tell whether it is whole (`witness-record.ts`). Version 4 keeps, beside the events, how far those have come who go through
 * them, what the events of Ramax itself say (`built-in-changes.ts`), and what reactors could not handle.
 *
 * Identities are never reused, although neither table is AUTOINCREMENT: the writer counts on from the largest id or the
 * high-water mark in `meta`, whichever is larger, and raises the mark before it deletes the row that holds the largest.
 */

import type { Connection } from '../../sqlite/connection.js';
import type { FileFormat } from '../../sqlite/file-format.js';

/** The keys of the table `meta`. */
export const metaKeys = {
  /** The UUID that names this log for ever. */
  logId: 'log_id',
  /** Grows by one at every opening for writing. */
  ownerGeneration: 'owner_generation',
  /** Of a log that was restored: what from, as a JSON object. */
  restoredFrom: 'restored_from',
  /** No event id up to this one is given again. */
  eventIdMark: 'event_id_high_water',
  /** No space id up to this one is given again. */
  spaceIdMark: 'space_id_high_water',
  /** Grows by one with every transaction that writes anything and gives no event its id. */
  changeNumber: 'change_number',
} as const;

/** "RMXL" in ASCII. */
const logApplicationId = 0x524d584c;

const versionOne = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE spaces (
    space_id INTEGER PRIMARY KEY,
    space_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,      -- a JSON object
    deleted_at INTEGER           -- NULL while the space lives; then its rows are being deleted
  ) STRICT;
  CREATE UNIQUE INDEX spaces_by_live_name ON spaces (space_name) WHERE deleted_at IS NULL;
  CREATE INDEX spaces_deleted ON spaces (space_id) WHERE deleted_at IS NOT NULL;

  CREATE TABLE space_sequences ( -- where a space ends; no row before its first event
    space_id INTEGER PRIMARY KEY,
    last_sequence INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL,
    last_hash BLOB NOT NULL
  ) STRICT;

  CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_version INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,  -- when it was decided
    created_at INTEGER NOT NULL, -- when it was written
    causation_id TEXT,           -- NULL: the invocation id
    correlation_id TEXT,         -- NULL: the invocation id
    tags TEXT,                   -- a JSON array, or NULL for none
    metadata TEXT,               -- a JSON object, or NULL for none
    invocation_id BLOB NOT NULL, -- a UUID's 16 bytes
    hash BLOB NOT NULL,          -- 16 bytes, chained within the space
    payload BLOB NOT NULL        -- msgpack; last, so that the rest of a large row is read without it
  ) STRICT;
  CREATE UNIQUE INDEX events_by_space_sequence ON events (space_id, space_sequence);
  CREATE INDEX events_by_entity ON events (space_id, entity_id, event_id);

  CREATE TABLE commands (        -- the accepted commands that came with a command id
    command_number INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL,
    command_id TEXT NOT NULL,
    command_name TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    invocation_id BLOB NOT NULL,
    first_event_id INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX commands_by_id ON commands (space_id, command_id);
`;

const versionTwo = `
  DROP INDEX events_by_entity;
  DROP TABLE space_sequences;

  CREATE VIEW space_sequences (  -- where a live space ends; no row before its first event
    space_id, last_sequence, last_event_id, last_hash
  ) AS
  SELECT spaces.space_id, events.space_sequence, events.event_id, events.hash
  FROM spaces CROSS JOIN events ON events.event_id = (
    SELECT event_id FROM events AS newest
    WHERE newest.space_id = spaces.space_id ORDER BY newest.space_sequence DESC LIMIT 1)
  WHERE spaces.deleted_at IS NULL;

  CREATE TABLE purged_spaces (   -- of which no row is left: what is derived from the log lets go of them, too
    purge_number INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL
  ) STRICT;
`;

const versionThree = `
  ALTER TABLE spaces ADD COLUMN settings TEXT; -- a JSON object, or NULL for none
  INSERT INTO meta (key, value) VALUES ('${metaKeys.changeNumber}', 0);
`;

/** `timers` and `imports` say what the events of Ramax itself say, and are made of them in the same transaction. */
const versionFour = `
  CREATE TABLE cursors (         -- where somebody stands who goes through the log
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    space_id INTEGER NOT NULL,   -- 0: all spaces
    position INTEGER NOT NULL,   -- a space_sequence, or an event_id where it goes through all spaces
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, name, space_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cursors_by_space ON cursors (space_id);

  CREATE TABLE timers (          -- pending ones
    space_id INTEGER NOT NULL,
    timer_id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL, -- of the event that has scheduled it
    PRIMARY KEY (space_id, timer_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX timers_by_due ON timers (due_at, space_id, timer_id);

  CREATE TABLE imports (         -- how far imports of histories have come
    space_id INTEGER NOT NULL,
    import_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (space_id, import_name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE parked_events (   -- what a reactor could not handle, and has passed over
    space_id INTEGER NOT NULL,
    reactor TEXT NOT NULL,
    space_sequence INTEGER NOT NULL,
    part INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,         -- a JSON object
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, reactor, space_sequence, part)
  ) STRICT, WITHOUT ROWID;
`;

/** From this version on a log that has held anything has a witness. */
export const witnessedFromVersion = 3;

/**
 * The format of the log.
 *
 * @param newLogId names the log when the file is created
 */
export function logFormat(newLogId: string): FileFormat {
  return {
    name: 'event log',
    applicationId: logApplicationId,
    migrations: [
      (connection) => createVersionOne(connection, newLogId),
      (connection) => connection.exec(versionTwo),
      (connection) => connection.exec(versionThree),
      (connection) => connection.exec(versionFour),
    ],
  };
}

function createVersionOne(connection: Connection, logId: string): void {
  connection.exec(versionOne);
  const insert = connection.prepare<[string, string | number]>('INSERT INTO meta (key, value) VALUES (?, ?)');
  insert.run(metaKeys.logId, logId);
  insert.run(metaKeys.ownerGeneration, 0);
  insert.run(metaKeys.eventIdMark, 0);
  insert.run(metaKeys.spaceIdMark, 0);
}
