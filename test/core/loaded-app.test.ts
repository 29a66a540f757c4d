import { describe, expect, it } from 'vitest';
import { defineApp } from '../../src/core/define-app.js';
import { describeApp, loadApp, unknownName } from '../../src/core/loaded-app.js';
import { errorOf } from './error-of.js';

const whole = {
  name: 'crm',
  commands: { add: () => [] },
  projections: { added: () => {} },
  views: { byEmail: { version: 2, on: { added: () => {} } } },
  queries: { all: () => [] },
};

describe('loadApp', () => {
  it('puts the main view first, in version 1 unless the app says otherwise', () => {
    const app = loadApp(defineApp(whole));
    expect(app.views.map(({ name, version }) => [name, version])).toEqual([
      ['main', 1],
      ['byEmail', 2],
    ]);
    expect(loadApp({ ...whole, version: 3 }).views[0].version).toBe(3);
    expect(app.commands.get('add')).toBe(whole.commands.add);
    expect(app.views[1]?.projections.get('added')).toBe(whole.views.byEmail.on.added);
  });

  it('takes an app without views and queries', () => {
    const app = loadApp({ name: 'a', commands: {}, projections: {} });
    expect([app.views.length, app.queries.size]).toEqual([1, 0]);
  });

  it('takes names that are also names of object methods', () => {
    const app = loadApp({ ...whole, commands: { toString: () => [], constructor: () => [] } });
    expect([...app.commands.keys()]).toEqual(['toString', 'constructor']);
    expect(loadApp(whole).commands.has('toString')).toBe(false);
  });

  it('describes itself by its names', () => {
    expect(describeApp(loadApp(whole))).toEqual({
      name: 'crm',
      commands: ['add'],
      queries: ['all'],
      views: ['main', 'byEmail'],
    });
  });

  it.each<readonly [what: string, candidate: unknown, field: string]>([
    ['nothing', undefined, 'the default export'],
    ['null', null, 'the default export'],
    ['a function', () => whole, 'the default export'],
    ['a list', [whole], 'the default export'],
    ['no name', { ...whole, name: undefined }, 'name'],
    ['an empty name', { ...whole, name: '' }, 'name'],
    ['no commands', { ...whole, commands: undefined }, 'commands'],
    ['commands as a list', { ...whole, commands: [() => []] }, 'commands'],
    ['a command that is no function', { ...whole, commands: { add: {} } }, 'commands.add'],
    ['no projections', { ...whole, projections: undefined }, 'projections'],
    ['a projection that is no function', { ...whole, projections: { added: 'x' } }, 'projections.added'],
    ['a version of 0', { ...whole, version: 0 }, 'version'],
    ['half a version', { ...whole, version: 1.5 }, 'version'],
    ['a version as text', { ...whole, version: '2' }, 'version'],
    ['views as a list', { ...whole, views: [] }, 'views'],
    ['a view that is nothing', { ...whole, views: { byEmail: null } }, 'views.byEmail'],
    ['a view without a version', { ...whole, views: { byEmail: { on: {} } } }, 'views.byEmail.version'],
    ['a view without projections', { ...whole, views: { byEmail: { version: 1 } } }, 'views.byEmail.on'],
    [
      'a view’s projection that is no function',
      { ...whole, views: { byEmail: { version: 1, on: { added: 1 } } } },
      'views.byEmail.on.added',
    ],
    ['a view named main', { ...whole, views: { main: { version: 1, on: {} } } }, 'views.main'],
    [
      'a view with a side name',
      { ...whole, views: { 'a~rebuild': { version: 1, on: {} } } },
      'views.a~rebuild',
    ],
    ['a view named with digits first', { ...whole, views: { '1st': { version: 1, on: {} } } }, 'views.1st'],
    [
      'a view with a long name',
      { ...whole, views: { [`a${'b'.repeat(64)}`]: { version: 1, on: {} } } },
      `views.a${'b'.repeat(64)}`,
    ],
    ['a query that is no function', { ...whole, queries: { all: [] } }, 'queries.all'],
  ])('refuses %s and names the part', (_what, candidate, field) => {
    const error = errorOf(() => loadApp(candidate));
    expect([error.code, error.details['field']]).toEqual(['invalid_app', field]);
    expect(error.message).toMatch(/^app: .* must be .*, but is /);
  });
});

describe('unknownName', () => {
  it('names the nearest name and all that are known', () => {
    const error = unknownName('command', 'addContct', ['addContact', 'remove']);
    expect(error.code).toBe('unknown_command');
    expect(error.message).toBe("the app has no command 'addContct'; did you mean 'addContact'?");
    expect(error.details).toEqual({
      command: 'addContct',
      nearest: 'addContact',
      known: ['addContact', 'remove'],
    });
  });

  it('takes whatever was given for a name', () => {
    expect(unknownName('query', Symbol('x'), []).message).toBe("the app has no query 'Symbol(x)'");
    expect(unknownName('view', undefined, ['main']).code).toBe('unknown_view');
  });
});
