import { beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import type { LogHealth } from '../../src/event-store/port.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { ShardHealth, ViewProblem } from '../../src/protocol/stats.js';
import { HealthProbe } from '../../src/supervisor/health.js';
import type { LookupHealth } from '../../src/supervisor/lookup-filling.js';
import { Quarantine } from '../../src/supervisor/quarantine.js';
import { ShardHandle } from '../../src/supervisor/shard-handle.js';
import type { Supervisor } from '../../src/supervisor/supervisor.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { FakeShard, inGoodHealth } from './fake-shard.js';

/** How long a thread may take to answer. */
const answerMsMax = 2_000;

let scheduler: Scheduler;
let shards: FakeShard[];
let handles: ShardHandle[];
let probe: HealthProbe;
let quarantine: Quarantine;
let failure: RamaxError | undefined;
let lookups: LookupHealth;
/** How the writer found the log, and how it says that it is now. */
const opened: LogHealth = {
  durability: 'os',
  lost: { events: 3, changes: 1, lastEventId: 7 },
  witnessFailure: undefined,
};
let log: LogHealth;
/** What the writer answers, and how often it was asked. */
let writer: { answer: () => Promise<unknown>; asked: number };

beforeEach(() => {
  scheduler = new Scheduler(1);
  shards = [new FakeShard(scheduler), new FakeShard(scheduler)];
  quarantine = new Quarantine(nodePlatform.textDigest);
  handles = shards.map(() => new ShardHandle({ limits: { restartsMax: 5 }, quarantine }));
  for (const [index, handle] of handles.entries()) handle.up(shards[index]!.caller);
  failure = undefined;
  lookups = { unfilledEvents: 7, failure: undefined };
  log = { ...opened, lost: undefined };
  writer = { answer: async () => ({ log }), asked: 0 };
  const supervisor = {
    get failure() {
      return failure;
    },
    restarts: { writer: 1, shards: [0, 3] },
    logHealth: opened,
    get lookups() {
      return { health: lookups };
    },
    quarantine,
    app: { reactors: [] },
    shards: handles,
    writer: {
      call: () => {
        writer.asked++;
        return writer.answer();
      },
    },
  };
  probe = new HealthProbe(
    supervisor as unknown as Supervisor,
    schedulerClock(scheduler, () => true),
    () => ({ waiting: [] }),
  );
});

function health(closed?: RamaxError) {
  return scheduler.runUntil(probe.health(closed));
}

const never = (): Promise<never> => new Promise(() => {});

function problem(view: string): ViewProblem {
  return {
    spaceId: 1,
    spaceName: 'acme',
    view,
    version: 1,
    state: 'stopped',
    spaceSequence: 4,
    lag: 1,
    serves: undefined,
    error: { code: 'projection_failed', message: 'it threw' },
    isChanged: false,
  };
}

function ill(stopped: number, shown: readonly ViewProblem[] = []): ShardHealth {
  return { ...inGoodHealth, stopped, problems: shown };
}

describe('the health of a runtime', () => {
  it('is ok when every thread answers and no view needs anybody', async () => {
    expect(await health()).toEqual({
      status: 'ok',
      failure: undefined,
      refused: [],
      writer: { isAnswering: true, restarts: 1 },
      shards: [
        { isAnswering: true, restarts: 0 },
        { isAnswering: true, restarts: 3 },
      ],
      log: opened,
      lookups: { unfilledEvents: 7, failure: undefined },
      views: { stopped: 0, changed: 0, building: 0, problems: [] },
      repairs: { views: 0, files: 0 },
      timers: { waiting: [] },
      reactors: [],
    });
  });

  it('is degraded when the lookups cannot be filled, and says why', async () => {
    lookups = { unfilledEvents: 50_000, failure: { code: 'storage', message: 'the disk is full' } };
    expect(await health()).toMatchObject({ status: 'degraded', lookups });
  });

  it('is degraded when the witness of the log cannot be written, and says why', async () => {
    log = { ...log, witnessFailure: { code: 'storage', message: 'no space left on the device' } };
    expect(await health()).toMatchObject({
      status: 'degraded',
      log: { durability: 'os', lost: { events: 3 }, witnessFailure: { code: 'storage' } },
    });
  });

  it('says how the log was when it was opened, while the writer does not answer', async () => {
    writer.answer = never;
    expect(await health()).toMatchObject({ status: 'degraded', log: opened });
  });

  it('is ok while views are being filled', async () => {
    shards[0]!.health = { ...inGoodHealth, building: 3 };
    expect(await health()).toMatchObject({ status: 'ok', views: { building: 3 } });
  });

  it('is degraded by a view that has stopped; one that was changed under its version is a warning', async () => {
    shards[1]!.health = ill(1, [problem('fragile')]);
    expect(await health()).toMatchObject({
      status: 'degraded',
      views: { stopped: 1, problems: [{ view: 'fragile', error: { code: 'projection_failed' } }] },
    });
    shards[1]!.health = { ...inGoodHealth, changed: 2 };
    expect(await health()).toMatchObject({ status: 'ok', views: { stopped: 0, changed: 2 } });
  });

  it('sums the shards, and names a hundred problems at most', async () => {
    for (const [index, shard] of shards.entries()) {
      shard.health = ill(
        70,
        Array.from({ length: 70 }, (_, n) => problem(`${index}-${n}`)),
      );
    }
    const { views } = await health();
    expect([views.stopped, views.problems.length]).toEqual([140, 100]);
    expect(views.problems.at(-1)?.view).toBe('1-29');
  });

  it('is degraded when a shard does not answer in time, and says which', async () => {
    shards[1]!.health = never();
    const before = scheduler.nowMs;
    expect(await health()).toMatchObject({
      status: 'degraded',
      writer: { isAnswering: true },
      shards: [{ isAnswering: true }, { isAnswering: false }],
    });
    expect(scheduler.nowMs - before).toBe(answerMsMax);
  });

  it('is degraded when the writer does not answer in time, or fails to', async () => {
    for (const answer of [never, () => Promise.reject(new RamaxError('storage', 'no disk'))]) {
      writer.answer = answer;
      expect(await health()).toMatchObject({ status: 'degraded', writer: { isAnswering: false } });
    }
  });

  it('asks a thread that does not answer only once, however often it is probed', async () => {
    let answer: (answered: ShardHealth) => void = () => {};
    shards[1]!.health = new Promise((resolve) => {
      answer = resolve;
    });
    writer.answer = never;
    for (let probes = 0; probes < 5; probes++) expect((await health()).status).toBe('degraded');
    expect([writer.asked, handles[1]!.openCalls]).toEqual([1, 1]);
    expect(shards[1]!.seen).toEqual(['health']);
    expect(shards[0]!.seen).toHaveLength(5);
    answer(inGoodHealth);
    await scheduler.advance(100);
    shards[1]!.health = ill(1);
    expect(await health()).toMatchObject({ shards: [{}, { isAnswering: true }], views: { stopped: 1 } });
  });

  it('of a shard that is being started again comes when it is up', async () => {
    shards[0]!.die();
    await scheduler.advance(100);
    expect(await health()).toMatchObject({ shards: [{ isAnswering: false }, { isAnswering: true }] });
    handles[0]!.up(new FakeShard(scheduler).caller);
    await scheduler.advance(100);
    expect(await health()).toMatchObject({ status: 'ok', shards: [{ isAnswering: true }, {}] });
  });

  it('is failed with its reason when the runtime has failed, and asks nobody', async () => {
    failure = new RamaxError('unavailable', 'the shard 0 keeps failing', { details: { thread: 'shard 0' } });
    expect(await health()).toMatchObject({
      status: 'failed',
      failure: { code: 'unavailable', details: { thread: 'shard 0' } },
      writer: { isAnswering: false, restarts: 1 },
      shards: [{ isAnswering: false }, { isAnswering: false, restarts: 3 }],
    });
    expect([writer.asked, shards[0]!.seen]).toEqual([0, []]);
  });

  it('is closed when it was closed, unless it had failed before', async () => {
    const closed = new RamaxError('closed', 'the runtime is closed');
    expect(await health(closed)).toMatchObject({ status: 'closed', failure: undefined });
    failure = new RamaxError('storage', 'the log is gone');
    expect(await health(closed)).toMatchObject({ status: 'failed', failure: { code: 'storage' } });
    expect(writer.asked).toBe(0);
  });
});
