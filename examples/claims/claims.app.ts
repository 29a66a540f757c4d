/**
 * Requests for payment: one space per department, one claim per entity. Every command is one step of a claim, asked
 * of the rules in `rules.ts`; every event is a step that happened.
 */

import { defineApp, type EntityReader, type EntityWriter, reject } from 'ramax';
import { type Page, pageOf } from '../demo/page.js';
import { type Action, afterAction, type ClaimStep, eventTypes, isOpen, statusOf } from './claim.js';
import { byStatusSchema, mainSchema, workloadSchema } from './claims.schema.js';
import { brokenRule } from './rules.js';
import { count, type Total } from './totals.js';
import { applyWork, readOpenStages, readWorkload } from './workload.js';

/** What a department has on its desk. */
export interface Summary extends Total {
  readonly openClaims: number;
  readonly statuses: readonly (Total & { readonly status: string })[];
}

type MainReader = EntityReader<typeof mainSchema>;

/** The command for one action: the rules decide, and what may happen becomes one event. */
function command<A extends Action>(action: A) {
  const type = eventTypes[action];
  return (pstate: MainReader, step: ClaimStep) => {
    const entityId = `claim:${step.claimId}` as const;
    const claim = pstate.get(entityId);
    const rule = brokenRule(action, claim, step);
    if (rule === undefined) return [{ entityId, type, payload: { action, step } }];
    return reject(rule.name, {
      claimId: step.claimId,
      says: rule.says,
      status: claim ? statusOf(claim) : null,
    });
  };
}

interface StepEvent {
  readonly payload: { readonly action: Action; readonly step: ClaimStep };
}

/** Every event is a step, so a view that follows claims applies the same function to all of them. */
function onEveryStep<View>(apply: (view: View, event: StepEvent) => void) {
  return {
    'claim.saved': apply,
    'claim.submitted': apply,
    'claim.approved': apply,
    'claim.finalApproved': apply,
    'claim.rejected': apply,
    'claim.takenBack': apply,
    'claim.paymentRequested': apply,
    'claim.paymentHandled': apply,
  };
}

/** Moves the claim on, and its amount from the total of its old status to that of its new one. */
function applyStep(pstate: EntityWriter<typeof mainSchema>, { payload: { action, step } }: StepEvent): void {
  const key = `claim:${step.claimId}` as const;
  const before = pstate.get(key);
  const after = afterAction(before, action, step);
  pstate.put(key, after);
  if (before !== undefined) count(pstate, `status:${statusOf(before)}`, -1, before.amountCents);
  count(pstate, `status:${statusOf(after)}`, 1, after.amountCents);
  const opened = Number(isOpen(after.phase)) - Number(before !== undefined && isOpen(before.phase));
  if (opened !== 0) pstate.update<number>('open', (open = 0) => open + opened);
}

function summaryOf(pstate: MainReader): Summary {
  const prefix = 'status:';
  const statuses = [...pstate.entries({ prefix })].map(([key, total]) => {
    return { status: key.slice(prefix.length), ...total };
  });
  return {
    claims: statuses.reduce((sum, { claims }) => sum + claims, 0),
    amountCents: statuses.reduce((sum, { amountCents }) => sum + amountCents, 0),
    openClaims: pstate.get<number>('open') ?? 0,
    statuses,
  };
}

export default defineApp({
  name: 'claims',
  schema: mainSchema,
  commands: {
    save: command('save'),
    submit: command('submit'),
    approve: command('approve'),
    finalApprove: command('finalApprove'),
    reject: command('reject'),
    takeBack: command('takeBack'),
    requestPayment: command('requestPayment'),
    handlePayment: command('handlePayment'),
  },
  // The schema refuses what no claim may be; nothing stored has changed its shape, so that the version stays.
  projections: onEveryStep(applyStep),
  views: {
    /** `<status>/<claim>` to the amount in cents, so that a prefix lists a status; `claim:<claim>` to its place there. */
    byStatus: {
      version: 1,
      schema: byStatusSchema,
      on: onEveryStep((view: EntityWriter<typeof byStatusSchema>, { payload: { action, step } }) => {
        const key = `claim:${step.claimId}` as const;
        const before = view.get(key);
        const after = afterAction(before, action, step);
        if (before !== undefined) view.delete(`${statusOf(before)}/${step.claimId}`);
        view.put(`${statusOf(after)}/${step.claimId}`, after.amountCents);
        view.put(key, after);
      }),
    },
    /** What each role has decided, and the open claims by phase; see `workload.ts`. */
    workload: {
      version: 1,
      schema: workloadSchema,
      on: onEveryStep((view: EntityWriter<typeof workloadSchema>, { payload: { action, step } }) => {
        applyWork(view, action, step);
      }),
    },
    /** `2018-03` to what was paid in that month. */
    paidByMonth: {
      version: 1,
      on: {
        'claim.paymentHandled'(view, { payload: { step } }: StepEvent) {
          count(view, step.at.slice(0, 'yyyy-mm'.length), 1, step.amountCents);
        },
      },
    },
  },
  queries: {
    summary: (pstate) => summaryOf(pstate),
    claimsWith: (_pstate, status: string, { views }) => {
      return [...views.byStatus.entries<number>({ prefix: `${status}/` })].map(([key, amountCents]) => {
        return { claimId: key.slice(status.length + 1), amountCents };
      });
    },
    paidByMonth: (_pstate, _params: undefined, { views }) => {
      return [...views.paidByMonth.entries<Total>()].map(([month, total]) => ({ month, ...total }));
    },
    workload: (_pstate, _params: undefined, { views }) => readWorkload(views.workload),
    openByPhase: (_pstate, _params: undefined, { views }) => readOpenStages(views.workload),
    page: (pstate, { view, ...place }: Page<'main' | 'byStatus' | 'workload' | 'paidByMonth'>, { views }) => {
      return pageOf(view === 'main' ? pstate : views[view], place);
    },
  },
});
