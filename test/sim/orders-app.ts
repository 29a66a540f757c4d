/** A process of two steps over two spaces, whose commands do not look whether they were made before: what happens twice shows. */

import { defineApp } from '../../src/core/define-app.js';

/** Told of each run of a handler: the outside world, which may see it more than once. */
export interface Outside {
  called(order: string): void;
}

export function ordersOf(outside: Outside) {
  return defineApp({
    name: 'orders',
    commands: {
      place: (_pstate, order: string) => [{ entityId: order, type: 'order.placed', payload: { order } }],
      reserve: (_pstate, { order, id }: { order: string; id: string }) => [
        { entityId: order, type: 'stock.reserved', payload: { order, id } },
      ],
      ship: (_pstate, order: string) => [{ entityId: order, type: 'order.shipped', payload: { order } }],
    },
    projections: {},
    reactors: {
      fulfil: {
        on: {
          'order.placed': async ({ payload }, context) => {
            outside.called(payload.order);
            await context.space('stock').execute('reserve', { order: payload.order, id: context.newId() });
            await context.execute('ship', payload.order);
          },
        },
        retry: { firstDelayMs: 5, delayMaxMs: 50, attemptsMax: 20 },
      },
    },
  });
}
