/**
 * The app of the view benchmark: contacts, and a further view by email. The versions of its views are parameters of its URL
 * (`?main=1&byEmail=2`), as if a new release had raised them.
 */

import { defineApp } from 'ramax';
import type { Contact } from '../contact-load.js';

const versions = new URL(import.meta.url).searchParams;
const versionOf = (view: string): number => Number(versions.get(view) ?? 1);

export default defineApp({
  name: 'bench-directory',
  version: versionOf('main'),
  commands: {
    putContact: (_pstate, contact: Contact) => [
      { entityId: `contact:${contact.id}`, type: 'contact.put', payload: contact },
    ],
  },
  projections: {
    'contact.put'(pstate, { entityId, payload }) {
      pstate.put(entityId, payload);
    },
  },
  views: {
    byEmail: {
      version: versionOf('byEmail'),
      on: {
        'contact.put'(view, { entityId, payload }) {
          view.put(payload.email, entityId);
        },
      },
    },
  },
  queries: {
    idOf: (_pstate, email: string, { views }) => views.byEmail.get<string>(email),
    emails: (_pstate, _params: undefined, { views }) => views.byEmail.size,
  },
});
