import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineApp } from '../../src/core/define-app.js';
import { given } from '../../src/testing/given.js';
import { errorOf } from '../core/error-of.js';

/** What reached the commands. */
const decided: unknown[] = [];

const app = defineApp({
  name: 'validated',
  params: {
    zod: z.object({ name: z.string().trim(), level: z.coerce.number<string>() }),
    valibot: v.object({ name: v.pipe(v.string(), v.trim()), level: v.pipe(v.string(), v.transform(Number)) }),
    arktype: type({ name: 'string.trim', level: 'string.numeric.parse' }),
    optional: z.string().optional(),
  },
  events: {
    'zod.done': z.object({ name: z.string().max(5), times: z.number().default(1) }),
    'valibot.done': v.object({ name: v.pipe(v.string(), v.maxLength(5)), times: v.optional(v.number(), 1) }),
    'arktype.done': type({ name: 'string <= 5', times: 'number = 1' }),
    nothing: z.null(),
  },
  commands: {
    zod(_pstate, person) {
      decided.push(person);
      return [{ entityId: 'x', type: 'zod.done', payload: { name: person.name } }];
    },
    valibot(_pstate, person) {
      decided.push(person);
      return [{ entityId: 'x', type: 'valibot.done', payload: { name: person.name } }];
    },
    arktype(_pstate, person) {
      decided.push(person);
      return [{ entityId: 'x', type: 'arktype.done', payload: { name: person.name } }];
    },
    optional: (_pstate, text) => [
      { entityId: 'x', type: 'said', payload: { text: text ?? 'nothing' } },
      { entityId: 'x', type: 'nothing' },
    ],
    nonsense: () => [null as never, { type: 'zod.done' } as never],
  },
  projections: {
    'zod.done': (pstate, { payload }) => pstate.put('times', payload.times),
  },
});

describe.each(['zod', 'valibot', 'arktype'] as const)('validators of %s', (library) => {
  it('give a command its parameters, from what the caller gave', () => {
    decided.length = 0;
    given(app).when(library, { name: ' Ada ', level: '7' });
    expect(decided).toEqual([{ name: 'Ada', level: 7 }]);
  });

  it('refuse parameters before the command runs, with the path', () => {
    decided.length = 0;
    const error = errorOf(() => given(app).when(library, { name: 5, level: '7' } as never));
    expect([error.code, error.details['field'], error.details['got']]).toEqual([
      'invalid_input',
      'params.name',
      '5',
    ]);
    expect(decided).toEqual([]);
  });

  it('refuse missing parameters', () => {
    expect(errorOf(() => given(app).when(library, undefined as never)).details['field']).toBe('params');
  });

  it('make the payload that is appended', () => {
    const answer = given(app).when(library, { name: 'Ada', level: '7' });
    expect(answer).toEqual({
      kind: 'accepted',
      events: [{ entityId: 'x', type: `${library}.done`, payload: { name: 'Ada', times: 1 } }],
    });
  });

  it('refuse a payload, with the path', () => {
    const error = errorOf(() => given(app).when(library, { name: 'Augusta', level: '7' }));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', 'events[0].payload.name']);
  });
});

describe('validators', () => {
  it('take absent parameters and payloads where they say so', () => {
    expect(given(app).when('optional', undefined)).toMatchObject({
      events: [{ payload: { text: 'nothing' } }, { type: 'nothing', payload: null }],
    });
  });

  it('leave what is no event to the check of events', () => {
    expect(errorOf(() => given(app).when('nonsense', undefined)).code).toBe('invalid_input');
  });

  it('do not look again at what says that it lies in the log: a history is as it is', () => {
    const history = [
      { entityId: 'x', type: 'zod.done', version: 1, payload: { times: 'from an older app' } },
    ];
    expect(given(app, history).pstate.get('times')).toBe('from an older app');
  });
});
