/** An article on its way from staging to production. */

import { check, checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { promote } from './promote.js';
import type { Site } from './start-cms.js';

export async function promoting(staging: Site, production: Site): Promise<Chapter> {
  const draft = await promote(staging, production, 'article-2');
  const carried = await promote(staging, production, 'article-1');
  const event = await production.readEvent(carried?.eventId ?? 0);
  await staging.execute('write', { id: 'article-1', title: 'About the first', body: 'Words for next week.' });
  const [inStaging, inProduction] = [
    await staging.fetch('article:article-1'),
    await production.fetch('article:article-1'),
  ];
  return {
    title: 'Promotion: an approved revision is carried over',
    text: [
      'promote() reads the article in one space and sends a command to the other. Production goes on with what it has',
      'while staging writes the next revision.',
    ],
    rows: [{ label: 'the event in production was caused by', value: event?.causationId ?? 'nothing' }],
    checks: [
      checkEqual('a draft is not carried', draft, undefined),
      checkEqual('the public reads the approved revision', inProduction, {
        ...{ title: 'About the first', body: 'Better words.', revision: 2, state: 'published' },
      }),
      checkEqual('staging is a revision further', [inStaging?.revision, inStaging?.state], [3, 'draft']),
      check(
        'production can say where it came from',
        event?.causationId === `${staging.spaceName}/article:article-1/2`,
        event?.causationId ?? 'nothing',
      ),
    ],
  };
}
