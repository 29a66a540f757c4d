import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpaceEvent } from '../../src/core/event.js';
import { loadUpcasters } from '../../src/core/loaded-app.js';
import type { Upcasters } from '../../src/core/upcasters.js';
import { errorOf } from './error-of.js';

function event(type: string, version: number, payload: unknown): SpaceEvent {
  return Object.freeze({
    spaceSequence: 7,
    entityId: 'contact:c1',
    type,
    version,
    payload: payload as never,
    timestamp: 1,
    causationId: 'c',
    correlationId: 'r',
    tags: [],
    metadata: {},
  });
}

function upcast(upcasters: Upcasters, type: string, version: number, payload: unknown) {
  return loadUpcasters(upcasters)
    .upcast(event(type, version, payload))
    .map((made) => [made.type, made.version, made.payload, made.part, made.parts]);
}

const grown: Upcasters = {
  n: { 1: ({ payload }) => ({ n: payload }), 2: ({ payload }) => ({ ...(payload as object), sign: 1 }) },
};

describe('upcasters', () => {
  it.each(['ramax.timer.fired', 'ramax.import.advanced', 'ramax.anything'])(
    'of the reserved type %s are refused: those are events of Ramax itself',
    (type) => {
      const error = errorOf(() => loadUpcasters({ [type]: { 1: () => null } }));
      expect(error).toMatchObject({ code: 'invalid_app', details: { field: `upcasters.${type}` } });
    },
  );

  it('are chained from the version of an event to the present one', () => {
    expect(upcast(grown, 'n', 1, 5)).toEqual([['n', 3, { n: 5, sign: 1 }, undefined, undefined]]);
    expect(upcast(grown, 'n', 2, { n: 5 })).toEqual([['n', 3, { n: 5, sign: 1 }, undefined, undefined]]);
  });

  it('give the event itself where it is of the present version', () => {
    const shapes = loadUpcasters(grown);
    expect(shapes.isPresent(event('n', 3, 0))).toBe(true);
    expect(shapes.isPresent(event('other', 1, 0))).toBe(true);
    expect(shapes.isPresent(event('n', 1, 0))).toBe(false);
  });

  it('may rename a type: the chain goes on with that of the other, from its version 1', () => {
    const renamed: Upcasters = { ...grown, old: { 1: ({ payload }) => ({ type: 'n', payload }) } };
    expect(upcast(renamed, 'old', 1, 5)).toEqual([['n', 3, { n: 5, sign: 1 }, undefined, undefined]]);
  });

  it('may go on with a later version of the other type', () => {
    const late: Upcasters = { ...grown, old: { 1: ({ payload }) => ({ type: 'n', version: 3, payload }) } };
    expect(upcast(late, 'old', 1, 5)).toEqual([['n', 3, 5, undefined, undefined]]);
  });

  it('may make several events of one, which say which part they are', () => {
    const split: Upcasters = {
      ...grown,
      pair: { 1: ({ payload }) => (payload as number[]).map((n) => ({ type: 'n', payload: n })) },
    };
    expect(upcast(split, 'pair', 1, [5, 6])).toEqual([
      ['n', 3, { n: 5, sign: 1 }, 0, 2],
      ['n', 3, { n: 6, sign: 1 }, 1, 2],
    ]);
    expect(upcast(split, 'pair', 1, [])).toEqual([]);
    expect(upcast(split, 'pair', 1, [5])).toEqual([['n', 3, { n: 5, sign: 1 }, undefined, undefined]]);
  });

  it('give a payload that looks like an event or is an array as an event', () => {
    const lists: Upcasters = { list: { 1: ({ type, payload }) => ({ type, payload: [payload] }) } };
    expect(upcast(lists, 'list', 1, 5)).toEqual([['list', 2, [5], undefined, undefined]]);
  });

  it.each<[string, Upcasters]>([
    ['throws', { n: { 1: () => expect.fail('no') } }],
    ['gives nothing', { n: { 1: () => undefined } }],
    ['gives a promise', { n: { 1: async () => 5 } }],
    ['gives what is no JSON', { n: { 1: () => new Map() } }],
    ['gives an array of something else', { n: { 1: () => [5] } }],
    ['gives a version that is none', { n: { 1: () => ({ type: 'n', version: 0, payload: 5 }) } }],
    ['leads back to itself', { n: { 1: () => ({ type: 'n', version: 1, payload: 5 }) } }],
    [
      'leads in a circle',
      { n: { 1: () => ({ type: 'm', payload: 5 }) }, m: { 1: () => ({ type: 'n', payload: 5 }) } },
    ],
    [
      'makes more events than there may be',
      { n: { 1: () => Array.from({ length: 1_001 }, () => ({ type: 'm', payload: 0 })) } },
    ],
    ['changes what it is given', { n: { 1: (past) => Object.assign(past as object, { payload: 1 }) } }],
  ])('are refused, with type, version and event, when one %s', (_what, upcasters) => {
    expect(errorOf(() => upcast(upcasters, 'n', 1, 0))).toMatchObject({
      code: 'upcast_failed',
      details: { eventVersion: 1, entityId: 'contact:c1', spaceSequence: 7 },
    });
  });

  it('say that an event is newer than the app', () => {
    for (const type of ['n', 'other'])
      expect(errorOf(() => upcast(grown, type, 9, 0))).toMatchObject({
        code: 'event_newer',
        details: { type, eventVersion: 9, presentVersion: type === 'n' ? 3 : 1 },
      });
  });

  it.each<[string, unknown, string]>([
    ['no object', [], 'upcasters'],
    ['no function', { n: { 1: 5 } }, 'upcasters.n.1'],
    ['a version that is none', { n: { x: () => 1 } }, 'upcasters.n.x'],
    ['a hole', { n: { 1: () => 1, 3: () => 1 } }, 'upcasters.n.2'],
  ])('are refused as an app with %s', (_what, upcasters, field) => {
    expect(errorOf(() => loadUpcasters(upcasters))).toMatchObject({
      code: 'invalid_app',
      details: { field },
    });
  });

  it('end whatever they lead to, with present versions alone or with an error', () => {
    const types = ['a', 'b', 'c'];
    const target = fc.record({ type: fc.constantFrom(...types), version: fc.integer({ min: 1, max: 3 }) });
    const steps = fc.array(fc.array(target, { maxLength: 3 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(steps, fc.constantFrom(...types), (plan, first) => {
        const step = (index: number) => () => plan[index]?.map((to) => ({ ...to, payload: index })) ?? [];
        const upcasters = Object.fromEntries(
          types.map((type, index) => [type, { 1: step(2 * index), 2: step(2 * index + 1) }]),
        );
        try {
          for (const [, version] of upcast(upcasters, first, 1, 0)) expect(version).toBe(3);
        } catch (error) {
          expect(error).toMatchObject({ code: 'upcast_failed' });
        }
      }),
    );
  });
});
