import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineApp } from '../../src/core/define-app.js';
import { describeApp, loadApp, unknownName } from '../../src/core/loaded-app.js';
import { describeSchema } from '../../src/core/schema/describe-schema.js';
import { entity } from '../../src/core/schema/entity.js';
import { field } from '../../src/core/schema/field.js';
import { defineSchema } from '../../src/core/schema/schema.js';
import { errorOf } from './error-of.js';

const schema = defineSchema({ contact: entity({ name: field.string() }) });

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
      reactors: [],
      viewVersions: { main: 1, byEmail: 2 },
    });
  });

  it('describes the schema of its main view', () => {
    expect(describeApp(loadApp({ ...whole, schema })).schema).toEqual(describeSchema(schema));
  });

  it('keeps the schema of each view, and the validators of params and events', () => {
    const added = z.object({ name: z.string() });
    const app = loadApp({
      ...whole,
      params: { add: z.string() },
      events: { 'contact.added': added, neverReturned: z.null() },
      views: { byEmail: { version: 2, schema, on: {} }, byName: { version: 1, on: {} } },
    });
    expect(app.views.map((view) => view.schema)).toEqual([undefined, schema, undefined]);
    expect([...app.params.keys()]).toEqual(['add']);
    expect(app.events.get('contact.added')).toBe(added);
    expect(loadApp(whole).params.size + loadApp(whole).events.size).toBe(0);
  });

  describe('gives each view a source', () => {
    const sourceOf = (app: object) => loadApp({ ...whole, views: {}, ...app }).views[0].source;
    const one = (pstate: Map<string, number>) => pstate.set('a', 1);
    const two = (pstate: Map<string, number>) => pstate.set('a', 2);

    it('that does not depend on the order of the projections', () => {
      const source = sourceOf({ projections: { a: one, b: two } });
      expect(sourceOf({ projections: { b: two, a: one } })).toBe(source);
    });

    it.each<readonly [what: string, app: object]>([
      ['a projection is changed', { projections: { a: two, b: two } }],
      ['a projection is added', { projections: { a: one, b: two, c: two } }],
      ['two projections change places', { projections: { a: two, b: one } }],
    ])('that changes when %s', (_what, app) => {
      expect(sourceOf(app)).not.toBe(sourceOf({ projections: { a: one, b: two } }));
    });

    it('that the version and other parts of the app are no part of', () => {
      const source = sourceOf({ projections: { a: one } });
      expect(sourceOf({ projections: { a: one }, version: 4, commands: {}, name: 'other' })).toBe(source);
      expect(sourceOf({ projections: { a: one }, schema })).toBe(source);
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
    ['a schema that is none', { ...whole, schema: { contact: {} } }, 'schema'],
    [
      'a view’s schema that is none',
      { ...whole, views: { byEmail: { version: 1, schema: z.string(), on: {} } } },
      'views.byEmail.schema',
    ],
    ['params that are a list', { ...whole, params: [] }, 'params'],
    ['params that are no validator', { ...whole, params: { add: () => true } }, 'params.add'],
    ['params of no command', { ...whole, params: { ad: z.string() } }, 'params.ad'],
    ['an event that is no validator', { ...whole, events: { added: { type: 'string' } } }, 'events.added'],
    [
      'a validator of another version of the standard',
      { ...whole, events: { added: { '~standard': { version: 2, validate: () => ({ value: 1 }) } } } },
      'events.added',
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
