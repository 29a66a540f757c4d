/**
 * An app in three releases, in which everything of the reading and reacting side has a part: upcasters, a decider, further views,
 * reactors that act in other spaces, and timers. No command looks whether it was made before, so what happens twice shows.
 *
 *   order.placed -> reserve in stock, start the clock -> paid: stop the clock, book in the ledger
 *                                                     -> time is over: expired -> release in stock
 *
 * What the releases do with the past: `order.placed` has a new payload in each of them, `stock.taken` and `seat.taken` have other names
 * from the second on, and what `items.added` was, is one event for each item in the third.
 */

import type { EventSpec, RecordedEvent } from '../../src/core/event.js';
import type { Upcasters } from '../../src/core/upcasters.js';
import { cancelTimer, defineApp, fromDecider, reject, schedule } from '../../src/index.js';

/** Which release: 0 is the first one. */
export type Release = 0 | 1 | 2;

type OrderCommand =
  | { type: 'placeOrder'; data: { id: string; amount: number } }
  | { type: 'payOrder'; data: { id: string } }
  | { type: 'expireOrder'; data: { id: string } };
type Placed = { amount: number } | { total: number } | { total: number; currency: string };
type OrderEvent =
  | { type: 'order.placed'; payload: Placed }
  | { type: 'order.paid'; payload: { total: number } }
  | { type: 'order.expired'; payload: null };
type Order = { state: 'none' | 'open' | 'paid' | 'expired'; due: string };

const placedIn: readonly ((amount: number) => Placed)[] = [
  (amount) => ({ amount }),
  (amount) => ({ total: amount }),
  (amount) => ({ total: amount, currency: 'EUR' }),
];

/** In the shape of its release alone: an event of another one does not go unnoticed. */
function dueOf(payload: Placed, release: Release): string {
  const names = Object.keys(payload).join();
  const expected = ['amount', 'total', 'total,currency'][release];
  if (names !== expected) throw new TypeError(`release ${release} was given an order with ${names}`);
  return `${'total' in payload ? payload.total : payload.amount}`;
}

function orderOf(release: Release) {
  return fromDecider({
    entity: 'order',
    commands: ['placeOrder', 'payOrder', 'expireOrder'],
    events: ['order.placed', 'order.paid', 'order.expired'],
    initialState: (): Order => ({ state: 'none', due: '0' }),
    isTerminal: ({ state }) => state === 'paid' || state === 'expired',
    decide({ type, data }: OrderCommand, { state, due }: Order): OrderEvent | ReturnType<typeof reject> {
      if (type === 'placeOrder') {
        const payload = placedIn[release]?.(data.amount) ?? { amount: 0 };
        return state === 'none' ? { type: 'order.placed', payload } : reject('there_already');
      }
      if (state !== 'open') return reject('not_open');
      return type === 'payOrder'
        ? { type: 'order.paid', payload: { total: Number(due) } }
        : { type: 'order.expired', payload: null };
    },
    evolve(state: Order, event: OrderEvent): Order {
      if (event.type === 'order.placed') return { state: 'open', due: dueOf(event.payload, release) };
      return { ...state, state: event.type === 'order.paid' ? 'paid' : 'expired' };
    },
  });
}

const upcasterSteps: readonly Upcasters[] = [
  {},
  {
    'order.placed': { 1: ({ payload }) => ({ total: (payload as { amount: number }).amount }) },
    'stock.taken': {
      1: ({ payload }) => ({ type: 'stock.reserved', payload: payload as { order: string } }),
    },
    'seat.taken': { 1: ({ payload }) => ({ type: 'seat.claimed', payload: payload as never }) },
  },
  {
    'order.placed': { 2: ({ payload }) => ({ ...(payload as object), currency: 'EUR' }) },
    'stock.reserved': { 1: ({ payload }) => ({ ...(payload as object), hall: 'old' }) },
    'items.added': {
      1: ({ payload }) => (payload as string[]).map((item) => ({ type: 'item.added', payload: { item } })),
    },
  },
];

/** The upcasters up to a release. */
function upcastersOf(release: Release): Upcasters {
  const all: Record<string, Record<number, Upcasters[string][number]>> = {};
  for (const steps of upcasterSteps.slice(0, release + 1))
    for (const [type, versions] of Object.entries(steps)) all[type] = { ...all[type], ...versions };
  return all;
}

/** The names of types that have changed, in a release. */
export const names = (release: number) => ({
  reserved: release === 0 ? 'stock.taken' : 'stock.reserved',
  seat: release === 0 ? 'seat.taken' : 'seat.claimed',
});

export interface SeatParams {
  readonly seat: number;
  readonly guest: string;
}

type Note = { readonly order: string };
type Counting = { update<T>(key: string, change: (value?: T) => T): unknown };

/** Counts how often what should happen once has happened. */
const once = (pstate: Counting, { type, payload }: { type: string; payload: unknown }): void => {
  const { order } = payload as Note;
  pstate.update<number>(`times:${type} ${order}`, (times = 0) => times + 1);
};

const noted = [
  'clock.started',
  'clock.stopped',
  'stock.released',
  'ledger.booked',
  'mail.sent',
  'item.audited',
];

