/** Castore with its store in memory: nothing is durable. Commands of one contact wait for one another. */

import { EventStore, EventType } from '@castore/core';
import { InMemoryEventStorageAdapter } from '@castore/event-storage-adapter-in-memory';
import type { Contact, ContactCommand } from '../contact-load.js';
import type { Subject } from '../subject.js';
import { decide, streamOf } from './contact-stream.js';
import { KeyedLine } from './keyed-line.js';

interface ContactAggregate {
  readonly aggregateId: string;
  readonly version: number;
  readonly contact: Contact;
}

const added = new EventType<'contact.added', Contact>({ type: 'contact.added' });
const updated = new EventType<'contact.updated', Contact>({ type: 'contact.updated' });

export async function start(): Promise<Subject> {
  const contacts = new EventStore({
    eventStoreId: 'CONTACTS',
    eventTypes: [added, updated],
    reducer: (_aggregate: ContactAggregate, { aggregateId, version, payload }): ContactAggregate => ({
      aggregateId,
      version,
      contact: payload,
    }),
    eventStorageAdapter: new InMemoryEventStorageAdapter(),
  });
  const push = async (command: ContactCommand, aggregateId: string): Promise<void> => {
    const { aggregate } = await contacts.getAggregate(aggregateId);
    const type = decide(command, aggregate?.contact);
    const version = (aggregate?.version ?? 0) + 1;
    await contacts.pushEvent({ aggregateId, version, type, payload: command.contact });
  };
  const line = new KeyedLine();
  return {
    execute(command) {
      const stream = streamOf(command);
      return line.run(stream, () => push(command, stream));
    },
    commitCounts: async () => null,
    close: async () => {},
    // There is nothing to open again.
    countEvents: async () => null,
  };
}
