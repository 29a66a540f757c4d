import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { reactionCommandId, reactionOf } from '../../src/core/reaction-id.js';
import { fateOf, retryDelayMs } from '../../src/core/reactor.js';
import { reject } from '../../src/core/rejection.js';
import type { RamaxRuntime } from '../../src/supervisor/ramax.js';
import { House } from '../../src/testing/house.js';

/** What a handler did, and what it is to do. */
interface Script {
  handler: (context: Handling) => unknown;
  runs: { at: number; attempt: number; text: string; space: string }[];
}

interface Handling {
  readonly text: string;
  readonly run: number;
  readonly signal: AbortSignal;
  readonly newId: () => string;
  readonly note: (text: string, space?: string) => Promise<unknown>;
  readonly refuse: () => Promise<unknown>;
  readonly count: () => Promise<unknown>;
}

const retry = { attemptsMax: 3, firstDelayMs: 100, delayMaxMs: 150 };

function appOf(script: Script, clock: () => number, from: 'now' | 'start' = 'now', name = 'echo') {
  return defineApp({
    name: 'reacting',
    commands: {
      say: (_pstate, text: string) => [{ entityId: 'words', type: 'said', payload: { text } }],
      note: (_pstate, text: string) => [{ entityId: 'notes', type: 'noted', payload: { text } }],
      refuse: () => reject('never'),
    },
    projections: {
      noted: (pstate) => pstate.update<number>('notes', (notes = 0) => notes + 1),
    },
    queries: { notes: (pstate) => pstate.get<number>('notes') ?? 0 },
    reactors: {
      [name]: {
        from,
        retry,
        on: {
          said: (event, context) => {
            const { text } = event.payload;
            script.runs.push({ at: clock(), attempt: context.attempt, text, space: context.spaceName });
            return script.handler({
              text,
              run: script.runs.length,
              signal: context.signal,
              newId: () => context.newId(),
              note: (note, space) =>
                space === undefined
                  ? context.execute('note', note)
                  : context.space(space).execute('note', note),
              refuse: () => context.execute('refuse'),
              count: () => context.query('notes'),
            });
          },
        },
      },
    },
  });
}

type ReactingApp = ReturnType<typeof appOf>;

let script: Script;
let house: House<ReactingApp>;
let ramax: RamaxRuntime<ReactingApp>;

const limits = { reactionFlushMs: 10, reactionTimeoutMs: 1_000 };

function pause(ms: number): Promise<void> {
  return house.run(new Promise<void>((resolve) => house.scheduler.plan(ms, resolve)));
}

async function say(text: string, spaceName = 'acme'): Promise<void> {
  const space = await house.run(ramax.spaces.getOrCreate(spaceName));
  await house.run(space.execute('say', text));
}

async function parked() {
  const space = await house.run(ramax.spaces.getOrCreate('acme'));
  return house.run(space.reactors.parked());
}

function eventsOf(type: string): number {
  return house.disk.log.events.filter((event) => event.type === type).length;
}

beforeEach(async () => {
  script = { handler: () => undefined, runs: [] };
  const app = appOf(script, () => house.scheduler.nowMs);
  house = new House({ app, seed: 3 });
  ramax = await house.start({ shards: 2, limits });
});

afterEach(async () => {
  await house.run(ramax.close());
});

