/**
 * The table `projection_skips`: the events that a version of a view passes over. It is apart from the builds, so that
 * what a person has decided outlives them. The store calls it, inside its transactions where something is written.
 */

import type { Connection, Statement } from '../../sqlite/connection.js';
import type { ViewRef } from '../port.js';

type SkipKey = [spaceId: number, view: string, viewVersion: number];

/** See the file's header. Methods that write return the number of rows that they have touched. */
export class SkipTable {
  readonly #ofView: Statement<SkipKey, number>;
  readonly #add: Statement<[...SkipKey, spaceSequence: number]>;
  readonly #deleteOfSpace: Statement<[spaceId: number, sameSpaceId: number, limit: number]>;

  constructor(connection: Connection) {
    this.#ofView = connection
      .prepare<SkipKey, number>(
        `SELECT space_sequence FROM projection_skips WHERE space_id = ? AND view = ? AND view_version = ?
           ORDER BY space_sequence`,
      )
      .pluck();
    this.#add = connection.prepare(
      `INSERT INTO projection_skips (space_id, view, view_version, space_sequence) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
    );
    this.#deleteOfSpace = connection.prepare(
      `DELETE FROM projection_skips WHERE space_id = ? AND (view, view_version, space_sequence) IN
         (SELECT view, view_version, space_sequence FROM projection_skips WHERE space_id = ? LIMIT ?)`,
    );
  }

  ofView(spaceId: number, view: ViewRef): number[] {
    return this.#ofView.all(spaceId, view.name, view.version);
  }

  add(spaceId: number, view: ViewRef, spaceSequence: number): number {
    return this.#add.run(spaceId, view.name, view.version, spaceSequence).changes;
  }

  deleteSomeOfSpace(spaceId: number, rowsMax: number): number {
    return this.#deleteOfSpace.run(spaceId, spaceId, rowsMax).changes;
  }
}
