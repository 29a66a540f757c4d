import { describe, expect, it } from 'vitest';
import type { Upcasters } from '../../src/core/upcasters.js';
import { defineApp, type RecordedEvent, schedule } from '../../src/index.js';
import { House } from '../../src/testing/index.js';
import { alarms } from './alarms.js';

/** Types of the events of one space, as they lie on the disk. */
function typesOf(house: Pick<House<never>, 'disk'>, spaceName: string): readonly string[] {
  const { log } = house.disk;
  const spaceId = log.liveNames.get(spaceName);
  return log.events.filter((event) => event.spaceId === spaceId).map(({ type }) => type);
}

const failing = defineApp({
  name: 'failing',
  commands: {
    setMany: (_pstate, { first, count }: { first: number; count: number }) =>
      Array.from({ length: count }, (_, n) => schedule({ id: `t${first + n}`, at: 0, command: 'break' })),
    setOne: () => [schedule({ id: 'one', at: 0, event: { entityId: 'one', type: 'rung' } })],
    break: (): readonly never[] => {
      throw new Error('the bell is broken');
    },
  },
  projections: {},
});

describe('timers that are tried again', () => {
  it('hold up no others, however many they are', { timeout: 120_000 }, async () => {
    const house = new House({ app: failing, seed: 5 });
    const limits = {
      timerRetryMs: 60_000,
      timerAttemptsMax: 2,
      timersPerSpaceMax: 10_000,
      eventsPerCommandMax: 1_000,
    };
    const ramax = await house.start({ shards: 1, limits });
    const bad = await house.run(ramax.spaces.getOrCreate('bad'));
    for (const first of [0, 700]) await house.run(bad.execute('setMany', { first, count: 700 }));
    await house.scheduler.advance(20_000);
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 0, retrying: 1_024 });
    const good = await house.run(ramax.spaces.getOrCreate('good'));
    await house.run(good.execute('setOne'));
    await house.scheduler.advance(5_000);
    expect(typesOf(house, 'good')).toContain('rung');
    // And those that nobody could remember come to their end as well.
    await house.scheduler.advance(60 * 60_000);
    expect((await house.run(ramax.stats())).timers).toMatchObject({
      fired: 1_401,
      failed: 1_400,
      retrying: 0,
    });
    await house.run(ramax.close());
  });
});

describe('a timer whose command schedules more than its space may have', () => {
  const multiplying = defineApp({
    name: 'multiplying',
    commands: {
      fill: () => [1, 2].map((n) => schedule({ id: `far ${n}`, after: 10 ** 9, command: 'split' })),
      one: () => [schedule({ id: 'one', after: 1_000, command: 'split' })],
      split: () => ['a', 'b'].map((id) => schedule({ id, after: 10 ** 9, command: 'split' })),
    },
    projections: {},
  });

  it('has failed after its attempts, and says of what', async () => {
    const house = new House({ app: multiplying, seed: 4 });
    const limits = { timersPerSpaceMax: 3, timerAttemptsMax: 3, timerRetryMs: 1_000 };
    const ramax = await house.start({ shards: 1, limits });
    const space = await house.run(ramax.spaces.getOrCreate('a'));
    await house.run(space.execute('fill'));
    await house.run(space.execute('one'));
    await house.scheduler.advance(3_000);
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 0, retrying: 1 });
    await house.scheduler.advance(10_000);
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 1, failed: 1, retrying: 0 });
    const fired: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const { type, payload } of space.streamEvents()) {
        if (type === 'ramax.timer.fired') fired.push(payload);
      }
    };
    await house.run(read());
    expect(fired).toMatchObject([{ timerId: 'one', outcome: 'failed', error: { code: 'overloaded' } }]);
    await house.run(ramax.close());
  });
});

describe('a timer that some trouble keeps from firing', () => {
  it('is not given up, however long that lasts', async () => {
    const house = new House({ app: alarms, seed: 4 });
    const limits = { timerAttemptsMax: 2, timerRetryMs: 1_000, callTimeoutMs: 1_000, restartsMax: 10_000 };
    const ramax = await house.start({ shards: 1, limits });
    const space = await house.run(ramax.spaces.getOrCreate('a'));
    await house.run(space.execute('set', { id: 'one', after: 1_000 }));
    house.disk.isFull = true;
    await house.scheduler.advance(300_000);
    expect(typesOf(house, 'a')).not.toContain('ramax.timer.fired');
    house.disk.isFull = false;
    await house.scheduler.advance(70_000);
    expect(typesOf(house, 'a')).toEqual(['set', 'ramax.timer.scheduled', 'ramax.timer.fired', 'rung']);
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 1, failed: 0 });
    await house.run(ramax.close());
  });
});

