/** The app of the benchmark, as small as the walk of a command allows: check state, make one event, apply it. */

import { defineApp, reject } from 'ramax';
import type { Contact } from './contact-load.js';

export default defineApp({
  name: 'bench-contacts',
  commands: {
    addContact(pstate, contact: Contact) {
      const entityId = `contact:${contact.id}`;
      if (pstate.has(entityId)) return reject('contact_exists', { id: contact.id });
      return [{ entityId, type: 'contact.added', payload: contact }];
    },
    updateContact(pstate, contact: Contact) {
      const entityId = `contact:${contact.id}`;
      if (!pstate.has(entityId)) return reject('contact_unknown', { id: contact.id });
      return [{ entityId, type: 'contact.updated', payload: contact }];
    },
    /** What one tenant may do to the others of its shard. */
    takeLong(_pstate, ms: number) {
      const endMs = performance.now() + ms;
      while (performance.now() < endMs);
      return [];
    },
  },
  projections: {
    'contact.added'(pstate, event) {
      pstate.put(event.entityId, event.payload);
    },
    'contact.updated'(pstate, event) {
      pstate.put(event.entityId, event.payload);
    },
  },
  queries: {
    contact: (pstate, id: string) => pstate.get<Contact>(`contact:${id}`),
  },
});
