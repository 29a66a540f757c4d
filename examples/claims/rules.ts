/**
 * The life cycle of a claim as rules: for each action, what must hold before it may happen. Pure; `claims.app.ts`
 * asks it before every command, and a broken rule's name is the reason of the rejection.
 *
 * The rules say how claims are meant to go, not how some log happens to go: a log of a real office breaks them here
 * and there, and those rows are what a replay is to find.
 *
 * Invariant: the rules of an action are asked in their order and the first broken one answers, so the order goes from
 * what is wrong with the whole request to what is wrong with this one step.
 */

import type { Action, Claim, ClaimStep, Role } from './claim.js';

/** One rule: its name is stable, `says` is the sentence that a person would state. */
export interface Rule {
  readonly name: string;
  readonly says: string;
  readonly isBroken: (claim: Claim | undefined, step: ClaimStep) => boolean;
}

const isDraft = (claim: Claim | undefined) => claim === undefined || claim.phase === 'saved';
const isBackWithEmployee = (claim: Claim | undefined) =>
  claim?.phase === 'rejected' || claim?.phase === 'taken_back';
const isUnderReview = (claim: Claim | undefined) =>
  claim?.phase === 'submitted' || claim?.phase === 'approved';
const isFinal = (claim: Claim | undefined) =>
  claim?.phase === 'final_approved' ||
  claim?.phase === 'payment_requested' ||
  claim?.phase === 'payment_handled';

const claimAlreadyExists: Rule = {
  name: 'claim_already_exists',
  says: 'A draft is saved for a new claim or for one that the employee has taken back, not over one that was handed in.',
  isBroken: (claim) => claim !== undefined && claim.phase !== 'saved' && claim.phase !== 'taken_back',
};

const amountMustBePositive: Rule = {
  name: 'amount_must_be_positive',
  says: 'A claim that is handed in asks for money: at least one cent.',
  isBroken: (_claim, step) => step.amountCents <= 0,
};

const alreadyFinalApproved: Rule = {
  name: 'already_final_approved',
  says: 'After the final approval only the payment follows: nobody submits, approves, rejects or takes back any more.',
  isBroken: isFinal,
};

const alreadySubmitted: Rule = {
  name: 'already_submitted',
  says: 'A claim that is under review is not handed in a second time.',
  isBroken: isUnderReview,
};

const roleMustBeKnown: Rule = {
  name: 'role_must_be_known',
  says: 'Whoever approves or rejects does so in a known role, so that somebody answers for it.',
  isBroken: (_claim, step) => step.role === null || step.role === 'missing',
};

const noDecisionOnOwnClaim: Rule = {
  name: 'no_decision_on_own_claim',
  says: 'The employee neither approves nor rejects a claim; taking it back is a step of its own.',
  isBroken: (_claim, step) => step.role === 'employee',
};

const mustBeSubmittedFirst: Rule = {
  name: 'must_be_submitted_first',
  says: 'Nobody decides on a claim that was not handed in.',
  isBroken: isDraft,
};

const rejectedMustBeResubmitted: Rule = {
  name: 'rejected_claim_must_be_resubmitted',
  says: 'A rejected claim is back with the employee: nobody decides on it before it is handed in again.',
  isBroken: isBackWithEmployee,
};

const roleAlreadyApproved: Rule = {
  name: 'role_already_approved',
  says: 'Each role approves a submission once.',
  isBroken: (claim, step) => step.role !== null && (claim?.approvals.includes(step.role) ?? false),
};

const administrationApprovesFirst: Rule = {
  name: 'administration_must_approve_first',
  says: 'The budget owner sees a claim only after the administration has checked it.',
  isBroken: (claim, step) => step.role === 'budget_owner' && !hasApproved(claim, 'administration'),
};

const supervisorApprovesFirst: Rule = {
  name: 'supervisor_must_approve_first',
  says: 'The director decides last, on what the supervisor has approved.',
  isBroken: (claim, step) => step.role === 'director' && !hasApproved(claim, 'supervisor'),
};

const approvalOutOfOrder: Rule = {
  name: 'approval_out_of_order',
  says: 'Approval goes upwards: administration or pre-approver, budget owner, supervisor, director.',
  isBroken: (claim, step) =>
    claim !== undefined && rankOf(step.role) < Math.max(0, ...claim.approvals.map(rankOf)),
};

