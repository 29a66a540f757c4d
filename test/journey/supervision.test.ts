import { execFileSync } from 'node:child_process';
import { openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ramax, type SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { Death, FatalApp } from '../fixtures/fatal.app.mjs';
import { FaultyStorage } from './faulty-storage.js';
import { until } from './gate.js';
import { all, type BedOptions, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

type Space = SpaceHandle<FatalApp>;

/** For tests of what hangs: far longer than any turn takes, and short enough to wait for. */
const hangTimeoutMs = 3_000;
/** For all others: never. */
const neverMs = 600_000;

/** A runtime of two shards: `mortal` and `beside` live on shard 1, `other` on shard 0. */
async function start(
  options: BedOptions = {},
): Promise<{ ramax: Ramax<FatalApp>; mortal: Space; other: Space; beside: Space }> {
  const limits = {
    hangTimeoutMs: neverMs,
    shardHeapMegabytesMax: 64,
    callTimeoutMs: 60_000,
    ...options.limits,
  };
  const ramax = await bed.start<FatalApp>({ app: fixture('fatal.app.mjs'), ...options, limits });
  const [mortal, other, beside] = [
    await ramax.spaces.getOrCreate('mortal'),
    await ramax.spaces.getOrCreate('other'),
    await ramax.spaces.getOrCreate('beside'),
  ];
  return { ramax, mortal, other, beside };
}

async function fuse(): Promise<string> {
  const path = join(await bed.directory(), 'fuse');
  writeFileSync(path, '');
  return path;
}

/** What each kind of death says of itself. */
const epitaphs = {
  exit: /exited with code: 7/,
  loop: /has hung for 3000 ms/,
  heap: /memory limit/,
} as const;
type Kind = keyof typeof epitaphs;
const kinds: readonly Kind[] = ['exit', 'loop', 'heap'];

describe.each(kinds)('a command that ends its shard (%s) every time', (kind) => {
  it('is refused after three deaths by its commandId, names what happened, and harms nobody else', async () => {
    const limits = kind === 'loop' ? { hangTimeoutMs } : {};
    const { ramax, mortal, other, beside } = await start({ limits });
    await mortal.execute('line', 0);
    const poison = errorOf(mortal.execute('die', { kind }, { commandId: 'poison' }));
    const innocent = [
      ...range(10).map((n) => mortal.execute('line', n)),
      ...range(10).map((n) => beside.execute('line', n)),
    ];
    const read = mortal.query('lines');
    for (const n of range(20)) await other.execute('line', n);
    expect(await poison).toMatchObject({
      code: 'poisoned',
      retryable: false,
      message: expect.stringMatching(/^the command 'die' is refused: it has ended its shard 3 times/),
      details: {
        command: 'die',
        spaceId: mortal.spaceId,
        spaceName: 'mortal',
        commandId: 'poison',
        kills: 3,
        cause: { message: expect.stringMatching(epitaphs[kind]) },
      },
    });
    for (const answer of await Promise.all(innocent)) expect(answer.eventIds).toHaveLength(1);
    expect(await read).toEqual(range(11, 0));
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
    expect(await errorOf(mortal.execute('die', { kind }, { commandId: 'poison' }))).toMatchObject({
      code: 'poisoned',
    });
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
    const { refused, status } = await ramax.health();
    expect(status).toBe('ok');
    expect(refused).toMatchObject([
      { kind: 'command', name: 'die', spaceName: 'mortal', commandId: 'poison', kills: 3 },
    ]);
    expect(await mortal.query('lines')).toEqual(range(11, 0));
  });
});

it.each(['sqlite', 'memory'] as const)(
  'a command that never returns is ended, and goes on when it can; what waits beside it is answered (%s)',
  async (storage) => {
    const { ramax, mortal, beside, other } = await start({
      limits: { hangTimeoutMs },
      ...(storage === 'memory' ? { storage: memory() } : {}),
    });
    const path = await fuse();
    const looping = mortal.execute('die', { kind: 'loop', fuse: path });
    const waiting = beside.execute('line', 1);
    for (const n of range(10)) await other.execute('line', n);
    await until(
      () =>
        ramax.stats({ timeoutMs: 200 }).then(
          () => false,
          () => true,
        ),
      'the shard hangs',
    );
    rmSync(path);
    expect((await looping).spaceSequence).toBe(1);
    expect((await waiting).spaceSequence).toBe(1);
    expect((await ramax.stats()).restarts).toEqual({ writer: 0, shards: [0, 1] });
    expect((await ramax.health()).refused).toEqual([]);
  },
);

describe('what else ends its shard', () => {
  it('a query is refused after three deaths, for these parameters', async () => {
    const { ramax, mortal } = await start();
    await mortal.execute('line', 1);
    const how: Death = { kind: 'exit' };
    expect(await errorOf(mortal.query('die', how))).toMatchObject({
      code: 'poisoned',
      details: { query: 'die', spaceName: 'mortal', kills: 3 },
    });
    expect(await errorOf(mortal.query('die', how))).toMatchObject({ code: 'poisoned' });
    expect(await mortal.query('die', { kind: 'exit', fuse: '/nowhere' })).toBe('survived');
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
  });

  it('a validator is put down to its command', async () => {
    const { ramax, mortal } = await start();
    expect(await errorOf(mortal.execute('checked', { kind: 'exit' }))).toMatchObject({
      code: 'poisoned',
      details: { command: 'checked', invocationId: expect.any(String) },
    });
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
  });

  it('a projection in a turn is put down to the command whose event it is; nothing of that is in the log', async () => {
    const { mortal } = await start();
    const bomb = { kind: 'exit' } as const;
    expect(await errorOf(mortal.execute('place', bomb))).toMatchObject({ code: 'poisoned' });
    expect(await all(mortal.streamEvents())).toEqual([]);
    await mortal.execute('line', 1);
  });

  it('a projection that is given an old event stops its further view there, and nothing else', async () => {
    const { ramax, mortal } = await start();
    const path = join(await bed.directory(), 'fuse');
    await mortal.execute('line', 1);
    await mortal.execute('place', { kind: 'exit', fuse: path, view: 'further' });
    writeFileSync(path, '');
    const rebuilt = await errorOf(mortal.rebuild({ view: 'further' }));
    expect(rebuilt).toMatchObject({
      code: 'projection_failed',
      details: { view: 'further', type: 'bomb.placed', spaceSequence: 2 },
      message: expect.stringContaining('it has ended its shard several times'),
    });
    const { refused } = await ramax.health();
    expect(refused).toMatchObject([{ kind: 'event', name: 'further', spaceSequence: 2, kills: 3 }]);
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
    await mortal.execute('line', 2);
    expect(await mortal.query('lines')).toEqual([1, 2]);
  });

  it('an old event that the main view does not survive stops the space, until it is skipped', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const path = join(await bed.directory(), 'fuse');
    const before = await start({ storage, limits: { flushDelayMs: 3_600_000 } });
    await before.mortal.execute('place', { kind: 'exit', fuse: path });
    // Nothing of the space is persisted when its shard dies: the next one has to apply the event again.
    writeFileSync(path, '');
    void before.mortal.query('die', { kind: 'exit' }).catch(() => {});
    const error = await errorOf(before.mortal.execute('line', 1));
    expect(error).toMatchObject({
      code: 'projection_failed',
      details: { view: 'main', spaceSequence: 1, type: 'bomb.placed' },
    });
    await before.other.execute('line', 1);
    await before.beside.execute('line', 1);
    await before.mortal.skipEvent({ spaceSequence: 1 });
    await before.mortal.execute('line', 2);
    expect(await before.mortal.query('lines')).toEqual([2]);
    expect(before.ramax.failure).toBeUndefined();
  });
});

describe('several fatal commands', () => {
  it('at once are refused one by one, and do not end the runtime', async () => {
    const { ramax, mortal, beside, other } = await start({ limits: { restartsMax: 2 } });
    const fatal = [mortal, beside, mortal].map((space) => errorOf(space.execute('die', { kind: 'exit' })));
    const innocent = [mortal, beside].map((space) => space.execute('line', 1));
    for (const error of await Promise.all(fatal)) expect(error.code).toBe('poisoned');
    expect((await Promise.all(innocent)).map(({ spaceSequence }) => spaceSequence)).toEqual([1, 1]);
    await other.execute('line', 1);
    expect(ramax.failure).toBeUndefined();
    expect((await ramax.stats()).restarts.shards).toEqual([0, 9]);
    expect((await ramax.health()).refused).toHaveLength(3);
  });

  it('whose callers have gone still count: the same commandId is refused at last', async () => {
    const { ramax, mortal } = await start({ limits: { hangTimeoutMs } });
    const once = () =>
      errorOf(mortal.execute('die', { kind: 'loop' }, { commandId: 'poison', timeoutMs: 200 }));
    for (const death of range(3)) {
      expect(await once()).toMatchObject({ code: 'outcome_unknown' });
      await until(
        async () => (await ramax.stats()).restarts.shards[1] === death,
        'the shard was started again',
      );
    }
    expect(await once()).toMatchObject({ code: 'poisoned' });
  });
});

describe('a thread inside native code', () => {
  it('that is a shard is left behind; its successor takes over, and nothing late of the old one counts', async () => {
    const { ramax, mortal, beside } = await start({ limits: { hangTimeoutMs } });
    const fifo = join(await bed.directory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    await mortal.execute('line', 1);
    const path = await fuse();
    const stuck = mortal.execute('die', { kind: 'native', fifo, fuse: path });
    await until(
      () =>
        ramax.stats({ timeoutMs: 200 }).then(
          () => false,
          () => true,
        ),
      'the shard hangs',
    );
    rmSync(path);
    expect((await stuck).spaceSequence).toBe(2);
    await beside.execute('line', 1);
    // The old thread comes out of its native code, and ends.
    openSync(fifo, 'w');
    await mortal.execute('line', 3);
    expect(await mortal.query('lines')).toEqual([1, 'survived', 3]);
    expect((await all(mortal.streamEvents())).map(({ spaceSequence }) => spaceSequence)).toEqual([1, 2, 3]);
    expect((await ramax.stats()).restarts.shards).toEqual([0, 1]);
  });
});

describe('a writer', () => {
  it.each(['throwsLater', 'rejectsLater', 'hangs'] as const)(
    'that %s is replaced, and every command in flight is written once',
    async (how) => {
      const storage = new FaultyStorage(await bed.directory());
      const limits = how === 'hangs' ? { hangTimeoutMs } : {};
      const { ramax, mortal, other } = await start({ storage: storage.ref, limits });
      await mortal.execute('line', 0);
      storage.failNext(how);
      const answers = await Promise.all(
        [mortal, other].flatMap((space) => range(10).map((n) => space.execute('line', n))),
      );
      expect(answers.map(({ eventIds }) => eventIds.length)).toEqual(range(20).map(() => 1));
      await until(async () => (await ramax.stats()).restarts.writer === 1, 'the writer was started again');
      expect(await mortal.query('lines')).toEqual(range(11, 0));
      expect(await other.query('lines')).toEqual(range(10));
      expect((await ramax.stats()).restarts).toEqual({ writer: 1, shards: [0, 0] });
    },
  );

  it('that hangs takes storage in memory with it: the runtime ends with an error', async () => {
    const storage = new FaultyStorage(await bed.directory(), { under: 'memory' });
    const { ramax, mortal } = await start({ storage: storage.ref, limits: { hangTimeoutMs } });
    storage.failNext('hangs');
    expect(await errorOf(mortal.execute('line', 1))).toMatchObject({ code: 'outcome_unknown' });
    expect(ramax.failure).toMatchObject({
      code: 'storage',
      message: expect.stringContaining('the log is gone'),
    });
    await ramax.close();
  });

  it('that is stuck in native code has no successor beside it: the runtime ends, and the directory stays owned', async () => {
    const directory = await bed.directory();
    const storage = new FaultyStorage(directory);
    const app = fixture('fatal.app.mjs');
    // Not of the bed, which would not close it.
    const ramax = await Ramax.start<FatalApp>({ app, storage: storage.ref, limits: { hangTimeoutMs } });
    const mortal = await ramax.spaces.getOrCreate('mortal');
    await mortal.execute('line', 1);
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    storage.hangNextOn(fifo);
    expect(await errorOf(mortal.execute('line', 2))).toMatchObject({ code: 'outcome_unknown' });
    expect(ramax.failure).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^the writer cannot be replaced: it does not end/),
      details: { thread: 'writer' },
    });
    expect(await errorOf(ramax.close())).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the data directory stays owned'),
    });
    expect(await errorOf(bed.start({ app, storage: sqlite({ directory }) }))).toMatchObject({
      code: 'already_owned',
    });
    openSync(fifo, 'w');
    const next = await bed.start<FatalApp>({
      app,
      storage: sqlite({ directory }),
      ownershipWaitMs: 30_000,
    });
    // What it was in the middle of was never begun: the thread has run nothing more.
    expect(await (await next.spaces.getOrCreate('mortal')).query('lines')).toEqual([1]);
  });
});
