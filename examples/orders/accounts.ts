/** The accounts at the end: of stock, orders and money. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { BankServer } from './bank-server.js';
import { ends } from './order.js';
import { buy, type Places, type Space, untilShelf } from './start-orders.js';
import type { Shelf } from './stock.js';

const items = ['lamp', 'chair', 'book'] as const;

export async function accounts(places: Places, bank: BankServer): Promise<Chapter> {
  const { shop, stock } = places;
  // A reactor takes the events of a space in their order: when the last order is sold, all before it are done with.
  await stock.execute('stockUp', { id: 'lamp', quantity: 1 });
  await buy(places, { id: 'last', item: 'lamp', quantity: 1 });
  await untilShelf(places, 'lamp', ({ held }) => held.length === 0);
  const shelves = await Promise.all(items.map((item) => stock.query('shelf', item)));
  const stocked = await stockedUp(stock);
  const endsOf = await endsByOrder(shop);
  const paid = [...endsOf].filter(([, kinds]) => kinds.includes('paid')).map(([id]) => id);
  const sold = shelves.reduce((sum, shelf) => sum + shelf.sold, 0);
  return {
    title: 'The accounts: nothing is lost, and nothing is sold twice',
    text: [
      'Every piece that was stocked up is available or sold, every order has ended, and who has paid has been charged once.',
    ],
    rows: [
      ...items.map((item, index) => ({
        label: item,
        value: `${shelves[index]?.available} available, ${shelves[index]?.sold} sold`,
      })),
      { label: 'orders', value: ends.map((end) => `${count(endsOf, end)} ${end}`).join(', ') },
    ],
    checks: [
      checkEqual(
        'available + held + sold is what was stocked up, of each item',
        shelves.map(piecesOn),
        items.map((item) => stocked.get(`item:${item}`)),
      ),
      checkEqual(
        'nothing is held for anybody',
        shelves.flatMap(({ held }) => held),
        [],
      ),
      checkEqual('what is sold is what was ordered and paid', sold, await piecesPaid(shop)),
      checkEqual(
        'each order has ended, in one way',
        [...endsOf].filter(([, kinds]) => kinds.length !== 1),
        [],
      ),
      checkEqual('the bank has charged each paid order once, and no other', bank.charged, paid.sort()),
      checkEqual('no timer is left', await shop.timers.list(), []),
    ],
  };
}

/** Every piece that the warehouse knows of. */
function piecesOn({ available, held, sold }: Shelf): number {
  return held.reduce((pieces, { quantity }) => pieces + quantity, available + sold);
}

const count = (endsOf: ReadonlyMap<string, readonly string[]>, end: string): number =>
  [...endsOf.values()].filter((kinds) => kinds.includes(end)).length;

/** How many pieces of each item were ever stocked up. */
async function stockedUp(stock: Space): Promise<ReadonlyMap<string, number>> {
  const pieces = new Map<string, number>();
  for await (const { entityId, payload } of stock.streamEvents({ query: { types: ['stock.added'] } })) {
    pieces.set(entityId, (pieces.get(entityId) ?? 0) + quantityIn(payload));
  }
  return pieces;
}

async function piecesPaid(shop: Space): Promise<number> {
  let pieces = 0;
  for await (const { payload } of shop.streamEvents({ query: { types: ['order.paid'] } }))
    pieces += quantityIn(payload);
  return pieces;
}

/** For each order that was placed, the ways in which it has ended. */
async function endsByOrder(shop: Space): Promise<ReadonlyMap<string, readonly string[]>> {
  const endsOf = new Map<string, string[]>();
  for await (const { entityId, type } of shop.streamEvents()) {
    if (!entityId.startsWith('order:')) continue;
    const kinds = endsOf.get(entityId.slice('order:'.length)) ?? [];
    endsOf.set(entityId.slice('order:'.length), kinds);
    const end = ends.find((one) => type === `order.${one}`);
    if (end !== undefined) kinds.push(end);
  }
  return endsOf;
}

function quantityIn(payload: unknown): number {
  return (payload as { readonly quantity: number }).quantity;
}