const finalApprovalFromTheTop: Rule = {
  name: 'final_approval_needs_supervisor_or_director',
  says: 'Only the supervisor or the director gives the final approval.',
  isBroken: (_claim, step) => step.role !== 'supervisor' && step.role !== 'director',
};

const onlyRejectedIsTakenBack: Rule = {
  name: 'only_a_rejected_claim_is_taken_back',
  says: 'The employee takes back a claim that somebody has rejected, once.',
  isBroken: (claim) => claim?.phase !== 'rejected',
};

const paymentAlreadyHandled: Rule = {
  name: 'payment_already_handled',
  says: 'A claim is paid once.',
  isBroken: (claim) => claim?.phase === 'payment_handled',
};

const paymentAlreadyRequested: Rule = {
  name: 'payment_already_requested',
  says: 'The payment of a claim is requested once.',
  isBroken: (claim) => claim?.phase === 'payment_requested',
};

const paymentNeedsFinalApproval: Rule = {
  name: 'payment_needs_final_approval',
  says: 'No payment is requested for a claim without its final approval.',
  isBroken: (claim) => !isFinal(claim),
};

const paymentMustBeRequestedFirst: Rule = {
  name: 'payment_must_be_requested_first',
  says: 'A payment is handled only after it was requested.',
  isBroken: (claim) => claim?.phase !== 'payment_requested',
};

const amountIsTheEmployees: Rule = {
  name: 'amount_differs_from_claim',
  says: 'What is approved and paid is what the employee has handed in.',
  isBroken: (claim, step) => claim !== undefined && step.amountCents !== claim.amountCents,
};

/**
 * Last of all rules, and the one that makes a repeated replay harmless: a row that was rejected in the first pass is
 * decided anew in the second, when the claim has moved on, and must not be accepted then.
 */
const stepAlreadyPassed: Rule = {
  name: 'step_already_passed',
  says: 'Steps of a claim are recorded in their order: none after a later one.',
  isBroken: (claim, step) => claim !== undefined && step.step <= claim.lastStep,
};

const decisionRules = [
  roleMustBeKnown,
  noDecisionOnOwnClaim,
  mustBeSubmittedFirst,
  rejectedMustBeResubmitted,
  alreadyFinalApproved,
  amountIsTheEmployees,
];

const approvalRules = [
  ...decisionRules,
  roleAlreadyApproved,
  administrationApprovesFirst,
  supervisorApprovesFirst,
  approvalOutOfOrder,
];

/** The rules of each action, in the order in which they are asked. */
export const rulesOf: Readonly<Record<Action, readonly Rule[]>> = {
  save: [claimAlreadyExists, stepAlreadyPassed],
  submit: [alreadyFinalApproved, alreadySubmitted, amountMustBePositive, stepAlreadyPassed],
  approve: [...approvalRules, stepAlreadyPassed],
  finalApprove: [finalApprovalFromTheTop, ...approvalRules, stepAlreadyPassed],
  reject: [...decisionRules, stepAlreadyPassed],
  takeBack: [alreadyFinalApproved, onlyRejectedIsTakenBack, stepAlreadyPassed],
  requestPayment: [
    paymentAlreadyHandled,
    paymentAlreadyRequested,
    paymentNeedsFinalApproval,
    amountIsTheEmployees,
    stepAlreadyPassed,
  ],
  handlePayment: [
    paymentAlreadyHandled,
    paymentMustBeRequestedFirst,
    amountIsTheEmployees,
    stepAlreadyPassed,
  ],
};

/** The first rule that `action` would break, or undefined when it may happen. */
export function brokenRule(action: Action, claim: Claim | undefined, step: ClaimStep): Rule | undefined {
  return rulesOf[action].find((rule) => rule.isBroken(claim, step));
}

function hasApproved(claim: Claim | undefined, role: Role): boolean {
  return claim?.approvals.includes(role) ?? false;
}

function rankOf(role: Role | null): number {
  switch (role) {
    case 'administration':
    case 'pre_approver':
      return 1;
    case 'budget_owner':
      return 2;
    case 'supervisor':
      return 3;
    case 'director':
      return 4;
    default:
      return 0;
  }
}
