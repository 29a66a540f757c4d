import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '../../src/core/define-app.js';
import { defineApp } from '../../src/core/define-app.js';
import { loadApp } from '../../src/core/loaded-app.js';
import type { RamaxRuntime } from '../../src/supervisor/ramax.js';
import { House } from '../../src/testing/house.js';

/** What handlers were given, and what they are to do. */
interface Script {
  readonly runs: string[];
  handle: (text: string) => unknown;
}

interface Release {
  readonly upcasters?: Readonly<Record<string, Readonly<Record<number, (event: never) => unknown>>>>;
  readonly onFailure?: 'park' | 'stop';
  /** It has no reactor: the next one finds all that was committed before it. */
  readonly isDeaf?: boolean;
}

const retry = { attemptsMax: 2, firstDelayMs: 10 };

function release(script: Script, { upcasters = {}, onFailure = 'park', isDeaf = false }: Release = {}): App {
  const handle = ({ payload }: { readonly payload: string }): unknown => {
    script.runs.push(payload);
    return script.handle(payload);
  };
  return defineApp({
    name: 'talking',
    upcasters: upcasters as never,
    commands: {
      say: (_pstate, text: string) => [{ entityId: 'words', type: 'said', payload: text }],
      sayBoth: (_pstate, text: string) => [{ entityId: 'words', type: 'both', payload: text }],
      hum: (_pstate, text: string) => [{ entityId: 'words', type: 'hummed', payload: text }],
    },
    projections: {},
    reactors: isDeaf ? {} : { echo: { from: 'start', retry, onFailure, on: { said: handle as never } } },
  }) as unknown as App;
}

/** Two of the type that is reacted to in place of one. */
const both = {
  both: {
    1: ({ payload }: { payload: string }) =>
      ['first', 'second'].map((half) => ({ type: 'said', payload: `${payload}/${half}` })),
  },
} as never;

let house: House<App>;
let ramax: RamaxRuntime<App>;
let script: Script;

const limits = { reactionFlushMs: 10 };

async function start(options: Release): Promise<void> {
  script = { runs: [], handle: () => undefined };
  house = new House<App>({ app: release(script, options), seed: 6 });
  ramax = await house.start({ shards: 1, limits });
}

/** Another release of the app takes the place of the one that runs. */
async function deploy(options: Release): Promise<void> {
  await house.run(ramax.close());
  ramax = await house.start({ app: release(script, options), shards: 1, limits });
  await pause(1_000);
}

function pause(ms: number): Promise<void> {
  return house.scheduler.advance(ms);
}

const space = (name = 'acme') => house.run(ramax.spaces.getOrCreate(name));

async function execute(command: string, text: string, name = 'acme'): Promise<void> {
  const to = await space(name);
  await house.run(to.execute(command, text as never));
}

const stopped = async () => house.run((await space()).reactors.stopped());
const parked = async () => house.run((await space()).reactors.parked());

function fails(...texts: readonly string[]): (text: string) => void {
  return (text) => {
    if (texts.includes(text)) throw new Error(`no ${text}`);
  };
}

afterEach(async () => {
  await house.run(ramax.close());
});

