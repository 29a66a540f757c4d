import { describe, expect, it } from 'vitest';
import { loadApp } from '../../src/core/loaded-app.js';
import { given, givenEntity } from '../../src/testing/given.js';
import { asGiven, fromElsewhere, mixed, order, wrapping } from './decider-types.js';
import { errorOf } from './error-of.js';

const placed = { type: 'order.placed', payload: { id: 'given' } } as const;

describe('apps that are put together from parts', () => {
  it('load as they compile', () => {
    for (const app of [mixed, wrapping, fromElsewhere]) expect(loadApp(app).name).toBe(app.name);
    expect(asGiven()).toHaveLength(4);
  });

  it('may wrap the commands of a decider', () => {
    const open = given(wrapping, [{ entityId: 'order:o', ...placed }]);
    expect(open.when('pay', { id: ' o ' })).toMatchObject({
      kind: 'accepted',
      events: [{ type: 'order.paid', entityId: 'order:o' }],
    });
    const late = open.and([{ entityId: 'order:o', type: 'order.paid' }]);
    expect(late.when('pay', { id: 'o' })).toMatchObject({ kind: 'rejected', reason: 'not_open' });
  });
});

describe('the timers of a decider', () => {
  it('are asked for among its events', () => {
    expect(givenEntity(order).when('place', { payWithinMs: 5 }, { now: 10 })).toMatchObject({
      kind: 'accepted',
      events: [
        { entityId: 'order:given', type: 'order.placed', tags: ['placed'] },
        {
          type: 'ramax.timer.scheduled',
          payload: { timerId: 'pay:given', dueAt: 15, command: 'timeOut', params: { id: 'given' } },
        },
      ],
    });
  });

  it('are asked for alone: the entity has no more events than before', () => {
    const open = givenEntity(order, [placed]);
    const answer = open.when('place', { payWithinMs: 5 });
    expect(answer).toMatchObject({ events: [{ type: 'ramax.timer.scheduled' }] });
    expect(open.version).toBe(1);
  });

  it('execute a command of the app, or nothing is appended', () => {
    const { timeOut: _left, ...commands } = order.commands;
    const app = { name: 'lost', commands, projections: order.projections };
    const place = () => given(app).when('place', { id: 'o', payWithinMs: 1 });
    expect(errorOf(place).code).toBe('invalid_input');
  });
});
