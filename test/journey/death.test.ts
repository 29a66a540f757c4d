import { join } from 'node:path';
import type { Ramax, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { type CommitFailure, FaultyStorage } from './faulty-storage.js';
import { until } from './gate.js';
import { all, type BedOptions, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

type Space = SpaceHandle<FaultApp>;

/** A runtime of the fault app with a space on each of its two shards; `mortal` is on shard 1, `other` on shard 0. */
async function start(
  options: BedOptions = {},
): Promise<{ ramax: Ramax<FaultApp>; mortal: Space; other: Space }> {
  const ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs'), ...options });
  const [mortal, other] = [await ramax.spaces.getOrCreate('mortal'), await ramax.spaces.getOrCreate('other')];
  expect([mortal.spaceId % 2, other.spaceId % 2]).toEqual([1, 0]);
  return { ramax, mortal, other };
}

async function marker(): Promise<string> {
  return join(await bed.directory(), 'marker');
}

/** The log of a space is dense, its lines are these, and its state is the fold of it. */
async function expectLines(space: Space, lines: readonly unknown[]): Promise<void> {
  const events = await all(space.streamEvents());
  expect(events.map(({ spaceSequence }) => spaceSequence)).toEqual(range(events.length));
  expect(events.filter(({ type }) => type === 'line.written').map(({ payload }) => payload)).toEqual(lines);
  expect(await space.query('lines')).toEqual(lines);
  const before = await space.query('everything');
  await space.rebuild();
  expect(await space.query('everything')).toEqual(before);
}

describe('a shard that dies', () => {
  it('in the middle of a command is started again, and every call in flight is answered once, in order', async () => {
    const { ramax, mortal, other } = await start();
    await mortal.execute('line', 'before');
    const calls = [
      ...range(20).map((n) => mortal.execute('line', n)),
      mortal.execute('exitOnce', { marker: await marker(), n: 21 }),
      ...range(20, 22).map((n) => mortal.execute('line', n, { commandId: `line ${n}` })),
    ];
    const read = mortal.query('lines');
    const meanwhile = Promise.all(range(20).map((n) => other.execute('line', n)));
    const answers = await Promise.all(calls);
    expect(answers.map(({ spaceSequence }) => spaceSequence)).toEqual(range(41, 2));
    expect(await read).toEqual(['before', ...range(41)]);
    await meanwhile;
    await expectLines(mortal, ['before', ...range(41)]);
    await expectLines(other, range(20));
    const { restarts } = await ramax.stats();
    expect(restarts).toEqual({ writer: 0, shards: [0, 1] });
    expect(ramax.failure).toBeUndefined();
  });

  it('does not hold up the spaces of the other shards', async () => {
    const { ramax, mortal, other } = await start();
    await other.execute('line', 0);
    const gate = await bed.gate();
    const dying = mortal.execute('exitOnce', { marker: await marker(), n: 1 });
    const held = mortal.execute('hold', { gate: gate.path, n: 2 });
    for (const n of range(20)) await other.execute('line', n);
    await gate.entered();
    gate.release();
    await Promise.all([dying, held]);
    await expectLines(mortal, [1, 2]);
    await expectLines(other, range(21, 0));
    expect((await ramax.stats()).restarts.shards).toEqual([0, 1]);
  });

  it.each(['throwLater', 'rejectLater'] as const)(
    'of an error that nobody caught (%s) is started again; its command is written once',
    async (command) => {
      const { ramax, mortal } = await start();
      const answer = await mortal.execute(command, 1);
      expect(answer.spaceSequence).toBe(1);
      await until(
        async () => ((await ramax.stats()).restarts.shards[1] ?? 0) >= 1,
        'the shard was started again',
      );
      await mortal.execute('line', 2);
      await expectLines(mortal, [1, 2]);
    },
  );

  it('keeps every promise of a commandId', async () => {
    const { mortal } = await start();
    const first = await mortal.execute('line', 1, { commandId: 'once' });
    const dying = mortal.execute('exitOnce', { marker: await marker(), n: 2 }, { commandId: 'dies' });
    const copies = [
      mortal.execute('line', 1, { commandId: 'once' }),
      mortal.execute('line', 3, { commandId: 'behind' }),
      mortal.execute('line', 3, { commandId: 'behind' }),
    ];
    const conflict = codeOf(mortal.execute('line', 4, { commandId: 'once' }));
    const [repeated, behind, behindAgain] = await Promise.all(copies);
    expect(repeated).toEqual(first);
    expect(behind).toEqual(behindAgain);
    expect(await conflict).toBe('conflict');
    expect((await dying).spaceSequence).toBe(2);
    await expectLines(mortal, [1, 2, 3]);
  });

  it('goes on with a rebuild and a checkpoint that it was asked for', async () => {
    const { mortal } = await start({ limits: { readEventsMax: 2, flushDelayMs: 3_600_000 } });
    await Promise.all(range(30).map((n) => mortal.execute('line', n)));
    const dying = mortal.execute('exitOnce', { marker: await marker(), n: 31 });
    const [rebuilt, checkpoint] = await Promise.all([mortal.rebuild(), mortal.checkpoint(), dying]);
    expect(rebuilt.eventsApplied).toBeGreaterThanOrEqual(30);
    expect(checkpoint.lastSpaceSequence).toBeGreaterThanOrEqual(30);
    await expectLines(mortal, range(31));
  });

  it('loses nothing of what it had persisted, and applies only what follows its checkpoint', async () => {
    const { ramax, mortal } = await start({ limits: { flushDelayMs: 3_600_000 } });
    await Promise.all(range(20).map((n) => mortal.execute('line', n)));
    await mortal.checkpoint();
    await Promise.all(range(5, 21).map((n) => mortal.execute('line', n)));
    await mortal.execute('exitOnce', { marker: await marker(), n: 26 });
    expect((await ramax.stats()).shards[1]?.caughtUpEvents).toBe(5);
    await expectLines(mortal, range(26));
  });

  it('again and again ends the runtime with a clear error, and leaves the data sound', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const { ramax, mortal, other } = await start({ storage, limits: { restartsMax: 2 } });
    await mortal.execute('line', 1);
    await other.execute('line', 1);
    // Nothing runs when the shard dies of this: nobody can say which call it was, so it counts.
    const dieAgain = () => mortal.execute('throwLater', 'thrown').catch(() => {});
    await until(async () => {
      await dieAgain();
      return ramax.failure !== undefined;
    }, 'the runtime has failed');
    expect(ramax.failure).toMatchObject({
      code: 'unavailable',
      details: { thread: 'shard 1', restarts: 2 },
      message: expect.stringMatching(/^the shard 1 keeps failing: .*nobody catches this/),
      cause: { message: expect.stringContaining('nobody catches this') },
    });
    for (const call of [
      () => mortal.execute('line', 2),
      () => other.fetch('lines'),
      () => ramax.spaces.list(),
      () => ramax.spaces.getOrCreate('new'),
      () => ramax.stats(),
      () => ramax.latestEventId(),
      () => all(other.streamEvents()),
    ]) {
      expect(await errorOf(call())).toMatchObject({ code: 'unavailable', message: ramax.failure?.message });
    }
    await ramax.close();
    // Ownership was let go, and the log is sound.
    const again = await start({ storage });
    const thrown = (await all(again.mortal.streamEvents())).slice(1).map(() => 'thrown');
    await expectLines(again.mortal, [1, ...thrown]);
    await expectLines(again.other, [1]);
  });

  it('of one command again and again refuses that command, and goes on with the others', async () => {
    const { ramax, mortal, other } = await start();
    await mortal.execute('line', 1);
    const fatal = errorOf(mortal.execute('exitAlways'));
    const bystander = mortal.execute('line', 2, { commandId: 'bystander' });
    await other.execute('line', 1);
    expect(await fatal).toMatchObject({ code: 'poisoned', retryable: false });
    expect((await bystander).spaceSequence).toBe(2);
    await expectLines(mortal, [1, 2]);
    expect(ramax.failure).toBeUndefined();
    expect((await ramax.stats()).restarts.shards).toEqual([0, 3]);
  });
});

describe.each<CommitFailure>(['before', 'after', 'exitBefore', 'exitAfter'])(
  'a writer that dies %s its transaction is synced',
  (how) => {
    it('is started again, and every command in flight is written once, in order', async () => {
      const storage = new FaultyStorage(await bed.directory());
      const { ramax, mortal, other } = await start({ storage: storage.ref });
      await mortal.execute('line', 0);
      await other.execute('line', 0);
      storage.failNext(how);
      const answers = [mortal, other].map((space) =>
        Promise.all([
          ...range(15).map((n) => space.execute('line', n)),
          ...range(15, 16).map((n) => space.execute('line', n, { commandId: `line ${n}` })),
        ]),
      );
      const reads = [mortal, other].map((space) => space.query('lines'));
      const rejected = codeOf(mortal.execute('remove', { id: 'nobody' }));
      const empty = mortal.execute('nothing');
      const emptyRecorded = mortal.execute('nothing', undefined, { commandId: 'nothing' });
      for (const ofSpace of await Promise.all(answers)) {
        expect(ofSpace.map(({ spaceSequence }) => spaceSequence)).toEqual(range(30, 2));
        const ids = ofSpace.flatMap(({ eventIds }) => eventIds);
        expect(ids).toEqual([...ids].sort((left, right) => left - right));
      }
      expect(await Promise.all(reads)).toEqual([range(31, 0), range(31, 0)]);
      expect(await rejected).toBe('command_rejected');
      expect(await empty).toEqual({ eventIds: [], spaceSequence: 31 });
      expect(await emptyRecorded).toEqual({ eventIds: [], spaceSequence: 31 });
      expect(storage.hasFailed).toBe(true);
      for (const space of [mortal, other]) {
        const repeated = await space.execute('line', 30, { commandId: 'line 30' });
        expect(repeated.spaceSequence).toBe(31);
        await expectLines(space, range(31, 0));
      }
      expect((await ramax.stats()).restarts).toEqual({ writer: 1, shards: [0, 0] });
    });

    it('tells each answer once: what was acknowledged is what the log has', async () => {
      const storage = new FaultyStorage(await bed.directory());
      const { mortal } = await start({ storage: storage.ref });
      storage.failNext(how);
      const answers = await Promise.all(
        range(10).map((n) => mortal.execute('addAll', { ids: [`${n} a`, `${n} b`] })),
      );
      const events = await all(mortal.streamEvents());
      const logged = range(10, 0).map((index) => events.slice(index * 2, index * 2 + 2));
      expect(answers.map(({ eventIds }) => eventIds)).toEqual(
        logged.map((ofCommand) => ofCommand.map(({ eventId }) => eventId)),
      );
    });

    it('keeps calls to the registry of spaces waiting until it is back', async () => {
      const storage = new FaultyStorage(await bed.directory());
      const { ramax, mortal } = await start({ storage: storage.ref });
      await ramax.spaces.getOrCreate('doomed');
      storage.failNext(how);
      const line = mortal.execute('line', 1);
      await until(() => storage.hasFailed, 'the commit has failed');
      const [made, again, list] = await Promise.all([
        ramax.spaces.getOrCreate('made meanwhile'),
        ramax.spaces.getOrCreate('made meanwhile'),
        ramax.spaces.list(),
        ramax.spaces.delete('doomed'),
        line,
      ]);
      expect(made.spaceId).toBe(again.spaceId);
      expect(list.map(({ spaceName }) => spaceName)).toEqual(expect.arrayContaining(['mortal', 'other']));
      expect(await ramax.spaces.findByName('doomed')).toBeUndefined();
      await made.execute('line', 1);
      await expectLines(made, [1]);
      await expectLines(mortal, [1]);
    });
  },
);

describe('a writer that dies', () => {
  it('again and again ends the runtime with a clear error instead of a loop', async () => {
    const directory = await bed.directory();
    const storage = new FaultyStorage(directory, { isStanding: true });
    const { ramax, mortal, other } = await start({ storage: storage.ref, limits: { restartsMax: 2 } });
    await mortal.execute('line', 1);
    storage.failNext('before');
    const codes = await Promise.all([
      codeOf(mortal.execute('line', 2)),
      codeOf(other.execute('line', 2)),
      codeOf(mortal.fetch('lines')),
    ]);
    expect(codes).toEqual(['outcome_unknown', 'outcome_unknown', 'unavailable']);
    await until(() => ramax.failure !== undefined, 'the runtime has failed');
    expect(ramax.failure).toMatchObject({ code: 'unavailable', details: { thread: 'writer', restarts: 2 } });
    expect(ramax.failure?.message).toContain('the disk is gone before the commit');
    expect(await codeOf(mortal.execute('line', 3))).toBe('unavailable');
    await ramax.close();
    const again = await start({ storage: sqlite({ directory }) });
    await expectLines(again.mortal, [1]);
  });

  it('takes storage in memory with it: the runtime ends with an error, for its data are gone', async () => {
    const storage = new FaultyStorage(await bed.directory(), { under: 'memory' });
    const { ramax, mortal } = await start({ storage: storage.ref });
    await mortal.execute('line', 1);
    storage.failNext('before');
    expect(await codeOf(mortal.execute('line', 2))).toBe('outcome_unknown');
    await until(() => ramax.failure !== undefined, 'the runtime has failed');
    expect(ramax.failure).toMatchObject({
      code: 'storage',
      message: expect.stringContaining('the log is gone'),
    });
    expect(await codeOf(mortal.fetch('lines'))).toBe('storage');
    await ramax.close();
  });
});

it('a writer and a shard that die together are both started again', async () => {
  const storage = new FaultyStorage(await bed.directory());
  const { ramax, mortal, other } = await start({ storage: storage.ref });
  storage.failNext('exitAfter');
  const lines = range(10).map((n) => mortal.execute('line', n));
  const dying = mortal.execute('exitOnce', { marker: await marker(), n: 11 });
  const behind = mortal.execute('line', 12);
  await Promise.all([...lines, dying, behind, other.execute('line', 1)]);
  await expectLines(mortal, range(12));
  await expectLines(other, [1]);
  expect((await ramax.stats()).restarts).toEqual({ writer: 1, shards: [0, 1] });
});
