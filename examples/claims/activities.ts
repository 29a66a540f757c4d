/**
 * The activities of the log, by their text. A table rather than a pattern: a text that is not in it is a line that
 * nobody has thought about, and is reported instead of guessed.
 */

import type { Action, Role } from './claim.js';

/** What an activity means. */
export interface Activity {
  readonly action: Action;
  /** Who acts; null for the payment system. */
  readonly role: Role | null;
}

const activities: ReadonlyMap<string, Activity> = new Map<string, Activity>([
  ['Request For Payment SAVED by EMPLOYEE', { action: 'save', role: 'employee' }],
  ['Request For Payment SUBMITTED by EMPLOYEE', { action: 'submit', role: 'employee' }],
  ['Request For Payment APPROVED by ADMINISTRATION', { action: 'approve', role: 'administration' }],
  ['Request For Payment APPROVED by PRE_APPROVER', { action: 'approve', role: 'pre_approver' }],
  ['Request For Payment APPROVED by BUDGET OWNER', { action: 'approve', role: 'budget_owner' }],
  ['Request For Payment APPROVED by SUPERVISOR', { action: 'approve', role: 'supervisor' }],
  ['Request For Payment FINAL_APPROVED by SUPERVISOR', { action: 'finalApprove', role: 'supervisor' }],
  ['Request For Payment FINAL_APPROVED by DIRECTOR', { action: 'finalApprove', role: 'director' }],
  ['Request For Payment REJECTED by ADMINISTRATION', { action: 'reject', role: 'administration' }],
  ['Request For Payment REJECTED by PRE_APPROVER', { action: 'reject', role: 'pre_approver' }],
  ['Request For Payment REJECTED by BUDGET OWNER', { action: 'reject', role: 'budget_owner' }],
  ['Request For Payment REJECTED by SUPERVISOR', { action: 'reject', role: 'supervisor' }],
  ['Request For Payment REJECTED by DIRECTOR', { action: 'reject', role: 'director' }],
  ['Request For Payment REJECTED by MISSING', { action: 'reject', role: 'missing' }],
  // The employee's "rejection" follows somebody else's: it takes the claim back from the desk that refused it.
  ['Request For Payment REJECTED by EMPLOYEE', { action: 'takeBack', role: 'employee' }],
  ['Request Payment', { action: 'requestPayment', role: null }],
  ['Payment Handled', { action: 'handlePayment', role: null }],
]);

/** What `text` means, or undefined when the log's activities know no such text. */
export function activityOf(text: string): Activity | undefined {
  return activities.get(text);
}
