/**
 * Group commit by hand on PostgreSQL: state in maps, and what arrives while one statement commits goes into the next. One
 * connection: the order of commits is the order of decisions.
 */

import pg from 'pg';
import type { Contact, ContactCommand } from '../contact-load.js';
import type { Subject, SubjectOptions } from '../subject.js';
import { decide } from './contact-stream.js';
import { eventsTable } from './postgres-schema.js';
import { PostgresServer } from './postgres-server.js';

const insert = {
  name: 'insert',
  text: `INSERT INTO events (event_id, space_id, space_sequence, entity_id, event_type, payload, timestamp)
    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[])`,
};

interface SpaceState {
  readonly contacts: Map<string, Contact>;
  lastSequence: number;
}

interface Waiting {
  readonly row: readonly (number | string)[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class PostgresGroup implements Subject {
  readonly #server: PostgresServer;
  readonly #client: pg.Client;
  readonly #spaces: readonly SpaceState[];
  #waiting: Waiting[] = [];
  #isCommitting = false;
  #lastEventId = 0;
  #commits = 0;
  #events: number | null = null;

  constructor(server: PostgresServer, client: pg.Client, spaces: number) {
    this.#server = server;
    this.#client = client;
    this.#spaces = Array.from({ length: spaces }, () => ({ contacts: new Map(), lastSequence: 0 }));
  }

  execute(command: ContactCommand): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row: this.#decide(command), resolve, reject });
      if (this.#isCommitting) return;
      this.#isCommitting = true;
      // What arrives in the same turn of the event loop goes along.
      setImmediate(() => void this.#commitAll());
    });
  }

  async commitCounts() {
    return { commits: this.#commits, commands: this.#lastEventId - this.#waiting.length };
  }

  async close(): Promise<void> {
    await this.#client.end();
    this.#events = await this.#server.count('events');
    await this.#server.stop();
  }

  async countEvents(): Promise<number | null> {
    return this.#events;
  }

  #decide(command: ContactCommand): readonly (number | string)[] {
    const { space, contact } = command;
    const state = this.#spaces[space];
    if (state === undefined) throw new Error(`there is no space ${space}`);
    const type = decide(command, state.contacts.get(contact.id));
    state.contacts.set(contact.id, contact);
    const [eventId, sequence] = [++this.#lastEventId, ++state.lastSequence];
    const payload = JSON.stringify(contact);
    return [eventId, space + 1, sequence, `contact:${contact.id}`, type, payload, Date.now()];
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const values = Array.from({ length: 7 }, (_, column) => group.map(({ row }) => row[column]));
      try {
        await this.#client.query({ ...insert, values });
        this.#commits++;
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isCommitting = false;
  }
}

export async function start({ directory, spaces }: SubjectOptions): Promise<Subject> {
  const server = await PostgresServer.start(directory);
  await server.query(eventsTable);
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  return new PostgresGroup(server, client, spaces);
}
