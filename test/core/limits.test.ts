import { describe, expect, it } from 'vitest';
import { defaultLimits, type Limits, resolveLimits } from '../../src/core/limits.js';
import { canonicalJson, freezeValue, valueBytes } from '../../src/core/values.js';
import { errorOf } from './error-of.js';

describe('resolveLimits', () => {
  it('puts the caller’s own in place of the defaults', () => {
    expect(resolveLimits()).toEqual(defaultLimits);
    expect(resolveLimits({ turnBudgetMs: 7 })).toEqual({ ...defaultLimits, turnBudgetMs: 7 });
  });

  it('takes an undefined limit for an absent one', () => {
    const options = { turnBudgetMs: undefined } as unknown as Partial<Limits>;
    expect(resolveLimits(options).turnBudgetMs).toBe(defaultLimits.turnBudgetMs);
  });

  it('does not change the defaults', () => {
    resolveLimits({ idBytesMax: 1 });
    expect(defaultLimits.idBytesMax).toBe(512);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, true])('refuses %j', (value) => {
    const error = errorOf(() => resolveLimits({ flushDelayMs: value as number }));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', 'limits.flushDelayMs']);
  });

  it('refuses values so deep that they could not be copied, or their depth not be counted', () => {
    expect(resolveLimits({ valueDepthMax: 1_000 }).valueDepthMax).toBe(1_000);
    for (const valueDepthMax of [1_001, 4_096, 2 ** 53 - 1]) {
      const error = errorOf(() => resolveLimits({ valueDepthMax }));
      expect([error.details['field'], error.details['expected']]).toEqual([
        'limits.valueDepthMax',
        'an integer from 1 to 1000',
      ]);
    }
  });

  it('lets in the deepest value that it allows', () => {
    let value: unknown = 1;
    for (let level = 0; level < 1_000; level++) value = [value];
    const limits = resolveLimits({ valueDepthMax: 1_000 });
    const frozen = freezeValue(value, 'value', limits);
    expect(valueBytes(frozen)).toBe(1_008);
    expect(errorOf(() => freezeValue([frozen], 'value', limits)).code).toBe('invalid_input');
    expect(canonicalJson(frozen)).toBe(JSON.stringify(value));
  });

  it('refuses a limit that there is not', () => {
    for (const name of ['turnBudget', 'toString', 'constructor']) {
      const error = errorOf(() => resolveLimits({ [name]: 5 }));
      expect(error.details['field']).toBe(`limits.${name}`);
    }
  });

  it('refuses what is no object', () => {
    for (const options of [null, 5, 'x', [1]]) {
      expect(errorOf(() => resolveLimits(options as Partial<Limits>)).code).toBe('invalid_input');
    }
  });

  it('has defaults that it would take itself, with units in their names', () => {
    expect(resolveLimits(defaultLimits)).toEqual(defaultLimits);
    for (const name of Object.keys(defaultLimits)) expect(name).toMatch(/(Max|Ms)$/);
  });

  it('has defaults that fit together', () => {
    const { mailboxTurnsMax, spaceInFlightMax, speculativeTurnsMax } = defaultLimits;
    expect(mailboxTurnsMax).toBeGreaterThanOrEqual(spaceInFlightMax);
    expect(speculativeTurnsMax).toBeLessThanOrEqual(spaceInFlightMax);
    expect(defaultLimits.totalInFlightBytesMax).toBeGreaterThan(defaultLimits.valueBytesMax);
  });
});
