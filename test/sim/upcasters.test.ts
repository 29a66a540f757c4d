/** Two releases of an app in the simulated house: the second one reads, through threads that die, what the first has written. */

import { describe, expect, it } from 'vitest';
import type { App } from '../../src/core/define-app.js';
import { defineApp } from '../../src/core/define-app.js';
import type { RecordedEvent } from '../../src/core/event.js';
import type { Upcasters } from '../../src/core/upcasters.js';
import { House } from '../../src/testing/house.js';

const seeds = Number(process.env['RAMAX_SIM_SEEDS'] ?? 40);

function release(upcasters: Upcasters, version: number): App {
  return defineApp({
    name: 'sums',
    version,
    upcasters,
    commands: {
      add: (_pstate, n: number) => [
        { entityId: 'sum', type: 'added', payload: n },
        { entityId: 'sum', type: 'both', payload: n },
      ],
    },
    projections: {
      added: (pstate, { payload, part }) =>
        void pstate.update<number>('sum', (sum = 0) => sum + payload + (part ?? 0)),
      both: (pstate) => void pstate.update<number>('others', (count = 0) => count + 1),
    },
  }) as unknown as App;
}

const first = release({}, 1);
const second = release(
  {
    added: { 1: ({ payload }) => (payload as number) * 10 },
    both: {
      1: ({ payload }) =>
        [1, 2].flatMap((n) =>
          (payload as number) % 3 === 0 ? [] : { type: 'added', version: 2, payload: n },
        ),
    },
  },
  2,
);

async function all(events: AsyncIterable<RecordedEvent>): Promise<readonly RecordedEvent[]> {
  const list: RecordedEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('a second release in the house', () => {
  it(`folds and streams the events of the first over ${seeds} seeds`, { timeout: 300_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const house = new House<App>({ app: first, seed });
      const before = await house.start({ shards: 2 });
      const space = await house.run(before.spaces.getOrCreate('acme'));
      const numbers = Array.from({ length: 1 + house.random.below(12) }, () => house.random.below(9));
      const adding = Promise.all(numbers.map((n) => space.execute('add', n as never)));
      if (house.random.oneIn(2)) house.killShard(house.random.below(2));
      await house.run(adding);
      house.killAll();
      const after = await house.start({
        app: second,
        shards: 2,
        limits: { readEventsMax: 1 + house.random.below(4) },
      });
      const acme = await house.run(after.spaces.getOrCreate('acme'));
      const reading = all(acme.streamEvents());
      if (house.random.oneIn(2)) house.killShard(house.random.below(2));
      const events = await house.run(reading);
      const expected = numbers.flatMap((n, index) => [
        [2 * index + 1, 10 * n, undefined],
        ...(n % 3 === 0 ? [] : [1, 2].map((value, part) => [2 * index + 2, value, part])),
      ]);
      expect(
        events.map((event) => [event.spaceSequence, event.payload, event.part]),
        `seed ${seed}`,
      ).toEqual(expected);
      const sum = events.reduce((total, { payload, part = 0 }) => total + Number(payload) + part, 0);
      expect(await house.run(acme.fetch('sum')), `seed ${seed}`).toBe(sum);
      expect(await house.run(acme.at(2 * numbers.length).fetch('sum')), `seed ${seed}`).toBe(sum);
      await house.run(after.close());
    }
  });
});
