/**
 * Flashcards as they were in the beginning: without a schema, and with shapes that somebody regrets later. It is here to
 * write old data; `flashcards.app.ts` is the app that has grown out of it, over the same data directory.
 *
 * Keys: `deck:<id>`, `card:<id>`, `translation:<id>`; what lies there is in `old-shapes.ts`.
 */

import { defineApp, type PStateReader, reject } from 'ramax';
import type { OldAdded, OldAnswered, OldCard, OldCreated, OldDeck, OldTranslated } from './old-shapes.js';

export default defineApp({
  name: 'flashcards',
  commands: {
    createDeck(pstate, deck: OldCreated) {
      if (pstate.has(`deck:${deck.id}`)) return reject('deck_exists', { id: deck.id });
      return [{ entityId: `deck:${deck.id}`, type: 'deck.created', payload: deck }];
    },
    addCard(pstate, card: OldAdded) {
      if (!pstate.has(`deck:${card.deckId}`)) return reject('deck_unknown', { id: card.deckId });
      if (pstate.has(`card:${card.id}`)) return reject('card_exists', { id: card.id });
      return [{ entityId: `card:${card.id}`, type: 'card.added', payload: card }];
    },
    translate(pstate, translation: OldTranslated) {
      if (!pstate.has(`card:${translation.cardId}`))
        return reject('card_unknown', { id: translation.cardId });
      return [{ entityId: `translation:${translation.id}`, type: 'translation.added', payload: translation }];
    },
    answer(pstate, { id, right }: { id: string; right: boolean }) {
      const card = pstate.get<OldCard>(`card:${id}`);
      if (card === undefined) return reject('card_unknown', { id });
      const level = right ? String(Math.min(5, Number(card.level) + 1)) : '0';
      const answered: OldAnswered = { id, level };
      return [{ entityId: `card:${id}`, type: 'card.answered', payload: answered }];
    },
  },
  projections: {
    'deck.created'(pstate, { payload: { id, name, author } }) {
      pstate.put(`deck:${id}`, { name, author, cards: [] });
    },
    'card.added'(pstate, { payload: { id, deckId, text } }) {
      pstate.put(`card:${id}`, { deckId, text, level: '0', translations: [] });
      pstate.update<OldDeck>(`deck:${deckId}`, (deck) => ({ ...deck, cards: [...(deck?.cards ?? []), id] }));
    },
    'translation.added'(pstate, { payload: { id, cardId, language, text } }) {
      pstate.put(`translation:${id}`, { cardId, language, text });
      pstate.update<OldCard>(`card:${cardId}`, (card) => {
        return { ...card, translations: [...(card?.translations ?? []), id] };
      });
    },
    'card.answered'(pstate, { payload: { id, level } }) {
      pstate.update<OldCard>(`card:${id}`, (card) => ({ ...card, level }));
    },
  },
  queries: {
    counts: (pstate) => countsOf(pstate),
  },
});

function countsOf(pstate: PStateReader) {
  const count = (prefix: string) => [...pstate.entries({ prefix })].length;
  return { decks: count('deck:'), cards: count('card:'), translations: count('translation:') };
}
