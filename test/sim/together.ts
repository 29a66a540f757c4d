/**
 * Everything of the reading and reacting side in one history: the app of `together-app.ts` in the simulation kit, with subscribers and
 * conditional commands, through crashes, restarts and two newer releases. What must hold is told from the log alone.
 */

import type { RecordedEvent } from '../../src/core/event.js';
import {
  SimulationFailure,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from '../../src/testing/index.js';
import { makeShop, names, type SeatParams, type Shop } from './together-app.js';

const releases = [makeShop(0), makeShop(1) as unknown as Shop, makeShop(2) as unknown as Shop] as const;

type Spaces = ReadonlyMap<string, { readonly events: readonly RecordedEvent[] }>;

/** How often each thing has happened, by its type and what it is about, over all spaces. */
function happenings(spaces: Spaces): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { events } of spaces.values()) {
    for (const { type, payload } of events) {
      const { order } = (payload ?? {}) as { order?: string };
      if (order !== undefined) times.set(`${type} ${order}`, (times.get(`${type} ${order}`) ?? 0) + 1);
    }
  }
  return times;
}

/** What is still missing in the processes of a space, or has happened too often; in words. */
function unfinished(spaceName: string, events: readonly RecordedEvent[], spaces: Spaces): string | undefined {
  const times = happenings(spaces);
  const has = new Set(events.map(({ type, entityId }) => `${type} ${entityId}`));
  for (const { type, entityId, spaceSequence, part = 0 } of events) {
    const key = `${spaceName}/${type === 'item.added' ? `${spaceSequence}.${part}` : entityId}`;
    const isPaid = has.has(`order.paid ${entityId}`);
    if (type === 'order.placed' && isPaid === has.has(`order.expired ${entityId}`))
      return `${entityId} is ${isPaid ? 'both paid and expired' : 'neither paid nor expired'}`;
    const wanted: Readonly<Record<string, Readonly<Record<string, number>>>> = {
      'order.placed': {
        'stock.reserved': 1,
        'clock.started': 1,
        'clock.stopped': isPaid ? 1 : 0,
        'ledger.booked': isPaid ? 1 : 0,
        'stock.released': isPaid ? 0 : 1,
        'mail.sent': isPaid ? 1 : 0,
      },
      'item.added': { 'item.audited': 1 },
    };
    for (const [what, number] of Object.entries(wanted[type] ?? {})) {
      const seen = times.get(`${what} ${key}`) ?? 0;
      if (seen !== number) return `${what} ${key}: ${seen} times, and not ${number}`;
    }
  }
  return undefined;
}

/** The simulation; what is given counts before. */
export function together(given: Partial<SimulationOptions<Shop>> = {}): Promise<SimulationReport> {
  return simulate<Shop>({
    app: releases[0],
    releases: releases.slice(1),
    spaces: ['shop', 'stock', 'ledger'],
    steps: 36,
    clients: 3,
    limits: {
      reactionFlushMs: 20,
      acknowledgeDelayMs: 5,
      timerRetryMs: 20,
      recentEventsMax: 4,
      scanEventsMax: 3,
    },
    commands: {
      placeOrder: {
        weight: 4,
        params: (random) => ({ id: `o${random.below(12)}`, amount: 1 + random.below(9) }),
      },
      payOrder: { weight: 3, params: (random) => ({ id: `o${random.below(12)}` }) },
      addItems: {
        weight: 2,
        params: (random) =>
          Array.from({ length: random.below(4) }, () => random.pick(['nail', 'saw', 'glue'])),
      },
      takeSeat: {
        weight: 3,
        params: (random): SeatParams => ({ seat: random.below(3), guest: `g${random.below(1_000)}` }),
        options: ({ seat }, { random, space, release }) => ({
          failIfEventsMatch: {
            query: { types: [names(release).seat], ...(random.oneIn(2) ? { tags: [`seat:${seat}`] } : {}) },
            after: Math.max(0, space.sequence - random.below(8)),
          },
        }),
      },
      remind: {
        weight: 2,
        params: (random) => ({ id: random.pick(['r1', 'r2', 'r3']), after: random.below(90) }),
      },
      forget: { weight: 1, params: (random) => random.pick(['r1', 'r2', 'r3']) },
    },
    subscribers: {
      reader: {},
      everything: { of: 'all spaces', keeps: 'position' },
      exporter: { of: 'all spaces', keeps: 'name' },
      mailer: {
        keeps: 'name',
        query: { types: ['order.paid'] },
        // Once, because of its id, however often the event comes.
        handle: async ({ eventId, spaceId, entityId }, { space }) => {
          const spaceName = spaceNames[spaceId - 1] ?? '';
          const params = { order: `${spaceName}/${entityId}` };
          await space('ledger').execute('mail', params, { commandId: `mail-${eventId}` });
        },
      },
    },
    always: {
      'nothing of a process happens twice': ({ pstate }) => {
        for (const [key, times] of pstate.entries({ prefix: 'times:' })) {
          if (times !== 1) return `${key}: ${String(times)}`;
        }
        return undefined;
      },
    },
    eventually: {
      'each process has happened': ({ spaceName, events }, { spaces }) =>
        unfinished(spaceName, events, spaces),
    },
    ...given,
  });
}

/** Spaces in the order in which they are created. */
const spaceNames = ['shop', 'stock', 'ledger'];

/** The first failure of these seeds, or undefined. */
export async function firstFailure(
  firstSeed: number,
  seeds: number,
): Promise<Pick<SimulationFailure, 'seed' | 'invariant' | 'reason'> | undefined> {
  try {
    await together({ firstSeed, seeds, shrink: false });
    return undefined;
  } catch (error) {
    if (error instanceof SimulationFailure) return error;
    throw error;
  }
}
