/**
 * State in a table beside the events, by hand: what a prepared get reads, and what a rebuild by hand writes. A rebuild
 * reads the rows of its space through the lookup, decodes and folds them, and writes the state in one transaction.
 */

import type Database from 'better-sqlite3';
import type { Contact } from '../contact-load.js';

const schema = `
  CREATE TABLE IF NOT EXISTS contacts (
    space_id INTEGER NOT NULL,
    contact_id TEXT NOT NULL,
    value TEXT NOT NULL, -- JSON
    PRIMARY KEY (space_id, contact_id)
  ) STRICT, WITHOUT ROWID;
`;

export class StateTable {
  readonly #payloads: Database.Statement<[number], string>;
  readonly #get: Database.Statement<[number, string], string>;
  readonly #replaceAll: (spaceId: number, contacts: ReadonlyMap<string, Contact>) => void;

  constructor(connection: Database.Database) {
    connection.exec(schema);
    this.#payloads = connection
      .prepare<[number], string>('SELECT payload FROM events WHERE space_id = ? ORDER BY space_sequence')
      .pluck();
    this.#get = connection
      .prepare<[number, string], string>('SELECT value FROM contacts WHERE space_id = ? AND contact_id = ?')
      .pluck();
    const clear = connection.prepare<[number]>('DELETE FROM contacts WHERE space_id = ?');
    const put = connection.prepare<[number, string, string]>('INSERT INTO contacts VALUES (?, ?, ?)');
    this.#replaceAll = connection.transaction((spaceId, contacts) => {
      clear.run(spaceId);
      for (const [id, contact] of contacts) put.run(spaceId, id, JSON.stringify(contact));
    });
  }

  /** The value of one contact, decoded. */
  get(spaceId: number, contactId: string): Contact | undefined {
    const value = this.#get.get(spaceId, contactId);
    return value === undefined ? undefined : (JSON.parse(value) as Contact);
  }

  /** Makes the state of one space anew; the events that it was made of. */
  rebuild(spaceId: number): number {
    const contacts = new Map<string, Contact>();
    let events = 0;
    for (const payload of this.#payloads.iterate(spaceId)) {
      const contact = JSON.parse(payload) as Contact;
      contacts.set(contact.id, contact);
      events++;
    }
    this.#replaceAll(spaceId, contacts);
    return events;
  }
}
