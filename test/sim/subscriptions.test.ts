/** Subscriptions under random commits, and deaths of writer and shards, in the one-thread house: each sees every event once, in order. */

import { describe, expect, it } from 'vitest';
import { defineApp } from '../../src/core/define-app.js';
import type { RecordedEvent } from '../../src/core/event.js';
import type { NamedSubscription, Subscription } from '../../src/supervisor/subscriber.js';
import { House } from '../../src/testing/house.js';

const app = defineApp({
  name: 'steps',
  commands: {
    step: (_pstate, n: number) => [
      { entityId: `e${n % 2}`, type: n % 3 === 0 ? 'third' : 'other', payload: n },
    ],
  },
  projections: {},
});

type Steps = typeof app;
type TestHouse = House<Steps>;

const seeds = Number(process.env['RAMAX_SIM_SEEDS'] ?? 40);

function pause(house: TestHouse, ms: number): Promise<void> {
  return new Promise((resolve) => house.scheduler.plan(ms, resolve));
}

/** Gathers until `isDone`, slowly now and then. */
async function gather(
  house: TestHouse,
  subscription: Subscription,
  isDone: (seen: readonly RecordedEvent[]) => boolean,
): Promise<readonly RecordedEvent[]> {
  const seen: RecordedEvent[] = [];
  while (!isDone(seen)) {
    const { value, done } = await subscription.next();
    if (done === true || value === undefined) break;
    seen.push(value);
    if (house.random.oneIn(8)) await pause(house, house.random.fraction() * 20);
  }
  await subscription.return();
  return seen;
}

async function history(seed: number): Promise<void> {
  const house = new House({ app, seed });
  const { random } = house;
  const ramax = await house.start({ shards: 2, limits: { readEventsMax: 3, acknowledgeDelayMs: 5 } });
  const names = ['a', 'b', 'c'];
  const spaces = await house.run(Promise.all(names.map((name) => ramax.spaces.getOrCreate(name))));
  const stepsEach = 12;
  const total = stepsEach * spaces.length;
  const subscribers: Promise<readonly RecordedEvent[]>[] = [];
  const checks: ((seen: readonly RecordedEvent[]) => void)[] = [];
  const follow = (
    subscription: Subscription,
    count: number,
    check: (seen: readonly RecordedEvent[]) => void,
  ) => {
    subscribers.push(gather(house, subscription, (seen) => seen.length === count));
    checks.push(check);
  };
  const followSome = (): void => {
    const space = random.pick(spaces);
    if (space === undefined) return;
    follow(ramax.subscribe(), total, (seen) => {
      expect(seen.map(({ eventId }) => eventId)).toEqual(house.disk.log.events.map(({ eventId }) => eventId));
    });
    follow(space.subscribe(), stepsEach, (seen) => {
      expect(seen.map(({ payload }) => payload)).toEqual(Array.from({ length: stepsEach }, (_, n) => n + 1));
    });
    follow(space.subscribe({ query: { types: ['third'] } }), 4, (seen) => {
      expect(seen.map(({ payload }) => payload)).toEqual([3, 6, 9, 12]);
    });
  };
  followSome();
  const load = spaces.map(async (space) => {
    for (let n = 1; n <= stepsEach; n++) {
      await pause(house, random.fraction() * 30);
      await space.execute('step', n, { commandId: `step-${n}`, timeoutMs: 600_000 });
    }
  });
  const trouble = (async () => {
    for (let times = 0; times < 6; times++) {
      await pause(house, random.fraction() * 60);
      // The same call on a shard that dies three times would be refused as its killer.
      if (times >= 4 || random.oneIn(2)) house.killWriter();
      else house.killShard(times % 2);
      if (random.oneIn(2)) followSome();
    }
  })();
  await house.run(Promise.all([...load, trouble]));
  const seen = await house.run(Promise.all(subscribers));
  seen.forEach((events, index) => {
    checks[index]?.(events);
  });
  await house.run(ramax.close());
}

/** A named consumer that dies with everything, again and again. */
async function namedHistory(seed: number): Promise<void> {
  const house = new House({ app, seed });
  const { random } = house;
  const done = new Map<number, number>();
  let highest = 0;
  const total = 20;
  for (let life = 0; done.size < total; life++) {
    const ramax = await house.start({ shards: 1, limits: { readEventsMax: 3, acknowledgeDelayMs: 5 } });
    const space = await house.run(ramax.spaces.getOrCreate('a'));
    const mailer: NamedSubscription = space.subscribe({ name: 'mailer' });
    const load = (async () => {
      for (let n = 1; n <= total; n++) {
        await space.execute('step', n, { commandId: `step-${n}`, timeoutMs: 600_000 });
        await pause(house, random.fraction() * 20);
      }
    })();
    load.catch(() => {});
    let first = true;
    let isDead = false;
    const consumed = (async () => {
      for await (const event of mailer) {
        if (isDead) return;
        // What was done and acknowledged may come again, but nothing is passed over.
        if (first) expect(event.spaceSequence).toBeLessThanOrEqual(highest + 1);
        else expect(event.spaceSequence).toBe(highest + 1);
        first = event.spaceSequence < highest;
        highest = Math.max(highest, event.spaceSequence);
        done.set(event.spaceSequence, (done.get(event.spaceSequence) ?? 0) + 1);
        void mailer.acknowledge(event);
        if (done.size === total) return;
      }
    })();
    const end = life > 20 ? consumed : Promise.race([consumed, pause(house, 40 + random.fraction() * 200)]);
    await house.run(end);
    isDead = true;
    house.killAll();
  }
  expect([...done.keys()]).toEqual(Array.from({ length: total }, (_, n) => n + 1));
}

describe('subscriptions in the simulation', () => {
  it('see every event once and in order, through deaths of the writer and of shards', async () => {
    for (let seed = 1; seed <= seeds; seed++) await history(seed);
  });

  it('of a name miss nothing when everything dies at once', async () => {
    for (let seed = 1; seed <= seeds; seed++) await namedHistory(seed);
  });
});
