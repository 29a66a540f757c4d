/**
 * What the warehouse has of one item, as a decider: every piece is available, held for an order, or sold.
 *
 * Reactors may ask twice, or for an order that has nothing held: to release or sell what is not held is accepted and changes nothing.
 */

import { fromDecider, reject } from 'ramax';

/** Pieces that are kept for an order. */
export interface Held {
  readonly order: string;
  readonly quantity: number;
}

type StockCommand =
  | { readonly type: 'stockUp'; readonly data: { readonly id: string; readonly quantity: number } }
  | { readonly type: 'reserve'; readonly data: Held & { readonly id: string } }
  | { readonly type: 'release'; readonly data: { readonly id: string; readonly order: string } }
  | { readonly type: 'sell'; readonly data: { readonly id: string; readonly order: string } };

type StockEvent =
  | { readonly type: 'stock.added'; readonly payload: { readonly quantity: number } }
  | { readonly type: 'stock.reserved'; readonly payload: Held }
  | { readonly type: 'stock.released'; readonly payload: Held }
  | { readonly type: 'stock.sold'; readonly payload: Held };

export interface Shelf {
  readonly isKnown: boolean;
  readonly available: number;
  readonly held: readonly Held[];
  readonly sold: number;
}

export const stock = fromDecider({
  entity: 'item',
  commands: ['stockUp', 'reserve', 'release', 'sell'],
  events: ['stock.added', 'stock.reserved', 'stock.released', 'stock.sold'],
  initialState: (): Shelf => ({ isKnown: false, available: 0, held: [], sold: 0 }),
  decide({ type, data }: StockCommand, { isKnown, available, held }: Shelf) {
    if (type === 'stockUp') return { type: 'stock.added', payload: { quantity: data.quantity } };
    if (type === 'reserve') {
      const { id, order, quantity } = data;
      if (!isKnown) return reject('item_unknown', { item: id });
      if (available < quantity) return reject('out_of_stock', { item: id, available });
      return { type: 'stock.reserved', payload: { order, quantity } };
    }
    const payload = held.find(({ order }) => order === data.order);
    if (payload === undefined) return [];
    return { type: type === 'release' ? 'stock.released' : 'stock.sold', payload };
  },
  evolve(shelf: Shelf, { type, payload }: StockEvent): Shelf {
    const { available, held, sold } = shelf;
    if (type === 'stock.added') return { ...shelf, isKnown: true, available: available + payload.quantity };
    if (type === 'stock.reserved') {
      return { ...shelf, available: available - payload.quantity, held: [...held, payload] };
    }
    const others = held.filter(({ order }) => order !== payload.order);
    if (type === 'stock.sold') return { ...shelf, held: others, sold: sold + payload.quantity };
    return { ...shelf, held: others, available: available + payload.quantity };
  },
});
