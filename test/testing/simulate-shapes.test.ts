import { expect, it } from 'vitest';
import { fromDecider } from '../../src/core/decider.js';
import { defineApp } from '../../src/core/define-app.js';
import { givenEvents } from '../../src/testing/given-events.js';
import { simulate } from '../../src/testing/simulate.js';

type DoorCommand = { readonly type: 'pushDoor'; readonly data: { readonly id: string } };
type DoorEvent = { readonly type: 'door.moved'; readonly payload: { readonly isOpen: boolean } };

type Door = { readonly isOpen: boolean };

const door = fromDecider<DoorCommand, DoorEvent, Door>({
  entity: 'door',
  commands: ['pushDoor'],
  events: ['door.moved'],
  initialState: () => ({ isOpen: false }),
  decide: (_command, { isOpen }) => [{ type: 'door.moved', payload: { isOpen: !isOpen } }],
  evolve: (_state, { payload }) => payload,
});

const house = defineApp({
  name: 'house',
  commands: { ...door.commands },
  projections: { ...door.projections },
  upcasters: { 'door.moved': { 1: ({ payload }) => ({ isOpen: (payload as { open: boolean }).open }) } },
});

it('an app with deciders and upcasters passes as any other', async () => {
  const report = await simulate({
    app: house,
    seeds: 20,
    commands: { pushDoor: (random) => ({ id: `d${random.below(3)}` }) },
    always: {
      'doors open and close in turn': ({ events }) =>
        events.every(({ entityId, payload }, place) => {
          const before = events.slice(0, place).filter((event) => event.entityId === entityId).length;
          return (payload as { isOpen: boolean }).isOpen === (before % 2 === 0);
        }),
    },
  });
  expect(report.accepted).toBeGreaterThan(300);
});

it('events of an earlier version are shown in their present shape', () => {
  const old = { entityId: 'door:d1', type: 'door.moved', payload: { open: true }, version: 1 };
  expect(givenEvents(house, [old]).state.events[0]?.payload).toEqual({ isOpen: true });
});

it('a command that asks its context for ids is pure', async () => {
  const app = defineApp({
    name: 'ids',
    commands: {
      add: (_pstate, _params: number, { newId, now }) => [
        { entityId: newId(), type: 'added', payload: { now } },
      ],
    },
    projections: { added: (pstate, { entityId, payload }) => pstate.put(entityId, payload.now) },
  });
  const { seeds } = await simulate({ app, seeds: 3, commands: { add: (random) => random.below(9) } });
  expect(seeds).toBe(3);
});
