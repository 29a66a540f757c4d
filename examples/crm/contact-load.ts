/**
 * A load for the CRM: which command comes next. Pure and seeded; the same seed makes the same choices.
 *
 * It keeps a model of every tenant, so it knows what the app will answer: commands of one space are decided in the
 * order in which they were sent. Some are meant to be rejected, and `planned` counts how each should end.
 */

import { Random } from '../demo/random.js';
import type { Contact } from './crm.app.js';

/** A command of the CRM with its parameters. */
export type ContactCommand =
  | { readonly name: 'addContact'; readonly params: Contact }
  | { readonly name: 'updateEmail'; readonly params: { readonly id: string; readonly email: string } }
  | { readonly name: 'renameContact'; readonly params: { readonly id: string; readonly name: string } }
  | { readonly name: 'removeContact'; readonly params: { readonly id: string } };

/** One command of the load. */
export interface LoadCommand {
  /** The tenant's index, from 0. */
  readonly tenant: number;
  /** Unique in its run and over runs. */
  readonly commandId: string;
  readonly command: ContactCommand;
}

/** What shapes a load. */
export interface ContactLoadOptions {
  readonly seed: number;
  readonly tenants: number;
  /** Goes into every id, so that a second run on the same directory meets none of the first one's. */
  readonly runId: string;
}

const contactsPerTenantMax = 200;
const forenames = ['Ada', 'Alan', 'Barbara', 'Edsger', 'Frances', 'Grace', 'Katherine', 'Leslie'] as const;
const surnames = [
  'Allen',
  'Dijkstra',
  'Hopper',
  'Johnson',
  'Lamport',
  'Liskov',
  'Lovelace',
  'Turing',
] as const;
const domains = ['acme.example', 'globex.example', 'initech.example', 'umbrella.example'] as const;

export class ContactLoad {
  readonly #options: ContactLoadOptions;
  readonly #random: Random;
  /** The contacts that each tenant has by now, by their place. */
  readonly #tenants: Map<number, Contact>[];
  readonly #planned = new Map<string, number>();
  #count = 0;

  constructor(options: ContactLoadOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#tenants = Array.from({ length: options.tenants }, () => new Map());
  }

  /** How the commands so far should end: `accepted`, or the rule that rejects them, with their number. */
  get planned(): ReadonlyMap<string, number> {
    return this.#planned;
  }

  /** The next command. */
  next(): LoadCommand {
    const tenant = this.#random.below(this.#tenants.length);
    const contacts = this.#tenants[tenant] ?? new Map<number, Contact>();
    const place = this.#random.below(contactsPerTenantMax);
    this.#count++;
    const isForRejection = this.#random.next() < 0.03;
    const command = isForRejection ? this.#wrong(contacts, place) : this.#right(contacts, place);
    return { tenant, commandId: `${this.#options.runId}:${this.#count}`, command };
  }

  /** Adds on the first touch of a place; updates, renames or removes afterwards. */
  #right(contacts: Map<number, Contact>, place: number): ContactCommand {
    this.#plan('accepted');
    const contact = contacts.get(place);
    if (contact === undefined) {
      const params = { id: this.#idOf(place), name: this.#newName(), email: this.#newEmail() };
      contacts.set(place, params);
      return { name: 'addContact', params };
    }
    const { id } = contact;
    const choice = this.#random.next();
    if (choice < 0.55) {
      const email = this.#newEmail();
      contacts.set(place, { ...contact, email });
      return { name: 'updateEmail', params: { id, email } };
    }
    if (choice < 0.92) {
      const name = this.#newName();
      contacts.set(place, { ...contact, name });
      return { name: 'renameContact', params: { id, name } };
    }
    contacts.delete(place);
    return { name: 'removeContact', params: { id } };
  }

  /** A command that breaks a rule: of a contact that is not there, there already, or with another one's address. */
  #wrong(contacts: ReadonlyMap<number, Contact>, place: number): ContactCommand {
    const contact = contacts.get(place);
    if (contact === undefined) {
      this.#plan('contact_unknown');
      return { name: 'removeContact', params: { id: this.#idOf(place) } };
    }
    const [other] = contacts.values();
    if (other !== undefined && other !== contact && this.#random.next() < 0.5) {
      this.#plan('email_taken');
      return { name: 'updateEmail', params: { id: contact.id, email: other.email } };
    }
    this.#plan('contact_exists');
    return { name: 'addContact', params: contact };
  }

  #plan(end: string): void {
    this.#planned.set(end, (this.#planned.get(end) ?? 0) + 1);
  }

  #idOf(place: number): string {
    return `${this.#options.runId}-${place}`;
  }

  /** The number makes it differ from every other: a change that changes nothing would be no event. */
  #newName(): string {
    return `${this.#random.pick(forenames)} ${this.#random.pick(surnames)} ${this.#count}`;
  }

  #newEmail(): string {
    return `${this.#options.runId}.${this.#count}@${this.#random.pick(domains)}`;
  }
}
