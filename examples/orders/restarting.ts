/** The runtime is closed in the middle of everything, and started again. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { BankServer } from './bank-server.js';
import { type Orders, type Places, storyOf, untilStatus } from './start-orders.js';

const item = 'book';
const idsOf = (orders: number) => Array.from({ length: orders }, (_, index) => `order-${index + 1}`);

/** Before: the bank is out of order and the warehouse is suspended, so that both reactors are behind for certain. */
export async function leaveBehind(
  { spaces }: Orders,
  places: Places,
  bank: BankServer,
  orders: number,
): Promise<void> {
  const { shop, stock } = places;
  await stock.execute('stockUp', { id: item, quantity: orders + 2 });
  await shop.execute('place', { id: 'charging', item, quantity: 1 });
  await untilStatus(places, 'charging', 'reserved');
  bank.isOutOfOrder = true;
  await shop.execute('pay', { id: 'charging', card: 'full' });
  await spaces.suspend(stock.spaceName);
  for (const id of idsOf(orders)) await shop.execute('place', { id, item, quantity: 1 });
  await shop.execute('place', { id: 'late', item, quantity: 1, payWithinMs: 300 });
}

/** After. */
export async function restarting(
  system: Orders,
  places: Places,
  bank: BankServer,
  orders: number,
): Promise<Chapter> {
  const { shop, stock } = places;
  const ids = idsOf(orders);
  const behind = [await shop.query('status', 'charging'), await shop.query('status', 'order-1')];
  bank.isOutOfOrder = false;
  await untilStatus(places, 'charging', 'paid');
  await untilStatus(places, 'late', 'timedOut');
  await system.spaces.resume(stock.spaceName);
  for (const id of ids) {
    await untilStatus(places, id, 'reserved');
    await shop.execute('pay', { id, card: 'full' });
  }
  for (const id of ids) await untilStatus(places, id, 'paid');
  const stories = await Promise.all(ids.map((id) => storyOf(shop, id)));
  return {
    title: 'A restart in the middle: everything goes on, and nothing happens twice',
    text: [
      'The bank was out of order while an order was charged for, the warehouse was suspended while others were placed, one of them',
      'with 300 ms to pay. Then the runtime was closed and started again: reactors and timers go on where they were, by themselves.',
    ],
    rows: [{ label: 'orders that waited', value: `${orders + 2}` }],
    checks: [
      checkEqual('both reactors were behind', behind, ['paying', 'placed']),
      checkEqual('the charge was made once', bank.charged.filter((id) => id === 'charging').length, 1),
      checkEqual('the late order timed out once', await storyOf(shop, 'late'), [
        ...['order.placed', 'order.timedOut'],
      ]),
      checkEqual('and nothing was reserved for it afterwards', await storyOf(stock, 'late'), []),
      checkEqual(
        'each of the others took each step once',
        stories,
        ids.map(() => ['order.placed', 'order.reserved', 'order.paymentBegun', 'order.paid']),
      ),
      checkEqual('nothing is parked', await system.reactors.parked(), []),
    ],
  };
}
