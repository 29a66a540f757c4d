import { decode } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { House } from '../../src/testing/house.js';
import { type Outside, ordersOf } from './orders-app.js';

const seeds = Number(process.env['RAMAX_SIM_REACTOR_SEEDS'] ?? 60);
const firstSeed = Number(process.env['RAMAX_SIM_FIRST'] ?? 1);
const ordersPerSpace = 6;
const shops = ['shop-a', 'shop-b', 'shop-c'];

interface Played {
  readonly house: House<ReturnType<typeof ordersOf>>;
  readonly crashes: number;
  readonly calls: number;
}

/** Places orders while threads and the whole process die, until every order has been placed and nothing is left to do. */
async function play(seed: number): Promise<Played> {
  let calls = 0;
  const outside: Outside = { called: () => calls++ };
  const house = new House({ app: ordersOf(outside), seed });
  const { random } = house;
  const limits = { restartsMax: 1_000, reactionFlushMs: 20 };
  let crashes = 0;
  // A thread that is started for the first time has no one to start it again.
  let era = 0;
  const later = (kill: () => void): void => {
    const planned = era;
    house.scheduler.plan(random.fraction() * 40, () => planned === era && kill());
  };
  house.disk.nextCommitFault = () => {
    if (random.fraction() > 0.01) return 'none';
    crashes++;
    return random.fraction() < 0.5 ? 'writtenInDoubt' : 'notWrittenInDoubt';
  };
  let ramax = await house.start({ shards: 2, limits });
  await house.run(ramax.spaces.getOrCreate('stock'));
  for (let round = 0; round < ordersPerSpace; round++) {
    const placing = shops.map(async (shop) => {
      const space = await ramax.spaces.getOrCreate(shop);
      await space.execute('place', `${shop}-${round}`, { commandId: `${shop}-${round}` });
    });
    const placed = Promise.all(placing);
    placed.catch(() => {});
    const chance = random.fraction();
    if (chance < 0.25) {
      crashes++;
      later(() => house.killShard(random.fraction() < 0.5 ? 0 : 1));
    } else if (chance < 0.4) {
      crashes++;
      later(() => house.killWriter());
    }
    await house.run(placed);
    if (random.fraction() < 0.25) {
      await house.run(pause(house, random.fraction() * 30));
      crashes++;
      era++;
      house.killAll();
      ramax = await house.start({ shards: random.fraction() < 0.5 ? 1 : 2, limits });
    }
  }
  house.disk.nextCommitFault = () => 'none';
  await house.run(settled(house, ramax));
  await house.run(ramax.close());
  return { house, crashes, calls };
}

function pause({ scheduler }: Pick<House<never>, 'scheduler'>, ms: number): Promise<void> {
  return new Promise((resolve) => scheduler.plan(ms, resolve));
}

/** Every reactor stands at the end of its space: it has nothing more to do. */
async function settled(
  house: Played['house'],
  ramax: { health(): Promise<{ reactors: readonly { spaces: number }[] }> },
): Promise<void> {
  for (let waits = 0; waits < 2_000; waits++) {
    await pause(house, 100);
    const { log } = house.disk;
    const isDone = shops.every((shop) => {
      const spaceId = log.liveNames.get(shop) ?? 0;
      const cursor = [...log.cursors.values()].find(
        (one) => one.kind === 'reactor' && one.spaceId === spaceId,
      );
      return cursor?.position === log.spaceSequences.get(spaceId)?.lastSpaceSequence;
    });
    if (isDone && (await ramax.health()).reactors.every(({ spaces }) => spaces === 0)) return;
  }
  throw new Error('the reactors do not come to an end');
}

/** What has happened once or not at all, in words: reads the disk alone. */
function brokenProcesses({ house }: Played): string[] {
  const broken: string[] = [];
  const expected = shops.flatMap((shop) =>
    Array.from({ length: ordersPerSpace }, (_, round) => `${shop}-${round}`),
  );
  for (const type of ['order.placed', 'stock.reserved', 'order.shipped']) {
    const found = house.disk.log.events
      .filter((event) => event.type === type)
      .map(({ payload }) => (decode(payload) as { order: string }).order);
    for (const order of expected) {
      const times = found.filter((one) => one === order).length;
      if (times !== 1) broken.push(`${order}: ${type} ${times} times`);
    }
  }
  return broken;
}

describe('reactors while threads, commits and the process die', () => {
  it(`each process happens exactly once inside Ramax over ${seeds} seeds`, { timeout: 600_000 }, async () => {
    let [crashes, calls, orders] = [0, 0, 0];
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const played = await play(seed);
      expect(brokenProcesses(played), `seed ${seed}`).toEqual([]);
      expect([...played.house.disk.log.parked.values()], `seed ${seed}`).toEqual([]);
      crashes += played.crashes;
      calls += played.calls;
      orders += shops.length * ordersPerSpace;
    }
    // A simulation in which nothing ever went wrong, or no handler ever ran again, would prove nothing.
    expect(crashes).toBeGreaterThan(seeds);
    expect(calls).toBeGreaterThan(orders);
  });
});
