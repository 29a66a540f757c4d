/**
 * Deletion in chunks: the rows of deleted spaces, and command records past their retention. The store runs each call in
 * a transaction of its own.
 *
 * Invariants: the high-water marks are raised before any row goes, so that no event id and no space id comes back. A space
 * whose last row goes is noted in `purged_spaces` in the same transaction.
 */

import { assert } from '../../core/assert.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import { metaKeys } from './log-format.js';

const deleteEventsSql = `DELETE FROM events WHERE event_id IN
  (SELECT event_id FROM events WHERE space_id = ? ORDER BY space_sequence LIMIT ?)`;

const deleteCommandsSql = `DELETE FROM commands WHERE command_number IN
  (SELECT command_number FROM commands WHERE space_id = ? LIMIT ?)`;

const oldestCommandsSql = 'SELECT command_number, accepted_at FROM commands ORDER BY command_number LIMIT ?';

/** What was given out last, for the high-water marks. */
export interface LastIds {
  readonly lastEventId: number;
  readonly lastSpaceId: number;
}

/** The deletions of the log on the writer's connection. */
export class LogMaintenance {
  readonly #setMark: Statement<[number, string]>;
  readonly #abandonDraft: Statement<[number]>;
  readonly #isDeleted: Statement<[number], number>;
  /** In the order in which they delete; the registry's row goes last, because it hides what is still there. */
  readonly #deletions: readonly Statement<[number, number]>[];
  readonly #notePurged: Statement<[number]>;
  readonly #oldestCommands: Statement<[number], readonly [commandNumber: number, acceptedAt: number]>;
  readonly #deleteCommandsUpTo: Statement<[number]>;

  constructor(connection: Connection) {
    this.#setMark = connection.prepare('UPDATE meta SET value = max(value, ?) WHERE key = ?');
    this.#abandonDraft = connection.prepare(
      'UPDATE spaces SET deleted_at = max(1, created_at) WHERE space_id = ? AND deleted_at = 0',
    );
    this.#isDeleted = connection
      .prepare<[number], number>('SELECT deleted_at IS NOT NULL FROM spaces WHERE space_id = ?')
      .pluck();
    this.#deletions = [
      connection.prepare(deleteEventsSql),
      connection.prepare(deleteCommandsSql),
      connection.prepare('DELETE FROM spaces WHERE space_id = ? AND ? > 0'),
    ];
    this.#notePurged = connection.prepare('INSERT INTO purged_spaces (space_id) VALUES (?)');
    this.#oldestCommands = connection.prepare<[number], readonly [number, number]>(oldestCommandsSql).raw();
    this.#deleteCommandsUpTo = connection.prepare('DELETE FROM commands WHERE command_number <= ?');
  }

  /** See `LogStore.purgeSpace`. */
  purgeSpace(spaceId: number, rowsMax: number, last: LastIds): { readonly done: boolean } {
    const isDeleted = this.#isDeleted.get(spaceId);
    if (isDeleted === undefined) return { done: true };
    assert(isDeleted === 1, 'only a space marked as deleted is purged');
    this.#abandonDraft.run(spaceId);
    this.#setMark.run(last.lastEventId, metaKeys.eventIdMark);
    this.#setMark.run(last.lastSpaceId, metaKeys.spaceIdMark);
    let rowsLeft = rowsMax;
    for (const deletion of this.#deletions) {
      if (rowsLeft > 0) rowsLeft -= deletion.run(spaceId, rowsLeft).changes;
    }
    if (this.#isDeleted.get(spaceId) !== undefined) return { done: false };
    this.#notePurged.run(spaceId);
    return { done: true };
  }

  /** See `LogStore.pruneCommands`. */
  pruneCommands(before: number, rowsMax: number): { readonly done: boolean } {
    const oldest = this.#oldestCommands.all(rowsMax);
    const kept = oldest.findIndex(([, acceptedAt]) => acceptedAt >= before);
    const forgotten = oldest.at(kept === -1 ? oldest.length - 1 : kept - 1);
    if (kept !== 0 && forgotten !== undefined) this.#deleteCommandsUpTo.run(forgotten[0]);
    return { done: kept !== -1 || oldest.length < rowsMax };
  }
}
