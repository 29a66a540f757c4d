/** The tables `timers` and `imports` inside the writer's transaction: kept by the events of Ramax itself, and of nothing else. */

import type { Connection, Statement } from '../../sqlite/connection.js';
import { builtInChange } from '../built-in-changes.js';
import type { SealedEvent } from '../port.js';

type Facts = Pick<SealedEvent, 'type' | 'entityId' | 'metadata'>;

/** The first name behind all reserved ones: `/` follows `.`. */
const ofRangeSql = `SELECT space_sequence, event_type, entity_id, metadata FROM events
  WHERE space_id = ? AND space_sequence > ? AND space_sequence <= ?
    AND event_type >= 'ramax.' AND event_type < 'ramax/' ORDER BY space_sequence`;

type RangeTuple = readonly [spaceSequence: number, type: string, entityId: string, metadata: string | null];

/** See the head of this file. */
export class BuiltInTables {
  readonly #putTimer: Statement<[number, string, number, number]>;
  readonly #dropTimer: Statement<[number, string]>;
  readonly #putImport: Statement<[number, string, number]>;
  readonly #ofRange: Statement<[number, number, number], RangeTuple>;
  readonly #firstDueOf: Statement<[number], number | null>;
  #scheduled: number | undefined;

  constructor(connection: Connection) {
    this.#putTimer = connection.prepare(`INSERT INTO timers (space_id, timer_id, due_at, space_sequence)
      VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET due_at = excluded.due_at, space_sequence = excluded.space_sequence`);
    this.#dropTimer = connection.prepare('DELETE FROM timers WHERE space_id = ? AND timer_id = ?');
    this.#putImport =
      connection.prepare(`INSERT INTO imports (space_id, import_name, position) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET position = excluded.position`);
    this.#ofRange = connection.prepare<[number, number, number], RangeTuple>(ofRangeSql).raw();
    this.#firstDueOf = connection
      .prepare<[number], number | null>('SELECT min(due_at) FROM timers WHERE space_id = ?')
      .pluck();
  }

  /** An event was inserted. */
  inserted(spaceId: number, spaceSequence: number, event: Facts): void {
    const change = builtInChange(event);
    if (change === undefined) return;
    if (change.kind === 'timerPending') {
      this.#putTimer.run(spaceId, change.timerId, change.dueAt, spaceSequence);
      this.#noteScheduled(change.dueAt);
    } else if (change.kind === 'timerDone') this.#dropTimer.run(spaceId, change.timerId);
    else this.#putImport.run(spaceId, change.name, change.position);
  }

  /** Events were copied into a draft. */
  copied(spaceId: number, after: number, upTo: number): void {
    for (const [spaceSequence, type, entityId, metadata] of this.#ofRange.all(spaceId, after, upTo)) {
      this.inserted(spaceId, spaceSequence, { type, entityId, metadata });
    }
  }

  /** A draft is a live space. */
  published(spaceId: number): void {
    const first = this.#firstDueOf.get(spaceId);
    if (typeof first === 'number') this.#noteScheduled(first);
  }

  /** See `LogStore.takeScheduled`. */
  takeScheduled(): number | undefined {
    const scheduled = this.#scheduled;
    this.#scheduled = undefined;
    return scheduled;
  }

  #noteScheduled(dueAt: number): void {
    this.#scheduled = Math.min(dueAt, this.#scheduled ?? dueAt);
  }
}
