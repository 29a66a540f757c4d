/**
 * The table `projection_checkpoints`: what the store knows of the builds of a partition. The store calls it, inside its
 * transactions where something is written.
 *
 * Invariants: at most one build of a view name is live in a space; a change of state is a change of rows here alone,
 * however many entries the builds have.
 */

import { assert } from '../../core/assert.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { BuildState, StoredBuild, ViewBuild, ViewFlush } from '../port.js';
import { assertOneBuildPerName } from '../store-errors.js';
import { type BuildKey, buildKey, ofBuild } from './build-key.js';

interface BuildRow {
  readonly view: string;
  readonly viewVersion: number;
  readonly build: number;
  readonly state: BuildState;
  readonly lastEventId: number;
  readonly lastSpaceSequence: number;
  readonly fingerprint: string | null;
}

type Progress = [
  lastEventId: number,
  lastSpaceSequence: number,
  fingerprint: string | null,
  updatedAt: number,
];

/** See the file's header. Methods that write return the number of rows that they have touched. */
export class BuildTable {
  readonly #ofSpace: Statement<[spaceId: number], BuildRow>;
  readonly #spaces: Statement<[after: number, limit: number], number>;
  readonly #liveOf: Statement<[spaceId: number, view: string], number>;
  readonly #retired: Statement<[spaceId: number], BuildRow>;
  readonly #update: Statement<[...Progress, ...BuildKey]>;
  readonly #insert: Statement<[...BuildKey, BuildState, ...Progress]>;
  readonly #retireOthers: Statement<
    [updatedAt: number, spaceId: number, view: string, version: number, build: number]
  >;
  readonly #makeLive: Statement<[updatedAt: number, ...BuildKey]>;
  readonly #retire: Statement<[updatedAt: number, ...BuildKey]>;
  readonly #delete: Statement<BuildKey>;
  readonly #deleteOfSpace: Statement<[spaceId: number, sameSpaceId: number, limit: number]>;

  constructor(connection: Connection) {
    const select = `SELECT view, view_version AS viewVersion, build, state, last_event_id AS lastEventId,
      last_space_sequence AS lastSpaceSequence, fingerprint FROM projection_checkpoints WHERE space_id = ?`;
    const setState = `UPDATE projection_checkpoints SET updated_at = ?, state =`;
    this.#ofSpace = connection.prepare(`${select} ORDER BY view, view_version, build`);
    this.#spaces = connection
      .prepare<[number, number], number>(
        'SELECT DISTINCT space_id FROM projection_checkpoints WHERE space_id > ? ORDER BY space_id LIMIT ?',
      )
      .pluck();
    this.#liveOf = connection
      .prepare<[number, string], number>(
        "SELECT count(*) FROM projection_checkpoints WHERE space_id = ? AND view = ? AND state = 'live'",
      )
      .pluck();
    this.#retired = connection.prepare(
      `${select} AND state = 'retired' ORDER BY view, view_version, build LIMIT 1`,
    );
    this.#update = connection.prepare(
      `UPDATE projection_checkpoints SET last_event_id = ?, last_space_sequence = ?,
         fingerprint = coalesce(?, fingerprint), updated_at = ? WHERE ${ofBuild}`,
    );
    this.#insert = connection.prepare(
      `INSERT INTO projection_checkpoints (space_id, view, view_version, build, state, last_event_id,
         last_space_sequence, fingerprint, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#retireOthers = connection.prepare(
      `${setState} 'retired' WHERE space_id = ? AND view = ? AND state = 'live'
         AND (view_version, build) <> (?, ?)`,
    );
    this.#makeLive = connection.prepare(`${setState} 'live' WHERE ${ofBuild} AND state <> 'retired'`);
    this.#retire = connection.prepare(`${setState} 'retired' WHERE ${ofBuild} AND state <> 'retired'`);
    this.#delete = connection.prepare(`DELETE FROM projection_checkpoints WHERE ${ofBuild}`);
    this.#deleteOfSpace = connection.prepare(
      `DELETE FROM projection_checkpoints WHERE space_id = ? AND (view, view_version, build) IN
         (SELECT view, view_version, build FROM projection_checkpoints WHERE space_id = ? LIMIT ?)`,
    );
  }

  /** In the order of name, version and number. */
  ofSpace(spaceId: number): StoredBuild[] {
    return this.#ofSpace.all(spaceId).map(storedBuild);
  }

  spaces(after: number, limit: number): number[] {
    return this.#spaces.all(after, limit);
  }

  /** The checkpoint of a flush, and the state of a build that comes with it. */
  write(spaceId: number, flush: ViewFlush, updatedAt: number): number {
    const { view, checkpoint, fingerprint = null, state = 'live' } = flush;
    const build = buildKey(spaceId, view);
    const progress: Progress = [checkpoint.lastEventId, checkpoint.lastSpaceSequence, fingerprint, updatedAt];
    if (this.#update.run(...progress, ...build).changes > 0) return 1;
    assert(state !== 'live' || this.#liveOf.get(spaceId, view.name) === 0, 'a view name has one live build');
    return this.#insert.run(...build, state, ...progress).changes;
  }

  swap(spaceId: number, views: readonly ViewBuild[], updatedAt: number): number {
    assertOneBuildPerName(views);
    let rows = 0;
    for (const view of views) {
      rows += this.#retireOthers.run(updatedAt, spaceId, view.name, view.version, view.build).changes;
      const made = this.#makeLive.run(updatedAt, ...buildKey(spaceId, view)).changes;
      assert(made === 1, 'a build that is swapped in is stored and not retired');
      rows += made;
    }
    return rows;
  }

  retire(spaceId: number, views: readonly ViewBuild[], updatedAt: number): number {
    return views.reduce(
      (rows, view) => rows + this.#retire.run(updatedAt, ...buildKey(spaceId, view)).changes,
      0,
    );
  }

  /** A retired build of the space, or undefined when all are swept. */
  nextRetired(spaceId: number): ViewBuild | undefined {
    const row = this.#retired.get(spaceId);
    return row === undefined ? undefined : storedBuild(row).view;
  }

  delete(spaceId: number, view: ViewBuild): number {
    return this.#delete.run(...buildKey(spaceId, view)).changes;
  }

  deleteSomeOfSpace(spaceId: number, rowsMax: number): number {
    return this.#deleteOfSpace.run(spaceId, spaceId, rowsMax).changes;
  }
}

function storedBuild(row: BuildRow): StoredBuild {
  return {
    view: { name: row.view, version: row.viewVersion, build: row.build },
    state: row.state,
    checkpoint: { lastEventId: row.lastEventId, lastSpaceSequence: row.lastSpaceSequence },
    fingerprint: row.fingerprint ?? undefined,
  };
}