describe('timers of a space with a rate', () => {
  it('keep to it after a restart, also where nobody has met the space', async () => {
    const house = new House({ app: alarms, seed: 4 });
    const before = await house.start({ shards: 1 });
    const space = await house.run(before.spaces.getOrCreate('a'));
    for (let n = 0; n < 8; n++) await house.run(space.execute('setEvent', { id: `t${n}`, after: 60_000 }));
    await house.run(before.spaces.setLimits('a', { commandsPerSecondMax: 1, commandsBurstMax: 1 }));
    await house.run(before.close());
    const after = await house.start({ shards: 1 });
    await house.scheduler.advance(62_000);
    const rung = () => typesOf(house, 'a').filter((type) => type === 'rung').length;
    expect(rung()).toBeGreaterThan(0);
    expect(rung()).toBeLessThan(5);
    await house.scheduler.advance(20_000);
    expect(rung()).toBe(8);
    await house.run(after.close());
  });
});

describe('timers of a suspended space', () => {
  it.each(['the runtime starts again', 'its shard dies'] as const)(
    'wait when %s, and fire when it is resumed',
    async (what) => {
      const house = new House({ app: alarms, seed: 8 });
      let ramax = await house.start({ shards: 1 });
      const space = await house.run(ramax.spaces.getOrCreate('a'));
      await house.run(space.execute('set', { id: 'one', after: 1_000 }));
      await house.run(ramax.spaces.suspend('a'));
      if (what === 'its shard dies') house.killShard(0);
      else {
        await house.run(ramax.close());
        ramax = await house.start({ shards: 1 });
      }
      await house.scheduler.advance(200_000);
      expect(typesOf(house, 'a')).toEqual(['set', 'ramax.timer.scheduled']);
      await house.run(ramax.spaces.resume('a'));
      await house.scheduler.advance(5_000);
      expect(typesOf(house, 'a')).toEqual(['set', 'ramax.timer.scheduled', 'ramax.timer.fired', 'rung']);
      await house.run(ramax.close());
    },
  );
});

describe('a timer that an older release has scheduled', () => {
  function release(version: number, upcasters: Upcasters) {
    return defineApp({
      name: 'bells',
      version,
      upcasters,
      commands: {
        set: (_pstate, at: number) => [
          schedule({
            id: 'one',
            at,
            event: { entityId: 'bell', type: 'rung', payload: 'Bow', tags: ['bell'] },
          }),
        ],
      },
      projections: {},
    });
  }

  async function fired(upcasters: Upcasters): Promise<readonly RecordedEvent[]> {
    const house = new House({ app: release(1, {}), seed: 2 });
    const before = await house.start({ shards: 1 });
    const space = await house.run(before.spaces.getOrCreate('a'));
    await house.run(space.execute('set', house.scheduler.wallMs + 60_000));
    await house.run(before.close());
    const after = await house.start({ app: release(2, upcasters), shards: 1 });
    await house.scheduler.advance(100_000);
    const events: RecordedEvent[] = [];
    const same = await house.run(after.spaces.getOrCreate('a'));
    const read = async (): Promise<void> => {
      for await (const event of same.streamEvents()) events.push(event);
    };
    await house.run(read());
    await house.run(after.close());
    return events.slice(1);
  }

  it('appends its event in the present shape', async () => {
    const [first, ...others] = await fired({ rung: { 1: ({ payload }) => ({ name: payload }) } });
    expect(first).toMatchObject({ type: 'ramax.timer.fired', payload: { outcome: 'accepted' } });
    expect(others).toHaveLength(1);
    expect(others[0]).toMatchObject({
      entityId: 'bell',
      type: 'rung',
      version: 2,
      payload: { name: 'Bow' },
      tags: ['bell'],
    });
  });

  it('appends all that its event is now', async () => {
    const split = () => [
      { type: 'struck', payload: 1 },
      { type: 'struck', payload: 2 },
    ];
    const events = await fired({ rung: { 1: split } });
    expect(events.map(({ type, version, payload }) => [type, version, payload]).slice(1)).toEqual([
      ['struck', 1, 1],
      ['struck', 1, 2],
    ]);
  });

  it('has failed when nothing can bring its event to the present', async () => {
    const house = new House({ app: release(2, { rung: { 1: () => null } }), seed: 2 });
    const newer = await house.start({ shards: 1 });
    const space = await house.run(newer.spaces.getOrCreate('a'));
    await house.run(space.execute('set', house.scheduler.wallMs + 60_000));
    await house.run(newer.close());
    const older = await house.start({ app: release(1, {}), shards: 1, limits: { timerRetryMs: 10 } });
    await house.scheduler.advance(100_000);
    expect(typesOf(house, 'a')).toEqual(['ramax.timer.scheduled', 'ramax.timer.fired']);
    expect((await house.run(older.stats())).timers).toMatchObject({ failed: 1 });
    await house.run(older.close());
  });
});
