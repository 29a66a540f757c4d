import { belongsTo, defineApp, defineSchema, entity, field, hasMany, reject } from 'ramax';

export const schema = defineSchema({
  deck: entity({ name: field.string(), cards: hasMany('card', { inverse: 'deck' }) }),
  card: entity({
    deck: belongsTo('deck', { inverse: 'cards' }),
    front: field.string(),
    level: field.number({ default: 1 }),
  }),
});

export default defineApp({
  name: 'cards',
  schema,
  commands: {
    addDeck: (_pstate, deck: { id: string; name: string }) => [
      { entityId: `deck:${deck.id}`, type: 'deck.added', payload: { name: deck.name } },
    ],
    addCard(pstate, card: { id: string; deckId: string; front: string }) {
      const deck = pstate.get(`deck:${card.deckId}`);
      if (deck === undefined) return reject('no_deck');
      const name: string = deck.name;
      return [
        {
          entityId: `card:${card.id}`,
          type: 'card.added',
          payload: { deckId: card.deckId, front: `${name}: ${card.front}` },
        },
      ];
    },
  },
  projections: {
    'deck.added'(pstate, event) {
      pstate.put(event.entityId, event.payload);
    },
    'card.added'(pstate, event) {
      const key = `card:${event.entityId.slice('card:'.length)}` as const;
      pstate.put(key, { front: event.payload.front });
      pstate.link(`deck:${event.payload.deckId}`, 'cards', key);
    },
  },
  queries: {
    fronts(pstate, deckId: string) {
      const deck = pstate.getResolved(`deck:${deckId}`, { depth: 1 });
      return Object.values(deck?.cards ?? {}).flatMap((card) => ('front' in card ? card.front : []));
    },
  },
});
