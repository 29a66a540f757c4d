import type { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { all, codeOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** Everything that somebody outside can see of a runtime. */
async function picture(ramax: Ramax<ItemsApp>) {
  const spaces = await ramax.spaces.list();
  const pictures = spaces.map(async (space) => ({
    spaceId: space.spaceId,
    spaceName: space.spaceName,
    metadata: space.metadata,
    createdAt: space.createdAt,
    sequence: await space.latestSequence(),
    views: await space.query('everything'),
    checkpoint: await space.checkpoint(),
    events: await all(space.streamEvents()),
  }));
  return {
    spaces: await Promise.all(pictures),
    events: await all(ramax.streamAllEvents()),
    latestEventId: await ramax.latestEventId(),
  };
}

async function caughtUpEvents(ramax: Ramax<ItemsApp>): Promise<number> {
  const { shards } = await ramax.stats();
  return shards.reduce((sum, shard) => sum + shard.caughtUpEvents, 0);
}

/** A history with everything in it: items, lines, a repeated command, metadata, an empty space, a deleted one. */
async function liveALittle(ramax: Ramax<ItemsApp>): Promise<void> {
  const spaces = await Promise.all(
    range(20).map((n) => ramax.spaces.getOrCreate(`tenant ${n}`, { metadata: { n, plan: 'free' } })),
  );
  await ramax.spaces.getOrCreate('empty');
  await ramax.spaces.getOrCreate('deleted');
  await ramax.spaces.delete('deleted');
  await ramax.spaces.updateMetadata('tenant 3', { plan: 'pro' });
  await Promise.all(
    spaces.flatMap((space, index) => [
      ...range(index + 1).map((n) => space.execute('add', { id: `${n}`, value: n % 4 })),
      space.execute('addAll', { ids: ['x', 'y', 'z'] }, { commandId: 'together' }),
      space.execute('nothing', undefined, { commandId: 'nothing' }),
      space.execute('remark', 'no projection hears this'),
      space.execute('remove', { id: '1' }),
    ]),
  );
}

describe('a directory that is opened again', () => {
  it('is as it was with another number of shards: 2, then 3, then 1, then 16', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage, shards: 2 });
    await liveALittle(first);
    const expected = await picture(first);
    expect(expected.spaces).toHaveLength(21);
    await first.close();
    for (const shards of [3, 1, 16]) {
      const ramax = await bed.start({ storage, shards });
      expect(await picture(ramax)).toEqual(expected);
      expect((await ramax.stats()).shards).toHaveLength(shards);
      // Every view was persisted by the clean close: nothing had to be applied again.
      expect(await caughtUpEvents(ramax)).toBe(0);
      for (const name of ['tenant 1', 'tenant 20']) {
        const space = await ramax.spaces.getOrCreate(name);
        const repeated = await space.execute('addAll', { ids: ['x', 'y', 'z'] }, { commandId: 'together' });
        const sequences = await Promise.all(repeated.eventIds.map((id) => space.readEvent(id)));
        expect(sequences.map((event) => event?.entityId)).toEqual(['item:x', 'item:y', 'item:z']);
        expect(await codeOf(space.execute('line', 1, { commandId: 'nothing' }))).toBe('conflict');
        expect(await codeOf(space.execute('add', { id: 'x' }))).toBe('command_rejected');
      }
      await ramax.close();
    }
    const last = await bed.start({ storage, shards: 4 });
    expect(await picture(last)).toEqual(expected);
  });

  it('has nothing to apply again after a clean close, however late the next flush would have been', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage, limits: { flushDelayMs: 3_600_000 } });
    const spaces = await Promise.all(range(6).map((n) => first.spaces.getOrCreate(`tenant ${n}`)));
    await Promise.all(spaces.flatMap((space) => range(20).map((n) => space.execute('line', n))));
    await first.close();
    const again = await bed.start({ storage });
    for (const space of await again.spaces.list()) expect(await space.query('lines')).toEqual(range(20));
    expect(await caughtUpEvents(again)).toBe(0);
  });

  it('goes on where it ended: sequences, event ids and space ids follow the last ones', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ids: number[] = [];
    for (const round of range(3)) {
      const ramax = await bed.start({ storage, shards: round });
      const space = await ramax.spaces.getOrCreate('acme');
      const answers = await Promise.all(range(10, round * 10).map((n) => space.execute('line', n)));
      ids.push(...answers.flatMap(({ eventIds }) => eventIds));
      expect(answers.map(({ spaceSequence }) => spaceSequence)).toEqual(range(10, round * 10 - 9));
      expect((await ramax.spaces.getOrCreate(`only in round ${round}`)).spaceId).toBe(round + 1);
      await ramax.close();
    }
    expect(ids).toEqual(range(30));
  });

  it('persists a changed key within flushDelayMs, and when dirtyKeysMax of them have changed', async () => {
    const slow = await bed.start({ limits: { flushDelayMs: 3_600_000, dirtyKeysMax: 50 } });
    const one = await slow.spaces.getOrCreate('acme');
    await Promise.all(range(49).map((n) => one.execute('remark', `${n}`)));
    await Promise.all(range(40).map((n) => one.execute('set', { id: `${n}`, value: 1 })));
    expect((await slow.stats()).shards.map(({ dirtyKeys }) => dirtyKeys)).toEqual([0, 41]);
    await Promise.all(range(40).map((n) => one.execute('set', { id: `more ${n}`, value: 1 })));
    const after = (await slow.stats()).shards.map(({ dirtyKeys }) => dirtyKeys);
    expect(after[1]).toBeLessThan(41 + 40);

    const quick = await bed.start({ limits: { flushDelayMs: 1 } });
    const other = await quick.spaces.getOrCreate('acme');
    await other.execute('line', 1);
    await expect.poll(async () => (await quick.stats()).shards[1]?.dirtyKeys, { timeout: 20_000 }).toBe(0);
  });

  it('rebuilds a view whose version was raised, from the log, and leaves the others alone', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const first = await bed.start({ storage });
    const acme = await first.spaces.getOrCreate('acme');
    await Promise.all(range(30).map((n) => acme.execute('add', { id: `${n}`, value: n % 3 })));
    const before = await acme.query('everything');
    await first.close();
    const raised = await bed.start({ storage, app: fixture('items-raised.app.mjs') });
    const space = await raised.spaces.getOrCreate('acme');
    const after = await space.query('everything');
    expect(after.main).toEqual(before.main);
    expect(after.byValue).toEqual(before.byValue);
    // The raised view counts in tens; it has read the whole log.
    expect(after.counts).toEqual([['item.added', 300]]);
    expect(await caughtUpEvents(raised)).toBe(30);
  });

  it('can be taken over with fewer spaces open than there are: those that are not used are persisted and closed', async () => {
    const ramax = await bed.start({ limits: { openSpacesMax: 3 } });
    const spaces = await Promise.all(range(24).map((n) => ramax.spaces.getOrCreate(`tenant ${n}`)));
    for (const round of range(3)) {
      for (const space of spaces) await space.execute('line', round);
    }
    const open = (await ramax.stats()).shards.map(({ openSpaces }) => openSpaces);
    for (const count of open) expect(count).toBeLessThanOrEqual(4);
    for (const space of spaces) expect(await space.query('lines')).toEqual([1, 2, 3]);
    expect(await caughtUpEvents(ramax)).toBe(0);
  });
});
