/**
 * A tour of spaces, as a program: what a space is, shown on a running system and checked. `--help` says the rest. Each
 * chapter is a file beside this one, written to be read and copied from.
 */

import { runProgram } from '../demo/program.js';
import { type Chapter, mustBeEmpty, runTour, type TourContext } from '../demo/run-tour.js';
import { deletion } from './deletion.js';
import { history } from './history.js';
import { isolation } from './isolation.js';
import { metadata } from './metadata.js';
import { rebuilds } from './rebuilds.js';
import { sequences } from './sequences.js';
import { startNotes } from './start-notes.js';
import { watching } from './watching.js';

const sizes = {
  spaces: { says: 'spaces that are rebuilt', default: 20, max: 1_000 },
  events: { says: 'events of each of them', default: 500, max: 10_000 },
};

async function* chapters(context: TourContext<keyof typeof sizes>): AsyncGenerator<Chapter> {
  await using notes = await startNotes(context);
  mustBeEmpty(await notes.spaces.list());
  yield await isolation(notes);
  yield await sequences(notes);
  yield await metadata(notes);
  yield await history(notes);
  yield await watching(notes, context.signal);
  yield await rebuilds(notes, context.sizes, context.signal);
  yield await deletion(notes);
}

const about = `A tour of spaces: isolation, sequences, metadata, the past, watching, rebuilding and deleting. Each chapter
does what it tells on a running system and checks it.`;

await runProgram((args) => runTour(args, { about, sizes, chapters }));
