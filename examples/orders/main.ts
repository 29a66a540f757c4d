/**
 * A tour of an order process, as a program: reactors and timers carry orders through a shop, its warehouse and a bank. `--help` says
 * the rest. Each chapter is a file beside this one, written to be read and copied from.
 */

import { runProgram } from '../demo/program.js';
import { type Chapter, mustBeEmpty, runTour, type TourContext } from '../demo/run-tour.js';
import { accounts } from './accounts.js';
import { BankServer } from './bank-server.js';
import { parking } from './parking.js';
import { paying } from './paying.js';
import { rejecting } from './rejecting.js';
import { leaveBehind, restarting } from './restarting.js';
import { openPlaces, startOrders } from './start-orders.js';
import { timingOut } from './timing-out.js';

const sizes = {
  orders: { says: 'orders that wait when the runtime is closed', default: 20, max: 1_000 },
};

type Context = TourContext<keyof typeof sizes>;

async function* chapters(context: Context): AsyncGenerator<Chapter> {
  await using bank = await BankServer.open();
  yield* beforeRestart(context, bank);
  await using orders = await startOrders(context, bank.url);
  const places = await openPlaces(orders, context.signal);
  yield await restarting(orders, places, bank, context.sizes.orders);
  yield await accounts(places, bank);
}

async function* beforeRestart(context: Context, bank: BankServer): AsyncGenerator<Chapter> {
  await using orders = await startOrders(context, bank.url);
  mustBeEmpty(await orders.spaces.list());
  const places = await openPlaces(orders, context.signal);
  yield await paying(places, bank);
  yield await rejecting(places);
  yield await timingOut(places);
  yield await parking(places);
  await leaveBehind(orders, places, bank, context.sizes.orders);
}

const about = `A tour of an order process: stock is reserved behind an order, which is paid, rejected, or times out and is compensated.
Each chapter does what it tells on a running system and checks it.`;

await runProgram((args) => runTour(args, { about, sizes, chapters }));
