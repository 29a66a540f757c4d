import { defineApp, reject } from 'ramax';

export type Contact = { id: string; name: string; email: string };

export default defineApp({
  name: 'crm',
  commands: {
    addContact(pstate, contact: Contact) {
      if (pstate.has(`contact:${contact.id}`)) return reject('contact_exists', { id: contact.id });
      return [{ entityId: `contact:${contact.id}`, type: 'contact.added', payload: contact }];
    },
    rename(pstate, change: { id: string; name: string }) {
      if (!pstate.has(`contact:${change.id}`)) return reject('no_contact');
      return [{ entityId: `contact:${change.id}`, type: 'contact.renamed', payload: { name: change.name } }];
    },
    /** Two types of events from one command. */
    merge: (_pstate, ids: readonly [kept: string, gone: string]) => [
      { entityId: `contact:${ids[0]}`, type: 'contact.merged', payload: { from: ids[1] } },
      { entityId: `contact:${ids[1]}`, type: 'contact.removed' },
    ],
    tick: () => [{ entityId: 'clock', type: 'ticked', payload: 1 }],
    stamp: (_pstate, _params, context) => [
      { entityId: 'clock', type: 'stamped', payload: { at: context.now } },
    ],
  },
  projections: {
    'contact.added'(pstate, event) {
      pstate.put(event.entityId, event.payload);
    },
    'contact.renamed'(pstate, event) {
      pstate.update<Contact>(event.entityId, (contact) => ({ ...contact, name: event.payload.name }));
    },
    'contact.removed'(pstate, event) {
      pstate.delete(event.entityId);
    },
    ticked(pstate, event) {
      pstate.update<number>('ticks', (ticks = 0) => ticks + event.payload);
    },
  },
  views: {
    byEmail: {
      version: 1,
      on: {
        'contact.added'(view, event) {
          view.put(event.payload.email, event.entityId);
        },
      },
    },
  },
  queries: {
    contacts: (pstate) => [...pstate.entries<Contact>({ prefix: 'contact:' })].map(([, contact]) => contact),
    idOf: (_pstate, email: string, { views }) => views.byEmail.get<string>(email),
    ticks: (pstate) => pstate.get<number>('ticks') ?? 0,
  },
});
