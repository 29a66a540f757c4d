/** Orders as a running system, and how a chapter waits for what becomes of one. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type { StartOptions } from '../demo/run-context.js';
import type { OrderStatus } from './order.js';
import type orders from './orders.app.js';
import { warehouse } from './orders.app.js';
import type { Shelf } from './stock.js';

/** Starts the app on a directory; `close()` it, or hold it with `await using`. */
export function startOrders({ directory, shards }: StartOptions, bankUrl: string) {
  // Shards are threads: they have the environment as it is when they are started.
  process.env['BANK_URL'] = bankUrl;
  return Ramax.start<typeof orders>({
    app: new URL('./orders.app.js', import.meta.url),
    storage: sqlite({ directory }),
    ...(shards === undefined ? {} : { shards }),
  });
}

export type Orders = Awaited<ReturnType<typeof startOrders>>;
export type Space = Awaited<ReturnType<Orders['spaces']['getOrCreate']>>;

/** The two spaces of the tour, and when it is to stop. */
export interface Places {
  readonly shop: Space;
  readonly stock: Space;
  readonly signal: AbortSignal;
}

export async function openPlaces({ spaces }: Orders, signal: AbortSignal): Promise<Places> {
  const stock = await spaces.getOrCreate(warehouse);
  return { shop: await spaces.getOrCreate('shop'), stock, signal };
}

/** What has not come by then does not come: the tour fails with `aborted`. */
const waitMs = 60_000;
const soon = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);

/** Waits until an order stands there. For a status that stays: a watch may leave out what passes. */
export async function untilStatus({ shop, signal }: Places, id: string, due: OrderStatus): Promise<void> {
  for await (const status of shop.watch({ query: 'status', params: id }, { signal: soon(signal) })) {
    if (status === due) return;
  }
}

/** Waits until a shelf is as it should be. */
export async function untilShelf(
  { stock, signal }: Places,
  item: string,
  isDue: (shelf: Shelf) => boolean,
): Promise<Shelf> {
  for await (const shelf of stock.watch({ query: 'shelf', params: item }, { signal: soon(signal) })) {
    if (isDue(shelf)) return shelf;
  }
  throw new Error('the watch has ended');
}

/** Places an order of an item that the warehouse has, waits until it is held, and pays for it. */
export async function buy(places: Places, wanted: { id: string; item: string; quantity: number }) {
  await places.shop.execute('place', wanted);
  await untilStatus(places, wanted.id, 'reserved');
  await places.shop.execute('pay', { id: wanted.id, card: 'full' });
}

/** The types of the events that are about an order, in their sequence: in the shop `id` names it, in the warehouse `order`. */
export async function storyOf(space: Space, id: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { type, payload } of space.streamEvents()) {
    if (type.startsWith('ramax.') || typeof payload !== 'object' || payload === null) continue;
    if (id === ('id' in payload ? payload['id'] : 'order' in payload && payload['order'])) types.push(type);
  }
  return types;
}
