/**
 * The claim: a request for payment on its way from the employee to the money. Pure data and the one function that
 * moves it on; `rules.ts` says which moves are allowed, `claims.app.ts` puts both into a space.
 */

/** In which capacity somebody acts on a claim. `missing` is a role that nobody wrote down. */
export type Role = (typeof roles)[number];

export const roles = [
  'employee',
  'administration',
  'pre_approver',
  'budget_owner',
  'supervisor',
  'director',
  'missing',
] as const;

/** What can be done with a claim: one command of the app each. */
export type Action =
  | 'save'
  | 'submit'
  | 'approve'
  | 'finalApprove'
  | 'reject'
  | 'takeBack'
  | 'requestPayment'
  | 'handlePayment';

/** The event that says that an action has happened. */
export const eventTypes = {
  save: 'claim.saved',
  submit: 'claim.submitted',
  approve: 'claim.approved',
  finalApprove: 'claim.finalApproved',
  reject: 'claim.rejected',
  takeBack: 'claim.takenBack',
  requestPayment: 'claim.paymentRequested',
  handlePayment: 'claim.paymentHandled',
} as const satisfies Readonly<Record<Action, string>>;

/** How far a claim has come. */
export type Phase = (typeof phases)[number];

export const phases = [
  'saved',
  'submitted',
  'approved',
  'final_approved',
  'rejected',
  'taken_back',
  'payment_requested',
  'payment_handled',
] as const;

/** One step of a claim: what every command of the app takes. */
export interface ClaimStep {
  readonly claimId: string;
  /** The place of the step in its claim: 0, 1, 2 … */
  readonly step: number;
  /** Who acts; null for the payment system. */
  readonly role: Role | null;
  readonly amountCents: number;
  /** When it happened: an ISO 8601 time in UTC. */
  readonly at: string;
}

/** A claim as the main view keeps it. */
export interface Claim {
  readonly claimId: string;
  readonly phase: Phase;
  /** Who approved or rejected it last; null outside these phases. */
  readonly decidedBy: Role | null;
  /** Who has approved since the last submission, in order. */
  readonly approvals: readonly Role[];
  readonly submissions: number;
  readonly amountCents: number;
  readonly lastStep: number;
  readonly lastAt: string;
}

/** The phase and, where somebody decided, who: `approved_by_administration`, `payment_handled`. */
export function statusOf(claim: Pick<Claim, 'phase' | 'decidedBy'>): string {
  return claim.decidedBy === null ? claim.phase : `${claim.phase}_by_${claim.decidedBy}`;
}

/** Handed in, and neither paid nor taken back: somebody still has to do something. */
export function isOpen(phase: Phase): boolean {
  return phase !== 'saved' && phase !== 'taken_back' && phase !== 'payment_handled';
}

const phaseAfter: Readonly<Record<Action, Phase>> = {
  save: 'saved',
  submit: 'submitted',
  approve: 'approved',
  finalApprove: 'final_approved',
  reject: 'rejected',
  takeBack: 'taken_back',
  requestPayment: 'payment_requested',
  handlePayment: 'payment_handled',
};

/** The claim after `action`. Allowed or not is not asked here: what has happened has happened. */
export function afterAction(claim: Claim | undefined, action: Action, step: ClaimStep): Claim {
  const isDecision = action === 'approve' || action === 'finalApprove' || action === 'reject';
  return {
    claimId: step.claimId,
    phase: phaseAfter[action],
    decidedBy: isDecision ? step.role : null,
    approvals: approvalsAfter(claim?.approvals ?? [], action, step.role),
    submissions: (claim?.submissions ?? 0) + (action === 'submit' ? 1 : 0),
    amountCents: claim === undefined || isWriting(action) ? step.amountCents : claim.amountCents,
    lastStep: step.step,
    lastAt: step.at,
  };
}

/** Only the employee's own writing sets the amount: nobody who decides on a claim can change it. */
function isWriting(action: Action): boolean {
  return action === 'save' || action === 'submit';
}

/** Approvals are given to one version of the claim: whatever goes back to the employee loses them. */
function approvalsAfter(approvals: readonly Role[], action: Action, role: Role | null): readonly Role[] {
  switch (action) {
    case 'approve':
    case 'finalApprove':
      return role === null ? approvals : [...approvals, role];
    case 'requestPayment':
    case 'handlePayment':
      return approvals;
    default:
      return [];
  }
}
