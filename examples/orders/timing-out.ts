/** An order that nobody pays: its timer ends it, and a reactor gives back what it held. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Places, storyOf, untilShelf, untilStatus } from './start-orders.js';

export async function timingOut(places: Places): Promise<Chapter> {
  const { shop, stock } = places;
  await shop.execute('place', { id: 'unpaid', item: 'lamp', quantity: 1, payWithinMs: 300 });
  await untilStatus(places, 'unpaid', 'timedOut');
  const shelf = await untilShelf(places, 'lamp', ({ held }) => held.length === 0);
  const story = await storyOf(shop, 'unpaid');
  return {
    title: 'Timed out: nobody pays, and what was held is released',
    text: [
      'The order has 300 ms. Nobody waits for it: the timer executes a command of the order, and a reactor on its event releases',
      'the stock.',
    ],
    rows: [
      { label: 'the order', value: story.join(', ') },
      { label: 'in the warehouse', value: (await storyOf(stock, 'unpaid')).join(', ') },
    ],
    checks: [
      checkEqual('its last event is the time-out', story.at(-1), 'order.timedOut'),
      checkEqual('the lamp is available again', shelf.available, 1),
    ],
  };
}
