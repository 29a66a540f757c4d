/**
 * Emmett on SQLite. Its default store opens a connection for each call, and concurrent ones fail with SQLITE_BUSY; one
 * connection counts nested transactions and takes two callers for one. So: one connection, and a line before it.
 */

import { join } from 'node:path';
import { getSQLiteEventStore, sqliteConnection } from '@event-driven-io/emmett-sqlite';
import type { Subject, SubjectOptions } from '../subject.js';
import { handleContact } from './emmett-handler.js';
import { KeyedLine } from './keyed-line.js';

export async function start({ directory }: SubjectOptions): Promise<Subject> {
  const fileName = join(directory, 'emmett.db');
  const connection = sqliteConnection({ fileName });
  await connection.command('PRAGMA synchronous = FULL');
  const store = getSQLiteEventStore({
    fileName,
    connectionOptions: { singleton: true, connection },
    schema: { autoMigration: 'None' },
  });
  await store.schema.migrate();
  const line = new KeyedLine();
  return {
    execute: (command) => line.run('connection', () => handleContact(store, command)),
    commitCounts: async () => null,
    close: async () => connection.close(),
    countEvents: () => countMessages(fileName),
  };
}

async function countMessages(fileName: string): Promise<number> {
  const connection = sqliteConnection({ fileName });
  const row = await connection.querySingle<{ count: number }>('SELECT count(*) AS count FROM emt_messages');
  connection.close();
  return row?.count ?? 0;
}
