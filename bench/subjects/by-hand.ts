/**
 * The yardstick `by hand`: what a good engineer writes for this one app without Ramax. One thread, state in maps, decide
 * and apply at once, and one transaction for all that has arrived by the end of the event loop's turn.
 *
 * It has the same durability and the same order, and none of the rest: no hash chain, no threads, no persisted or
 * rebuilt state, no bounds, no recovery short of a restart. With command ids the table refuses a repeated one; nobody
 * gets the first answer again.
 */

import { join } from 'node:path';
import type { Contact, ContactCommand } from '../contact-load.js';
import type { Subject, SubjectOptions } from '../subject.js';
import type { CommitCounts } from '../trial-spec.js';
import { countEvents, type EventPlace, EventTable } from './event-table.js';

interface SpaceState {
  readonly spaceId: number;
  readonly contacts: Map<string, Contact>;
  lastSequence: number;
}

interface Waiting {
  readonly place: EventPlace;
  readonly command: ContactCommand;
  readonly resolve: (place: EventPlace) => void;
  readonly reject: (error: unknown) => void;
}

/** The file of `by hand` in its directory. */
export function byHandFile(directory: string): string {
  return join(directory, 'by-hand.db');
}

export class ByHand implements Subject {
  readonly #table: EventTable;
  readonly #spaces: readonly SpaceState[];
  readonly #file: string;
  #waiting: Waiting[] = [];
  #lastEventId = 0;
  #committed = 0;
  #failure: unknown;

  constructor({ directory, spaces, withIds }: SubjectOptions) {
    this.#file = byHandFile(directory);
    this.#table = new EventTable(this.#file, { hasCommandIds: withIds });
    this.#spaces = Array.from({ length: spaces }, (_, index) => ({
      spaceId: index + 1,
      contacts: new Map(),
      lastSequence: 0,
    }));
    this.#recover();
  }

  execute(command: ContactCommand): Promise<EventPlace> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      const place = this.#decide(command);
      if (this.#waiting.length === 0) setImmediate(() => this.#commit());
      this.#waiting.push({ place, command, resolve, reject });
    });
  }

  async commitCounts(): Promise<CommitCounts> {
    return { commits: this.#table.commits, commands: this.#committed };
  }

  async close(): Promise<void> {
    this.#table.close();
  }

  async countEvents(): Promise<number> {
    return countEvents(this.#file);
  }

  /** Takes up the state that a log holds already: the newest event of each contact. */
  #recover(): void {
    const { connection } = this.#table;
    const max = (what: string) => connection.prepare<[number], number | null>(what).pluck();
    const lastSequence = max('SELECT max(space_sequence) FROM events WHERE space_id = ?');
    this.#lastEventId = max('SELECT max(event_id) FROM events WHERE event_id > ?').get(0) ?? 0;
    const entities = connection
      .prepare<[number], string>('SELECT DISTINCT entity_id FROM events WHERE space_id = ?')
      .pluck();
    const newest = connection
      .prepare<[number, string], string>(
        'SELECT payload FROM events WHERE space_id = ? AND entity_id = ? ORDER BY event_id DESC LIMIT 1',
      )
      .pluck();
    for (const state of this.#spaces) {
      state.lastSequence = lastSequence.get(state.spaceId) ?? 0;
      for (const entity of entities.all(state.spaceId)) {
        const contact = JSON.parse(newest.get(state.spaceId, entity) ?? '') as Contact;
        state.contacts.set(contact.id, contact);
      }
    }
  }

  /** Checks the command against the state, and applies its event ahead of the commit. */
  #decide({ space, name, contact }: ContactCommand): EventPlace {
    const state = this.#spaces[space];
    if (state === undefined) throw new Error(`there is no space ${space}`);
    const isKnown = state.contacts.has(contact.id);
    if (isKnown && name === 'addContact') throw new Error('contact_exists');
    if (!isKnown && name === 'updateContact') throw new Error('contact_unknown');
    state.contacts.set(contact.id, contact);
    state.lastSequence++;
    this.#lastEventId++;
    return { eventId: this.#lastEventId, spaceId: state.spaceId, spaceSequence: state.lastSequence };
  }

  #commit(): void {
    const group = this.#waiting;
    this.#waiting = [];
    try {
      this.#table.begin();
      for (const { place, command } of group) this.#table.insert(place, command);
      this.#table.commit();
    } catch (error) {
      this.#fail(group, error);
      return;
    }
    this.#committed += group.length;
    for (const { place, resolve } of group) resolve(place);
  }

  /** The state is ahead of the disk now: nothing more can be decided on it. */
  #fail(group: readonly Waiting[], error: unknown): void {
    this.#failure = error;
    this.#table.rollback();
    for (const { reject } of group) reject(error);
  }
}
