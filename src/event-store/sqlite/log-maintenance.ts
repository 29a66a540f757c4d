/**
 * Deletion in chunks: the rows of deleted spaces, and command records past their retention. The store runs each call in
 * a transaction of its own.
 *
 * Invariants: the high-water marks are raised before any row goes, so that no event id and no space id comes back. A space
 * whose last row goes is noted in `purged_spaces` in the same transaction.
 */

import { assert } from '../../core/assert.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import { isKept, type ReactionFacts } from '../parked.js';
import { metaKeys } from './log-format.js';

const deleteEventsSql = `DELETE FROM events WHERE event_id IN
  (SELECT event_id FROM events WHERE space_id = ? ORDER BY space_sequence LIMIT ?)`;

const deleteCommandsSql = `DELETE FROM commands WHERE command_number IN
  (SELECT command_number FROM commands WHERE space_id = ? LIMIT ?)`;

const deleteTimersSql = `DELETE FROM timers WHERE (space_id, timer_id) IN
  (SELECT space_id, timer_id FROM timers WHERE space_id = ? LIMIT ?)`;

const deleteImportsSql = `DELETE FROM imports WHERE (space_id, import_name) IN
  (SELECT space_id, import_name FROM imports WHERE space_id = ? LIMIT ?)`;

const oldestCommandsSql = `SELECT command_number, accepted_at, command_id FROM commands
  WHERE command_number > ? ORDER BY command_number LIMIT ?`;

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
  readonly #oldestCommands: Statement<[number, number], CommandAge>;
  readonly #deleteCommands: Statement<[number, number]>;
  /** Whether records of reactors' commands are still needed. */
  readonly #facts: ReactionFacts;
  /** Up to here the round under way has looked: what it has kept lies behind it. */
  #prunedUpTo = 0;

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
      connection.prepare(deleteTimersSql),
      connection.prepare(deleteImportsSql),
      connection.prepare('DELETE FROM spaces WHERE space_id = ? AND ? > 0'),
    ];
    this.#notePurged = connection.prepare('INSERT INTO purged_spaces (space_id) VALUES (?)');
    this.#oldestCommands = connection.prepare<[number, number], CommandAge>(oldestCommandsSql).raw();
    this.#deleteCommands = connection.prepare('DELETE FROM commands WHERE command_number BETWEEN ? AND ?');
    this.#facts = reactionFacts(connection);
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
    const oldest = this.#oldestCommands.all(this.#prunedUpTo, rowsMax);
    const young = oldest.findIndex(([, acceptedAt]) => acceptedAt >= before);
    const old = young === -1 ? oldest : oldest.slice(0, young);
    // Between two that are kept all go in one piece: nearly always that is all of them.
    let first: number | undefined;
    let last = 0;
    const deletePiece = (): void => {
      if (first !== undefined) this.#deleteCommands.run(first, last);
      first = undefined;
    };
    for (const [commandNumber, , commandId] of old) {
      // Before `last` is the one that is kept.
      if (isKept(commandId, this.#facts)) deletePiece();
      else first ??= commandNumber;
      last = commandNumber;
    }
    deletePiece();
    const done = young !== -1 || oldest.length < rowsMax;
    this.#prunedUpTo = done ? 0 : last;
    return { done };
  }
}

type CommandAge = readonly [commandNumber: number, acceptedAt: number, commandId: string];

function reactionFacts(connection: Connection): ReactionFacts {
  const isLive = connection
    .prepare<[number], number>('SELECT 1 FROM spaces WHERE space_id = ? AND deleted_at IS NULL')
    .pluck();
  const position = connection
    .prepare<[string, number], number>(
      "SELECT position FROM cursors WHERE kind = 'reactor' AND name = ? AND space_id = ?",
    )
    .pluck();
  const isParked = connection
    .prepare<[number, string, number, number], number>(
      'SELECT 1 FROM parked_events WHERE space_id = ? AND reactor = ? AND space_sequence = ? AND part = ?',
    )
    .pluck();
  return {
    isLive: (spaceId) => isLive.get(spaceId) !== undefined,
    position: (reactor, spaceId) => position.get(reactor, spaceId),
    isParked: ({ spaceId, reactor, spaceSequence, part }) =>
      isParked.get(spaceId, reactor, spaceSequence, part) !== undefined,
  };
}
