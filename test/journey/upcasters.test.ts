import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { App, RecordedEvent, SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const people = 40;
const keyOf = async (): Promise<Uint8Array> => new Uint8Array(32).fill(7);

async function write(space: SpaceHandle<App>): Promise<void> {
  for (const n of range(people)) {
    await space.execute('add', { id: `${n}`, name: `Ann No${n}` } as never);
    if (n % 2 === 0) await space.execute('move', { id: `${n}`, from: 'here', to: 'there' } as never);
  }
}

async function all(events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const list: RecordedEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

const shown = ({ spaceSequence, type, version, payload, part = -1 }: RecordedEvent) => ({
  spaceSequence,
  type,
  version,
  payload,
  part,
});

function expectPresent(events: readonly RecordedEvent[]): void {
  expect(events).toHaveLength(people + people);
  expect(shown(events[1] as RecordedEvent)).toEqual({
    spaceSequence: 2,
    type: 'person.added',
    version: 2,
    payload: { first: 'Ann', last: 'No2' },
    part: -1,
  });
  expect(events.slice(2, 4).map(shown)).toEqual([
    { spaceSequence: 3, type: 'person.left', version: 1, payload: 'here', part: 0 },
    { spaceSequence: 3, type: 'person.came', version: 1, payload: 'there', part: 1 },
  ]);
}

function rowsOf(directory: string): unknown {
  const log = new Database(join(directory, 'ramax.db'), { readonly: true });
  try {
    return log.prepare('SELECT * FROM events ORDER BY event_id').all();
  } finally {
    log.close();
  }
}

describe('a second release with upcasters', () => {
  it('shows the present shape everywhere, and leaves what is stored as it is', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const before = await bed.start<App>({ app: fixture('names-before.app.mjs'), storage });
    await write(await before.spaces.getOrCreate('acme'));
    await before.close();
    const rows = rowsOf(directory);
    // Pages so small that many of them end behind an event of several parts.
    const limits = { readEventsMax: 3 };
    const ramax = await bed.start<App>({ app: fixture('names.app.mjs'), storage, limits });
    const acme = await ramax.spaces.getOrCreate('acme');
    expectPresent(await all(acme.streamEvents()));
    expectPresent(await all(ramax.streamAllEvents()));
    expect((await all(acme.streamEntityEvents('person:2'))).map(shown)).toHaveLength(3);
    expect(await acme.fetch('person:2')).toEqual({ first: 'Ann', last: 'No2' });
    expect(await acme.fetch('came:there')).toBe(people / 2);
    expect(await acme.at(3).fetch('left:here')).toBe(1);
    const moved = (await all(acme.streamEvents({ from: 2 })))[0] as RecordedEvent;
    expect((await acme.readEvent(moved.eventId, { part: 1 }))?.payload).toBe('there');
    expect(await acme.readEvent(moved.eventId, { part: 2 })).toBeUndefined();
    await acme.rebuild();
    expect(await acme.fetch('left:here')).toBe(people / 2);
    await acme.checkpoint();
    expect(await acme.verify()).toMatchObject({ isSound: true, problems: [] });
    const copy = await ramax.spaces.clone('acme', 'copy');
    expect(await copy.fetch('came:there')).toBe(people / 2);
    await ramax.spaces.delete('copy');
    await ramax.close();
    expect(rowsOf(directory)).toEqual(rows);
  });

  it('does the same for storage in memory and for encrypted spaces, and takes metadata', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const before = await bed.start<App>({
      app: fixture('names-before.app.mjs'),
      storage,
      encryption: { keyOf },
    });
    await write(await before.spaces.getOrCreate('sealed', { encryption: { keyId: 'k' } }));
    await before.close();
    const ramax = await bed.start<App>({ app: fixture('names.app.mjs'), storage, encryption: { keyOf } });
    const sealed = await ramax.spaces.getOrCreate('sealed');
    expectPresent(await all(sealed.streamEvents()));
    expectPresent(await all(ramax.streamAllEvents()));
    const small = await bed.start<App>({ app: fixture('names.app.mjs'), storage: memory() });
    const acme = await small.spaces.getOrCreate('acme');
    const person = { id: '1', first: 'Ann', last: 'Lee' } as never;
    await acme.execute('add', person, { metadata: { trace: 't' } });
    expect(await all(acme.streamEvents())).toMatchObject([{ version: 2, metadata: { trace: 't' } }]);
    const refused = await errorOf(acme.execute('add', person, { metadata: { guest: true } }));
    expect(refused).toMatchObject({ code: 'command_rejected', reason: 'forbidden' });
  });

  it('asks by what events are now: in streams both ways, and in conditions of commands', async () => {
    for (const encryption of [undefined, { keyId: 'k' }]) {
      const options = { storage: sqlite({ directory: await bed.directory() }), encryption: { keyOf } };
      const before = await bed.start<App>({ ...options, app: fixture('names-before.app.mjs') });
      await write(await before.spaces.getOrCreate('acme', encryption && { encryption }));
      await before.close();
      const limits = { readEventsMax: 3, scanEventsMax: 4 };
      const ramax = await bed.start<App>({ ...options, app: fixture('names.app.mjs'), limits });
      const acme = await ramax.spaces.getOrCreate('acme');
      const everything = await all(acme.streamEvents());
      const backwards = { direction: 'backwards' } as const;
      expect(await all(acme.streamEvents(backwards))).toEqual([...everything].reverse());
      const came = everything.filter(({ type }) => type === 'person.came');
      expect(came).toHaveLength(people / 2);
      const query = { types: ['person.came'] };
      expect(await all(acme.streamEvents({ query }))).toEqual(came);
      expect(await all(ramax.streamAllEvents({ query, ...backwards, limit: 5 }))).toEqual(
        [...came].reverse().slice(0, 5),
      );
      expect(await all(acme.streamEntityEvents('person:2', { query }))).toEqual(came.slice(0, 1));
      expect(await all(acme.streamEvents({ query: { types: ['person.moved'] } }))).toEqual([]);
      const add = (types: readonly string[], after: number) =>
        acme.execute('add', { id: 'x', first: 'Ann', last: 'Lee' } as never, {
          failIfEventsMatch: { query: { types }, after },
        });
      const last = came.at(-1)?.spaceSequence ?? 0;
      expect(await errorOf(add(['person.came'], last - 1))).toMatchObject({
        code: 'conflict',
        details: { matchingSequence: last },
      });
      expect(await errorOf(add(['person.left'], 0))).toMatchObject({ details: { matchingSequence: 3 } });
      expect((await add(['person.moved'], 0)).spaceSequence).toBe(
        (everything.at(-1)?.spaceSequence ?? 0) + 1,
      );
      expect(await errorOf(add(['person.added'], last))).toMatchObject({ code: 'conflict' });
    }
  });

  it('gives subscriptions the parts of an event in order, and all of them again until the last is acknowledged', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const before = await bed.start<App>({ app: fixture('names-before.app.mjs'), storage });
    await write(await before.spaces.getOrCreate('acme'));
    await before.close();
    const part = (event: RecordedEvent) => [event.spaceSequence, event.part ?? 0];
    for (const isAll of [false, true]) {
      for (const acknowledged of [0, 1]) {
        const ramax = await bed.start<App>({ app: fixture('names.app.mjs'), storage });
        const acme = await ramax.spaces.getOrCreate('acme');
        const mailer = isAll ? ramax.subscribe({ name: 'all' }) : acme.subscribe({ name: 'mailer' });
        const seen: RecordedEvent[] = [];
        for await (const event of mailer) {
          seen.push(event);
          if (event.spaceSequence === 3 && event.part === acknowledged) {
            await mailer.acknowledge(event);
            break;
          }
        }
        // Whatever is left behind by a process that dies: `return` writes what is acknowledged and no more.
        const from =
          acknowledged === 0
            ? [
                [1, 0],
                [2, 0],
              ]
            : [];
        expect(seen.map(part)).toEqual([
          ...from,
          ...[
            [3, 0],
            [3, 1],
          ].slice(0, acknowledged + 1),
        ]);
        const [status] = (await ramax.subscriptions.list()).filter(({ name }) => name === mailer.name);
        expect(status?.position).toBe(acknowledged === 0 ? 2 : 3);
        await ramax.close();
      }
    }
  });
});
