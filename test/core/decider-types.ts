/**
 * What must compile, and what must not, of apps that are put together from parts with types of their own: deciders, wrapped commands,
 * functions of other modules. Every `@ts-expect-error` that is not needed is itself an error of `tsc`. `decider-types.test.ts` loads them.
 */

import { z } from 'zod';
import { fromDecider } from '../../src/core/decider.js';
import { type CommandsOf, defineApp, type ParamsOf } from '../../src/core/define-app.js';
import type { RecordedEvent, SpaceEvent } from '../../src/core/event.js';
import type { PStateReader } from '../../src/core/pstate-access.js';
import type { ReactorContext } from '../../src/core/reactor.js';
import { Rejection, reject } from '../../src/core/rejection.js';
import { cancelTimer, schedule } from '../../src/core/timers.js';
import { given, givenEntity } from '../../src/testing/given.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<_Same extends true>(): void {}

type Named = { readonly id: string };
type OrderCommand =
  | { readonly type: 'place'; readonly data: { readonly id: string; readonly payWithinMs: number } }
  | { readonly type: 'pay'; readonly data: Named }
  | { readonly type: 'timeOut'; readonly data: Named };
type OrderEvent =
  | { readonly type: 'order.placed'; readonly payload: Named }
  | { readonly type: 'order.paid' }
  | { readonly type: 'order.timedOut'; readonly payload: Named };
type Status = 'none' | 'open' | 'paid' | 'timedOut';

/** A decider whose answers have timers among them: in a list, alone, and one that cancels. */
export const order = fromDecider({
  entity: 'order',
  commands: ['place', 'pay', 'timeOut'],
  events: ['order.placed', 'order.paid', 'order.timedOut'],
  initialState: (): Status => 'none',
  decide({ type, data: { id, ...rest } }: OrderCommand, status: Status) {
    const timer = `pay:${id}`;
    if (type === 'place' && 'payWithinMs' in rest) {
      if (status === 'open') return schedule({ id: timer, after: 9, command: 'timeOut', params: { id } });
      const { payWithinMs } = rest;
      return [
        { type: 'order.placed', payload: { id }, tags: ['placed'] },
        schedule({ id: timer, after: payWithinMs, command: 'timeOut', params: { id } }),
      ];
    }
    if (status !== 'open') return reject('not_open');
    if (type === 'pay') return [{ type: 'order.paid' }, cancelTimer(timer)];
    return { type: 'order.timedOut', payload: { id } };
  },
  evolve(_status: Status, { type }: OrderEvent): Status {
    if (type === 'order.placed') return 'open';
    return type === 'order.paid' ? 'paid' : 'timedOut';
  },
});

/** Commands without types of their own beside projections that have them. */
export const mixed = defineApp({
  name: 'mixed',
  commands: {
    ...order.commands,
    stockUp: (_pstate, item: string) => [
      { entityId: item, type: 'stock.added', payload: { item } },
      cancelTimer('x'),
    ],
  },
  projections: {
    ...order.projections,
    'stock.added'(pstate, { entityId, payload }) {
      expectType<Same<typeof payload, { item: string }>>();
      pstate.put(entityId, payload.item);
    },
  },
  reactors: {
    stocking: {
      on: {
        async 'order.placed'({ payload }, context) {
          expectType<Same<typeof payload, Named>>();
          await context.execute('stockUp', payload.id);
          await context.execute('pay', payload);
          // @ts-expect-error: it takes the id of an item
          await context.execute('stockUp', payload);
          // @ts-expect-error: there is no such command
          await context.execute('stockDown', payload.id);
        },
      },
    },
  },
});
expectType<Same<keyof CommandsOf<typeof mixed>, 'place' | 'pay' | 'timeOut' | 'stockUp'>>();
expectType<Same<ParamsOf<CommandsOf<typeof mixed>['stockUp']>, string>>();
expectType<Same<ParamsOf<CommandsOf<typeof mixed>['pay']>, Named>>();