describe('a reactor that is to stop at what it cannot handle', () => {
  it('goes no further in that space after its last attempt, says why, and parks nothing', async () => {
    await start({ onFailure: 'stop' });
    script.handle = fails('bad');
    for (const text of ['bad', 'good']) await execute('say', text);
    await execute('say', 'elsewhere', 'other');
    await pause(60_000);
    expect(script.runs.filter((text) => text !== 'elsewhere')).toEqual(['bad', 'bad']);
    expect(script.runs).toContain('elsewhere');
    expect(await stopped()).toMatchObject([
      {
        reactor: 'echo',
        spaceSequence: 1,
        part: 0,
        attempts: 2,
        error: { code: 'reaction_failed', message: "the reactor 'echo' threw: no bad" },
      },
    ]);
    expect(await parked()).toEqual([]);
    const { reactors } = await house.run(ramax.health());
    expect(reactors).toEqual([{ reactor: 'echo', spaces: 1, waiting: 0, stopped: 1, lagMax: 2, parked: 0 }]);
  });

  it('goes on when the event is retried and handled; stays when it fails again', async () => {
    await start({ onFailure: 'stop' });
    script.handle = fails('bad');
    for (const text of ['bad', 'good']) await execute('say', text);
    await pause(1_000);
    const [event] = await stopped();
    if (event === undefined) throw new Error('it has not stopped');
    const { reactors } = await space();
    await expect(house.run(reactors.retry(event))).rejects.toMatchObject({ code: 'reaction_failed' });
    await pause(1_000);
    expect(await stopped()).toHaveLength(1);
    script.handle = () => undefined;
    script.runs.length = 0;
    await house.run(reactors.retry(event));
    await pause(1_000);
    expect(script.runs).toEqual(['bad', 'good']);
    expect(await stopped()).toEqual([]);
    await expect(house.run(reactors.retry(event))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('goes on behind the event when it is skipped', async () => {
    await start({ onFailure: 'stop' });
    script.handle = fails('bad');
    for (const text of ['bad', 'good']) await execute('say', text);
    await pause(1_000);
    const [event] = await stopped();
    if (event === undefined) throw new Error('it has not stopped');
    await house.run((await space()).reactors.skip(event));
    await pause(1_000);
    expect(script.runs).toEqual(['bad', 'bad', 'good']);
    expect(await stopped()).toEqual([]);
    script.runs.length = 0;
    await deploy({ onFailure: 'stop' });
    expect(script.runs).toEqual([]);
  });

  it('tries anew when its shard starts again', async () => {
    await start({ onFailure: 'stop' });
    script.handle = fails('bad');
    for (const text of ['bad', 'good']) await execute('say', text);
    await pause(1_000);
    script.handle = () => undefined;
    script.runs.length = 0;
    house.killShard(0);
    await pause(5_000);
    expect(script.runs).toEqual(['bad', 'good']);
  });

  it('skips one part of several', async () => {
    await start({ isDeaf: true });
    await execute('sayBoth', 'a');
    script.handle = fails('a/first');
    await deploy({ onFailure: 'stop', upcasters: both });
    const [event] = await stopped();
    expect(event).toMatchObject({ spaceSequence: 1, part: 0 });
    if (event !== undefined) await house.run((await space()).reactors.skip(event));
    await pause(100);
    expect(script.runs).toEqual(['a/first', 'a/first', 'a/second']);
  });

  it('stops at what its upcasters cannot read', async () => {
    await start({ isDeaf: true });
    await execute('sayBoth', 'a');
    await execute('say', 'b');
    const broken = { 1: () => undefined };
    script.runs.length = 0;
    await deploy({ onFailure: 'stop', upcasters: { both: broken } });
    expect(await stopped()).toMatchObject([{ spaceSequence: 1, part: -1, error: { code: 'upcast_failed' } }]);
    await deploy({ onFailure: 'stop', upcasters: both });
    expect(script.runs).toContain('a/second');
  });
});

describe('a reactor of an app that is too old for an event', () => {
  const newer = { said: { 1: ({ payload }: { payload: string }) => payload } } as never;

  it.each(['park', 'stop'] as const)(
    'stops there and parks nothing, with the policy %s',
    async (onFailure) => {
      await start({ onFailure, upcasters: newer });
      await house.run(ramax.close());
      ramax = await house.start({ shards: 1, limits: { ...limits, reactionsAtOnceMax: 1 } });
      script.handle = () => {
        throw new Error('not now');
      };
      // Nobody has handled them when the older release comes.
      const acme = await space();
      await house.run(Promise.all(['one', 'two', 'three'].map((text) => acme.execute('say', text as never))));
      house.killAll();
      script.handle = () => undefined;
      script.runs.length = 0;
      ramax = await house.start({ app: release(script, { onFailure }), shards: 1, limits });
      await pause(60_000);
      expect(script.runs).toEqual([]);
      expect(await parked()).toEqual([]);
      expect(await stopped()).toMatchObject([{ spaceSequence: 1, part: -1, error: { code: 'event_newer' } }]);
      await expect(
        house.run((await space()).reactors.retry({ reactor: 'echo', spaceSequence: 1, part: -1 })),
      ).rejects.toMatchObject({ code: 'event_newer' });
      await deploy({ onFailure, upcasters: newer });
      expect(script.runs).toEqual(['one', 'two', 'three']);
      expect(await stopped()).toEqual([]);
    },
  );

  it('passes over events of types that it has nothing to do with', async () => {
    const hummed = { hummed: { 1: ({ payload }: { payload: string }) => payload } } as never;
    await start({ upcasters: hummed });
    await execute('hum', 'one');
    await deploy({});
    await execute('hum', 'two');
    await execute('say', 'three');
    await pause(1_000);
    expect(script.runs).toEqual(['three']);
    expect(await stopped()).toEqual([]);
  });
});

describe('an event that is several', () => {
  it('is handled in all its parts when it was parked whole and is retried', async () => {
    await start({ isDeaf: true });
    await execute('sayBoth', 'a');
    await deploy({ upcasters: { both: { 1: () => undefined } } });
    const [event] = await parked();
    expect(event).toMatchObject({ spaceSequence: 1, part: -1, error: { code: 'upcast_failed' } });
    if (event === undefined) return;
    await expect(house.run((await space()).reactors.retry(event))).rejects.toMatchObject({
      code: 'upcast_failed',
    });
    await deploy({ upcasters: both });
    expect(script.runs).toEqual([]);
    await house.run((await space()).reactors.retry(event));
    expect(script.runs).toEqual(['a/first', 'a/second']);
    expect(await parked()).toEqual([]);
  });

  it('does not handle again, after a crash before its last part, what it has parked of it', async () => {
    await start({ isDeaf: true });
    await execute('sayBoth', 'a');
    script.handle = (text) => (text === 'a/first' ? fails(text)(text) : new Promise(() => {}));
    await deploy({ upcasters: both });
    expect(await parked()).toMatchObject([{ spaceSequence: 1, part: 0 }]);
    expect(script.runs).toEqual(['a/first', 'a/first', 'a/second']);
    script.runs.length = 0;
    script.handle = () => undefined;
    house.killShard(0);
    await pause(5_000);
    expect(script.runs).toEqual(['a/second']);
    expect(await parked()).toMatchObject([{ spaceSequence: 1, part: 0 }]);
    await house.run((await space()).reactors.retry({ reactor: 'echo', spaceSequence: 1, part: 0 }));
    expect(script.runs).toEqual(['a/second', 'a/first']);
    expect(await parked()).toEqual([]);
  });
});

describe('the policy of failures', () => {
  it('is park or stop', () => {
    const app = {
      name: 'wrong',
      commands: {},
      projections: {},
      reactors: { echo: { on: {}, onFailure: 'wait' } },
    };
    const details: unknown = expect.objectContaining({ field: 'reactors.echo.onFailure' });
    expect(() => loadApp(app)).toThrow(expect.objectContaining({ code: 'invalid_app', details }) as Error);
  });
});
