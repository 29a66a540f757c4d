import { describe, expect, it } from 'vitest';
import { activityOf } from '../../../examples/claims/activities.js';

describe('activities', () => {
  it.each([
    ['Request For Payment SAVED by EMPLOYEE', 'save', 'employee'],
    ['Request For Payment SUBMITTED by EMPLOYEE', 'submit', 'employee'],
    ['Request For Payment APPROVED by ADMINISTRATION', 'approve', 'administration'],
    ['Request For Payment APPROVED by PRE_APPROVER', 'approve', 'pre_approver'],
    ['Request For Payment APPROVED by BUDGET OWNER', 'approve', 'budget_owner'],
    ['Request For Payment APPROVED by SUPERVISOR', 'approve', 'supervisor'],
    ['Request For Payment FINAL_APPROVED by SUPERVISOR', 'finalApprove', 'supervisor'],
    ['Request For Payment FINAL_APPROVED by DIRECTOR', 'finalApprove', 'director'],
    ['Request For Payment REJECTED by ADMINISTRATION', 'reject', 'administration'],
    ['Request For Payment REJECTED by MISSING', 'reject', 'missing'],
    ['Request For Payment REJECTED by EMPLOYEE', 'takeBack', 'employee'],
    ['Request Payment', 'requestPayment', null],
    ['Payment Handled', 'handlePayment', null],
  ])('%s means %s by %s', (text, action, role) => {
    expect(activityOf(text)).toEqual({ action, role });
  });

  it('does not guess at a text that is not in the table', () => {
    expect(activityOf('Request For Payment APPROVED by JANITOR')).toBeUndefined();
    expect(activityOf('request payment')).toBeUndefined();
    expect(activityOf('constructor')).toBeUndefined();
  });
});
