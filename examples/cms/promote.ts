/**
 * Promotion: carries an approved article from one site to another.
 *
 * Nothing crosses spaces inside Ramax: this function reads here and commands there. It may die between the two, run twice,
 * or beside itself, because the id of the command is made of what it carries. The same revision of the same site arrives
 * once; the answer to the second attempt is that of the first.
 */

import type { Site } from './start-cms.js';

/** What was carried. */
export interface Promotion {
  readonly id: string;
  readonly revision: number;
  /** The event in the site that received it. */
  readonly eventId: number;
}

/** Carries one article, when its present revision is approved; undefined when it is not. */
export async function promote(from: Site, to: Site, id: string): Promise<Promotion | undefined> {
  const article = await from.fetch(`article:${id}`);
  if (article?.state !== 'approved') return undefined;
  const { title, body, revision } = article;
  const commandId = `promotion:${from.spaceId}:${id}:${revision}`;
  const { eventIds } = await to.execute(
    'receive',
    { id, title, body, revision },
    // In production's log, what is to be asked for in staging's.
    { commandId, causationId: `${from.spaceName}/article:${id}/${revision}` },
  );
  const [eventId = 0] = eventIds;
  return { id, revision, eventId };
}

/** Carries everything that is approved, all at once: order is kept for each article, by its revisions. */
export async function promoteAll(from: Site, to: Site): Promise<readonly Promotion[]> {
  const approved = await from.query('approved');
  const carried = await Promise.all(approved.map(({ id }) => promote(from, to, id)));
  return carried.flatMap((promotion) => promotion ?? []);
}
