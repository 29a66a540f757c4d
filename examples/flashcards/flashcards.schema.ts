/**
 * What lies in the state, and what becomes of values that version 1 of the app has stored: the five patterns of a
 * migration, each on the field that it is about.
 *
 * A migration is pure and gives a value that is in shape already back as it is: it runs again whenever a value of the
 * old shape is read that was not written back yet.
 */

import { belongsTo, defineSchema, entity, field, hasMany } from 'ramax';
import { z } from 'zod';
import { firstLanguage, flattened, levelOf, refFromId, refsFromIds, renamedFrom } from './old-shapes.js';

export const schema = defineSchema({
  deck: entity({
    name: field(z.string().min(1)),
    // 5. A new field that every deck must have: no default, so that a new deck has to say it; old ones get this.
    language: field.string({ migrate: (old) => old ?? firstLanguage }),
    // 2. Flattening.
    authorName: field.string({ migrate: flattened('author', 'name') }),
    authorEmail: field.string({ migrate: flattened('author', 'email') }),
    // A new field with a default needs no migration.
    archived: field.boolean({ default: false }),
    // 1. A list of ids to a map of references.
    cards: hasMany('card', { inverse: 'deck', migrate: refsFromIds('card') }),
  }),
  card: entity({
    // 3. A renamed field.
    front: field(z.string().min(1), { migrate: renamedFrom('text') }),
    // 4. Another type.
    level: field(z.number().int().min(0).max(5), { default: 0, migrate: levelOf }),
    deck: belongsTo('deck', { inverse: 'cards', migrate: refFromId('deck', 'deckId') }),
    translations: hasMany('translation', { inverse: 'card', migrate: refsFromIds('translation') }),
  }),
  translation: entity({
    language: field.string(),
    text: field.string(),
    card: belongsTo('card', { inverse: 'translations', migrate: refFromId('card', 'cardId') }),
  }),
});
