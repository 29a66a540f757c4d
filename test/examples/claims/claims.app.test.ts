import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, ClaimStep, Role } from '../../../examples/claims/claim.js';
import app, { type Summary } from '../../../examples/claims/claims.app.js';
import { countClaims } from '../../../examples/claims/summaries.js';
import { AppSpace } from '../support/app-space.js';

type Row = [claimId: string, step: number, action: Action, role: Role | null, amountCents: number];

const at = '2020-03-04T05:06:07.000Z';

/** Given nothing: these rows are sent in their order, each with its command id. */
function spaceAfter(rows: readonly Row[], space = new AppSpace(app)): AppSpace {
  for (const row of rows) send(space, row);
  return space;
}

function send(space: AppSpace, [claimId, step, action, role, amountCents]: Row) {
  const params: ClaimStep = { claimId, step, role, amountCents, at };
  return space.execute(action, params, { commandId: `${claimId}:${step}` });
}

function paidClaim(claimId: string, amountCents: number): Row[] {
  return [
    [claimId, 0, 'submit', 'employee', amountCents],
    [claimId, 1, 'finalApprove', 'supervisor', amountCents],
    [claimId, 2, 'requestPayment', null, amountCents],
    [claimId, 3, 'handlePayment', null, amountCents],
  ];
}

describe('the claims app', () => {
  it('makes one event of an allowed step and keeps the claim', () => {
    const space = spaceAfter([['c1', 0, 'submit', 'employee', 1_050]]);
    expect(space.events.map(({ entityId, type }) => [entityId, type])).toEqual([
      ['claim:c1', 'claim.submitted'],
    ]);
    expect(space.main.get('claim:c1')).toMatchObject({ phase: 'submitted', amountCents: 1_050, lastStep: 0 });
  });

  it('rejects a step with the name of the rule and changes nothing', () => {
    const space = spaceAfter([['c1', 0, 'submit', 'employee', 1_050]]);
    const before = space.stateText();
    expect(send(space, ['c1', 1, 'requestPayment', null, 1_050])).toEqual({
      rejected: 'payment_needs_final_approval',
      details: { claimId: 'c1', says: expect.any(String), status: 'submitted' },
    });
    expect(space.stateText()).toBe(before);
  });

  it('counts claims, open claims and amounts per status', () => {
    const space = spaceAfter([
      ...paidClaim('c1', 1_050),
      ['c2', 0, 'save', 'employee', 7],
      ['c3', 0, 'submit', 'employee', 100],
      ['c4', 0, 'submit', 'employee', 200],
      ['c4', 1, 'approve', 'administration', 200],
      ['c5', 0, 'submit', 'employee', 300],
      ['c5', 1, 'reject', 'administration', 300],
      ['c5', 2, 'takeBack', 'employee', 300],
    ]);
    expect(space.query<Summary>('summary')).toEqual({
      claims: 5,
      openClaims: 2,
      amountCents: 1_657,
      statuses: [
        { status: 'approved_by_administration', claims: 1, amountCents: 200 },
        { status: 'payment_handled', claims: 1, amountCents: 1_050 },
        { status: 'saved', claims: 1, amountCents: 7 },
        { status: 'submitted', claims: 1, amountCents: 100 },
        { status: 'taken_back', claims: 1, amountCents: 300 },
      ],
    });
  });

  it('moves the whole amount when a claim is handed in again with another one', () => {
    const space = spaceAfter([
      ['c1', 0, 'submit', 'employee', 300],
      ['c1', 1, 'reject', 'administration', 300],
      ['c2', 0, 'submit', 'employee', 1_000],
      ['c2', 1, 'reject', 'administration', 1_000],
      ['c1', 2, 'submit', 'employee', 250],
    ]);
    expect(space.query<Summary>('summary').statuses).toEqual([
      { status: 'rejected_by_administration', claims: 1, amountCents: 1_000 },
      { status: 'submitted', claims: 1, amountCents: 250 },
    ]);
  });

  it('lists the claims of a status, each in one status at a time', () => {
    const space = spaceAfter([['c1', 0, 'submit', 'employee', 300], ...paidClaim('c2', 5)]);
    expect(space.query('claimsWith', 'submitted')).toEqual([{ claimId: 'c1', amountCents: 300 }]);
    expect(space.query('claimsWith', 'payment_handled')).toEqual([{ claimId: 'c2', amountCents: 5 }]);
    expect(space.query('claimsWith', 'final_approved_by_supervisor')).toEqual([]);
  });

  it('adds up what was paid in each month', () => {
    const space = spaceAfter([...paidClaim('c1', 10), ...paidClaim('c2', 5)]);
    expect(space.query('paidByMonth')).toEqual([{ month: '2020-03', claims: 2, amountCents: 15 }]);
  });

  it('gives its views in pages', () => {
    const space = spaceAfter([...paidClaim('c1', 10), ...paidClaim('c2', 5)]);
    const page = (offset: number) =>
      space.query<[string, unknown][]>('page', { view: 'byStatus', offset, limit: 3 }).map(([key]) => key);
    expect([page(0), page(3)]).toEqual([
      ['claim:c1', 'claim:c2', 'payment_handled/c1'],
      ['payment_handled/c2'],
    ]);
  });

  describe('for any rows', () => {
    const action = fc.constantFrom<Action>(
      'save',
      'submit',
      'approve',
      'finalApprove',
      'reject',
      'takeBack',
      'requestPayment',
      'handlePayment',
    );
    const role = fc.constantFrom<Role>('administration', 'budget_owner', 'supervisor', 'director', 'missing');
    const claim = fc.array(fc.tuple(action, role), { maxLength: 12 });
    const rows = fc
      .array(claim, { maxLength: 4 })
      .map((claims) =>
        claims.flatMap((steps, index) =>
          steps.map(([each, by], step): Row => [`c${index}`, step, each, by, 100 * (index + 1)]),
        ),
      );

    it('a summary is what counting the claims one by one gives', () => {
      fc.assert(
        fc.property(rows, (given) => {
          const space = spaceAfter(given);
          const claims = [...space.main.entries<never>({ prefix: 'claim:' })].map(([, value]) => value);
          expect(space.query('summary')).toEqual(countClaims(claims));
        }),
      );
    });

    it('rebuilt state equals live state', () => {
      fc.assert(
        fc.property(rows, (given) => {
          const space = spaceAfter(given);
          expect(space.rebuilt().stateText()).toBe(space.stateText());
        }),
      );
    });

    it('a replay that was interrupted and is run again ends as one that was not', () => {
      fc.assert(
        fc.property(rows, fc.nat(), (given, cut) => {
          const twice = spaceAfter(given, spaceAfter(given.slice(0, cut % (given.length + 1))));
          const once = spaceAfter(given);
          expect(twice.stateText()).toBe(once.stateText());
          expect(twice.events).toEqual(once.events);
          expect(spaceAfter(given, twice).events).toEqual(once.events);
        }),
      );
    });
  });
});
