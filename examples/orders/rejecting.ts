/** Orders that cannot be: for more than there is, and with a card that the bank declines. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Places, storyOf, untilShelf, untilStatus } from './start-orders.js';

export async function rejecting(places: Places): Promise<Chapter> {
  const { shop, stock } = places;
  await shop.execute('place', { id: 'too-many', item: 'lamp', quantity: 2 });
  await untilStatus(places, 'too-many', 'rejected');
  await shop.execute('place', { id: 'too-poor', item: 'lamp', quantity: 1 });
  await untilStatus(places, 'too-poor', 'reserved');
  await shop.execute('pay', { id: 'too-poor', card: 'empty' });
  await untilStatus(places, 'too-poor', 'rejected');
  const shelf = await untilShelf(places, 'lamp', ({ held }) => held.length === 0);
  return {
    title: 'Rejected: a no is an answer',
    text: [
      'The warehouse rejects what it has not got, the bank declines a card. The reactors expect that, and tell the order. What was',
      'held is released by a reactor on the event that ends the order.',
    ],
    rows: [],
    checks: [
      checkEqual(
        'for what there is not, the warehouse has written nothing',
        await storyOf(stock, 'too-many'),
        [],
      ),
      checkEqual(
        'for the declined card it held the stock, and released it',
        await storyOf(stock, 'too-poor'),
        [...['stock.reserved', 'stock.released']],
      ),
      checkEqual('one lamp is available, as before', shelf.available, 1),
      checkEqual('nothing is left to time out', await shop.timers.list(), []),
      checkEqual('and nothing is parked', await shop.reactors.parked(), []),
    ],
  };
}
