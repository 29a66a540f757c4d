/** Every statement that a projection store runs, prepared once per connection. */

import type { Checkpoint } from '../../core/event.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { Owner } from './pstate-format.js';

/** The place of one view in the primary keys. */
export type ViewKey = [spaceId: number, view: string, viewVersion: number];

/** A stored value with its checksum. */
export interface ValueRow {
  readonly value: Uint8Array;
  readonly checksum: number;
}

/** The same with its key. */
export interface EntryRow extends ValueRow {
  readonly key: string;
}

/** A place in a space, for deleting up to it. */
export interface Place {
  readonly view: string;
  readonly viewVersion: number;
  readonly key: string;
}

/** A stretch of the keys of one view: the bounds that its statement names, then the limit. */
type Scan = Statement<[...ViewKey, ...bounds: string[], limit: number], EntryRow>;

/** The statements by name. Parameters are positional, in the order in which they stand. */
export interface PStateStatements extends ReadStatements, WriteStatements, DropStatements {}

interface ReadStatements {
  readonly owner: Statement<[], Owner>;
  readonly get: Statement<[...ViewKey, key: string], ValueRow>;
  readonly scanFrom: Scan;
  readonly scanFromTo: Scan;
  readonly scanAfter: Scan;
  readonly scanAfterTo: Scan;
  readonly count: Statement<ViewKey, number>;
  readonly checkpoint: Statement<ViewKey, Checkpoint>;
}

interface WriteStatements {
  readonly put: Statement<[...ViewKey, key: string, value: Uint8Array, checksum: number, updatedAt: number]>;
  readonly delete: Statement<[...ViewKey, key: string]>;
  readonly clear: Statement<ViewKey>;
  readonly putCheckpoint: Statement<
    [...ViewKey, lastEventId: number, lastSpaceSequence: number, updatedAt: number]
  >;
  readonly dropCheckpoint: Statement<ViewKey>;
  readonly renameEntries: Statement<[toView: string, toVersion: number, ...from: ViewKey]>;
  readonly renameCheckpoint: Statement<[toView: string, toVersion: number, ...from: ViewKey]>;
}

interface DropStatements {
  readonly dropCheckpoints: Statement<[spaceId: number]>;
  readonly entryAt: Statement<[spaceId: number, offset: number], Place>;
  readonly dropEntriesBefore: Statement<[spaceId: number, view: string, viewVersion: number, key: string]>;
  readonly dropEntries: Statement<[spaceId: number]>;
}

const ofView = 'space_id = ? AND view = ? AND view_version = ?';

/** Prepares all statements. */
export function prepareStatements(connection: Connection): PStateStatements {
  return { ...reading(connection), ...writing(connection), ...dropping(connection) };
}

function prepare<Parameters extends unknown[], Row>(
  connection: Connection,
  text: string,
): Statement<Parameters, Row> {
  return connection.prepare(text) as unknown as Statement<Parameters, Row>;
}

function reading(connection: Connection): ReadStatements {
  const scan = (bounds: string): Scan =>
    prepare(
      connection,
      `SELECT key, value, checksum FROM pstate_entities WHERE ${ofView} AND ${bounds} ORDER BY key LIMIT ?`,
    );
  return {
    owner: prepare(connection, 'SELECT log_id AS logId, fence FROM pstate_meta'),
    get: prepare(connection, `SELECT value, checksum FROM pstate_entities WHERE ${ofView} AND key = ?`),
    scanFrom: scan('key >= ?'),
    scanFromTo: scan('key >= ? AND key < ?'),
    scanAfter: scan('key > ?'),
    scanAfterTo: scan('key > ? AND key < ?'),
    count: prepare<ViewKey, number>(
      connection,
      `SELECT count(*) FROM pstate_entities WHERE ${ofView}`,
    ).pluck(),
    checkpoint: prepare(
      connection,
      `SELECT last_event_id AS lastEventId, last_space_sequence AS lastSpaceSequence
         FROM projection_checkpoints WHERE ${ofView}`,
    ),
  };
}

function writing(connection: Connection): WriteStatements {
  return {
    put: prepare(
      connection,
      `INSERT INTO pstate_entities (space_id, view, view_version, key, value, checksum, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE
         SET value = excluded.value, checksum = excluded.checksum, updated_at = excluded.updated_at`,
    ),
    delete: prepare(connection, `DELETE FROM pstate_entities WHERE ${ofView} AND key = ?`),
    clear: prepare(connection, `DELETE FROM pstate_entities WHERE ${ofView}`),
    putCheckpoint: prepare(
      connection,
      `INSERT INTO projection_checkpoints
         (space_id, view, view_version, last_event_id, last_space_sequence, updated_at)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE
         SET last_event_id = excluded.last_event_id, last_space_sequence = excluded.last_space_sequence,
             updated_at = excluded.updated_at`,
    ),
    dropCheckpoint: prepare(connection, `DELETE FROM projection_checkpoints WHERE ${ofView}`),
    renameEntries: prepare(
      connection,
      `UPDATE pstate_entities SET view = ?, view_version = ? WHERE ${ofView}`,
    ),
    renameCheckpoint: prepare(
      connection,
      `UPDATE projection_checkpoints SET view = ?, view_version = ? WHERE ${ofView}`,
    ),
  };
}

function dropping(connection: Connection): DropStatements {
  return {
    dropCheckpoints: prepare(connection, 'DELETE FROM projection_checkpoints WHERE space_id = ?'),
    entryAt: prepare(
      connection,
      `SELECT view, view_version AS viewVersion, key FROM pstate_entities WHERE space_id = ?
         ORDER BY view, view_version, key LIMIT 1 OFFSET ?`,
    ),
    dropEntriesBefore: prepare(
      connection,
      'DELETE FROM pstate_entities WHERE space_id = ? AND (view, view_version, key) < (?, ?, ?)',
    ),
    dropEntries: prepare(connection, 'DELETE FROM pstate_entities WHERE space_id = ?'),
  };
}
