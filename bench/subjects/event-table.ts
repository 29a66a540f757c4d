/**
 * The event table of the yardsticks: the design's columns and both lookups (by space and sequence, by entity), without
 * what Ramax adds (hash chain, invocation ids, versions, tags). Durable as Ramax is: every commit is synced.
 *
 * Two variants: without any lookup (the ceiling of a log that is only appended to), and with a command id that is unique
 * in its space.
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
  CREATE TABLE IF NOT EXISTS events (
    event_id INTEGER PRIMARY KEY,
    space_id INTEGER NOT NULL,
    space_sequence INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    timestamp INTEGER NOT NULL,
    causation_id INTEGER,
    correlation_id TEXT,
    created_at INTEGER NOT NULL,
    command_id TEXT
  ) STRICT;
`;

const lookups = `
  CREATE UNIQUE INDEX IF NOT EXISTS events_by_space_sequence ON events (space_id, space_sequence);
  CREATE INDEX IF NOT EXISTS events_by_entity ON events (space_id, entity_id, event_id);
`;

const commandIdLookup =
  'CREATE UNIQUE INDEX IF NOT EXISTS events_by_command_id ON events (space_id, command_id)';

/** How a table differs from the one without options. */
export interface EventTableOptions {
  /** Default: true. */
  readonly hasLookups?: boolean;
  /** Default: false. */
  readonly hasCommandIds?: boolean;
}

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

  constructor(file: string, { hasLookups = true, hasCommandIds = false }: EventTableOptions = {}) {
    this.connection = new Database(file);
    for (const pragma of pragmas) this.connection.pragma(pragma);
    this.connection.exec(schema);
    if (hasLookups) this.connection.exec(lookups);
    if (hasCommandIds) this.connection.exec(commandIdLookup);
    const synchronous = this.connection.pragma('synchronous', { simple: true });
    if (synchronous !== synchronousFull) throw new Error(`synchronous is ${synchronous} and not FULL`);
    this.#insert = this.connection.prepare(
      'INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)',
    );
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
  insert({ eventId, spaceId, spaceSequence }: EventPlace, command: ContactCommand): void {
    const { name, contact, commandId } = command;
    const type = name === 'addContact' ? 'contact.added' : 'contact.updated';
    const entityId = `contact:${contact.id}`;
    const now = Date.now();
    const payload = JSON.stringify(contact);
    this.#insert.run(eventId, spaceId, spaceSequence, entityId, type, payload, now, now, commandId);
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
