import Database from 'better-sqlite3';
import type { Ramax, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { until } from './gate.js';
import { all, codeOf, errorOf, logFile, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
let shared: Ramax<ItemsApp>;
let lastName = 0;

beforeAll(async () => {
  shared = await bed.start();
});
afterAll(() => bed.clear());

function newSpace(): Promise<SpaceHandle<ItemsApp>> {
  return shared.spaces.getOrCreate(`space ${++lastName}`);
}

describe('a command with a commandId', () => {
  it('that was accepted before gets the first answer again and runs nothing', async () => {
    const space = await newSpace();
    const first = await space.execute('addAll', { ids: ['a', 'b'] }, { commandId: 'once' });
    await space.execute('line', 1);
    expect(await space.execute('addAll', { ids: ['a', 'b'] }, { commandId: 'once' })).toEqual(first);
    expect(await space.latestSequence()).toBe(3);
  });

  it('gets the first answer also after a restart, with another number of shards', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const before = await bed.start({ storage });
    const acme = await before.spaces.getOrCreate('acme');
    const first = await acme.execute('addAll', { ids: ['a', 'b'] }, { commandId: 'once' });
    await before.close();
    const after = await bed.start({ storage, shards: 3 });
    const space = await after.spaces.getOrCreate('acme');
    expect(await space.execute('addAll', { ids: ['a', 'b'] }, { commandId: 'once' })).toEqual(first);
    expect(await space.latestSequence()).toBe(2);
  });

  it('runs once when many copies are sent at once, and all get the same answer', async () => {
    const space = await newSpace();
    const send = () => space.execute('line', 'only', { commandId: 'once' });
    const answers = await Promise.all(range(20).map(send));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await space.query('lines')).toEqual(['only']);
  });

  it('is a conflict with other parameters or for another command, and the first answer stands', async () => {
    const space = await newSpace();
    const first = await space.execute('set', { id: 'a', value: 1 }, { commandId: 'once' });
    const otherParams = await errorOf(space.execute('set', { id: 'a', value: 2 }, { commandId: 'once' }));
    expect(otherParams).toMatchObject({
      code: 'conflict',
      retryable: false,
      details: { commandId: 'once', firstCommand: 'set', command: 'set' },
    });
    const otherCommand = await errorOf(space.execute('add', { id: 'a', value: 1 }, { commandId: 'once' }));
    expect(otherCommand).toMatchObject({
      code: 'conflict',
      details: { firstCommand: 'set', command: 'add' },
    });
    // The order of keys makes no other parameters.
    expect(await space.execute('set', { value: 1, id: 'a' }, { commandId: 'once' })).toEqual(first);
    expect(await space.latestSequence()).toBe(1);
  });

  it('is a conflict with other parameters also while the first copy is under way', async () => {
    const space = await newSpace();
    const [first, second] = await Promise.all([
      codeOf(space.execute('line', 1, { commandId: 'once' })),
      codeOf(space.execute('line', 2, { commandId: 'once' })),
    ]);
    expect([first, second]).toEqual(['ok', 'conflict']);
    expect(await space.query('lines')).toEqual([1]);
  });

  it('that was rejected is decided anew', async () => {
    const space = await newSpace();
    await space.execute('add', { id: 'a' });
    const again = () => codeOf(space.execute('add', { id: 'a' }, { commandId: 'once' }));
    expect(await again()).toBe('command_rejected');
    expect(await again()).toBe('command_rejected');
    await space.execute('remove', { id: 'a' });
    expect(await again()).toBe('ok');
    expect(await again()).toBe('ok');
    expect(await space.latestSequence()).toBe(3);
  });

  it('that was accepted without events is recorded, also over a restart', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const before = await bed.start({ storage });
    const acme = await before.spaces.getOrCreate('acme');
    await acme.execute('line', 1);
    const first = await acme.execute('nothing', undefined, { commandId: 'once' });
    expect(first).toEqual({ eventIds: [], spaceSequence: 1 });
    await acme.execute('line', 2);
    expect(await acme.execute('nothing', undefined, { commandId: 'once' })).toEqual(first);
    await before.close();
    const after = await bed.start({ storage });
    const space = await after.spaces.getOrCreate('acme');
    expect(await space.execute('nothing', undefined, { commandId: 'once' })).toEqual(first);
    expect(await codeOf(space.execute('line', 3, { commandId: 'once' }))).toBe('conflict');
  });

  it('gets the first answer although the space has moved past its expectedSequence since', async () => {
    const space = await newSpace();
    const send = () => space.execute('line', 1, { commandId: 'once', expectedSequence: 0 });
    const first = await send();
    await space.execute('line', 2);
    expect(await send()).toEqual(first);
  });

  it('is known in its own space only', async () => {
    const spaces = await Promise.all(['one', 'other'].map((name) => shared.spaces.getOrCreate(name)));
    for (const space of spaces) await space.execute('line', space.spaceName, { commandId: 'once' });
    expect(await Promise.all(spaces.map((space) => space.query('lines')))).toEqual([['one'], ['other']]);
  });

  it('is forgotten with its space: the same id in a new space of the name runs', async () => {
    const before = await newSpace();
    await before.execute('line', 1, { commandId: 'once' });
    await shared.spaces.delete(before.spaceName);
    const space = await shared.spaces.getOrCreate(before.spaceName);
    await space.execute('line', 2, { commandId: 'once' });
    expect((await all(space.streamEvents())).map(({ payload }) => payload)).toEqual([2]);
  });

  it('is remembered beyond what the memory of a shard holds', async () => {
    const space = await newSpace();
    const count = 17_000;
    const send = (n: number) =>
      space.execute('remark', `${n}`, { commandId: `command ${n}`, overload: 'wait' });
    const first = await send(1);
    await Promise.all(range(count - 1, 2).map(send));
    expect(await send(1)).toEqual(first);
    expect(await space.latestSequence()).toBe(count);
  });

  it('is forgotten after commandRetentionMs, and runs again then', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const before = await bed.start({ storage, limits: { commandRetentionMs: 1 } });
    const acme = await before.spaces.getOrCreate('acme');
    await acme.execute('line', 1, { commandId: 'once' });
    const database = new Database(logFile(directory), { readonly: true });
    const records = database.prepare('SELECT count(*) FROM commands').pluck();
    await until(() => records.get() === 0, 'the record is gone');
    database.close();
    await before.close();
    const after = await bed.start({ storage });
    const space = await after.spaces.getOrCreate('acme');
    expect(await space.execute('line', 1, { commandId: 'once' })).toEqual({
      eventIds: [2],
      spaceSequence: 2,
    });
  });
});
