import type { SpaceHandle } from 'ramax';
import { Ramax, RamaxError } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { all, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const storages = [
  { name: 'SQLite', storageIn: (directory: string) => sqlite({ directory }) },
  { name: 'memory', storageIn: () => memory() },
];

describe.each(storages)('a runtime on $name', ({ storageIn }) => {
  const bed = new RuntimeBed();
  let ramax: Ramax<ItemsApp>;
  let lastName = 0;

  beforeAll(async () => {
    // Small reads, so that every stream takes several.
    const limits = { readEventsMax: 5 };
    ramax = await bed.start({ storage: storageIn(await bed.directory()), limits });
  });

  afterAll(() => bed.clear());

  function newSpace(): Promise<SpaceHandle<ItemsApp>> {
    return ramax.spaces.getOrCreate(`space ${++lastName}`);
  }

  describe('execute', () => {
    it("answers with the ids of the command's events and the space's sequence after it", async () => {
      const space = await newSpace();
      const first = await space.execute('add', { id: 'a' });
      expect(first).toEqual({ eventIds: [expect.any(Number)], spaceSequence: 1 });
      const [id = 0] = first.eventIds;
      expect(await space.execute('addAll', { ids: ['b', 'c', 'd'] })).toEqual({
        eventIds: [id + 1, id + 2, id + 3],
        spaceSequence: 4,
      });
    });

    it('accepts a command without events, and leaves the sequence where it is', async () => {
      const space = await newSpace();
      expect(await space.execute('nothing')).toEqual({ eventIds: [], spaceSequence: 0 });
      await space.execute('line', 1);
      expect(await space.execute('nothing')).toEqual({ eventIds: [], spaceSequence: 1 });
    });

    it('throws command_rejected with the reason and the details that the app gave, and writes nothing', async () => {
      const space = await newSpace();
      await space.execute('add', { id: 'a', value: 5 });
      const error = await errorOf(space.execute('add', { id: 'a' }));
      expect(error).toBeInstanceOf(RamaxError);
      expect(error).toMatchObject({
        code: 'command_rejected',
        reason: 'exists',
        details: { id: 'a', value: 5 },
        retryable: false,
      });
      expect(await space.latestSequence()).toBe(1);
    });

    it('writes all events of a command or none', async () => {
      const space = await newSpace();
      await space.execute('add', { id: 'b' });
      expect(await codeOf(space.execute('addAll', { ids: ['a', 'b', 'c'] }))).toBe('command_rejected');
      // The second event of three is refused, after the first was checked.
      expect(await codeOf(space.execute('addAll', { ids: ['x', '\ud800', 'y'] }))).toBe('invalid_input');
      expect(await space.fetch('item:a')).toBeUndefined();
      expect(await space.fetch('item:x')).toBeUndefined();
      expect((await all(space.streamEvents())).map(({ entityId }) => entityId)).toEqual(['item:b']);
    });

    it('tells the command its time, its space and what the caller said of it', async () => {
      const space = await newSpace();
      const before = Date.now();
      await space.execute('context', undefined, {
        commandId: 'command 1',
        causationId: 'cause',
        correlationId: 'correlation',
      });
      const [event] = await all(space.streamEvents());
      expect(event).toMatchObject({
        causationId: 'cause',
        correlationId: 'correlation',
        payload: {
          spaceName: space.spaceName,
          commandId: 'command 1',
          causationId: 'cause',
          correlationId: 'correlation',
          now: event?.timestamp,
          newId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
      });
      expect(event?.timestamp).toBeGreaterThanOrEqual(before);
    });

    it('is refused with conflict and both sequences when the space has moved past expectedSequence', async () => {
      const space = await newSpace();
      await space.execute('line', 1, { expectedSequence: 0 });
      const error = await errorOf(space.execute('line', 2, { expectedSequence: 0 }));
      expect(error).toMatchObject({
        code: 'conflict',
        details: { expectedSequence: 0, actualSequence: 1 },
        retryable: false,
      });
      expect(await codeOf(space.execute('line', 2, { expectedSequence: 2 }))).toBe('conflict');
      await space.execute('line', 2, { expectedSequence: 1 });
      expect(await space.query('lines')).toEqual([1, 2]);
    });

    it('lets one of many commands with the same expectedSequence through', async () => {
      const space = await newSpace();
      const codes = await Promise.all(
        range(20).map((n) => codeOf(space.execute('line', n, { expectedSequence: 0 }))),
      );
      expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
      expect(codes.filter((code) => code === 'conflict')).toHaveLength(19);
    });
  });

  describe('reads', () => {
    it('fetch gives the value at a key of the main view, or undefined where there is none', async () => {
      const space = await newSpace();
      await space.execute('add', { id: 'a', value: 3 });
      expect(await space.fetch('item:a')).toEqual({ id: 'a', value: 3 });
      await space.execute('remove', { id: 'a' });
      expect(await space.fetch('item:a')).toBeUndefined();
    });

    it('query sees the main view and the further views, all at one sequence', async () => {
      const space = await newSpace();
      await space.execute('addAll', { ids: ['a', 'b'], value: 1 });
      await space.execute('set', { id: 'a', value: 2 });
      expect(await space.query('everything')).toEqual({
        main: [
          ['item:a', { id: 'a', value: 2 }],
          ['item:b', { id: 'b', value: 1 }],
        ],
        byValue: [
          ['1', ['a', 'b']],
          ['2', ['a']],
        ],
        counts: [['item.added', 2]],
      });
      expect(await space.query('idsOf', 2)).toEqual(['a']);
    });

    it('query gives back every kind of value, and undefined for no answer', async () => {
      const space = await newSpace();
      const value = { text: 'ä€😀', list: [0, -1.5, true, null], nested: { empty: {} } };
      expect(await space.query('echo', value)).toEqual(value);
      expect(await space.query('echo')).toBeUndefined();
      expect(await space.query('echo', null)).toBeNull();
    });

    it('one space sees nothing of another, whatever the keys, entities and event ids', async () => {
      const [one, other] = [await newSpace(), await newSpace()];
      const { eventIds } = await one.execute('add', { id: 'shared', value: 1 });
      const [eventId = 0] = eventIds;
      expect(await other.fetch('item:shared')).toBeUndefined();
      expect(await other.query('items')).toEqual([]);
      expect(await all(other.streamEvents())).toEqual([]);
      expect(await all(other.streamEntityEvents('item:shared'))).toEqual([]);
      expect(await other.readEvent(eventId)).toBeUndefined();
      expect(await one.readEvent(eventId)).toMatchObject({ eventId, spaceId: one.spaceId });
      await other.execute('add', { id: 'shared', value: 2 });
      expect(await one.fetch('item:shared')).toEqual({ id: 'shared', value: 1 });
    });
  });

  describe('streams', () => {
    it('give the events of a space after `from`, dense and in order, to the end', async () => {
      const space = await newSpace();
      await Promise.all(range(23).map((n) => space.execute('line', n)));
      const events = await all(space.streamEvents());
      expect(events.map(({ spaceSequence }) => spaceSequence)).toEqual(range(23));
      expect(events.map(({ payload }) => payload)).toEqual(range(23));
      expect((await all(space.streamEvents({ from: 20 }))).map(({ payload }) => payload)).toEqual([
        21, 22, 23,
      ]);
      expect(await all(space.streamEvents({ from: 23 }))).toEqual([]);
    });

    it('give the events of one entity', async () => {
      const space = await newSpace();
      for (const value of range(7)) {
        await space.execute('set', { id: 'a', value });
        await space.execute('set', { id: 'b', value });
      }
      const events = await all(space.streamEntityEvents('item:a', { from: 4 }));
      expect(events.map(({ payload }) => (payload as { value: number }).value)).toEqual([3, 4, 5, 6, 7]);
    });

    it('give the events of all spaces after `from` in commit order, with event ids that only grow', async () => {
      const spaces = await Promise.all(range(4).map(newSpace));
      const from = await ramax.latestEventId();
      const answers = await Promise.all(
        range(40, 0).map((n) => (spaces[n % 4] as SpaceHandle<ItemsApp>).execute('line', n)),
      );
      const events = await all(ramax.streamAllEvents({ from }));
      const ids = events.map(({ eventId }) => eventId);
      expect(ids).toEqual([...ids].sort((left, right) => left - right));
      expect(ids).toEqual(answers.flatMap(({ eventIds }) => eventIds).sort((left, right) => left - right));
      for (const { spaceId } of spaces) {
        const ofSpace = events.filter((event) => event.spaceId === spaceId);
        expect(ofSpace.map(({ spaceSequence }) => spaceSequence)).toEqual(range(10));
      }
      expect(await ramax.latestEventId()).toBe(ids.at(-1));
    });

    it('can be left at any event, and end with aborted when their signal aborts', async () => {
      const space = await newSpace();
      await Promise.all(range(12).map((n) => space.execute('line', n)));
      for await (const { spaceSequence } of space.streamEvents()) if (spaceSequence === 6) break;
      const abort = new AbortController();
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { spaceSequence } of space.streamEvents({ signal: abort.signal })) {
          seen.push(spaceSequence);
          if (spaceSequence === 7) abort.abort();
        }
      })();
      expect(await codeOf(reading)).toBe('aborted');
      expect(seen).toEqual(range(7));
    });
  });

  describe('rebuild and checkpoint', () => {
    it('rebuild says how many events it applied, and leaves a deeply equal state', async () => {
      const space = await newSpace();
      await Promise.all(range(12).map((n) => space.execute('add', { id: `${n}`, value: n % 3 })));
      await space.execute('remove', { id: '5' });
      const before = await space.query('everything');
      expect(await space.rebuild()).toEqual({ eventsApplied: 13, lastSpaceSequence: 13 });
      expect(await space.query('everything')).toEqual(before);
      await space.execute('add', { id: '5' });
      expect(await space.fetch('item:5')).toEqual({ id: '5', value: 0 });
    });

    it('rebuild reports its progress after every batch, which never goes back', async () => {
      const space = await newSpace();
      await Promise.all(range(17).map((n) => space.execute('line', n)));
      const reports: number[] = [];
      await space.rebuild({ onProgress: ({ eventsApplied }) => reports.push(eventsApplied) });
      expect(reports).toEqual([5, 10, 15, 17]);
    });

    it('rebuild of a space without events applies none', async () => {
      const space = await newSpace();
      expect(await space.rebuild()).toEqual({ eventsApplied: 0, lastSpaceSequence: 0 });
    });

    it('checkpoint says how far the views are persisted: all that was acknowledged', async () => {
      const space = await newSpace();
      expect(await space.checkpoint()).toEqual({ lastEventId: 0, lastSpaceSequence: 0 });
      const { eventIds } = await space.execute('addAll', { ids: ['a', 'b', 'c'] });
      expect(await space.checkpoint()).toEqual({ lastEventId: eventIds.at(-1), lastSpaceSequence: 3 });
    });
  });

  describe('spaces', () => {
    it('getOrCreate makes one space of a name, however many ask at once, with the metadata of the first', async () => {
      const handles = await Promise.all(
        range(10).map((n) => ramax.spaces.getOrCreate('asked for by many', { metadata: { n } })),
      );
      const [first] = handles;
      expect(new Set(handles.map(({ spaceId }) => spaceId)).size).toBe(1);
      expect(handles.map(({ metadata }) => metadata)).toEqual(handles.map(() => ({ n: 1 })));
      expect(first).toMatchObject({ spaceName: 'asked for by many', createdAt: expect.any(Number) });
    });

    it('list gives every space in the order of the ids; find gives one, or undefined', async () => {
      const [one, other] = [await newSpace(), await newSpace()];
      const listed = await ramax.spaces.list();
      const ids = listed.map(({ spaceId }) => spaceId);
      expect(ids).toEqual([...ids].sort((left, right) => left - right));
      expect(ids).toEqual(expect.arrayContaining([one.spaceId, other.spaceId]));
      expect(await ramax.spaces.findByName(one.spaceName)).toMatchObject({ spaceId: one.spaceId });
      expect(await ramax.spaces.findById(other.spaceId)).toMatchObject({ spaceName: other.spaceName });
      expect(await ramax.spaces.findByName('nobody')).toBeUndefined();
      expect(await ramax.spaces.findById(9_999)).toBeUndefined();
    });

    it('updateMetadata replaces the metadata for handles that are made from then on', async () => {
      const space = await ramax.spaces.getOrCreate('with a plan', {
        metadata: { plan: 'free', since: 2020 },
      });
      const updated = await ramax.spaces.updateMetadata('with a plan', { plan: 'pro' });
      expect(updated.metadata).toEqual({ plan: 'pro' });
      expect(space.metadata).toEqual({ plan: 'free', since: 2020 });
      expect((await ramax.spaces.findByName('with a plan'))?.metadata).toEqual({ plan: 'pro' });
      expect(await codeOf(ramax.spaces.updateMetadata('nobody', {}))).toBe('not_found');
    });

    it('delete takes a space away; its name is free at once, and its handle is of no space', async () => {
      const space = await newSpace();
      await space.execute('add', { id: 'a' });
      await ramax.spaces.delete(space.spaceName);
      expect(await ramax.spaces.findByName(space.spaceName)).toBeUndefined();
      expect(await ramax.spaces.findById(space.spaceId)).toBeUndefined();
      expect(await codeOf(space.execute('add', { id: 'b' }))).toBe('not_found');
      expect(await codeOf(space.fetch('item:a'))).toBe('not_found');
      expect(await codeOf(space.query('items'))).toBe('not_found');
      expect(await codeOf(space.rebuild())).toBe('not_found');
      expect(await codeOf(space.checkpoint())).toBe('not_found');
      expect(await codeOf(all(space.streamEvents()))).toBe('not_found');
      expect(await codeOf(space.latestSequence())).toBe('not_found');
      const again = await ramax.spaces.getOrCreate(space.spaceName);
      expect(again.spaceId).toBeGreaterThan(space.spaceId);
      expect(await again.fetch('item:a')).toBeUndefined();
      expect(await again.latestSequence()).toBe(0);
      expect(await codeOf(ramax.spaces.delete('nobody'))).toBe('not_found');
    });
  });

  it('close answers what is in flight and refuses everything after it', async () => {
    const mine = await Ramax.start<ItemsApp>({
      app: fixture('items.app.mjs'),
      storage: storageIn(await bed.directory()),
      shards: 2,
    });
    const space = await mine.spaces.getOrCreate('short-lived');
    const underWay = Promise.all(range(50).map((n) => space.execute('line', n)));
    await mine.close();
    expect((await underWay).map(({ spaceSequence }) => spaceSequence)).toEqual(range(50));
    for (const call of [
      () => space.execute('line', 51),
      () => space.fetch('lines'),
      () => space.query('lines'),
      () => space.rebuild(),
      () => space.checkpoint(),
      () => space.latestSequence(),
      () => space.readEvent(1),
      () => all(space.streamEvents()),
      () => all(mine.streamAllEvents()),
      () => mine.latestEventId(),
      () => mine.stats(),
      () => mine.spaces.list(),
      () => mine.spaces.getOrCreate('another'),
      () => mine.spaces.findByName('short-lived'),
      () => mine.spaces.delete('short-lived'),
    ]) {
      expect(await codeOf(call())).toBe('closed');
    }
  });
});
