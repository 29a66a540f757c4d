/** Version 1 of the app at work: it writes what the present one will find. */

import { checkEqual, shown } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { Tally } from '../demo/tally.js';
import { Traffic } from '../demo/traffic.js';
import { type FirstVersion, schoolName } from './start-flashcards.js';

/** How much version 1 writes. */
export interface SchoolSizes {
  readonly decks: number;
  /** In each deck; each card has one translation. */
  readonly cards: number;
}

/** The ids that version 1 gives; the number of a card counts over all decks. */
export function cardIdsOf(deck: number, { cards }: SchoolSizes): readonly string[] {
  return Array.from({ length: cards }, (_, index) => `c${(deck - 1) * cards + index + 1}`);
}

export async function firstVersion(
  flashcards: FirstVersion,
  sizes: SchoolSizes,
  signal: AbortSignal,
): Promise<Chapter> {
  const failure = await write(flashcards, sizes, signal);
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const cards = sizes.decks * sizes.cards;
  return {
    title: 'Version 1 of the app writes old shapes',
    text: [
      'A deck has its cards as a list of ids and its author as an object; a card calls its front "text", and its level is',
      'text as well; nothing says which language a deck is in. There is no schema. This is what lies on the disk:',
    ],
    rows: [
      { label: 'deck:d1', value: shown(await school.fetch('deck:d1')) },
      { label: 'card:c1', value: shown(await school.fetch('card:c1')) },
      { label: 'translation:t1', value: shown(await school.fetch('translation:t1')) },
    ],
    checks: [
      checkEqual('everything was written', failure, undefined),
      checkEqual('that many entries are there', await school.query('counts'), {
        decks: sizes.decks,
        cards,
        translations: cards,
      }),
    ],
  };
}

/** Gives the first failure. */
async function write(
  flashcards: FirstVersion,
  sizes: SchoolSizes,
  signal: AbortSignal,
): Promise<string | undefined> {
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const traffic = new Traffic(new Tally(), 1_024);
  const send = async (...command: Parameters<typeof school.execute>) => {
    if (traffic.isFull) await traffic.room();
    traffic.send(() => school.execute(...command));
  };
  const author = { name: 'Ada', email: 'ada@school.example' };
  for (let deck = 1; deck <= sizes.decks && !signal.aborted; deck++) {
    const deckId = `d${deck}`;
    await send('createDeck', { id: deckId, name: `Deck ${deck}`, author });
    for (const id of cardIdsOf(deck, sizes)) {
      const number = id.slice(1);
      await send('addCard', { id, deckId, text: `word ${number}` });
      await send('translate', { id: `t${number}`, cardId: id, language: 'de', text: `Wort ${number}` });
    }
    // The first card of a deck is known best.
    for (let times = 1; times <= 3; times++) {
      await send('answer', { id: cardIdsOf(deck, sizes)[0] ?? '', right: true });
    }
  }
  await traffic.drained();
  return traffic.failure === undefined ? undefined : String(traffic.failure);
}
