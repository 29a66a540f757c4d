/**
 * Payloads of the app's events: what they are today, and how those of version 1 in the log are read. A projection never
 * sees an old payload.
 */

import type { SpaceEvent } from 'ramax';
import { z } from 'zod';
import { firstLanguage, levelOf, type OldAdded, type OldCreated } from './old-shapes.js';

/** The version of the payloads that have changed since. */
export const version = 2;

export const id = z.string().regex(/^[a-z0-9-]{1,40}$/);

/** `deck.created` */
export const created = z.object({
  id,
  name: z.string().min(1),
  language: z.string().min(2),
  authorName: z.string(),
  authorEmail: z.email(),
});

/** `card.added` */
export const added = z.object({ id, deckId: id, front: z.string().min(1) });

/** `translation.added`: the same in all versions. */
export const translated = z.object({ id, cardId: id, language: z.string().min(2), text: z.string().min(1) });

/** `card.answered` */
export interface Answered {
  readonly id: string;
  readonly level: number;
}

type Created = z.infer<typeof created>;
type Added = z.infer<typeof added>;

export function createdOf(event: SpaceEvent<string, Created>): Created {
  if (event.version === version) return event.payload;
  const { id, name, author } = event.payload as unknown as OldCreated;
  return { id, name, language: firstLanguage, authorName: author.name, authorEmail: author.email };
}

export function addedOf(event: SpaceEvent<string, Added>): Added {
  if (event.version === version) return event.payload;
  const { id, deckId, text } = event.payload as unknown as OldAdded;
  return { id, deckId, front: text };
}

export function answeredOf({ payload: { id, level } }: SpaceEvent<string, Answered>): Answered {
  return { id, level: levelOf(level) as number };
}
