/** Commands of the present app on old data, and a value of each kind that is changed. */

import { checkEqual, codeOf } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Flashcards, schoolName } from './start-flashcards.js';

export async function writing(flashcards: Flashcards): Promise<Chapter> {
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const deck = { id: 'fr', name: 'French', authorName: 'Bob', authorEmail: 'bob@school.example' };
  const refused = await codeOf(school.execute('createDeck', deck as never));
  await school.execute('createDeck', { ...deck, language: 'fr' });
  await school.execute('addCard', { id: 'new', deckId: 'd1', front: 'a new card in an old deck' });
  await school.execute('translate', { id: 'new-de', cardId: 'new', language: 'de', text: 'neu' });
  await school.execute('answer', { id: 'c1', right: true });
  await school.execute('addCard', { id: 'gone', deckId: 'd1', front: 'not for long' });
  await school.execute('removeCard', { id: 'gone' });
  const old = await school.fetch('deck:d1');
  const added = await school.fetch('card:new');
  return {
    title: 'Commands go on where version 1 has stopped',
    text: [
      'Parameters are checked by validators, what is put by the schema: a new deck must say its language. Linking a card to',
      'its deck writes both ends.',
    ],
    rows: [
      { label: 'deck:fr', value: JSON.stringify(await school.fetch('deck:fr')) },
      { label: 'card:new', value: JSON.stringify(added) },
    ],
    checks: [
      checkEqual('a deck without a language is refused', refused, 'invalid_input'),
      checkEqual('defaults are filled in', (await school.fetch('deck:fr'))?.archived, false),
      checkEqual(
        'a link has two ends',
        [old?.cards['new'], added?.deck],
        [{ $ref: 'card:new' }, { $ref: 'deck:d1' }],
      ),
      checkEqual('a level goes on from where it was', (await school.fetch('card:c1'))?.level, 4),
      checkEqual(
        'a card that is removed leaves no reference',
        [old?.cards['gone'], await school.fetch('card:gone')],
        [undefined, undefined],
      ),
    ],
  };
}