export const asGiven = (): unknown[] => [
  given(mixed).when('pay', { id: 'o' }),
  // @ts-expect-error: there is no such command
  () => given(mixed).when('pai', { id: 'o' }),
  // @ts-expect-error: it takes the id of an order
  () => given(mixed).when('pay', 'o'),
  givenEntity(order, [{ type: 'order.placed', payload: { id: 'o' } }])
    .and([{ type: 'order.paid' }])
    .when('pay', {}),
];

type Given<Name extends keyof typeof order.commands> = Parameters<(typeof order.commands)[Name]>;

/** Commands of a decider that are wrapped: a timer is added to what they answer. */
function also<Item, Request>(answer: readonly Item[] | Rejection, request: Request) {
  return answer instanceof Rejection ? answer : [...answer, request];
}

export const wrapping = defineApp({
  name: 'wrapping',
  params: { pay: z.object({ id: z.string().trim() }), count: z.number() },
  commands: {
    ...order.commands,
    pay: (...given: Given<'pay'>) => also(order.commands.pay(...given), cancelTimer('other')),
    timeOut(pstate, data: Named, context) {
      const answer = order.commands.timeOut(pstate, data, context);
      return Rejection.is(answer)
        ? answer
        : [...answer, schedule({ id: 'x', at: 0, command: 'count', params: 1 })];
    },
    count: (pstate, by) => {
      expectType<Same<typeof pstate, PStateReader>>();
      return [{ entityId: 'count', type: 'counted', payload: { by } }];
    },
  },
  projections: {
    ...order.projections,
    counted: (pstate, { payload }) => pstate.put('count', payload.by),
  },
  views: { ended: { version: 1, on: { 'order.paid': (view, { entityId }) => view.put(entityId, true) } } },
});
expectType<Same<keyof CommandsOf<typeof wrapping>, 'place' | 'pay' | 'timeOut' | 'count'>>();

/** Functions with types of their own, as another module has them. */
type Paid = SpaceEvent<'paid', { id: string }>;
const inView = (view: { put(key: string, value: unknown): void }, { payload }: Paid): void =>
  view.put(payload.id, true);
async function onPaid(
  { payload }: RecordedEvent<'paid', { id: string }>,
  { execute }: ReactorContext<{ ship: (_pstate: unknown, id: string) => [] }>,
): Promise<void> {
  await execute('ship', payload.id);
}

export const fromElsewhere = defineApp({
  name: 'from-elsewhere',
  commands: {
    pay: (_pstate, id: string) => [{ entityId: id, type: 'paid', payload: { id } }],
    ship: (_pstate, id: string) => [{ entityId: id, type: 'shipped' }],
  },
  projections: { paid: inView },
  views: { paid: { version: 1, on: { paid: inView } } },
  reactors: { shipping: { on: { paid: onPaid } } },
});
expectType<Same<keyof CommandsOf<typeof fromElsewhere>, 'pay' | 'ship'>>();

defineApp({
  name: 'wrong',
  commands: {
    pay: (_pstate, id: number) => [{ entityId: `${id}`, type: 'paid', payload: { id } }],
    ship: (_pstate, id: number) => [{ entityId: `${id}`, type: 'shipped' }],
  },
  // @ts-expect-error: the id is a number
  projections: { paid: inView },
  // @ts-expect-error: the id is a number
  views: { paid: { version: 1, on: { paid: inView } } },
  // @ts-expect-error: the id is a number
  reactors: { shipping: { on: { paid: onPaid } } },
});

defineApp({
  name: 'wrong',
  commands: {
    ...order.commands,
    stockUp: (_pstate, item: string) => [{ entityId: item, type: 'stock.added' }],
  },
  // @ts-expect-error: there is no such event
  projections: { ...order.projections, 'stock.edded': () => {} },
  // @ts-expect-error: there is no such event
  reactors: { stocking: { on: { 'order.plaised': () => {} } } },
});

fromDecider({
  entity: 'order',
  commands: ['place', 'pay', 'timeOut'],
  events: ['order.placed', 'order.paid', 'order.timedOut'],
  initialState: (): Status => 'none',
  // @ts-expect-error: there is no such event
  decide: (_command: OrderCommand) => [{ type: 'order.plaised' }, cancelTimer('x')],
  evolve: (status: Status, _event: OrderEvent): Status => status,
});
