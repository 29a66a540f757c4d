import { describe, expect, it } from 'vitest';
import { Rejection, reject } from '../../src/core/rejection.js';
import { errorOf } from './error-of.js';

describe('reject', () => {
  it('carries its reason and a frozen copy of its details', () => {
    const ids = ['c1'];
    const rejection = reject('contact_exists', { ids });
    ids.push('c2');
    expect([rejection.reason, rejection.details]).toEqual(['contact_exists', { ids: ['c1'] }]);
    expect(Object.isFrozen(rejection.details['ids'])).toBe(true);
    expect(reject('no').details).toEqual({});
  });

  it('refuses details that are no JSON', () => {
    const error = errorOf(() => reject('late', { at: new Date(0) }));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', 'details.at']);
  });

  it('refuses a reason that is no text', () => {
    for (const reason of ['', undefined, 5, Symbol('x')]) {
      expect(errorOf(() => reject(reason as string)).details['field']).toBe('reason');
    }
  });

  it('refuses details that are no object', () => {
    for (const details of [null, 'text', ['c1']]) {
      expect(errorOf(() => reject('no', details as never)).details['field']).toBe('details');
    }
  });

  it('is told from everything that looks like it', () => {
    expect(Rejection.is(reject('no'))).toBe(true);
    for (const answer of [{ reason: 'no', details: {} }, null, [], undefined, new Error('no')]) {
      expect(Rejection.is(answer)).toBe(false);
    }
  });
});
