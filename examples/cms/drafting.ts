/** Two sites of one app: what is written in one is nowhere else. */

import { checkEqual, codeOf } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { Site } from './start-cms.js';

export async function drafting(staging: Site, production: Site, articles: number): Promise<Chapter> {
  const ids = Array.from({ length: articles }, (_, index) => `article-${index + 1}`);
  await Promise.all(
    ids.map((id) => staging.execute('write', { id, title: `About ${id}`, body: 'First words.' })),
  );
  await staging.execute('write', { id: 'article-1', title: 'About the first', body: 'Better words.' });
  const tooLate = await codeOf(staging.execute('approve', { id: 'article-1', revision: 1 }));
  await staging.execute('approve', { id: 'article-1', revision: 2 });
  return {
    title: 'Drafting: staging and production are two spaces of one app',
    text: [
      'Articles are written and approved in staging. An editor approves the revision that he has read: the first article',
      'was written again meanwhile, so the approval of its first revision is rejected.',
    ],
    rows: [
      { label: staging.spaceName, value: `${(await staging.query('drafts')).length} drafts` },
      { label: production.spaceName, value: `${(await production.query('published')).length} articles` },
    ],
    checks: [
      checkEqual('a revision that nobody has read is not approved', tooLate, 'command_rejected'),
      checkEqual(
        'one article waits for its promotion',
        (await staging.query('approved')).map(({ id, revision }) => [id, revision]),
        [['article-1', 2]],
      ),
      checkEqual('production knows nothing of it', await production.latestSequence(), 0),
    ],
  };
}