interface Issuing {
  execute(command: string, params: unknown): Promise<unknown>;
}
interface Reacting extends Issuing {
  readonly spaceName: string;
  readonly attempt: number;
  space(spaceName: string): Issuing;
}

const retry = { firstDelayMs: 5, delayMaxMs: 40, attemptsMax: 20 };
const idOf = (entityId: string): string => entityId.slice('order:'.length);

const fulfil = {
  from: 'start' as const,
  retry,
  on: {
    async 'order.placed'({ entityId, spaceSequence }: RecordedEvent, context: Reacting) {
      const order = `${context.spaceName}/${entityId}`;
      await context.space('stock').execute('reserve', { order });
      // The outside world fails now and then.
      if (spaceSequence % 5 === 0 && context.attempt === 1) throw new Error('the line is busy');
      const after = 5 + ((spaceSequence * 37) % 120);
      await context.execute('startClock', { order, id: idOf(entityId), after });
    },
    async 'order.paid'({ entityId }: RecordedEvent, context: Reacting) {
      const order = `${context.spaceName}/${entityId}`;
      await context.execute('stopClock', { order, id: idOf(entityId) });
      await context.space('ledger').execute('book', { order });
    },
    async 'order.expired'({ entityId }: RecordedEvent, context: Reacting) {
      await context.space('stock').execute('release', { order: `${context.spaceName}/${entityId}` });
    },
  },
};

/** New in the third release: it begins at the first event, and is given each part of what was one event once. */
const auditor = {
  from: 'start' as const,
  retry,
  on: {
    async 'item.added'({ spaceSequence, part = 0 }: RecordedEvent, context: Reacting) {
      const order = `${context.spaceName}/${spaceSequence}.${part}`;
      await context.space('ledger').execute('audit', { order });
    },
  },
};

function reactorsOf(release: Release) {
  return release === 2 ? { fulfil, auditor } : { fulfil };
}

/** A release of the app. */
export function makeShop(release: Release) {
  const order = orderOf(release);
  const { reserved, seat: seatType } = names(release);
  const note =
    (type: string) =>
    (_pstate: unknown, { order: entityId }: Note): EventSpec[] => [
      { entityId, type, payload: { order: entityId } },
    ];
  const count = (view: Counting, { type }: { type: string }): void =>
    void view.update<number>(type, (times = 0) => times + 1);
  const counted = ['order.placed', reserved, seatType, 'items.added', 'item.added', 'order.reminded'];
  return defineApp({
    name: 'shop',
    version: release + 1,
    upcasters: upcastersOf(release),
    commands: {
      ...order.commands,
      reserve: (_pstate, { order: entityId }: Note): EventSpec[] => [
        {
          entityId,
          type: reserved,
          payload: { order: entityId, ...(release === 2 ? { hall: 'new' } : {}) },
        },
      ],
      release: note('stock.released'),
      book: note('ledger.booked'),
      audit: note('item.audited'),
      mail: note('mail.sent'),
      startClock: (_pstate, { order: entityId, id, after }: Note & { id: string; after: number }) => [
        { entityId, type: 'clock.started', payload: { order: entityId } },
        schedule({ id: `expire ${id}`, after, command: 'expireOrder', params: { id } }),
      ],
      stopClock: (_pstate, { order: entityId, id }: Note & { id: string }) => [
        { entityId, type: 'clock.stopped', payload: { order: entityId } },
        cancelTimer(`expire ${id}`),
      ],
      addItems: (_pstate, items: readonly string[]): EventSpec[] =>
        release < 2
          ? [{ entityId: 'items', type: 'items.added', payload: [...items] }]
          : items.map((item) => ({ entityId: 'items', type: 'item.added', payload: { item } })),
      takeSeat: (_pstate, { seat, guest }: SeatParams): EventSpec[] => [
        { entityId: `seat:${seat}`, type: seatType, tags: [`seat:${seat}`], payload: { seat, guest } },
      ],
      remind: (_pstate, { id, after }: { id: string; after: number }) => [
        schedule({ id, after, event: { entityId: id, type: 'order.reminded' } }),
      ],
      forget: (_pstate, id: string) => [cancelTimer(id)],
    },
    projections: {
      ...order.projections,
      ...Object.fromEntries([reserved, ...noted].map((type) => [type, once])),
      [seatType]: (pstate: { put(key: string, value: unknown): unknown }, event: { payload: unknown }) => {
        const { seat, guest } = event.payload as SeatParams;
        pstate.put(`seat:${seat}`, guest);
      },
    } as never,
    views: {
      counts: { version: release + 1, on: Object.fromEntries(counted.map((type) => [type, count])) },
      ...(release === 2
        ? {
            items: {
              version: 1,
              on: {
                'item.added': (view: Counting, { payload }: { payload: unknown }) =>
                  void view.update<number>((payload as { item: string }).item, (times = 0) => times + 1),
              },
            },
          }
        : {}),
    },
    // The releases differ in what they know, and no type says it.
    reactors: reactorsOf(release) as never,
    queries: { times: (pstate, key: string) => pstate.get<number>(`times:${key}`) ?? 0 },
  });
}

/** The first release: the type of all of them. */
export type Shop = ReturnType<typeof makeShop>;
