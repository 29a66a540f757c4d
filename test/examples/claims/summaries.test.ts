import { describe, expect, it } from 'vitest';
import type { Summary } from '../../../examples/claims/claims.app.js';
import { addSummaries, countClaims } from '../../../examples/claims/summaries.js';

function summary(
  openClaims: number,
  ...statuses: [status: string, claims: number, amountCents: number][]
): Summary {
  return {
    claims: statuses.reduce((sum, [, claims]) => sum + claims, 0),
    amountCents: statuses.reduce((sum, [, , amountCents]) => sum + amountCents, 0),
    openClaims,
    statuses: statuses.map(([status, claims, amountCents]) => ({ status, claims, amountCents })),
  };
}

describe('summaries', () => {
  it('add up status by status', () => {
    const total = addSummaries([
      summary(1, ['submitted', 1, 10], ['payment_handled', 2, 30]),
      summary(2, ['approved_by_director', 1, 7], ['submitted', 1, 5]),
    ]);
    expect(total).toEqual(
      summary(3, ['approved_by_director', 1, 7], ['payment_handled', 2, 30], ['submitted', 2, 15]),
    );
  });

  it('of no departments are all zero', () => {
    expect(addSummaries([])).toEqual(summary(0));
  });

  it('stay exact where sums of fractions would not', () => {
    const dimes = Array.from({ length: 1_000 }, () => summary(0, ['payment_handled', 1, 10]));
    expect(addSummaries(dimes).amountCents).toBe(10_000);
  });

  it('count open claims as those that were handed in and are neither paid nor taken back', () => {
    const phases = [
      'saved',
      'submitted',
      'rejected',
      'final_approved',
      'payment_handled',
      'taken_back',
    ] as const;
    const claims = phases.map((phase) => ({
      claimId: phase,
      phase,
      decidedBy: null,
      approvals: [],
      submissions: 1,
      amountCents: 1,
      lastStep: 0,
      lastAt: '',
    }));
    expect(countClaims(claims)).toMatchObject({ claims: 6, openClaims: 3, amountCents: 6 });
  });
});
