import { describe, expect, it } from 'vitest';
import { type Action, afterAction, type Claim, type Role, statusOf } from '../../../examples/claims/claim.js';
import { brokenRule, rulesOf } from '../../../examples/claims/rules.js';

const amountCents = 1_000;

/** Steps as a person writes them down: an action, and who does it. */
const steps = {
  save: ['save', 'employee'],
  submit: ['submit', 'employee'],
  administration: ['approve', 'administration'],
  preApprover: ['approve', 'pre_approver'],
  budgetOwner: ['approve', 'budget_owner'],
  supervisor: ['approve', 'supervisor'],
  director: ['approve', 'director'],
  finalSupervisor: ['finalApprove', 'supervisor'],
  finalDirector: ['finalApprove', 'director'],
  finalAdministration: ['finalApprove', 'administration'],
  rejected: ['reject', 'administration'],
  rejectedByNobody: ['reject', 'missing'],
  approvedByNobody: ['approve', 'missing'],
  approvedByEmployee: ['approve', 'employee'],
  rejectedByEmployee: ['reject', 'employee'],
  takeBack: ['takeBack', 'employee'],
  request: ['requestPayment', null],
  handle: ['handlePayment', null],
} as const satisfies Record<string, readonly [Action, Role | null]>;

type StepName = keyof typeof steps;

function stepOf(name: StepName, step: number, cents = amountCents) {
  const [action, role] = steps[name];
  return { action, step: { claimId: 'c', step, role, amountCents: cents, at: '2020-01-01T00:00:00.000Z' } };
}

/** The claim after these steps, each of which must be allowed. */
function claimAfter(names: readonly StepName[]): Claim | undefined {
  let claim: Claim | undefined;
  for (const [index, name] of names.entries()) {
    const { action, step } = stepOf(name, index);
    expect(brokenRule(action, claim, step)?.name, `${name} after ${names.slice(0, index).join(', ')}`).toBe(
      undefined,
    );
    claim = afterAction(claim, action, step);
  }
  return claim;
}

function ruleBrokenBy(name: StepName, history: readonly StepName[]): string | undefined {
  const { action, step } = stepOf(name, history.length);
  return brokenRule(action, claimAfter(history), step)?.name;
}

