/**
 * The load: which command comes next. Pure and seeded, so that every subject gets the same commands in the same order.
 *
 * Invariant: the first command for a contact of a space adds it and every later one updates it, so a subject that keeps
 * the order of a space accepts them all.
 */

import type { Workload } from './workloads.js';

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
}

export class ContactLoad {
  readonly #workload: Workload;
  readonly #touched: Uint8Array;
  #random: number;
  #count = 0;

  constructor(workload: Workload, seed: number) {
    this.#workload = workload;
    this.#touched = new Uint8Array(workload.spaces * workload.contactsPerSpace);
    // The generator below never leaves zero, and neighbouring seeds must not start alike.
    this.#random = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  }

  /** The next command. */
  next(): ContactCommand {
    const space = this.#below(this.#workload.spaces);
    const place = this.#below(this.#workload.contactsPerSpace);
    const slot = space * this.#workload.contactsPerSpace + place;
    const isNew = this.#touched[slot] === 0;
    this.#touched[slot] = 1;
    return { space, name: isNew ? 'addContact' : 'updateContact', contact: this.#contact(place) };
  }

  /** The running number makes every command a change. */
  #contact(place: number): Contact {
    const number = String(this.#count++).padStart(7, '0');
    const id = `c${String(place).padStart(3, '0')}`;
    return { id, name: `Grace Hopper ${number}`, email: `${id}.${number}@acme.example` };
  }

  /** An integer from 0 up to, but not including, `end`: a 32-bit xorshift generator. */
  #below(end: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return Math.floor(((this.#random >>> 0) / 0x1_0000_0000) * end);
  }
}
