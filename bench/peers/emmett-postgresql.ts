/** Emmett on PostgreSQL, with its pool. Commands of one contact wait for one another, so that no version conflicts. */

import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import type { Subject, SubjectOptions } from '../subject.js';
import { streamOf } from './contact-stream.js';
import { handleContact } from './emmett-handler.js';
import { KeyedLine } from './keyed-line.js';
import { PostgresServer } from './postgres-server.js';

export async function start({ directory }: SubjectOptions): Promise<Subject> {
  const server = await PostgresServer.start(directory);
  const store = getPostgreSQLEventStore(server.connectionString, { schema: { autoMigration: 'None' } });
  await store.schema.migrate();
  const line = new KeyedLine();
  let events: number | null = null;
  return {
    execute: (command) => line.run(streamOf(command), () => handleContact(store, command)),
    commitCounts: async () => null,
    async close() {
      await store.close();
      events = await server.count('emt_messages');
      await server.stop();
    },
    countEvents: async () => events,
  };
}
