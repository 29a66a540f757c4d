/**
 * What version 1 of the app has left behind, in two places: values in the state, which the schema migrates when they are
 * read, and events in the log, which stay as they are for ever and which projections go on reading.
 *
 * The first part is types; `flashcards-v1.app.ts` writes them. The second part makes present shapes of them, for the
 * schema and for the projections alike, so that a migrated value and a rebuilt one are equal.
 */

import { type FieldMigration, type Ref, ref, type Value } from 'ramax';

/** `deck:<id>` */
export interface OldDeck {
  readonly name: string;
  readonly author: { readonly name: string; readonly email: string };
  /** Ids, in the order in which they were added. */
  readonly cards: readonly string[];
}

/** `card:<id>` */
export interface OldCard {
  readonly deckId: string;
  readonly text: string;
  /** `0` to `5`, as text. */
  readonly level: string;
  readonly translations: readonly string[];
}

/** Payload of `deck.created`, version 1. */
export interface OldCreated extends Pick<OldDeck, 'name' | 'author'> {
  readonly id: string;
}

/** Payload of `card.added`, version 1. */
export interface OldAdded extends Pick<OldCard, 'deckId' | 'text'> {
  readonly id: string;
}

/** Payload of `translation.added`: it is still the same. */
export interface OldTranslated {
  readonly id: string;
  readonly cardId: string;
  readonly language: string;
  readonly text: string;
}

/** Payload of `card.answered`, version 1. */
export interface OldAnswered extends Pick<OldCard, 'level'> {
  readonly id: string;
}

/** What decks were in before they said so. */
export const firstLanguage = 'en';

/** Pattern 1, list to map of references: `['c1']` becomes `{ c1: { $ref: 'card:c1' } }`. */
export function refsFromIds(entity: string): FieldMigration {
  return (old) => {
    if (!Array.isArray(old)) return old;
    return Object.fromEntries((old as readonly string[]).map((id) => [id, ref(entity, id)]));
  };
}

/** The other end of it: the field `idField` with an id becomes a reference. */
export function refFromId(entity: string, idField: string): FieldMigration {
  return (old, stored): Value | Ref | undefined => {
    const id = stored[idField];
    return old === undefined && typeof id === 'string' ? ref(entity, id) : old;
  };
}

/** Pattern 2, flattening: `{ author: { name } }` becomes `{ authorName }`. */
export function flattened(outer: string, inner: string): FieldMigration {
  return (old, stored) => {
    const nested = stored[outer];
    if (old !== undefined || typeof nested !== 'object' || nested === null) return old;
    return (nested as Readonly<Record<string, Value>>)[inner];
  };
}

/** Pattern 3, renaming: what was at `before` is taken where there is nothing yet. */
export function renamedFrom(before: string): FieldMigration {
  return (old, stored) => old ?? stored[before];
}

/** Pattern 4, another type: text with a number becomes the number. */
export function levelOf(level: Value | undefined): Value | undefined {
  return typeof level === 'string' ? Number(level) : level;
}
