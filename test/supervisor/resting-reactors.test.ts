import { afterEach, describe, expect, it } from 'vitest';
import { defineApp } from '../../src/core/define-app.js';
import { type ErrorCode, RamaxError } from '../../src/core/errors.js';
import type { LogReader } from '../../src/event-store/port.js';
import type { RamaxRuntime } from '../../src/supervisor/ramax.js';
import { House, type HouseStartOptions } from '../../src/testing/house.js';

interface Script {
  readonly runs: string[];
  handle: (space: string) => unknown;
}

function appOf(script: Script) {
  return defineApp({
    name: 'talking',
    commands: {
      say: (_pstate, text: string) => [{ entityId: 'words', type: 'said', payload: text }],
      note: (_pstate, text: string) => [{ entityId: 'notes', type: 'noted', payload: text }],
    },
    projections: { said: (pstate, { payload }) => pstate.put('last', payload) },
    reactors: {
      echo: {
        from: 'start',
        retry: { attemptsMax: 3, firstDelayMs: 10 },
        on: {
          said: async ({ payload }, context) => {
            script.runs.push(`${context.spaceName} ${payload}`);
            const target = script.handle(context.spaceName);
            if (typeof target === 'string') await context.space(target).execute('note', payload);
            else await target;
          },
        },
      },
    },
  });
}

let script: Script;
let house: House<ReturnType<typeof appOf>>;
let ramax: RamaxRuntime<ReturnType<typeof appOf>>;
const limits = { reactionFlushMs: 10 };

async function start(options: HouseStartOptions = {}): Promise<void> {
  script = { runs: [], handle: () => undefined };
  house = new House({ app: appOf(script), seed: 9 });
  ramax = await house.start({ shards: 1, limits, ...(options as object) });
}

async function restart(options: HouseStartOptions = {}): Promise<void> {
  await house.run(ramax.close());
  ramax = await house.start({ shards: 1, limits, ...(options as object) });
}

/** The process dies before anything of these is handled. */
async function sayAndDie(...names: readonly string[]): Promise<void> {
  script.handle = () => new Promise(() => {});
  const spaces = await house.run(Promise.all(names.map((name) => ramax.spaces.getOrCreate(name))));
  await house.run(Promise.all(spaces.map((space) => space.execute('say', 'text'))));
  house.killAll();
  script.runs.length = 0;
  script.handle = () => undefined;
}

const space = (name = 'acme') => house.run(ramax.spaces.getOrCreate(name));

afterEach(async () => {
  await house.run(ramax.close());
});

describe('the reactors of a suspended space', () => {
  it('stay at rest whatever starts again and whoever reads the space, until it is resumed', async () => {
    await start();
    await house.run((await space()).execute('say', 'first'));
    await house.scheduler.advance(1_000);
    script.handle = () => {
      throw new Error('not now');
    };
    await house.run((await space()).execute('say', 'second'));
    await house.run(ramax.spaces.suspend('acme'));
    await restart();
    script.runs.length = 0;
    script.handle = () => undefined;
    for (const what of ['the runtime', 'the shard']) {
      if (what === 'the shard') house.killShard(0);
      await house.scheduler.advance(5_000);
      expect(await house.run((await space()).fetch('last'))).toBe('second');
      await house.run((await space()).rebuild());
      await house.scheduler.advance(60_000);
      expect(script.runs, what).toEqual([]);
    }
    await house.run(ramax.spaces.resume('acme'));
    await house.scheduler.advance(1_000);
    expect(script.runs).toEqual(['acme second']);
  });
});

describe('a reactor of an encrypted space', () => {
  const key = new Uint8Array(32).fill(7);

  it('waits without its key, parks nothing, and goes on when the space is called with it', async () => {
    await start({ encryption: { keyOf: () => key } });
    await house.run(ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'one' } }));
    await sayAndDie('acme');
    let isThere = false;
    ramax = await house.start({
      shards: 1,
      limits,
      encryption: { keyOf: () => (isThere ? key : undefined) },
    });
    await house.scheduler.advance(600_000);
    expect(script.runs).toEqual([]);
    expect([...house.disk.log.parked.values()]).toEqual([]);
    isThere = true;
    await house.run((await space()).fetch('last'));
    await house.scheduler.advance(1_000);
    expect(script.runs).toEqual(['acme text']);
  });

  it('is tried again like any other when another space has not its key', async () => {
    let isThere = true;
    await start({ encryption: { keyOf: () => (isThere ? key : undefined) } });
    await house.run(ramax.spaces.getOrCreate('vault', { encryption: { keyId: 'one' } }));
    await restart({ encryption: { keyOf: () => (isThere ? key : undefined) } });
    isThere = false;
    script.handle = () => 'vault';
    await house.run((await space()).execute('say', 'text'));
    while (script.runs.length < 2) await house.scheduler.advance(1);
    isThere = true;
    await house.scheduler.advance(10_000);
    expect([...house.disk.log.parked.values()]).toEqual([]);
    expect(house.disk.log.events.map(({ type }) => type)).toEqual(['said', 'noted']);
  });
});

describe('reactors after a start', () => {
  it('handle what is left of every space, although the handlers of many do not end', async () => {
    await start();
    const slow = Array.from({ length: 20 }, (_, n) => `slow ${n}`);
    const quick = Array.from({ length: 20 }, (_, n) => `quick ${n}`);
    await sayAndDie(...slow, ...quick);
    script.handle = (name) => (name.startsWith('slow') ? new Promise(() => {}) : undefined);
    ramax = await house.start({ shards: 1, limits });
    await house.scheduler.advance(2_000);
    expect(script.runs.filter((run) => run.startsWith('quick'))).toHaveLength(20);
  });

  it.each(['closed', 'not_found', 'storage', 'corrupt'] as const)(
    'go on when the log could not be read for a while: %s',
    async (code) => {
      await start();
      await sayAndDie('acme');
      let isBroken = true;
      failingReads(code, () => isBroken);
      ramax = await house.start({ shards: 1, limits });
      await house.scheduler.advance(30_000);
      expect(script.runs).toEqual([]);
      expect((await house.run(ramax.health())).reactors).toMatchObject([{ spaces: 1, waiting: 1 }]);
      isBroken = false;
      await house.scheduler.advance(11_000);
      expect(script.runs).toEqual(['acme text']);
    },
  );

  /** Pages of a space cannot be read. */
  function failingReads(code: ErrorCode, isBroken: () => boolean): void {
    const { disk } = house;
    const open = disk.openLogReader.bind(disk);
    disk.openLogReader = (thread) =>
      new Proxy(open(thread), {
        get(target, name: keyof LogReader): unknown {
          if (name === 'readSpace' && isBroken()) {
            return () => Promise.reject(new RamaxError(code, 'the log cannot be read'));
          }
          return Reflect.get(target, name);
        },
      });
  }
});
