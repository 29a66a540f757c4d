/**
 * A tour of schemas and migrations, as a program: an app that has changed, over data that has not. `--help` says the rest.
 */

import { runProgram } from '../demo/program.js';
import { type Chapter, mustBeEmpty, runTour, type TourContext } from '../demo/run-tour.js';
import { firstVersion } from './first-version.js';
import { migrating } from './migrating.js';
import { reading } from './reading.js';
import { rebuilding } from './rebuilding.js';
import { startFirstVersion, startFlashcards } from './start-flashcards.js';
import { writing } from './writing.js';

const sizes = {
  decks: { says: 'decks that version 1 writes', default: 4, max: 50 },
  cards: { says: 'cards in each of them, each with a translation', default: 150, max: 500 },
};

type Context = TourContext<keyof typeof sizes>;

/** Each part starts the runtime again, as a deployment would. */
async function* chapters(context: Context): AsyncGenerator<Chapter> {
  yield* inFirstVersion(context);
  yield* inPresentVersion(context);
  yield* afterRestart(context);
}

async function* inFirstVersion(context: Context): AsyncGenerator<Chapter> {
  await using flashcards = await startFirstVersion(context);
  mustBeEmpty(await flashcards.spaces.list());
  yield await firstVersion(flashcards, context.sizes, context.signal);
}

async function* inPresentVersion(context: Context): AsyncGenerator<Chapter> {
  await using flashcards = await startFlashcards(context);
  yield await reading(flashcards, context.sizes);
  yield await writing(flashcards);
  yield await migrating(flashcards, context.signal);
}

async function* afterRestart(context: Context): AsyncGenerator<Chapter> {
  await using flashcards = await startFlashcards(context);
  yield await rebuilding(flashcards, context.signal);
}

const about = `A tour of schemas: version 1 of a flashcards app writes old shapes, the present one reads, migrates and
rebuilds them. Each chapter does what it tells on a running system and checks it.`;

await runProgram((args) => runTour(args, { about, sizes, chapters }));
