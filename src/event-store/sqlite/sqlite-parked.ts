/** The table of parked events on the writer's connection, inside its transaction (`parked.ts` says what they are). */

import type { ReactionPlace } from '../../core/reaction-id.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { ParkTables } from '../parked.js';
import type { ParkedEvent } from '../port.js';

const parkSql = `INSERT INTO parked_events (space_id, reactor, space_sequence, part, attempts, error, parked_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET attempts = excluded.attempts, error = excluded.error, parked_at = excluded.parked_at`;

/** See the head of this file. */
export class SqliteParked implements ParkTables {
  readonly #now: () => number;
  readonly #park: Statement<[number, string, number, number, number, string, number]>;
  readonly #unpark: Statement<[number, string, number, number]>;
  readonly #unparkSpace: Statement<[number]>;
  readonly #reactorNames: Statement<[], string>;

  /** @param now when the running transaction began */
  constructor(connection: Connection, now: () => number) {
    this.#now = now;
    this.#park = connection.prepare(parkSql);
    this.#unpark = connection.prepare(
      'DELETE FROM parked_events WHERE space_id = ? AND reactor = ? AND space_sequence = ? AND part = ?',
    );
    this.#unparkSpace = connection.prepare('DELETE FROM parked_events WHERE space_id = ?');
    this.#reactorNames = connection
      .prepare<[], string>("SELECT name FROM cursors WHERE space_id = 0 AND kind = 'reactor' ORDER BY name")
      .pluck();
  }

  park({ spaceId, reactor, spaceSequence, part, attempts, error }: Omit<ParkedEvent, 'parkedAt'>): void {
    this.#park.run(spaceId, reactor, spaceSequence, part, attempts, JSON.stringify(error), this.#now());
  }

  unpark({ spaceId, reactor, spaceSequence, part }: ReactionPlace): boolean {
    return this.#unpark.run(spaceId, reactor, spaceSequence, part).changes > 0;
  }

  reactorNames(): readonly string[] {
    return this.#reactorNames.all();
  }

  /** The space is marked as deleted. */
  unparkSpace(spaceId: number): void {
    this.#unparkSpace.run(spaceId);
  }
}
