/**
 * A tour of a CMS, as a program: two spaces of one app, and a promotion that carries an article from one to the other.
 * `--help` says the rest. Each chapter is a file beside this one, written to be read and copied from.
 */

import { runProgram } from '../demo/program.js';
import { type Chapter, mustBeEmpty, runTour, type TourContext } from '../demo/run-tour.js';
import { drafting } from './drafting.js';
import { once } from './once.js';
import { promoting } from './promoting.js';
import { refreshing } from './refreshing.js';
import { startCms } from './start-cms.js';

const sizes = {
  articles: { says: 'articles that are written', default: 20, max: 1_000 },
};

async function* chapters(context: TourContext<keyof typeof sizes>): AsyncGenerator<Chapter> {
  await using cms = await startCms(context);
  mustBeEmpty(await cms.spaces.list());
  const staging = await cms.spaces.getOrCreate('tour_staging');
  const production = await cms.spaces.getOrCreate('tour_production');
  // The chapters speak of the second article, too.
  yield await drafting(staging, production, Math.max(2, context.sizes.articles));
  yield await promoting(staging, production);
  yield await once(staging, production);
  yield await refreshing(cms, production);
}

const about = `A tour of a CMS: articles are written in staging, approved, and promoted to production. Each chapter does what it
tells on a running system and checks it.`;

await runProgram((args) => runTour(args, { about, sizes, chapters }));
