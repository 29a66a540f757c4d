/**
 * One transaction for each command on PostgreSQL: state in tables, one statement and so one round trip for each, a pool of
 * ten connections. Commands of one space wait for one another here instead of at the lock of its row.
 */

import pg from 'pg';
import type { ContactCommand } from '../contact-load.js';
import type { Subject, SubjectOptions } from '../subject.js';
import { KeyedLine } from './keyed-line.js';
import { eventsTable, stateTables } from './postgres-schema.js';
import { PostgresServer } from './postgres-server.js';

const connectionsMax = 10;

/** The event is written when, and only when, the state has changed. */
const statement = (change: string) => `
  WITH changed AS (${change} RETURNING 1),
  sequence AS (
    UPDATE spaces SET last_sequence = last_sequence + 1
    WHERE space_id = $1 AND EXISTS (SELECT 1 FROM changed) RETURNING last_sequence
  )
  INSERT INTO events (space_id, space_sequence, entity_id, event_type, payload, timestamp)
  SELECT $1, last_sequence, 'contact:' || $2, $4, $3, $5 FROM sequence`;

const statements = {
  addContact: {
    name: 'add',
    text: statement('INSERT INTO contacts VALUES ($1::integer, $2::text, $3::text)'),
    type: 'contact.added',
  },
  updateContact: {
    name: 'update',
    text: statement(
      'UPDATE contacts SET value = $3::text WHERE space_id = $1::integer AND contact_id = $2::text',
    ),
    type: 'contact.updated',
  },
};

export async function start({ directory, spaces }: SubjectOptions): Promise<Subject> {
  const server = await PostgresServer.start(directory);
  await server.query(eventsTable + stateTables);
  await server.query(`INSERT INTO spaces SELECT space, 0 FROM generate_series(1, ${spaces}) AS space`);
  const pool = new pg.Pool({ connectionString: server.connectionString, max: connectionsMax });
  const line = new KeyedLine();
  let events: number | null = null;
  const change = async ({ space, name, contact }: ContactCommand): Promise<void> => {
    const { text, type, name: prepared } = statements[name];
    const values = [space + 1, contact.id, JSON.stringify(contact), type, Date.now()];
    const { rowCount } = await pool.query({ name: prepared, text, values });
    if (rowCount !== 1) throw new Error('contact_unknown');
  };
  return {
    execute: (command) => line.run(command.space, () => change(command)),
    commitCounts: async () => null,
    async close() {
      await pool.end();
      events = await server.count('events');
      await server.stop();
    },
    countEvents: async () => events,
  };
}
