/**
 * Orders: one app for the shop, where orders are placed and paid, and for the warehouse, where stock is held for them.
 *
 * Nothing is atomic over two spaces and a bank, so the process is made of steps that happen once each. Two reactors of the shop take them:
 * `fulfil` goes to the warehouse, `charge` to the bank, and both tell the order what they have heard. What an order that ends without a
 * payment held is released: that is all the compensation there is.
 */

import { defineApp, RamaxError } from 'ramax';
import { z } from 'zod';
import { type Bank, bankAt } from './bank.js';
import { order, type Wanted } from './order.js';
import { stock } from './stock.js';

/** The space whose stock is sold. */
export const warehouse = 'warehouse';

const id = z.string().regex(/^[a-z0-9-]+$/);
const quantity = z.int().min(1);
const quarterHourMs = 15 * 60_000;

/**
 * Waits for a command whose rejection, for one of these reasons, is an answer. What else goes wrong is thrown: the runtime tries the handler
 * again, or parks its event.
 */
async function answerOf<Reason extends string>(
  command: Promise<unknown>,
  ...reasons: readonly Reason[]
): Promise<'accepted' | Reason> {
  try {
    await command;
    return 'accepted';
  } catch (error) {
    const isRejection = error instanceof RamaxError && error.code === 'command_rejected';
    const reason = reasons.find((known) => isRejection && error.reason === known);
    if (reason === undefined) throw error;
    return reason;
  }
}

/** Why an order does not take what it is told any more: somebody was faster. */
const tooLate = ['not_now', 'entity_ended'] as const;

/** The app, with this bank: tests have one of their own. */
export function ordersWith(bank: Bank) {
  return defineApp({
    name: 'orders',
    params: {
      place: z.object({ id, item: id, quantity, payWithinMs: z.int().min(0).default(quarterHourMs) }),
      pay: z.object({ id, card: z.string() }),
      stockUp: z.object({ id, quantity }),
    },
    commands: { ...order.commands, ...stock.commands },
    projections: { ...order.projections, ...stock.projections },
    queries: {
      status: (pstate, orderId: string) => order.read(pstate, orderId).state.status,
      shelf: (pstate, item: string) => stock.read(pstate, item).state,
    },
    reactors: {
      fulfil: {
        from: 'start',
        retry: { attemptsMax: 200, firstDelayMs: 20, delayMaxMs: 500 },
        on: {
          async 'order.placed'({ payload: { id, item, quantity } }, context) {
            // A rejection is not remembered: a second run may hear something else. So what has come of the order is asked first.
            if ((await context.query('status', id)) !== 'placed') return;
            const reserving = context.space(warehouse).execute('reserve', { id: item, order: id, quantity });
            const answer = await answerOf(reserving, 'out_of_stock');
            const telling =
              answer === 'accepted'
                ? context.execute('confirmReserved', { id })
                : context.execute('refuse', { id, reason: answer });
            // When the order has timed out meanwhile, that event comes next: what is held is released there.
            await answerOf(telling, ...tooLate);
          },
          'order.paid': ({ payload }, { space }) => space(warehouse).execute('sell', heldFor(payload)),
          'order.rejected': ({ payload }, { space }) => space(warehouse).execute('release', heldFor(payload)),
          'order.timedOut': ({ payload }, { space }) => space(warehouse).execute('release', heldFor(payload)),
        },
      },
      charge: {
        from: 'start',
        retry: { attemptsMax: 200, firstDelayMs: 20, delayMaxMs: 500 },
        on: {
          async 'order.paymentBegun'({ payload: { id, card } }, context) {
            // The bank may be asked more than once, with the same key each time.
            const answer = await bank.charge({ key: context.newId(), order: id, card }, context.signal);
            if (answer === 'charged') await context.execute('confirmPaid', { id });
            else await context.execute('refuse', { id, reason: 'card_declined' });
          },
        },
      },
    },
  });
}

const heldFor = ({ id, item }: Wanted) => ({ id: item, order: id });

export default ordersWith(bankAt(process.env['BANK_URL']));
