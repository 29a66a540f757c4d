import { given } from 'ramax/testing';
import { describe, expect, it } from 'vitest';
import app from '../../../examples/flashcards/flashcards.app.js';
import { schema } from '../../../examples/flashcards/flashcards.schema.js';
import firstApp from '../../../examples/flashcards/flashcards-v1.app.js';
import { AppSpace } from '../support/app-space.js';

const author = { name: 'Ada', email: 'ada@school.example' };

/** Version 1 at work: a deck with two cards, of which the first is known. */
function firstVersion(): AppSpace {
  const space = new AppSpace(firstApp);
  const commands: [name: string, params: unknown][] = [
    ['createDeck', { id: 'd1', name: 'One', author }],
    ['addCard', { id: 'c1', deckId: 'd1', text: 'word' }],
    ['addCard', { id: 'c2', deckId: 'd1', text: 'name' }],
    ['translate', { id: 't1', cardId: 'c1', language: 'de', text: 'Wort' }],
    ['answer', { id: 'c1', right: true }],
    ['answer', { id: 'c2', right: true }],
    ['answer', { id: 'c2', right: false }],
  ];
  for (const [name, params] of commands) expect(space.execute(name, params)).toHaveProperty('events');
  return space;
}

/** The present app over the events of version 1. */
function rebuilt() {
  return given(app, firstVersion().events);
}

describe('the present flashcards', () => {
  it('fold the events of version 1 to what the migration makes of its values', () => {
    const { pstate } = rebuilt();
    const migrated = [...firstVersion().main.entries()].map(([key, value]) => [
      key,
      schema.migrate(key, value),
    ]);
    expect([...pstate.entries()]).toEqual(migrated);
    expect(migrated).toHaveLength(4);
  });

  it('study what is known least first, with its translations', () => {
    expect(rebuilt().query('study', { deckId: 'd1', count: 5 })).toEqual([
      { id: 'c2', front: 'name', level: 0, translations: {} },
      { id: 'c1', front: 'word', level: 1, translations: { de: 'Wort' } },
    ]);
    expect(rebuilt().query('study', { deckId: 'd1', count: 1 })).toHaveLength(1);
    expect(rebuilt().query('study', { deckId: 'none', count: 1 })).toEqual([]);
  });

  it('show a deck with its cards and their translations in one answer', () => {
    expect(rebuilt().query('deck', 'd1')).toMatchObject({
      cards: {
        c1: { front: 'word', deck: { $ref: 'deck:d1' }, translations: { t1: { text: 'Wort' } } },
        c2: { translations: {} },
      },
    });
  });

  it('go on with the level of an old card, up to five', () => {
    const answered = { id: 'c1', level: 5 };
    const space = rebuilt();
    expect(space.when('answer', { id: 'c1', right: true })).toMatchObject({
      kind: 'accepted',
      events: [{ version: 2, payload: { id: 'c1', level: 2 } }],
    });
    const known = space.and([{ entityId: 'card:c1', type: 'card.answered', version: 2, payload: answered }]);
    expect(known.when('answer', { id: 'c1', right: true })).toMatchObject({
      events: [{ payload: answered }],
    });
  });

  it('take a card out of its deck with its translations', () => {
    const { pstate } = rebuilt().and([{ entityId: 'card:c1', type: 'card.removed', payload: { id: 'c1' } }]);
    expect([...pstate.entries()].map(([key]) => key)).toEqual(['card:c2', 'deck:d1']);
    expect(pstate.get('deck:d1')).toMatchObject({ cards: { c2: { $ref: 'card:c2' } } });
    expect(Object.keys((pstate.get('deck:d1') as { cards: object }).cards)).toEqual(['c2']);
  });

  it.each<[reason: string, command: 'addCard' | 'translate' | 'answer' | 'createDeck', params: object]>([
    ['deck_unknown', 'addCard', { id: 'c9', deckId: 'd9', front: 'x' }],
    ['card_exists', 'addCard', { id: 'c1', deckId: 'd1', front: 'x' }],
    ['card_unknown', 'translate', { id: 't9', cardId: 'c9', language: 'de', text: 'x' }],
    ['card_unknown', 'answer', { id: 'c9', right: true }],
    [
      'deck_exists',
      'createDeck',
      { id: 'd1', name: 'x', language: 'fr', authorName: 'A', authorEmail: 'a@b.example' },
    ],
  ])('reject with %s: %s %j', (reason, command, params) => {
    expect(rebuilt().when(command, params as never)).toMatchObject({ kind: 'rejected', reason });
  });

  it('refuse a new deck that does not say its language', () => {
    const deck = { id: 'd2', name: 'x', authorName: 'A', authorEmail: 'a@b.example' };
    expect(() => rebuilt().when('createDeck', deck as never)).toThrow(/params\.language/);
  });
});
