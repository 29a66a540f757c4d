/**
 * A CMS: one app for the site where articles are written and for the one that the public reads. Which of them a space is,
 * follows from what is done in it: staging writes and approves, production receives and withdraws.
 *
 * Rules: only an approved revision can be promoted, and that is checked where the article is (`approve`, `promote.ts`); a site
 * takes no revision that is older than the one it has (`receive`), so promotions may arrive late or twice.
 */

import { defineApp, type EntityReader, reject } from 'ramax';
import { z } from 'zod';
import { schema, title } from './cms.schema.js';

type Reader = EntityReader<typeof schema>;

const id = z.string().regex(/^[a-z0-9-]+$/);
const written = z.object({ id, title, body: z.string() });
const placed = z.object({ id, revision: z.number().int().min(1) });
const received = z.object({ ...written.shape, revision: placed.shape.revision });

function articlesIn(pstate: Reader, state: 'draft' | 'approved' | 'published' | 'withdrawn') {
  return [...pstate.entries({ prefix: 'article:' })].flatMap(([key, article]) =>
    article.state === state ? [{ id: key.slice('article:'.length), ...article }] : [],
  );
}

export default defineApp({
  name: 'cms',
  schema,
  params: { write: written, approve: placed, receive: received, withdraw: z.object({ id }) },
  commands: {
    /** A new article, or the next revision of one: it has to be approved anew. */
    write(pstate, { id, title, body }) {
      const revision = (pstate.get(`article:${id}`)?.revision ?? 0) + 1;
      return [{ entityId: `article:${id}`, type: 'article.written', payload: { id, title, body, revision } }];
    },
    /** Names the revision that was read: what was written since is not approved with it. */
    approve(pstate, { id, revision }) {
      const article = pstate.get(`article:${id}`);
      if (article === undefined) return reject('article_unknown', { id });
      if (article.revision !== revision)
        return reject('article_has_changed', { id, revision: article.revision });
      if (article.state !== 'draft') return reject('article_is_no_draft', { id, state: article.state });
      return [{ entityId: `article:${id}`, type: 'article.approved', payload: { id, revision } }];
    },
    /** An article that another site has approved. */
    receive(pstate, { id, title, body, revision }) {
      const present = pstate.get(`article:${id}`)?.revision ?? 0;
      if (revision < present) return reject('a_newer_revision_is_here', { id, revision: present });
      return [
        { entityId: `article:${id}`, type: 'article.published', payload: { id, title, body, revision } },
      ];
    },
    withdraw(pstate, { id }) {
      if (pstate.get(`article:${id}`)?.state !== 'published') return reject('article_is_not_public', { id });
      return [{ entityId: `article:${id}`, type: 'article.withdrawn', payload: { id } }];
    },
  },
  projections: {
    'article.written': (pstate, { payload: { id, ...article } }) => {
      pstate.put(`article:${id}`, { ...article, state: 'draft' });
    },
    'article.approved': (pstate, { payload: { id } }) => {
      const article = pstate.get(`article:${id}`);
      if (article !== undefined) pstate.put(`article:${id}`, { ...article, state: 'approved' });
    },
    'article.published': (pstate, { payload: { id, ...article } }) => {
      pstate.put(`article:${id}`, { ...article, state: 'published' });
    },
    'article.withdrawn': (pstate, { payload: { id } }) => {
      const article = pstate.get(`article:${id}`);
      if (article !== undefined) pstate.put(`article:${id}`, { ...article, state: 'withdrawn' });
    },
  },
  queries: {
    /** What waits for an editor. */
    drafts: (pstate) => articlesIn(pstate, 'draft'),
    /** What waits for its promotion. */
    approved: (pstate) => articlesIn(pstate, 'approved'),
    /** The front page. */
    published: (pstate) => articlesIn(pstate, 'published').map(({ id, title }) => ({ id, title })),
  },
});
