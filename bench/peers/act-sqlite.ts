/**
 * Act on SQLite, as its README advises: one store, its in-memory cache of states, which is its default. Concurrent
 * commands open transactions on several connections and end the process, so a line stands before it.
 */

import { join } from 'node:path';
import type { Contact, ContactCommand } from '../contact-load.js';
import type { Subject, SubjectOptions } from '../subject.js';
import { streamOf } from './contact-stream.js';
import { KeyedLine } from './keyed-line.js';

// It reads them when it is loaded, and otherwise prints every call.
process.env['NODE_ENV'] = 'production';
process.env['LOG_LEVEL'] = 'fatal';
const { act, state, store } = await import('@rotorsoft/act');
const { SqliteStore } = await import('@rotorsoft/act-sqlite');
const { z } = await import('zod');

const contactSchema = z.object({ id: z.string(), name: z.string(), email: z.string() });
const none: Contact = { id: '', name: '', email: '' };
const actor = { id: 'bench', name: 'bench' };

const contactState = state({ Contact: contactSchema })
  .init(() => none)
  .emits({ ContactAdded: contactSchema, ContactUpdated: contactSchema })
  .patch({ ContactAdded: ({ data }) => data, ContactUpdated: ({ data }) => data })
  .on({ addContact: contactSchema })
  .given([{ description: 'it is not there', valid: ({ id }) => id === '' }])
  .emit((contact) => ['ContactAdded', contact])
  .on({ updateContact: contactSchema })
  .given([{ description: 'it is there', valid: ({ id }) => id !== '' }])
  .emit((contact) => ['ContactUpdated', contact])
  .build();

export async function start({ directory }: SubjectOptions): Promise<Subject> {
  const url = `file:${join(directory, 'act.db')}`;
  const sqlite = new SqliteStore({ url });
  store(sqlite);
  await sqlite.seed();
  await setSynchronous(sqlite);
  const app = act().withState(contactState).build();
  const line = new KeyedLine();
  const execute = (command: ContactCommand): Promise<unknown> => {
    const target = { stream: streamOf(command), actor };
    return line.run('store', () => app.do(command.name, target, command.contact));
  };
  return {
    execute,
    commitCounts: async () => null,
    close: () => sqlite.dispose(),
    countEvents: () => countEvents(url),
  };
}

/** What of the store's connection is needed; it has no option for pragmas. */
interface Connection {
  execute(sql: string): Promise<{ readonly rows: readonly (readonly unknown[] | Record<string, unknown>)[] }>;
}

async function setSynchronous(sqlite: object): Promise<void> {
  const { client } = sqlite as { readonly client: Connection };
  await client.execute('PRAGMA synchronous = FULL');
}

async function countEvents(url: string): Promise<number> {
  const sqlite = new SqliteStore({ url });
  const { client } = sqlite as unknown as { readonly client: Connection };
  const { rows } = await client.execute('SELECT count(*) AS count FROM events');
  await sqlite.dispose();
  return Number((rows[0] as Record<string, unknown>)['count']);
}
