/**
 * The event table of the yardsticks: the design's columns and both lookups (by space and sequence, by entity), without
 * what Ramax adds (hash chain, invocation ids, versions, tags). Durable as Ramax is: every commit is synced.
 */

import Database from 'better-sqlite3';
import type { ContactCommand } from '../contact-load.js';

// A larger page cache and rarer checkpoints than SQLite's defaults: the same that Ramax gives its writer.
const pragmas = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'fullfsync = 1',
  'checkpoint_fullfsync = 1',
  'wal_autocheckpoint = 4096',
  'cache_size = -65536',
];

const schema = `
  CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    timestamp INTEGER NOT NULL,
    causation_id INTEGER,
    correlation_id TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_space_sequence ON events (space_id, space_sequence);
  CREATE INDEX events_by_entity ON events (space_id, entity_id, event_id);
`;

/** A place in the log. */
export interface EventPlace {
  readonly eventId: number;
  readonly spaceId: number;
  readonly spaceSequence: number;
}

const synchronousFull = 2;

/** See the head of this file. */
export class EventTable {
  readonly connection: Database.Database;
  readonly #insert: Database.Statement<unknown[]>;
  readonly #begin: Database.Statement<[]>;
  readonly #commit: Database.Statement<[]>;
  #commits = 0;

  constructor(file: string) {
    this.connection = new Database(file);
    for (const pragma of pragmas) this.connection.pragma(pragma);
    this.connection.exec(schema);
    const synchronous = this.connection.pragma('synchronous', { simple: true });
    if (synchronous !== synchronousFull) throw new Error(`synchronous is ${synchronous} and not FULL`);
    this.#insert = this.connection.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)');
    this.#begin = this.connection.prepare('BEGIN IMMEDIATE');
    this.#commit = this.connection.prepare('COMMIT');
  }

  get commits(): number {
    return this.#commits;
  }

  begin(): void {
    this.#begin.run();
  }

  /** Adds a command's event inside a transaction. */
  insert({ eventId, spaceId, spaceSequence }: EventPlace, { name, contact }: ContactCommand): void {
    const type = name === 'addContact' ? 'contact.added' : 'contact.updated';
    const now = Date.now();
    const payload = JSON.stringify(contact);
    this.#insert.run(eventId, spaceId, spaceSequence, `contact:${contact.id}`, type, payload, now, now);
  }

  commit(): void {
    this.#commit.run();
    this.#commits++;
  }

  rollback(): void {
    if (this.connection.inTransaction) this.connection.exec('ROLLBACK');
  }

  close(): void {
    this.connection.close();
  }
}

/** The events in a file that nobody has open. */
export function countEvents(file: string): number {
  const connection = new Database(file, { readonly: true });
  try {
    return connection.prepare<[], number>('SELECT count(*) FROM events').pluck().get() ?? 0;
  } finally {
    connection.close();
  }
}