describe('the life cycle of a claim', () => {
  it.each<[status: string, history: StepName[]]>([
    ['saved', ['save']],
    ['submitted', ['save', 'submit']],
    ['saved', ['save', 'save']],
    ['payment_handled', ['submit', 'finalSupervisor', 'request', 'handle']],
    ['payment_handled', ['submit', 'administration', 'finalSupervisor', 'request', 'handle']],
    ['payment_handled', ['submit', 'administration', 'budgetOwner', 'finalSupervisor', 'request', 'handle']],
    ['payment_handled', ['submit', 'preApprover', 'finalSupervisor', 'request', 'handle']],
    ['final_approved_by_director', ['submit', 'administration', 'supervisor', 'finalDirector']],
    [
      'final_approved_by_director',
      ['submit', 'administration', 'budgetOwner', 'supervisor', 'finalDirector'],
    ],
    ['approved_by_budget_owner', ['submit', 'administration', 'budgetOwner']],
    ['rejected_by_administration', ['submit', 'rejected']],
    ['taken_back', ['submit', 'rejected', 'takeBack']],
    ['submitted', ['submit', 'rejected', 'takeBack', 'submit']],
    ['submitted', ['submit', 'rejected', 'submit']],
    ['saved', ['submit', 'rejected', 'takeBack', 'save']],
    [
      'payment_requested',
      ['submit', 'rejected', 'takeBack', 'submit', 'administration', 'finalSupervisor', 'request'],
    ],
  ])('arrives at %s by %j', (status, history) => {
    const claim = claimAfter(history);
    expect(claim && statusOf(claim)).toBe(status);
  });

  it.each<[rule: string, step: StepName, history: StepName[]]>([
    ['claim_already_exists', 'save', ['submit']],
    ['claim_already_exists', 'save', ['submit', 'rejected']],
    ['claim_already_exists', 'save', ['submit', 'finalSupervisor']],
    ['already_submitted', 'submit', ['submit']],
    ['already_submitted', 'submit', ['submit', 'administration']],
    ['already_final_approved', 'submit', ['submit', 'finalSupervisor']],
    ['already_final_approved', 'administration', ['submit', 'finalSupervisor']],
    ['already_final_approved', 'finalSupervisor', ['submit', 'finalSupervisor']],
    ['already_final_approved', 'rejected', ['submit', 'finalSupervisor', 'request', 'handle']],
    ['already_final_approved', 'takeBack', ['submit', 'finalSupervisor']],
    ['must_be_submitted_first', 'administration', []],
    ['must_be_submitted_first', 'rejected', ['save']],
    ['must_be_submitted_first', 'finalSupervisor', ['save']],
    ['rejected_claim_must_be_resubmitted', 'administration', ['submit', 'rejected']],
    ['rejected_claim_must_be_resubmitted', 'rejected', ['submit', 'rejected']],
    ['rejected_claim_must_be_resubmitted', 'finalSupervisor', ['submit', 'rejected', 'takeBack']],
    ['role_must_be_known', 'rejectedByNobody', ['submit']],
    ['role_must_be_known', 'rejectedByNobody', ['submit', 'finalSupervisor']],
    ['role_must_be_known', 'approvedByNobody', ['submit']],
    ['no_decision_on_own_claim', 'approvedByEmployee', ['submit']],
    ['no_decision_on_own_claim', 'rejectedByEmployee', ['submit']],
    ['role_already_approved', 'administration', ['submit', 'administration']],
    ['role_already_approved', 'finalSupervisor', ['submit', 'supervisor']],
    ['administration_must_approve_first', 'budgetOwner', ['submit']],
    ['administration_must_approve_first', 'budgetOwner', ['submit', 'preApprover']],
    ['supervisor_must_approve_first', 'finalDirector', ['submit', 'administration']],
    ['supervisor_must_approve_first', 'director', ['submit']],
    ['approval_out_of_order', 'administration', ['submit', 'supervisor']],
    ['approval_out_of_order', 'preApprover', ['submit', 'administration', 'budgetOwner']],
    ['final_approval_needs_supervisor_or_director', 'finalAdministration', ['submit']],
    ['only_a_rejected_claim_is_taken_back', 'takeBack', []],
    ['only_a_rejected_claim_is_taken_back', 'takeBack', ['submit']],
    ['only_a_rejected_claim_is_taken_back', 'takeBack', ['submit', 'rejected', 'takeBack']],
    ['payment_needs_final_approval', 'request', []],
    ['payment_needs_final_approval', 'request', ['submit', 'administration', 'supervisor']],
    ['payment_already_requested', 'request', ['submit', 'finalSupervisor', 'request']],
    ['payment_already_handled', 'request', ['submit', 'finalSupervisor', 'request', 'handle']],
    ['payment_already_handled', 'handle', ['submit', 'finalSupervisor', 'request', 'handle']],
    ['payment_must_be_requested_first', 'handle', ['submit', 'finalSupervisor']],
  ])('%s refuses %s after %j', (rule, step, history) => {
    expect(ruleBrokenBy(step, history)).toBe(rule);
  });

  it('forgets the approvals of a claim that was handed in again', () => {
    const claim = claimAfter(['submit', 'administration', 'rejected', 'takeBack', 'submit']);
    expect(claim?.approvals).toEqual([]);
    expect(ruleBrokenBy('budgetOwner', ['submit', 'administration', 'rejected', 'submit'])).toBe(
      'administration_must_approve_first',
    );
  });

  it('refuses a claim that asks for nothing', () => {
    const { action, step } = stepOf('submit', 0, 0);
    expect(brokenRule(action, undefined, step)?.name).toBe('amount_must_be_positive');
  });

  it.each<[StepName, StepName[]]>([
    ['administration', ['submit']],
    ['request', ['submit', 'finalSupervisor']],
    ['handle', ['submit', 'finalSupervisor', 'request']],
  ])('refuses %s of another amount than was handed in', (name, history) => {
    const { action, step } = stepOf(name, history.length, amountCents + 1);
    expect(brokenRule(action, claimAfter(history), step)?.name).toBe('amount_differs_from_claim');
  });

  it('lets the employee hand in another amount after a rejection', () => {
    const { action, step } = stepOf('submit', 3, 5);
    const claim = claimAfter(['submit', 'rejected', 'takeBack']);
    expect(brokenRule(action, claim, step)).toBe(undefined);
    expect(afterAction(claim, action, step).amountCents).toBe(5);
  });

  it('refuses an allowed step that is not after the last one', () => {
    const { action, step } = stepOf('administration', 0);
    expect(brokenRule(action, claimAfter(['submit']), step)?.name).toBe('step_already_passed');
  });

  it('names each rule once and says each in a sentence', () => {
    const rules = new Set(Object.values(rulesOf).flat());
    const names = [...rules].map((rule) => rule.name);
    expect(new Set(names).size).toBe(names.length);
    for (const rule of rules) expect(rule.says).toMatch(/^[A-Z].*\.$/);
  });
});
