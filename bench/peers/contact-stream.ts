/** What the peers that keep one stream for each contact share: its name, its events, and the decision of a command. */

import type { Contact, ContactCommand } from '../contact-load.js';

/** The name of a contact's stream: short streams are what such stores are best at. */
export function streamOf({ space, contact }: ContactCommand): string {
  return `space-${space}-${contact.id}`;
}

export type ContactEventType = 'contact.added' | 'contact.updated';

/** The type of the one event that a command makes, as the app of the benchmark decides it. */
export function decide(command: ContactCommand, current: Contact | undefined): ContactEventType {
  if (command.name === 'addContact') {
    if (current !== undefined) throw new Error('contact_exists');
    return 'contact.added';
  }
  if (current === undefined) throw new Error('contact_unknown');
  return 'contact.updated';
}
