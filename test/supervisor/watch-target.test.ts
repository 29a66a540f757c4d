import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import { describeApp, loadApp } from '../../src/core/loaded-app.js';
import { watchTarget } from '../../src/supervisor/watch-target.js';
import { errorOf } from '../core/error-of.js';
import { ledger } from '../sim/ledger-app.js';

const app = describeApp(loadApp(ledger));

function target(what: unknown, options: object = {}) {
  return watchTarget(what as string, options, app, defaultLimits);
}

describe('what is watched', () => {
  it('is a key of the main view, or of the view that is named', () => {
    expect(target('count')).toEqual({ kind: 'key', view: 'main', key: 'count' });
    expect(target('amount:1', { view: 'amounts' })).toEqual({
      kind: 'key',
      view: 'amounts',
      key: 'amount:1',
    });
  });

  it('is what lies under a prefix, all of it when that is empty', () => {
    expect(target({ prefix: 'entry:' })).toEqual({ kind: 'prefix', view: 'main', prefix: 'entry:' });
    expect(target({ prefix: '', view: 'amounts' })).toEqual({
      kind: 'prefix',
      view: 'amounts',
      prefix: '',
    });
  });

  it('is the result of a query, with parameters that nobody can change afterwards', () => {
    expect(target({ query: 'everything' })).toEqual({ kind: 'query', query: 'everything' });
    const params = { of: [1, 2] };
    const watched = target({ query: 'everything', params });
    params.of.push(3);
    expect(watched).toEqual({ kind: 'query', query: 'everything', params: { of: [1, 2] } });
  });

  it.each<readonly [what: unknown, options: unknown, field: string]>([
    ['', {}, 'key'],
    [7, {}, 'what'],
    [undefined, {}, 'what'],
    [null, {}, 'what'],
    [[], {}, 'what'],
    ['k'.repeat(1_000), {}, 'key'],
    [{ prefix: 7 }, {}, 'prefix'],
    [{}, {}, 'prefix'],
    [{ prefix: '\ud800' }, {}, 'prefix'],
    [{ query: 'everything', params: new Map() }, {}, 'params'],
    ['count', 7, 'options'],
    ['count', null, 'options'],
  ])('is refused by its field: %j with %j', (what, options, field) => {
    const error = errorOf(() => target(what, options as object));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', field]);
  });

  it('says what it may be when it is nothing of that', () => {
    for (const what of [5, null, undefined, [], () => 1]) {
      expect(errorOf(() => target(what)).details['expected']).toBe('a key, { prefix } or { query }');
    }
    expect(errorOf(() => target(5)).message).toBe('what must be a key, { prefix } or { query }, but got 5');
    expect(errorOf(() => target({ prefix: '', veiw: 'amounts' })).details['field']).toBe('what.veiw');
  });

  it.each<readonly [what: unknown, options: object]>([
    ['count', { veiw: 'amounts' }],
    ['count', { timeoutMs: 5 }],
    [{ prefix: '', veiw: 'amounts' }, {}],
    [{ prefix: '' }, { view: 'amounts' }],
    [{ query: 'everything', view: 'amounts' }, {}],
    [{ query: 'everything', param: 1 }, {}],
  ])('has no other options: %j with %j', (what, options) => {
    expect(errorOf(() => target(what, options)).code).toBe('invalid_input');
  });

  it('is of a view and a query that the app has', () => {
    for (const view of ['amount', 7, '']) {
      expect(errorOf(() => target('count', { view })).code).toBe('unknown_view');
      expect(errorOf(() => target({ prefix: '', view })).code).toBe('unknown_view');
    }
    const error = errorOf(() => target({ query: 'everythin' }));
    expect([error.code, error.details['nearest']]).toEqual(['unknown_query', 'everything']);
    expect(errorOf(() => target({ query: undefined })).code).toBe('unknown_query');
  });
});
