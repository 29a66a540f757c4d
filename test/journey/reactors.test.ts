import { setTimeout } from 'node:timers/promises';
import type { App, Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from './killed-program.js';
import { all, fixture, RuntimeBed } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const orders = Number(process.env['RAMAX_REACTOR_ORDERS'] ?? 100);
const killsMin = Number(process.env['RAMAX_REACTOR_KILLS'] ?? 5);
/** The first kills come so soon, so that there are kills enough before all is done. */
const longestMs = Number(process.env['RAMAX_REACTOR_LONGEST_MS'] ?? 60);

/** Runs the program; kills it so long after it has started, if it is not done by then. Says whether it is done. */
function run(directory: string, shards: number, killAfterMs: number | undefined): Promise<boolean> {
  return runProgram('ordering-program.mjs', [directory, shards, orders], killAfterMs);
}

const start = (directory: string, limits = {}): Promise<Ramax<App>> =>
  bed.start<App>({ app: fixture('orders.app.mjs'), storage: sqlite({ directory }), limits });

describe('reactors on real threads', () => {
  it(`make each of ${orders} processes happen exactly once, whatever kill -9 interrupts`, {
    timeout: 600_000,
  }, async () => {
    const directory = await bed.directory();
    let kills = 0;
    for (; kills < killsMin; kills++) {
      if (await run(directory, 1 + (kills % 3), Math.random() * longestMs)) break;
    }
    if (!(await run(directory, 2, undefined))) throw new Error('the program has not come to its end');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    const ramax = await start(directory);
    const counts = new Map<string, number>();
    for await (const { type, entityId } of ramax.streamAllEvents()) {
      counts.set(`${type} ${entityId}`, (counts.get(`${type} ${entityId}`) ?? 0) + 1);
    }
    const expected = Array.from({ length: orders }, (_, n) =>
      ['order.placed', 'stock.reserved', 'order.shipped'].map((type) => `${type} order-${n}`),
    ).flat();
    expect([...counts.keys()].sort()).toEqual(expected.sort());
    expect([...counts].filter(([, times]) => times !== 1)).toEqual([]);
    expect(await ramax.reactors.parked()).toEqual([]);
  });

  it.each(['exit at once', 'exit later', 'hang'])(
    'park an event whose handler ends its shard three times (%s), and go on',
    { timeout: 120_000 },
    async (order) => {
      const ramax = await start(await bed.directory(), { hangTimeoutMs: 400, restartsMax: 10 });
      await ramax.spaces.getOrCreate('stock');
      const shop = await ramax.spaces.getOrCreate('shop');
      await shop.execute('place', order);
      await shop.execute('place', 'good').catch(() => {});
      let parked = await ramax.reactors.parked();
      for (let waits = 0; parked.length === 0 && waits < 1_000; waits++) {
        await setTimeout(20);
        parked = await ramax.reactors.parked();
      }
      expect(parked).toMatchObject([
        { spaceId: shop.spaceId, reactor: 'fulfil', spaceSequence: 1, error: { code: 'poisoned' } },
      ]);
      expect((await ramax.health()).refused).toMatchObject([{ kind: 'reaction', name: 'fulfil', kills: 3 }]);
      for (let waits = 0; (await shop.latestSequence()) < 3 && waits < 1_000; waits++) await setTimeout(20);
      expect((await all(shop.streamEvents())).map(({ type }) => type)).toEqual([
        'order.placed',
        'order.placed',
        'order.shipped',
      ]);
    },
  );

  it('work in an encrypted space, also after a restart, and keep none of its words beside what they park', async () => {
    const directory = await bed.directory();
    const keyOf = async () => Buffer.alloc(32, 7);
    const open = (): Promise<Ramax<App>> =>
      bed.start<App>({
        app: fixture('orders.app.mjs'),
        storage: sqlite({ directory }),
        encryption: { keyOf },
      });
    const first = await open();
    const shop = await first.spaces.getOrCreate('shop', { encryption: { keyId: 'a' } });
    // There is no stock: the command is refused for good.
    await shop.execute('place', 'secret');
    let parked = await first.reactors.parked();
    for (let waits = 0; parked.length === 0 && waits < 1_000; waits++) {
      await setTimeout(10);
      parked = await first.reactors.parked();
    }
    expect(parked).toMatchObject([
      { error: { code: 'not_found', message: 'not kept: the space is encrypted' } },
    ]);
    await first.close();
    const second = await open();
    await second.spaces.getOrCreate('stock');
    const again = await second.spaces.getOrCreate('shop', { encryption: { keyId: 'a' } });
    await again.reactors.retry({ reactor: 'fulfil', spaceSequence: 1 });
    expect((await all(again.streamEvents())).map(({ type }) => type)).toEqual([
      'order.placed',
      'order.shipped',
    ]);
  });
});
