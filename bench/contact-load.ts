/**
 * The load: which command comes next. Pure and seeded, so that every subject gets the same commands in the same order.
 *
 * Invariant: the first command for a contact of a space adds it and every later one updates it, so a subject that keeps
 * the order of a space accepts them all.
 */

import type { Workload } from './workloads.js';
import { XorShift } from './xor-shift.js';

/** A contact; as JSON about 75 bytes, and the payload of the one event that a command makes. */
export interface Contact {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** One command of the load. */
export interface ContactCommand {
  /** The space's index, from 0. */
  readonly space: number;
  readonly name: 'addContact' | 'updateContact';
  readonly contact: Contact;
  /** Null unless the load makes ids. */
  readonly commandId: string | null;
}

/** How a load differs from the one without options. */
export interface ContactLoadOptions {
  /** Each command gets a random id of about 28 characters. Default: none. */
  readonly withIds?: boolean;
  /** The load goes on behind so many commands of a history, of which this seed is. Default: 0. */
  readonly history?: number;
}

/** The seed of every history: the rounds differ in what comes behind it. */
export const historySeed = 0;

export class ContactLoad {
  readonly #workload: Workload;
  readonly #touched: Uint8Array;
  readonly #ids: XorShift | undefined;
  readonly #random: XorShift;
  #count = 0;

  constructor(workload: Workload, seed: number, options: ContactLoadOptions = {}) {
    const { withIds = false, history = 0 } = options;
    this.#workload = workload;
    this.#touched = new Uint8Array(workload.spaces * workload.contactsPerSpace);
    // Numbers of their own: with and without ids the commands are the same.
    this.#ids = withIds ? new XorShift(seed + 1_000_003) : undefined;
    const past = new XorShift(historySeed);
    for (let count = 0; count < history; count++) this.#touch(past);
    this.#random = new XorShift(seed);
  }

  /** The next command. */
  next(): ContactCommand {
    const number = this.#count;
    const { space, place, isNew } = this.#touch(this.#random);
    return {
      space,
      name: isNew ? 'addContact' : 'updateContact',
      contact: contactOf(place, number),
      commandId: this.#ids === undefined ? null : idFrom(this.#ids),
    };
  }

  #touch(random: XorShift): { readonly space: number; readonly place: number; readonly isNew: boolean } {
    const { spaces, contactsPerSpace, order } = this.#workload;
    const space = order === 'random' ? random.below(spaces) : this.#count % spaces;
    const place = random.below(contactsPerSpace);
    const slot = space * contactsPerSpace + place;
    const isNew = this.#touched[slot] === 0;
    this.#touched[slot] = 1;
    this.#count++;
    return { space, place, isNew };
  }
}

/** The id of a space's contact. */
export function contactIdOf(place: number): string {
  return `c${String(place).padStart(3, '0')}`;
}

/** The running number makes every command a change. */
function contactOf(place: number, running: number): Contact {
  const number = String(running).padStart(7, '0');
  const id = contactIdOf(place);
  return { id, name: `Grace Hopper ${number}`, email: `${id}.${number}@acme.example` };
}

/** As long as what people use, and as random: an index of them grows in all places. */
function idFrom(random: XorShift): string {
  let id = 'cmd';
  for (let part = 0; part < 4; part++) id += random.next().toString(36).padStart(6, '0');
  return id;
}
