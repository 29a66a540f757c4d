/**
 * The view `workload`: what each role has decided, and where the open claims wait. It is made from the same events as the
 * main view and kept apart from it because no command needs it: it may be rebuilt, and even stop, by itself.
 */

import type { EntityReader, EntityWriter } from 'ramax';
import {
  type Action,
  afterAction,
  type Claim,
  type ClaimStep,
  isOpen,
  type Phase,
  type Role,
} from './claim.js';
import type { workloadSchema } from './claims.schema.js';
import { count, type Total } from './totals.js';

/** What one role has decided. */
export interface RoleWork {
  readonly role: Role;
  readonly approved: number;
  readonly finalApproved: number;
  readonly rejected: number;
  readonly amountCents: number;
}

/** Open claims in one phase. */
export interface OpenStage extends Total {
  readonly phase: Phase;
}

type Work = Omit<RoleWork, 'role'>;

const noWork: Work = { approved: 0, finalApproved: 0, rejected: 0, amountCents: 0 };

/** Applies one step of a claim. */
export function applyWork(view: EntityWriter<typeof workloadSchema>, action: Action, step: ClaimStep): void {
  const key = `claim:${step.claimId}` as const;
  const before = view.get(key);
  const after = afterAction(before, action, step);
  view.put(key, after);
  if (before !== undefined && isOpen(before.phase)) count(view, stageOf(before), -1, before.amountCents);
  if (isOpen(after.phase)) count(view, stageOf(after), 1, after.amountCents);
  if (step.role !== null) {
    const role = step.role;
    const work = afterDecision(view.get(`role:${role}`), action, after.amountCents);
    if (work !== undefined) view.put(`role:${role}`, work);
  }
}

/** What a role has done after an action; undefined when that is no decision. */
function afterDecision(work: Work = noWork, action: Action, amountCents: number): Work | undefined {
  const counted = { ...work, amountCents: work.amountCents + amountCents };
  switch (action) {
    case 'approve':
      return { ...counted, approved: work.approved + 1 };
    case 'finalApprove':
      return { ...counted, finalApproved: work.finalApproved + 1 };
    case 'reject':
      return { ...counted, rejected: work.rejected + 1 };
    default:
      return undefined;
  }
}

function stageOf({ phase }: Pick<Claim, 'phase'>): `stage:${Phase}` {
  return `stage:${phase}`;
}

/** The roles that have decided anything, in the order of their names. */
export function readWorkload(view: EntityReader<typeof workloadSchema>): RoleWork[] {
  return [...view.entries({ prefix: 'role:' })].map(([key, work]) => {
    return { role: key.slice('role:'.length) as Role, ...work };
  });
}

/** The phases in which open claims are, in the order of their names. */
export function readOpenStages(view: EntityReader<typeof workloadSchema>): OpenStage[] {
  return [...view.entries({ prefix: 'stage:' })].map(([key, total]) => {
    return { phase: key.slice('stage:'.length) as Phase, ...total };
  });
}

/** The open claims by phase that these claims must have, counted one by one. */
export function countOpenStages(claims: Iterable<Claim>): OpenStage[] {
  const totals = new Map<Phase, Total>();
  for (const { phase, amountCents } of claims) {
    if (!isOpen(phase)) continue;
    const total = totals.get(phase) ?? { claims: 0, amountCents: 0 };
    totals.set(phase, { claims: total.claims + 1, amountCents: total.amountCents + amountCents });
  }
  const sorted = [...totals].sort(([left], [right]) => (left < right ? -1 : 1));
  return sorted.map(([phase, total]) => ({ phase, ...total }));
}

/** The work of several departments together, by role. */
export function addWorkloads(works: Iterable<RoleWork>): RoleWork[] {
  const sums = new Map<Role, Work>();
  for (const { role, ...work } of works) {
    const sum = sums.get(role) ?? noWork;
    sums.set(role, {
      approved: sum.approved + work.approved,
      finalApproved: sum.finalApproved + work.finalApproved,
      rejected: sum.rejected + work.rejected,
      amountCents: sum.amountCents + work.amountCents,
    });
  }
  const sorted = [...sums].sort(([left], [right]) => (left < right ? -1 : 1));
  return sorted.map(([role, work]) => ({ role, ...work }));
}

/** Decisions of all kinds. */
export function decisionsOf({ approved, finalApproved, rejected }: Work): number {
  return approved + finalApproved + rejected;
}
