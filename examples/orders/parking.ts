/** Orders that a reactor cannot handle, and what an operator does about them. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { buy, type Places, untilStatus } from './start-orders.js';

export async function parking(places: Places): Promise<Chapter> {
  const { shop, stock } = places;
  await shop.execute('place', { id: 'strange', item: 'chair', quantity: 1 });
  await shop.execute('place', { id: 'hopeless', item: 'unicorn', quantity: 1 });
  await buy(places, { id: 'usual', item: 'lamp', quantity: 1 });
  await untilStatus(places, 'usual', 'paid');
  const parked = await shop.reactors.parked();
  const waiting = await shop.query('status', 'strange');
  const [strange, hopeless] = parked;
  // The first can be helped, the second cannot.
  await stock.execute('stockUp', { id: 'chair', quantity: 1 });
  if (strange !== undefined) await shop.reactors.retry(strange);
  await shop.execute('refuse', { id: 'hopeless', reason: 'not_sold_here' });
  if (hopeless !== undefined) await shop.reactors.skip(hopeless);
  const retried = await shop.query('status', 'strange');
  await shop.execute('pay', { id: 'strange', card: 'full' });
  await untilStatus(places, 'strange', 'paid');
  return {
    title: 'Parked: two orders cannot be handled, the others go on',
    text: [
      'The warehouse has never heard of the items. That is no answer that the reactor expects, and to try again would not help: the',
      'events are parked with their errors. An operator stocks one item up and has its event retried, and skips the other.',
    ],
    rows: parked.map(({ error }) => ({ label: 'parked', value: `${error.code}: ${error.reason}` })),
    checks: [
      checkEqual(
        'both are listed, and say why',
        parked.map(({ reactor, error }) => [reactor, error.reason]),
        [
          ['fulfil', 'item_unknown'],
          ['fulfil', 'item_unknown'],
        ],
      ),
      checkEqual('the first order waited, and a later one did not', waiting, 'placed'),
      checkEqual('retried, it is as any other', retried, 'reserved'),
      checkEqual('nothing is parked any more', await shop.reactors.parked(), []),
    ],
  };
}