describe('a reactor', () => {
  it('handles the events of each space one after the other, in their order', async () => {
    let underWay = 0;
    script.handler = async () => {
      expect(underWay).toBe(0);
      underWay++;
      await new Promise<void>((resolve) => house.scheduler.plan(5, resolve));
      underWay--;
    };
    for (const text of ['one', 'two', 'three']) await say(text);
    await pause(200);
    expect(script.runs.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('waits twice as long behind each attempt that failed, up to its bound, and then parks the event and goes on', async () => {
    script.handler = ({ text }) => {
      if (text === 'bad') throw new Error('outside is down');
    };
    await say('bad');
    await say('good');
    await pause(2_000);
    const bad = script.runs.filter(({ text }) => text === 'bad');
    expect(bad.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const [first = 0, second = 0, third = 0] = bad.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(100);
    expect(second - first).toBeLessThan(150);
    expect(third - second).toBeGreaterThanOrEqual(150);
    expect(script.runs.at(-1)?.text).toBe('good');
    expect(await parked()).toMatchObject([
      {
        reactor: 'echo',
        spaceSequence: 1,
        part: 0,
        attempts: 3,
        error: { code: 'reaction_failed', message: "the reactor 'echo' threw: outside is down" },
      },
    ]);
    expect((await house.run(ramax.health())).reactors).toEqual([
      { reactor: 'echo', spaces: 0, waiting: 0, stopped: 0, lagMax: 0, parked: 1 },
    ]);
  });

  it('parks at once what Ramax has refused for good', async () => {
    script.handler = ({ refuse }) => refuse();
    await say('bad');
    await pause(200);
    expect(script.runs).toHaveLength(1);
    expect(await parked()).toMatchObject([
      { attempts: 1, error: { code: 'command_rejected', reason: 'never' } },
    ]);
  });

  it('does not stop other spaces, nor other events, while it waits', async () => {
    script.handler = ({ text }) => {
      if (text === 'bad') throw new Error('no');
    };
    await say('bad', 'acme');
    await say('good', 'other');
    await pause(50);
    // The next attempt at the bad one comes behind it.
    expect(script.runs.slice(0, 2).map(({ space }) => space)).toEqual(['acme', 'other']);
  });

  it('aborts a handler that takes too long, and counts that as an attempt', async () => {
    const signals: AbortSignal[] = [];
    script.handler = ({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    };
    await say('slow');
    await pause(5_000);
    expect(signals).toHaveLength(3);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(await parked()).toMatchObject([{ attempts: 3, error: { code: 'timeout' } }]);
  });

  it('retries a parked event when it is told to, with the same ids, and no longer lists it then', async () => {
    script.handler = async ({ note, run }) => {
      await note('once', 'other');
      if (run <= 3) throw new Error('not yet');
    };
    await house.run(ramax.spaces.getOrCreate('other'));
    await say('bad');
    await pause(1_000);
    expect(await parked()).toHaveLength(1);
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    await house.run(acme.reactors.retry({ reactor: 'echo', spaceSequence: 1 }));
    expect(await parked()).toEqual([]);
    expect(script.runs).toHaveLength(4);
    expect(eventsOf('noted')).toBe(1);
    await expect(house.run(acme.reactors.retry({ reactor: 'echo', spaceSequence: 1 }))).rejects.toMatchObject(
      {
        code: 'not_found',
      },
    );
  });

  it('leaves an event parked when it fails again, and drops it when it is skipped', async () => {
    script.handler = () => {
      throw new Error('never');
    };
    await say('bad');
    await pause(1_000);
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    const [event] = await parked();
    if (event === undefined) throw new Error('nothing is parked');
    await expect(house.run(acme.reactors.retry(event))).rejects.toMatchObject({ code: 'reaction_failed' });
    expect(await house.run(ramax.reactors.parked())).toHaveLength(1);
    await house.run(acme.reactors.skip(event));
    expect(await parked()).toEqual([]);
  });

  it('tells a handler that is not deterministic by a conflict that names the id', async () => {
    const errors: unknown[] = [];
    script.handler = async ({ note, run }) => {
      await note(`run ${run}`).catch((error: unknown) => errors.push(error));
      if (run === 1) throw new Error('again');
    };
    await say('bad');
    await pause(1_000);
    expect(errors).toMatchObject(
      [{ code: 'conflict', details: { commandId: /^ramax\.reactor\// } }].map((error) => ({
        code: error.code,
      })),
    );
    expect(eventsOf('noted')).toBe(1);
  });

  it('gives a handler the same new ids at each attempt', async () => {
    const ids: string[][] = [];
    script.handler = ({ newId, run }) => {
      ids.push([newId(), newId()]);
      if (run === 1) throw new Error('again');
    };
    await say('bad');
    await pause(1_000);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toEqual(ids[1]);
    expect(ids[0]?.[0]).not.toBe(ids[0]?.[1]);
    expect(ids[0]?.[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('waits for the commands that a handler does not wait for', async () => {
    script.handler = ({ note }) => {
      void note('one');
      void note('two');
    };
    await say('text');
    await pause(200);
    expect(eventsOf('noted')).toBe(2);
  });

  it('reads the state of its space', async () => {
    const counts: unknown[] = [];
    script.handler = async ({ note, count }) => {
      await note('one');
      counts.push(await count());
    };
    await say('text');
    await pause(200);
    expect(counts).toEqual([1]);
  });

  it('hands causation and correlation on', async () => {
    script.handler = ({ note }) => note('text');
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    await house.run(acme.execute('say', 'text', { correlationId: 'order 7' }));
    await pause(200);
    const noted = house.disk.log.events.find(({ type }) => type === 'noted');
    expect(noted).toMatchObject({ causationId: 'event:1', correlationId: 'order 7' });
  });

  it('is handed nothing when an event has no handler, and keeps up all the same', async () => {
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    await house.run(acme.execute('note', 'nothing'));
    await pause(100);
    const cursor = [...house.disk.log.cursors.values()].find(({ spaceId }) => spaceId === acme.spaceId);
    expect(cursor).toMatchObject({ kind: 'reactor', name: 'echo', position: 1 });
  });
});

describe('where a reactor stands', () => {
  async function restart(app?: ReactingApp): Promise<void> {
    await house.run(ramax.close());
    ramax = await house.start(app === undefined ? { limits } : { app, limits });
    await pause(500);
  }

  it('goes on behind what it has done after a restart, without anybody calling the space', async () => {
    script.handler = () => {
      throw new RamaxError('unavailable', 'not now');
    };
    await say('text');
    script.runs.length = 0;
    script.handler = () => undefined;
    await restart();
    expect(script.runs).toMatchObject([{ attempt: 1, text: 'text' }]);
    script.runs.length = 0;
    await restart();
    expect(script.runs).toEqual([]);
  });

  it('begins at what is committed from then on, or at the start, when the data has not met it', async () => {
    await say('old');
    await pause(100);
    const runs: Script['runs'] = [];
    const other: Script = { handler: () => undefined, runs };
    await restart(appOf(other, () => 0, 'now', 'later'));
    expect(runs).toEqual([]);
    await say('new');
    await pause(100);
    expect(runs.map(({ text }) => text)).toEqual(['new']);
    const all: Script['runs'] = [];
    await restart(appOf({ handler: () => undefined, runs: all }, () => 0, 'start', 'historian'));
    expect(all.map(({ text }) => text)).toEqual(['old', 'new']);
  });

  it('stands at the end of a space that is a clone, and reacts to what comes', async () => {
    await say('old');
    await pause(100);
    script.runs.length = 0;
    await house.run(ramax.spaces.clone('acme', 'copy'));
    await restart();
    expect(script.runs).toEqual([]);
    await say('new', 'copy');
    await pause(100);
    expect(script.runs).toMatchObject([{ text: 'new', space: 'copy' }]);
  });

  it('stands at the end of a space that was restored to a sequence', async () => {
    script.handler = () => {
      throw new RamaxError('unavailable', 'not now');
    };
    await say('old');
    while (script.runs.length === 0) await pause(1);
    script.handler = () => undefined;
    await house.run(ramax.spaces.restoreTo('acme', 1));
    // What was handled before is of the space that is no more.
    script.runs.length = 0;
    await pause(1_000);
    expect(script.runs).toEqual([]);
  });

  it('rests while its space is suspended, and goes on when that is resumed', async () => {
    script.handler = ({ run }) => {
      if (run === 1) throw new Error('again');
    };
    await say('text');
    await house.run(ramax.spaces.suspend('acme'));
    await restart();
    const runsBefore = script.runs.length;
    await pause(1_000);
    expect(script.runs).toHaveLength(runsBefore);
    script.handler = () => undefined;
    await house.run(ramax.spaces.resume('acme'));
    await pause(100);
    expect(script.runs).toHaveLength(runsBefore + 1);
  });

  it('ends with its space: the handler is aborted, and nothing of it is left', async () => {
    let signal: AbortSignal | undefined;
    script.handler = (handling) => {
      signal = handling.signal;
      return new Promise(() => {});
    };
    await say('text');
    await pause(20);
    await house.run(ramax.spaces.delete('acme'));
    expect(signal?.aborted).toBe(true);
    expect([...house.disk.log.cursors.values()].filter(({ spaceId }) => spaceId > 0)).toEqual([]);
    expect(script.runs).toHaveLength(1);
  });

  it('goes on in the next shard when its own is killed', async () => {
    script.handler = ({ note, run }) => (run === 1 ? new Promise(() => {}) : note('done'));
    await say('text');
    await pause(10);
    house.killShard(0);
    house.killShard(1);
    await pause(3_000);
    expect(eventsOf('noted')).toBe(1);
  });
});

describe('the ids of commands of reactors', () => {
  it('cannot be used by callers', async () => {
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    const used = acme.execute('say', 'text', { commandId: 'ramax.reactor/1.1.0.0/x/echo' });
    await expect(house.run(used)).rejects.toMatchObject({
      code: 'invalid_input',
      details: { field: 'commandId' },
    });
  });

  it('are read back as what was reacted to', () => {
    const place = { spaceId: 7, reactor: 'a/b', spaceSequence: 12, part: 1 };
    expect(reactionOf(reactionCommandId(place, '0-1', 3))).toEqual(place);
    expect(reactionOf('order-17')).toBeUndefined();
    expect(reactionOf('ramax.timer/1')).toBeUndefined();
  });
});

describe('the policy of retries', () => {
  const policy = { attemptsMax: 3, firstDelayMs: 100, delayMaxMs: 1_000 };

  it('doubles the delay up to its bound', () => {
    expect([1, 2, 3, 4, 5, 200].map((attempt) => retryDelayMs(policy, attempt))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
  });

  it('waits for ever for a disk that is full, and never for what is refused for good', () => {
    const full = new RamaxError('storage', 'full', { details: { passes: true } });
    expect(fateOf(full, 1_000, policy)).toBe('retriedForEver');
    expect(fateOf(new RamaxError('conflict', 'used'), 1, policy)).toBe('parked');
    expect(fateOf(new RamaxError('suspended', 'the other space'), 1, policy)).toBe('retried');
    expect(fateOf(new Error('outside'), 2, policy)).toBe('retried');
    expect(fateOf(new Error('outside'), 3, policy)).toBe('parked');
  });
});

describe('an app with reactors', () => {
  it.each([
    [{ 'no name': { on: {} } }, 'reactors.no name'],
    [{ echo: {} }, 'reactors.echo.on'],
    [{ echo: { on: { said: 1 } } }, 'reactors.echo.on.said'],
    [{ echo: { on: {}, from: 'here' } }, 'reactors.echo.from'],
    [{ echo: { on: {}, retry: { attemptsMax: 0 } } }, 'reactors.echo.retry.attemptsMax'],
  ])('is refused where one has the wrong shape: %j', (reactors, field) => {
    const app = { name: 'wrong', commands: {}, projections: {}, reactors };
    expect(() => loadApp(app)).toThrow(
      expect.objectContaining({ code: 'invalid_app', details: expect.objectContaining({ field }) }) as Error,
    );
  });
});
