import { describe, expect, it } from 'vitest';
import { schema } from '../../../examples/flashcards/flashcards.schema.js';
import { MemoryPStateStore } from '../../../src/pstate/memory/memory-pstate-store.js';
import { PState, type PStateOptions } from '../../../src/pstate/pstate.js';

const oldDeck = { name: 'One', author: { name: 'Ada', email: 'ada@school.example' }, cards: ['c1', 'c2'] };
const oldCard = { deckId: 'd1', text: 'word', level: '3', translations: ['t1'] };
const oldTranslation = { cardId: 'c1', language: 'de', text: 'Wort' };

/** A state under the present schema, over what version 1 has stored. */
function stateOver(entries: Readonly<Record<string, unknown>>): PState {
  const options = { spaceId: 1, view: { name: 'main', version: 1 }, store: new MemoryPStateStore() };
  const old = new PState(options);
  old.putMany(Object.entries(entries));
  old.flush();
  return new PState({ ...options, schema: schema as unknown as PStateOptions['schema'] });
}

describe('what version 1 has stored', () => {
  it('is a deck with references, two fields for its author, and a language', () => {
    expect(stateOver({ 'deck:d1': oldDeck }).get('deck:d1')).toEqual({
      name: 'One',
      language: 'en',
      authorName: 'Ada',
      authorEmail: 'ada@school.example',
      archived: false,
      cards: { c1: { $ref: 'card:c1' }, c2: { $ref: 'card:c2' } },
    });
  });

  it('is a card with a front, a number for its level, and references both ways', () => {
    expect(stateOver({ 'card:c1': oldCard }).get('card:c1')).toEqual({
      front: 'word',
      level: 3,
      deck: { $ref: 'deck:d1' },
      translations: { t1: { $ref: 'translation:t1' } },
    });
  });

  it('is a translation with a reference to its card', () => {
    expect(stateOver({ 'translation:t1': oldTranslation }).get('translation:t1')).toEqual({
      language: 'de',
      text: 'Wort',
      card: { $ref: 'card:c1' },
    });
  });

  it('is in shape once it was written back, and migrated no second time', () => {
    const state = stateOver({ 'deck:d1': oldDeck, 'card:c1': oldCard });
    const read = state.getMany(['deck:d1', 'card:c1']);
    state.flush();
    state.reset();
    expect(state.getMany(['deck:d1', 'card:c1'])).toEqual(read);
    expect(state.migrated).toMatchObject({ entities: 2, written: 2, failed: 0 });
  });

  it.each([
    ['a level that is no number', { ...oldCard, level: 'high' }, /level/],
    ['a level out of range', { ...oldCard, level: '9' }, /level/],
    ['a card without a text', { ...oldCard, text: '' }, /front/],
  ])('is refused by name and field where it cannot be migrated: %s', (_title, card, message) => {
    const state = stateOver({ 'card:c1': card });
    expect(() => state.get('card:c1')).toThrow(message);
    expect(() => state.get('card:c1')).toThrow(/card:c1/);
  });
});
