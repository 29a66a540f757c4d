/** An order that is paid in time. */

import { checkEqual, codeOf } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { BankServer } from './bank-server.js';
import { type Places, storyOf, untilShelf, untilStatus } from './start-orders.js';

export async function paying(places: Places, bank: BankServer): Promise<Chapter> {
  const { shop, stock } = places;
  await stock.execute('stockUp', { id: 'lamp', quantity: 3 });
  await shop.execute('place', { id: 'paid', item: 'lamp', quantity: 2 });
  await untilStatus(places, 'paid', 'reserved');
  const pending = (await shop.timers.list()).map(({ timerId }) => timerId);
  await shop.execute('pay', { id: 'paid', card: 'full' });
  await untilStatus(places, 'paid', 'paid');
  const shelf = await untilShelf(places, 'lamp', ({ held }) => held.length === 0);
  const story = await storyOf(shop, 'paid');
  return {
    title: 'Paid: stock is held behind the order, and the bank is asked',
    text: [
      'The order and its time-out are one append. Behind it a reactor reserves in the warehouse, which is another space, and tells',
      'the order. Who pays, cancels the time-out; another reactor asks the bank, again and again while it is out of order.',
    ],
    rows: [
      { label: 'the order', value: story.join(', ') },
      { label: 'in the warehouse', value: (await storyOf(stock, 'paid')).join(', ') },
    ],
    checks: [
      checkEqual('a time-out was pending', pending, ['time-out:paid']),
      checkEqual('each step happened once', story, [
        ...['order.placed', 'order.reserved', 'order.paymentBegun', 'order.paid'],
      ]),
      checkEqual('the bank, asked twice, has charged once', bank.charged, ['paid']),
      checkEqual('two lamps are sold, one is left', [shelf.sold, shelf.available], [2, 1]),
      checkEqual('no time-out is pending any more', await shop.timers.list(), []),
      checkEqual(
        'nobody pays twice',
        await codeOf(shop.execute('pay', { id: 'paid', card: 'full' })),
        'command_rejected',
      ),
    ],
  };
}
