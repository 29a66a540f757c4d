/** A contact as Emmett sees it: one stream, folded for each command by its `CommandHandler`. */

import { CommandHandler, type Event, type EventStore } from '@event-driven-io/emmett';
import type { Contact, ContactCommand } from '../contact-load.js';
import { type ContactEventType, decide, streamOf } from './contact-stream.js';

// A mapped copy: Emmett wants an index signature, which an interface has not.
type ContactEvent = Event<ContactEventType, { [Field in keyof Contact]: Contact[Field] }>;

interface State {
  readonly contact: Contact | undefined;
}

const handle = CommandHandler<State, ContactEvent>({
  initialState: () => ({ contact: undefined }),
  evolve: (_state, { data }) => ({ contact: data }),
});

/** Executes one command on a store of Emmett. */
export async function handleContact(store: EventStore, command: ContactCommand): Promise<void> {
  const { contact } = command;
  await handle(store, streamOf(command), (state) => ({
    type: decide(command, state.contact),
    data: contact,
  }));
}
