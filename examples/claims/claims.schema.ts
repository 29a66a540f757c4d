/**
 * What lies in the views of a department. A value that does not fit is refused when a projection puts it, and the command
 * with it: a defect in a projection is met where it is made, not weeks later by whoever reads.
 */

import { defineSchema, entity, field } from 'ramax';
import { z } from 'zod';
import { phases, roles } from './claim.js';

const count = field(z.number().int().min(0), { default: 0 });
const role = z.enum(roles);

const claim = entity({
  claimId: field.string(),
  phase: field(z.enum(phases)),
  decidedBy: field(role.nullable()),
  approvals: field(z.array(role)),
  submissions: count,
  amountCents: count,
  lastStep: count,
  lastAt: field.string(),
});

/** The main view: `claim:<id>`, `status:<status>` with what is in it. */
export const mainSchema = defineSchema({
  claim,
  status: entity({ claims: count, amountCents: count }),
});

/** The claims by status: `claim:<id>` besides keys of no entity. */
export const byStatusSchema = defineSchema({ claim });

/** The work: `role:<role>` with what it has decided, `stage:<phase>` with the open claims there, `claim:<id>`. */
export const workloadSchema = defineSchema({
  role: entity({
    approved: count,
    finalApproved: count,
    rejected: count,
    /** Of all these decisions: a claim counts as often as it was decided on. */
    amountCents: count,
  }),
  stage: entity({ claims: count, amountCents: count }),
  claim,
});
