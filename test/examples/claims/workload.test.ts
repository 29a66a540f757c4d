import { describe, expect, it } from 'vitest';
import type { Action, Claim, Role } from '../../../examples/claims/claim.js';
import app from '../../../examples/claims/claims.app.js';
import {
  addWorkloads,
  countOpenStages,
  type OpenStage,
  type RoleWork,
} from '../../../examples/claims/workload.js';
import { AppSpace } from '../support/app-space.js';

type Row = [claimId: string, step: number, action: Action, role: Role | null, amountCents: number];

function spaceAfter(...rows: readonly Row[]): AppSpace {
  const space = new AppSpace(app);
  for (const [claimId, step, action, role, amountCents] of rows) {
    const params = { claimId, step, role, amountCents, at: '2020-03-04T05:06:07.000Z' };
    expect(space.execute(action, params)).toHaveProperty('events');
  }
  return space;
}

describe('the workload of a department', () => {
  it('counts what each role has decided, with the amounts that it was about', () => {
    const space = spaceAfter(
      ['c1', 0, 'submit', 'employee', 100],
      ['c1', 1, 'approve', 'administration', 100],
      ['c1', 2, 'finalApprove', 'supervisor', 100],
      ['c2', 0, 'submit', 'employee', 30],
      ['c2', 1, 'reject', 'administration', 30],
    );
    expect(space.query<RoleWork[]>('workload')).toEqual([
      { role: 'administration', approved: 1, finalApproved: 0, rejected: 1, amountCents: 130 },
      { role: 'supervisor', approved: 0, finalApproved: 1, rejected: 0, amountCents: 100 },
    ]);
  });

  it('counts no work for an employee and for the payment system', () => {
    const space = spaceAfter(
      ['c1', 0, 'save', 'employee', 100],
      ['c1', 1, 'submit', 'employee', 100],
      ['c1', 2, 'finalApprove', 'supervisor', 100],
      ['c1', 3, 'requestPayment', null, 100],
      ['c1', 4, 'handlePayment', null, 100],
    );
    expect(space.query<RoleWork[]>('workload').map(({ role }) => role)).toEqual(['supervisor']);
  });

  it('has each open claim in one phase, and those that are not open in none', () => {
    const space = spaceAfter(
      ['saved', 0, 'save', 'employee', 1],
      ['back', 0, 'submit', 'employee', 2],
      ['back', 1, 'reject', 'administration', 2],
      ['back', 2, 'takeBack', 'employee', 2],
      ['new', 0, 'submit', 'employee', 4],
      ['second', 0, 'submit', 'employee', 8],
      ['second', 1, 'reject', 'administration', 8],
      ['second', 2, 'submit', 'employee', 16],
      ['checked', 0, 'submit', 'employee', 32],
      ['checked', 1, 'approve', 'administration', 32],
    );
    expect(space.query<OpenStage[]>('openByPhase')).toEqual([
      { phase: 'approved', claims: 1, amountCents: 32 },
      { phase: 'submitted', claims: 2, amountCents: 20 },
    ]);
    const claims = [...space.main.entries<never>({ prefix: 'claim:' })].map(([, claim]): Claim => claim);
    expect(countOpenStages(claims)).toEqual(space.query('openByPhase'));
  });

  it('of several departments is added up by role', () => {
    const work = { approved: 1, finalApproved: 2, rejected: 3, amountCents: 4 };
    expect(
      addWorkloads([
        { role: 'supervisor', ...work },
        { role: 'director', ...work },
        { role: 'supervisor', ...work },
      ]),
    ).toEqual([
      { role: 'director', ...work },
      { role: 'supervisor', approved: 2, finalApproved: 4, rejected: 6, amountCents: 8 },
    ]);
  });
});

describe('the schema of claims', () => {
  it('refuses a claim that no claim may be', () => {
    const { main } = spaceAfter(['c1', 0, 'submit', 'employee', 100]);
    const claim = main.get<Claim>('claim:c1')!;
    expect(() => main.put('claim:c1', { ...claim, phase: 'danced' })).toThrow(/phase/);
    expect(() => main.put('claim:c1', { ...claim, amountCents: 0.5 })).toThrow(/amountCents/);
    expect(() => main.put('claim:c1', { ...claim, colour: 'red' })).toThrow(/colour/);
    expect(main.get('claim:c1')).toEqual(claim);
  });
});
