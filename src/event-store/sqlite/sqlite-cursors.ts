/** The table of cursors on the writer's connection, inside its transaction (`cursor.ts` says what they are). */

import type { Connection, Statement } from '../../sqlite/connection.js';
import type { CursorTables } from '../cursor.js';
import type { Cursor, CursorPlace } from '../port.js';

const moveSql = `INSERT INTO cursors (kind, name, space_id, position, updated_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (kind, name, space_id) DO UPDATE SET
  position = iif(kind = 'reactor', max(position, excluded.position), excluded.position), updated_at = excluded.updated_at`;

/** See the head of this file. */
export class SqliteCursors implements CursorTables {
  readonly #now: () => number;
  readonly #move: Statement<[string, string, number, number, number]>;
  readonly #drop: Statement<[string, string, number]>;
  readonly #dropOfSpace: Statement<[number]>;

  /** @param now when the running transaction began */
  constructor(connection: Connection, now: () => number) {
    this.#now = now;
    this.#move = connection.prepare(moveSql);
    this.#drop = connection.prepare('DELETE FROM cursors WHERE kind = ? AND name = ? AND space_id = ?');
    this.#dropOfSpace = connection.prepare('DELETE FROM cursors WHERE space_id = ?');
  }

  moveCursor({ kind, name, spaceId, position }: Cursor): void {
    this.#move.run(kind, name, spaceId, position, this.#now());
  }

  dropCursor({ kind, name, spaceId }: CursorPlace): boolean {
    return this.#drop.run(kind, name, spaceId).changes > 0;
  }

  /** The space is marked as deleted. */
  dropOfSpace(spaceId: number): void {
    this.#dropOfSpace.run(spaceId);
  }
}
