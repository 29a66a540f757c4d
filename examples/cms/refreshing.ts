/** Staging is made anew from production. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { Cms, Site } from './start-cms.js';

export async function refreshing({ spaces }: Cms, production: Site): Promise<Chapter> {
  const sandbox = await spaces.clone(production.spaceName, 'tour_sandbox');
  const same = [await sandbox.query('published'), await sandbox.latestSequence()];
  const expected = [await production.query('published'), await production.latestSequence()];
  await sandbox.execute('withdraw', { id: 'article-1' });
  return {
    title: 'A sandbox: a copy of production to try things in',
    text: ['A clone has the whole history of the space, and goes its own way from there.'],
    rows: [],
    checks: [
      checkEqual('it has what production has', same, expected),
      checkEqual(
        'what is withdrawn in it is public in production',
        [
          (await sandbox.fetch('article:article-1'))?.state,
          (await production.fetch('article:article-1'))?.state,
        ],
        ['withdrawn', 'published'],
      ),
    ],
  };
}
