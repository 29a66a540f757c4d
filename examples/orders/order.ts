/**
 * The life of an order, as a decider. It ends in one of three ways: paid, timed out, or rejected.
 *
 *   placed -> reserved -> paying -> paid
 *     |  \       |  \        |
 *     |   +------|---+-------+----> rejected      nothing in stock, or the card is declined
 *     +----------+----------------> timedOut      nobody has begun to pay in time
 *
 * An order knows nothing of the warehouse or the bank: reactors ask there (`orders.app.ts`), and tell it what they have heard.
 */

import { cancelTimer, fromDecider, reject, schedule } from 'ramax';

/** What is ordered. */
export interface Wanted {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
}
type Named = { readonly id: string };

type OrderCommand =
  | { readonly type: 'place'; readonly data: Wanted & { readonly payWithinMs: number } }
  | { readonly type: 'confirmReserved'; readonly data: Named }
  | { readonly type: 'pay'; readonly data: Named & { readonly card: string } }
  | { readonly type: 'confirmPaid'; readonly data: Named }
  | { readonly type: 'refuse'; readonly data: Named & { readonly reason: string } }
  | { readonly type: 'timeOut'; readonly data: Named };

type OrderEvent =
  | { readonly type: 'order.placed'; readonly payload: Wanted }
  | { readonly type: 'order.reserved'; readonly payload: Wanted }
  | { readonly type: 'order.paymentBegun'; readonly payload: Wanted & { readonly card: string } }
  | { readonly type: 'order.paid'; readonly payload: Wanted }
  | { readonly type: 'order.rejected'; readonly payload: Wanted & { readonly reason: string } }
  | { readonly type: 'order.timedOut'; readonly payload: Wanted };

export type OrderStatus = 'none' | 'placed' | 'reserved' | 'paying' | 'paid' | 'rejected' | 'timedOut';
export const ends: readonly OrderStatus[] = ['paid', 'rejected', 'timedOut'];

interface Order {
  readonly status: OrderStatus;
  readonly wanted: Wanted;
}

const statusAfter: Readonly<Record<OrderEvent['type'], OrderStatus>> = {
  'order.placed': 'placed',
  'order.reserved': 'reserved',
  'order.paymentBegun': 'paying',
  'order.paid': 'paid',
  'order.rejected': 'rejected',
  'order.timedOut': 'timedOut',
};

/** For each command: at which points of its life an order takes it. */
const takenWhen: Readonly<Record<OrderCommand['type'], readonly OrderStatus[]>> = {
  place: ['none'],
  confirmReserved: ['placed'],
  pay: ['reserved'],
  confirmPaid: ['paying'],
  refuse: ['placed', 'reserved', 'paying'],
  timeOut: ['placed', 'reserved'],
};

const timerOf = (id: string): string => `time-out:${id}`;

export const order = fromDecider({
  entity: 'order',
  commands: ['place', 'confirmReserved', 'pay', 'confirmPaid', 'refuse', 'timeOut'],
  events: [
    'order.placed',
    'order.reserved',
    'order.paymentBegun',
    'order.paid',
    'order.rejected',
    'order.timedOut',
  ],
  initialState: (): Order => ({ status: 'none', wanted: { id: '', item: '', quantity: 0 } }),
  isTerminal: ({ status }) => ends.includes(status),
  decide(command: OrderCommand, { status, wanted }: Order) {
    const { id } = command.data;
    if (!takenWhen[command.type].includes(status)) return reject('not_now', { id, status });
    switch (command.type) {
      case 'place': {
        const { item, quantity, payWithinMs } = command.data;
        // The order and its time-out are one append: there is never one without the other.
        return [
          { type: 'order.placed', payload: { id, item, quantity } },
          schedule({ id: timerOf(id), after: payWithinMs, command: 'timeOut', params: { id } }),
        ];
      }
      case 'confirmReserved':
        return { type: 'order.reserved', payload: wanted };
      case 'pay':
        // From here on the bank decides: an order that is paid for must not time out.
        return [
          { type: 'order.paymentBegun', payload: { ...wanted, card: command.data.card } },
          cancelTimer(timerOf(id)),
        ];
      case 'confirmPaid':
        return { type: 'order.paid', payload: wanted };
      case 'refuse':
        return [
          { type: 'order.rejected', payload: { ...wanted, reason: command.data.reason } },
          cancelTimer(timerOf(id)),
        ];
      case 'timeOut':
        return { type: 'order.timedOut', payload: wanted };
    }
  },
  evolve: ({ wanted }: Order, { type, payload }: OrderEvent): Order => ({
    status: statusAfter[type],
    wanted: type === 'order.placed' ? payload : wanted,
  }),
});
