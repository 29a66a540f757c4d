/** The present app over the old data: what is read has its present shape at once. */

import { isRef } from 'ramax';
import { check, checkEqual } from '../demo/checks.js';
import { formatCount } from '../demo/format.js';
import type { Chapter } from '../demo/run-tour.js';
import { cardIdsOf, type SchoolSizes } from './first-version.js';
import { type Flashcards, migrationsOf, type School, schoolName } from './start-flashcards.js';

export async function reading(flashcards: Flashcards, sizes: SchoolSizes): Promise<Chapter> {
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const before = await migrationsOf(flashcards);
  const deck = await school.fetch('deck:d1');
  const card = await school.fetch('card:c1');
  const afterTwo = await migrationsOf(flashcards);
  const cards = Object.keys(deck?.cards ?? {});
  return {
    title: 'The present app reads them in their present shape',
    text: [
      'The runtime was started again with another app module over the same directory. Nothing was converted: its schema',
      'says how a value of an old shape becomes a new one, and that happens when the value is read.',
    ],
    rows: [
      { label: 'language of deck:d1', value: String(deck?.language) },
      { label: 'its author', value: `${deck?.authorName}, ${deck?.authorEmail}` },
      { label: 'its cards', value: `${formatCount(cards.length)} references` },
      { label: 'front of card:c1', value: String(card?.front) },
      { label: 'its level', value: `${card?.level}, a ${typeof card?.level}` },
    ],
    checks: [
      checkEqual(
        'list to map: the ids of the cards are references',
        deck?.cards,
        Object.fromEntries(cardIdsOf(1, sizes).map((id) => [id, { $ref: `card:${id}` }])),
      ),
      checkEqual(
        'flattening: the nested author is two fields',
        [deck?.authorName, deck?.authorEmail],
        ['Ada', 'ada@school.example'],
      ),
      checkEqual('rename: text is front', card?.front, 'word 1'),
      checkEqual('type change: the level is a number', card?.level, 3),
      checkEqual('new required field: a deck has a language', deck?.language, 'en'),
      checkEqual('old names are gone', Object.keys({ ...deck, ...card }).filter(isOld), []),
      checkEqual(
        'opening migrated nothing, the two reads two values',
        [before.entries, afterTwo.entries],
        [0, 2],
      ),
      await checkResolved(school, sizes),
      await checkStudy(school),
    ],
  };
}

function isOld(name: string): boolean {
  return ['author', 'text', 'deckId'].includes(name);
}

/** Deck, cards and translations in one answer; each card knows its deck, which is not followed back. */
async function checkResolved(school: School, sizes: SchoolSizes) {
  const deck = await school.getResolved('deck:d1', { depth: 2 });
  const texts = Object.values(deck?.cards ?? {}).flatMap((card) => {
    if (isRef(card)) return [];
    const translations = Object.values(card.translations);
    return translations.flatMap((translation) => (isRef(translation) ? [] : [translation.text]));
  });
  const due = cardIdsOf(1, sizes).map((id) => `Wort ${id.slice(1)}`);
  return checkEqual(
    'getResolved gives the deck with its cards and their translations',
    texts.sort(),
    due.sort(),
  );
}

async function checkStudy(school: School) {
  const round = await school.query('study', { deckId: 'd1', count: 2 });
  const [first] = round;
  const holds = round.every(({ level }) => level === 0) && first?.translations['de'] !== undefined;
  const seen = round.map(({ front, translations }) => `${front} = ${translations['de']}`).join(', ');
  return check(
    'the study query preloads a deck and begins with what is known least',
    holds,
    seen || 'no cards',
  );
}
