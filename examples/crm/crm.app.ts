/**
 * A small CRM: one space per tenant, one contact per entity. Every shard loads this module; nothing in it knows of
 * threads or disks.
 *
 * Keys of the main view: `contact:<id>` is the contact, `email:<address>` the id of the contact that uses it (which
 * makes addresses unique at the cost of one lookup), `statistics` the counters.
 */

import { defineApp, type PStateWriter, reject } from 'ramax';
import { type Page, pageOf } from '../demo/page.js';

/** A person that a tenant knows. */
export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** What has happened in a tenant, in numbers. */
export interface Statistics {
  readonly contacts: number;
  readonly added: number;
  readonly emailsUpdated: number;
  readonly renamed: number;
  readonly removed: number;
}

const noStatistics: Statistics = { contacts: 0, added: 0, emailsUpdated: 0, renamed: 0, removed: 0 };

export default defineApp({
  name: 'crm',
  commands: {
    addContact(pstate, { id, name, email }: Contact) {
      if (pstate.has(contactKey(id))) return reject('contact_exists', { id });
      if (!isEmail(email)) return reject('invalid_email', { email });
      if (pstate.has(emailKey(email))) return reject('email_taken', { email });
      return [{ entityId: contactKey(id), type: 'contact.added', payload: { id, name, email } }];
    },

    updateEmail(pstate, { id, email }: { id: string; email: string }) {
      const contact = pstate.get<Contact>(contactKey(id));
      if (contact === undefined) return reject('contact_unknown', { id });
      if (!isEmail(email)) return reject('invalid_email', { email });
      const owner = pstate.get<string>(emailKey(email));
      if (owner !== undefined && owner !== id) return reject('email_taken', { email });
      if (email === contact.email) return [];
      const payload = { id, email, previousEmail: contact.email };
      return [{ entityId: contactKey(id), type: 'contact.emailUpdated', payload }];
    },

    renameContact(pstate, { id, name }: { id: string; name: string }) {
      const contact = pstate.get<Contact>(contactKey(id));
      if (contact === undefined) return reject('contact_unknown', { id });
      if (name === contact.name) return [];
      return [{ entityId: contactKey(id), type: 'contact.renamed', payload: { id, name } }];
    },

    removeContact(pstate, { id }: { id: string }) {
      const contact = pstate.get<Contact>(contactKey(id));
      if (contact === undefined) return reject('contact_unknown', { id });
      return [{ entityId: contactKey(id), type: 'contact.removed', payload: { id, email: contact.email } }];
    },
  },

  projections: {
    'contact.added'(pstate, { payload }) {
      pstate.put(contactKey(payload.id), payload);
      pstate.put(emailKey(payload.email), payload.id);
      count(pstate, { contacts: 1, added: 1 });
    },
    'contact.emailUpdated'(pstate, { payload: { id, email, previousEmail } }) {
      pstate.update<Contact>(contactKey(id), (contact) => ({ ...contact, email }));
      pstate.delete(emailKey(previousEmail));
      pstate.put(emailKey(email), id);
      count(pstate, { emailsUpdated: 1 });
    },
    'contact.renamed'(pstate, { payload: { id, name } }) {
      pstate.update<Contact>(contactKey(id), (contact) => ({ ...contact, name }));
      count(pstate, { renamed: 1 });
    },
    'contact.removed'(pstate, { payload: { id, email } }) {
      pstate.delete(contactKey(id));
      pstate.delete(emailKey(email));
      count(pstate, { contacts: -1, removed: 1 });
    },
  },

  views: {
    /** Email address, as it was written, to the contact's id. */
    byEmail: {
      version: 1,
      on: {
        'contact.added'(view, { payload }) {
          view.put(payload.email, payload.id);
        },
        'contact.emailUpdated'(view, { payload }) {
          view.delete(payload.previousEmail);
          view.put(payload.email, payload.id);
        },
        'contact.removed'(view, { payload }) {
          view.delete(payload.email);
        },
      },
    },
    /** Mail domain to the number of contacts there; a domain without contacts has no key. */
    byDomain: {
      version: 1,
      on: {
        'contact.added'(view, { payload }) {
          addToDomain(view, payload.email, 1);
        },
        'contact.emailUpdated'(view, { payload }) {
          addToDomain(view, payload.previousEmail, -1);
          addToDomain(view, payload.email, 1);
        },
        'contact.removed'(view, { payload }) {
          addToDomain(view, payload.email, -1);
        },
      },
    },
  },

  queries: {
    contacts: (pstate): Contact[] => {
      return [...pstate.entries<Contact>({ prefix: contactKey('') })].map(([, contact]) => contact);
    },
    contactByEmail: (pstate, email: string, { views }): Contact | undefined => {
      const id = views.byEmail.get<string>(email);
      return id === undefined ? undefined : pstate.get<Contact>(contactKey(id));
    },
    statistics: (pstate, _params: undefined, { views }) => {
      const domains = [...views.byDomain.entries<number>()].map(([domain, contacts]) => ({
        domain,
        contacts,
      }));
      return { ...(pstate.get<Statistics>('statistics') ?? noStatistics), domains };
    },
    page: (pstate, { view, ...place }: Page<'main' | 'byEmail' | 'byDomain'>, { views }) => {
      return pageOf(view === 'main' ? pstate : views[view], place);
    },
  },
});

function contactKey(id: string): string {
  return `contact:${id}`;
}

/** Addresses that differ only in case are one mailbox. */
function emailKey(email: string): string {
  return `email:${email.toLowerCase()}`;
}

function isEmail(email: string): boolean {
  return /^[^@\s]+@[^@\s]+$/.test(email);
}

function count(pstate: PStateWriter, changes: Partial<Statistics>): void {
  pstate.update<Statistics>('statistics', (statistics = noStatistics) => {
    const counted = { ...statistics };
    for (const [name, change] of Object.entries(changes) as [keyof Statistics, number][])
      counted[name] += change;
    return counted;
  });
}

function addToDomain(view: PStateWriter, email: string, change: 1 | -1): void {
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  const contacts = (view.get<number>(domain) ?? 0) + change;
  if (contacts === 0) view.delete(domain);
  else view.put(domain, contacts);
}
