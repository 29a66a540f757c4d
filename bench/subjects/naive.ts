/**
 * The yardstick `naive`: what most people write first. State lives in tables, and each command is one transaction that
 * reads the state, takes the next sequence, adds the event and updates the state.
 *
 * It is serial: more commands in flight only wait longer, so it is measured with one.
 */

import { join } from 'node:path';
import type { Statement } from 'better-sqlite3';
import type { ContactCommand } from '../contact-load.js';
import type { Subject, SubjectOptions } from '../subject.js';
import type { CommitCounts } from '../trial-spec.js';
import { countEvents, type EventPlace, EventTable } from './event-table.js';

const contactsTable = `
  CREATE TABLE contacts (
    space_id INTEGER NOT NULL,
    contact_id TEXT NOT NULL,
    value TEXT NOT NULL, -- JSON
    PRIMARY KEY (space_id, contact_id)
  ) STRICT, WITHOUT ROWID;
`;

export class Naive implements Subject {
  readonly #table: EventTable;
  readonly #hasContact: Statement<[number, string], number>;
  readonly #putContact: Statement<[number, string, string]>;
  readonly #lastEventId: Statement<[], number>;
  readonly #lastSequence: Statement<[number], number>;
  readonly #file: string;

  constructor({ directory, withIds }: Pick<SubjectOptions, 'directory' | 'withIds'>) {
    this.#file = join(directory, 'naive.db');
    this.#table = new EventTable(this.#file, { hasCommandIds: withIds });
    const { connection } = this.#table;
    connection.exec(contactsTable);
    this.#hasContact = connection
      .prepare<[number, string], number>('SELECT 1 FROM contacts WHERE space_id = ? AND contact_id = ?')
      .pluck();
    this.#putContact = connection.prepare('REPLACE INTO contacts VALUES (?, ?, ?)');
    this.#lastEventId = connection.prepare<[], number>('SELECT max(event_id) FROM events').pluck();
    this.#lastSequence = connection
      .prepare<[number], number>('SELECT max(space_sequence) FROM events WHERE space_id = ?')
      .pluck();
  }

  async execute(command: ContactCommand): Promise<EventPlace> {
    this.#table.begin();
    try {
      const place = this.#change(command);
      this.#table.commit();
      return place;
    } catch (error) {
      this.#table.rollback();
      throw error;
    }
  }

  async commitCounts(): Promise<CommitCounts> {
    return { commits: this.#table.commits, commands: this.#table.commits };
  }

  async close(): Promise<void> {
    this.#table.close();
  }

  async countEvents(): Promise<number> {
    return countEvents(this.#file);
  }

  #change(command: ContactCommand): EventPlace {
    const { name, contact } = command;
    const spaceId = command.space + 1;
    const isKnown = this.#hasContact.get(spaceId, contact.id) !== undefined;
    if (isKnown && name === 'addContact') throw new Error('contact_exists');
    if (!isKnown && name === 'updateContact') throw new Error('contact_unknown');
    const eventId = (this.#lastEventId.get() ?? 0) + 1;
    const spaceSequence = (this.#lastSequence.get(spaceId) ?? 0) + 1;
    this.#table.insert({ eventId, spaceId, spaceSequence }, command);
    this.#putContact.run(spaceId, contact.id, JSON.stringify(contact));
    return { eventId, spaceId, spaceSequence };
  }
}
