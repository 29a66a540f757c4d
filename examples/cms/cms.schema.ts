/** What lies in a site: articles, and where each stands. */

import { defineSchema, entity, field } from 'ramax';
import { z } from 'zod';

export const title = z.string().trim().min(1).max(200);

export const schema = defineSchema({
  article: entity({
    title: field(title),
    body: field.string(),
    /** Counts what was written: 1, 2, 3 … A site that receives articles keeps the number of the site that wrote them. */
    revision: field(z.number().int().min(1)),
    /** `draft`: being written. `approved`: may go to the public. `published`: the public reads it. `withdrawn`: no longer. */
    state: field(z.enum(['draft', 'approved', 'published', 'withdrawn'])),
  }),
});
