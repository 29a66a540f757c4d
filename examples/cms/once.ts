/** Promotions that are tried again, at the same time, and late. */

import { checkEqual, codeOf } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { promoteAll } from './promote.js';
import type { Site } from './start-cms.js';

export async function once(staging: Site, production: Site): Promise<Chapter> {
  const drafts = await staging.query('drafts');
  await Promise.all(drafts.map(({ id, revision }) => staging.execute('approve', { id, revision })));
  const before = await production.latestSequence();
  const attempts = await Promise.all([1, 2, 3].map(() => promoteAll(staging, production)));
  const [first = []] = attempts;
  const late = { id: 'article-1', title: 'About the first', body: 'Better words.', revision: 2 };
  return {
    title: 'Once: three jobs promote everything at the same time',
    text: [
      'Each carries every approved article. A promotion is a command whose id says what it carries, so three attempts',
      'are one event; each job gets the same answers. A revision that comes late does not undo a newer one.',
    ],
    rows: [{ label: 'articles promoted', value: `${first.length}, by three jobs` }],
    checks: [
      checkEqual('every approved article has arrived', first.length, drafts.length),
      checkEqual('and each once', (await production.latestSequence()) - before, drafts.length),
      checkEqual('the three jobs were answered alike', attempts, [first, first, first]),
      checkEqual(
        'an older revision that arrives late is rejected',
        await codeOf(production.execute('receive', late)),
        'command_rejected',
      ),
      checkEqual(
        'the front page has all of them',
        (await production.query('published')).length,
        drafts.length,
      ),
    ],
  };
}
