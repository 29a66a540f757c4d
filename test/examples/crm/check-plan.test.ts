import { describe, expect, it } from 'vitest';
import { checkPlan } from '../../../examples/crm/check-plan.js';
import { Tally } from '../../../examples/demo/tally.js';

function tally(): Tally {
  const counted = new Tally();
  counted.accept(1, 1);
  counted.accept(1, 1);
  counted.reject('email_taken', 1);
  return counted;
}

describe('the check of the plan', () => {
  it('holds when every command ended as planned', () => {
    const planned = new Map([
      ['accepted', 2],
      ['email_taken', 1],
    ]);
    expect(checkPlan(planned, tally()).holds).toBe(true);
  });

  it('names every difference', () => {
    const planned = new Map([
      ['accepted', 2],
      ['contact_exists', 1],
    ]);
    const check = checkPlan(planned, tally());
    expect(check.holds).toBe(false);
    expect(check.seen).toBe('contact_exists 0, planned 1; email_taken 1, planned 0');
  });
});
