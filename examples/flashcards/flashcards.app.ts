/**
 * Flashcards today: decks of cards with translations, under a schema.
 *
 * The state on disk was begun by `flashcards-v1.app.ts`. Two ways lead from old values to new ones:
 *
 *   migrate          A value is enough to make its new shape: renamed, flattened, another type, a default. Say so in the
 *                    schema with `migrate`, and leave `version` alone. Spaces open at once; values change when they are
 *                    read, and are written back behind. That is what this app does.
 *   raise `version`  The new shape needs what the old value has lost, such as the time of the first answer; or what a
 *                    projection does has changed, and old state should look as if it always had. The view is then made
 *                    anew from the log, which takes as long as there are events.
 *
 * Events are never changed: projections read the shapes of every version that the log has (`version` of an event says
 * which), so that a rebuild gives what a migration gave. Ramax sees that projections or schema have changed under the same
 * version and says so (`isChanged` in `views()`, `views.changed` in `health()`) until the view is rebuilt, for it cannot
 * know that this was meant.
 */

import { defineApp, type EntityReader, reject } from 'ramax';
import { z } from 'zod';
import { pageOf } from '../demo/page.js';
import { added, addedOf, answeredOf, created, createdOf, id, translated, version } from './events.js';
import { schema } from './flashcards.schema.js';

type Reader = EntityReader<typeof schema>;

/** The next card to look at. */
export interface StudyCard {
  readonly id: string;
  readonly front: string;
  readonly level: number;
  readonly translations: Readonly<Record<string, string>>;
}

/** A card of the next round: the least known first, then in the order of their ids. */
function studyRound(pstate: Reader, { deckId, count }: { deckId: string; count: number }): StudyCard[] {
  const deckKey = `deck:${deckId}` as const;
  // Deck, cards and translations come into memory in three reads of the store; without it each `get` is one.
  pstate.preload(deckKey, ['cards', { cards: ['translations'] }]);
  const refs = Object.entries(pstate.get(deckKey)?.cards ?? {});
  const cards = refs.flatMap(([cardId, { $ref }]) => {
    const card = pstate.get($ref);
    return card === undefined ? [] : [{ cardId, card }];
  });
  cards.sort((one, other) => one.card.level - other.card.level || (one.cardId < other.cardId ? -1 : 1));
  return cards.slice(0, count).map(({ cardId, card: { front, level, translations } }) => {
    const texts = Object.values(translations).flatMap(({ $ref }) => pstate.get($ref) ?? []);
    const byLanguage = texts.map(({ language, text }) => [language, text] as const);
    return { id: cardId, front, level, translations: Object.fromEntries(byLanguage) };
  });
}

export default defineApp({
  name: 'flashcards',
  schema,
  params: {
    createDeck: created,
    addCard: added,
    translate: translated,
    answer: z.object({ id, right: z.boolean() }),
    removeCard: z.object({ id }),
  },
  commands: {
    createDeck(pstate, deck) {
      if (pstate.has(`deck:${deck.id}`)) return reject('deck_exists', { id: deck.id });
      return [{ entityId: `deck:${deck.id}`, type: 'deck.created', version, payload: deck }];
    },
    addCard(pstate, card) {
      const deck = pstate.get(`deck:${card.deckId}`);
      if (deck === undefined) return reject('deck_unknown', { id: card.deckId });
      if (pstate.has(`card:${card.id}`)) return reject('card_exists', { id: card.id });
      return [{ entityId: `card:${card.id}`, type: 'card.added', version, payload: card }];
    },
    translate(pstate, translation) {
      const { cardId } = translation;
      if (!pstate.has(`card:${cardId}`)) return reject('card_unknown', { id: cardId });
      return [{ entityId: `translation:${translation.id}`, type: 'translation.added', payload: translation }];
    },
    answer(pstate, { id, right }) {
      const card = pstate.get(`card:${id}`);
      if (card === undefined) return reject('card_unknown', { id });
      const level = right ? Math.min(5, card.level + 1) : 0;
      return [{ entityId: `card:${id}`, type: 'card.answered', version, payload: { id, level } }];
    },
    removeCard(pstate, { id }) {
      const card = pstate.get(`card:${id}`);
      if (card === undefined) return reject('card_unknown', { id });
      return [{ entityId: `card:${id}`, type: 'card.removed', payload: { id } }];
    },
  },
  projections: {
    'deck.created'(pstate, event) {
      const { id, ...deck } = createdOf(event);
      pstate.put(`deck:${id}`, deck);
    },
    'card.added'(pstate, event) {
      const { id, deckId, front } = addedOf(event);
      pstate.put(`card:${id}`, { front });
      pstate.link(`deck:${deckId}`, 'cards', `card:${id}`);
    },
    'translation.added'(pstate, { payload: { id, cardId, language, text } }) {
      pstate.put(`translation:${id}`, { language, text });
      pstate.link(`card:${cardId}`, 'translations', `translation:${id}`);
    },
    'card.answered'(pstate, event) {
      const { id, level } = answeredOf(event);
      const card = pstate.get(`card:${id}`);
      if (card !== undefined) pstate.put(`card:${id}`, { ...card, level });
    },
    'card.removed'(pstate, { payload: { id } }) {
      const card = pstate.get(`card:${id}`);
      if (card === undefined) return;
      for (const { $ref } of Object.values(card.translations)) pstate.delete($ref);
      if (card.deck) pstate.unlink(card.deck.$ref, 'cards', `card:${id}`);
      pstate.delete(`card:${id}`);
    },
  },
  queries: {
    study: (pstate, params: { deckId: string; count: number }) => studyRound(pstate, params),
    deck: (pstate, deckId: string) => pstate.getResolved(`deck:${deckId}`, { depth: 2 }),
    page: (pstate, place: { offset: number; limit: number }) => pageOf(pstate, place),
  },
});
