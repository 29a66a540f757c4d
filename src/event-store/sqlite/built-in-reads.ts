/** Reads of the tables `timers` and `imports`. */

import type { Connection, Statement } from '../../sqlite/connection.js';
import type { DueTimer, ImportPosition, StoredTimer } from '../port.js';

/** Timers behind a place in the order of their times. Suspended spaces are left out: their timers wait, and hold nobody up. */
const dueTimersSql = `SELECT timers.space_id, timer_id, due_at, space_sequence
  FROM timers CROSS JOIN spaces ON spaces.space_id = timers.space_id
  WHERE (due_at, timers.space_id, timer_id) > (?, ?, ?) AND due_at <= ? AND deleted_at IS NULL
    AND (settings IS NULL OR settings ->> '$.suspended' IS NULL)
  ORDER BY due_at, timers.space_id, timer_id LIMIT ?`;

const timersOfSql = `SELECT timer_id, due_at, space_sequence FROM timers
  WHERE space_id = ? AND timer_id > ? AND EXISTS (
    SELECT 1 FROM spaces WHERE spaces.space_id = timers.space_id AND deleted_at IS NULL)
  ORDER BY timer_id LIMIT ?`;

const importsOfSql = `SELECT import_name, position FROM imports
  WHERE space_id = ? AND EXISTS (
    SELECT 1 FROM spaces WHERE spaces.space_id = imports.space_id AND deleted_at IS NULL)
  ORDER BY import_name`;

type DueTuple = readonly [spaceId: number, timerId: string, dueAt: number, spaceSequence: number];
type TimerTuple = readonly [timerId: string, dueAt: number, spaceSequence: number];

/** See the head of this file. */
export class BuiltInReads {
  readonly #due: Statement<[number, number, string, number, number], DueTuple>;
  readonly #timersOf: Statement<[number, string, number], TimerTuple>;
  readonly #importsOf: Statement<[number], readonly [name: string, position: number]>;

  constructor(connection: Connection) {
    this.#due = connection.prepare<[number, number, string, number, number], DueTuple>(dueTimersSql).raw();
    this.#timersOf = connection.prepare<[number, string, number], TimerTuple>(timersOfSql).raw();
    this.#importsOf = connection.prepare<[number], readonly [string, number]>(importsOfSql).raw();
  }

  dueTimers(upTo: number, after: DueTimer | undefined, limit: number): readonly DueTimer[] {
    const [dueAt, spaceId, timerId] =
      after === undefined ? [Number.MIN_SAFE_INTEGER, 0, ''] : [after.dueAt, after.spaceId, after.timerId];
    return this.#due
      .all(dueAt, spaceId, timerId, upTo, limit)
      .map((row) => ({ spaceId: row[0], timerId: row[1], dueAt: row[2], spaceSequence: row[3] }));
  }

  timersOf(spaceId: number, after: string, limit: number): readonly StoredTimer[] {
    return this.#timersOf
      .all(spaceId, after, limit)
      .map(([timerId, dueAt, spaceSequence]) => ({ timerId, dueAt, spaceSequence }));
  }

  importsOf(spaceId: number): readonly ImportPosition[] {
    return this.#importsOf.all(spaceId).map(([name, position]) => ({ name, position }));
  }
}
