/** The app and the schemas of the rows about the nouns: one view that puts what its events say. */

import { belongsTo, defineApp, defineSchema, entity, field, hasMany } from 'ramax';

export default defineApp({
  name: 'bench-nouns',
  commands: {
    putNote: (_pstate, note: { readonly id: string; readonly text: string }) => [
      { entityId: `note:${note.id}`, type: 'note.put', payload: note },
    ],
  },
  projections: {
    'note.put'(pstate, { entityId, payload }) {
      pstate.put(entityId, payload);
    },
  },
});

/** A deck with cards, for references. */
export const deckSchema = defineSchema({
  deck: entity({ name: field.string(), cards: hasMany('card', { inverse: 'deck' }) }),
  card: entity({ front: field.string(), deck: belongsTo('deck', { inverse: 'cards' }) }),
});

/** Cards whose front was called `text` once, for migrations. */
export const renamedSchema = defineSchema({
  card: entity({ front: field.string({ migrate: (old, card) => old ?? card['text'] }) }),
});
