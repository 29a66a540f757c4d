import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { until } from './gate.js';
import { codeOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('the health of a runtime', () => {
  it('is ok while everything is', async () => {
    const ramax = await bed.start();
    for (const n of range(4)) await (await ramax.spaces.getOrCreate(`tenant ${n}`)).execute('line', n);
    expect(await ramax.health()).toEqual({
      status: 'ok',
      failure: undefined,
      writer: { isAnswering: true, restarts: 0, trouble: undefined },
      shards: range(2).map(() => ({ isAnswering: true, restarts: 0 })),
      log: { durability: 'synced', lost: undefined, witnessFailure: undefined },
      lookups: { unfilledEvents: expect.any(Number), failure: undefined },
      refused: [],
      repairs: { views: 0, files: 0 },
      views: { stopped: 0, changed: 0, building: 0, problems: [] },
      reactors: [],
      timers: { waiting: [] },
    });
  });

  it('is degraded while a view has stopped, says where, and is ok again when the event is skipped', async () => {
    const ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('poisonView');
    expect(await ramax.health()).toMatchObject({
      status: 'degraded',
      writer: { isAnswering: true },
      views: {
        stopped: 1,
        changed: 0,
        problems: [
          {
            spaceId: space.spaceId,
            spaceName: 'acme',
            view: 'fragile',
            state: 'stopped',
            error: { code: 'projection_failed', details: { spaceSequence: 2 } },
          },
        ],
      },
    });
    const { shards } = await ramax.stats();
    expect(shards.flatMap(({ views }) => views).filter(({ stopped }) => stopped > 0)).toEqual([
      { view: 'fragile', live: 0, building: 0, stopped: 1, lagMax: 2 },
    ]);
    await space.skipEvent({ view: 'fragile', spaceSequence: 2 });
    expect((await ramax.health()).status).toBe('ok');
  });

  it('warns while projections differ from those that made a view, until it is rebuilt', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start<FaultApp>({ storage, app: fixture('fault.app.mjs') });
    await (await first.spaces.getOrCreate('acme')).execute('line', 1);
    await first.close();
    const ramax = await bed.start<FaultApp>({ storage, app: fixture('fault-fixed.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    expect(await space.query('lines')).toEqual([1]);
    expect(await ramax.health()).toMatchObject({
      status: 'ok',
      views: { changed: 1, problems: [{ view: 'fragile', isChanged: true, state: 'live' }] },
    });
    await ramax.rebuild({ view: 'fragile' });
    expect((await ramax.health()).views).toMatchObject({ changed: 0, problems: [] });
  });

  it('says which thread does not answer, while it does not', async () => {
    const gate = await bed.gate();
    const ramax = await bed.start();
    const [one, two] = [
      await ramax.spaces.getOrCreate('tenant 1'),
      await ramax.spaces.getOrCreate('tenant 2'),
    ];
    const held = one.execute('hold', { gate: gate.path });
    await gate.entered();
    const { status, shards } = await ramax.health();
    expect([status, shards.filter(({ isAnswering }) => !isAnswering)]).toEqual([
      'degraded',
      [{ isAnswering: false, restarts: 0 }],
    ]);
    expect(await codeOf(two.execute('line', 1))).toBe('ok');
    gate.release();
    await held;
    await until(async () => (await ramax.health()).status === 'ok', 'all threads answer');
  });

  it('counts restarts, and is failed when they do not help', async () => {
    const gate = await bed.gate();
    const ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs'), limits: { restartsMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('exitOnce', { marker: gate.path, n: 1 });
    const once = await ramax.health();
    expect([once.status, once.shards.map(({ restarts }) => restarts).sort()]).toEqual(['ok', [0, 1]]);
    // Nothing of the app runs when the thread dies: nobody can be refused for it.
    await until(async () => {
      await codeOf(space.execute('throwLater', 1, { timeoutMs: 1_000 }));
      return (await ramax.health()).status === 'failed';
    }, 'the runtime has failed');
    expect(await ramax.health()).toMatchObject({
      status: 'failed',
      failure: { code: 'unavailable', details: { thread: expect.stringMatching(/^shard \d$/) } },
      writer: { isAnswering: false },
    });
  });

  it('is closed when the runtime is', async () => {
    const ramax = await bed.start();
    await ramax.close();
    expect(await ramax.health()).toMatchObject({ status: 'closed', failure: undefined });
  });
});
