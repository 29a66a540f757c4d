import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { noRows, rowsOf } from './data-files.js';
import { all, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** Rows in every table: events, records of commands, entries and checkpoints of all views. */
async function fill(space: SpaceHandle<ItemsApp>, count: number): Promise<void> {
  await Promise.all(
    range(count).map((n) => space.execute('add', { id: `${n}`, value: n % 5 }, { commandId: `add ${n}` })),
  );
  await space.checkpoint();
}

describe('deleting a space', () => {
  it('takes its rows out of every table, and leaves those of others alone', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { purgeRowsMax: 7 } });
    const spaces = await Promise.all(range(18).map((n) => ramax.spaces.getOrCreate(`space ${n}`)));
    await Promise.all(spaces.map((space) => fill(space, 20)));
    // 1 and 17 lie in one partition, and in one shard with 3.
    await Promise.all([ramax.spaces.delete('space 1'), ramax.spaces.delete('space 2')]);
    await ramax.close();
    expect(rowsOf(directory, 1)).toEqual(noRows);
    expect(rowsOf(directory, 2)).toEqual(noRows);
    const whole = rowsOf(directory, 3);
    expect(whole).toMatchObject({ spaces: 1, space_sequences: 1, events: 20, commands: 20 });
    expect(whole.pstate_entities).toBe(20 + 5 + 1);
    expect(whole.projection_checkpoints).toBe(3);
    expect(rowsOf(directory, 17)).toEqual(whole);
    const again = await bed.start({ storage: sqlite({ directory }) });
    const names = (await again.spaces.list()).map(({ spaceName }) => spaceName);
    expect(names).toEqual(range(16, 3).map((n) => `space ${n}`));
    expect(await (await again.spaces.getOrCreate('space 17')).query('items')).toHaveLength(20);
  });

  it('frees the name at once; a new space of the name has a new id and nothing of the old one', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { purgeRowsMax: 1 } });
    const old = await ramax.spaces.getOrCreate('acme', { metadata: { plan: 'old' } });
    await fill(old, 50);
    const deletion = ramax.spaces.delete('acme');
    let created = await ramax.spaces.getOrCreate('acme', { metadata: { plan: 'new' } });
    while (created.spaceId === old.spaceId)
      created = await ramax.spaces.getOrCreate('acme', { metadata: { plan: 'new' } });
    expect(created.metadata).toEqual({ plan: 'new' });
    await created.execute('add', { id: '1', value: 99 });
    expect(await created.query('items')).toEqual([{ id: '1', value: 99 }]);
    await deletion;
    expect(await created.query('items')).toEqual([{ id: '1', value: 99 }]);
    expect(await codeOf(old.fetch('item:1'))).toBe('not_found');
    await ramax.close();
    expect(rowsOf(directory, old.spaceId)).toEqual(noRows);
    expect(rowsOf(directory, created.spaceId)).toMatchObject({ spaces: 1, events: 1 });
  });

  it('hides its events from every stream as soon as it has begun', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 3 } });
    const [kept, doomed] = [await ramax.spaces.getOrCreate('kept'), await ramax.spaces.getOrCreate('doomed')];
    for (const n of range(10)) for (const space of [kept, doomed]) await space.execute('line', n);
    const [first] = await all(doomed.streamEvents());
    const latest = await ramax.latestEventId();
    await ramax.spaces.delete('doomed');
    const events = await all(ramax.streamAllEvents());
    expect(events.map(({ spaceId }) => spaceId)).toEqual(range(10).map(() => kept.spaceId));
    expect(await doomed.readEvent(first?.eventId ?? 0).catch(() => undefined)).toBeUndefined();
    // Deletion leaves holes in the event ids; it takes none of them back.
    expect(await ramax.latestEventId()).toBe(latest);
    const { eventIds } = await kept.execute('line', 11);
    expect(eventIds).toEqual([latest + 1]);
  });

  it('answers the calls that were in flight: each was done before it, or is of a space that is not there', async () => {
    const ramax = await bed.start();
    const [kept, doomed] = [await ramax.spaces.getOrCreate('kept'), await ramax.spaces.getOrCreate('doomed')];
    const calls = range(300).map((n) => codeOf(doomed.execute('line', n)));
    const reads = range(20).map(() => codeOf(doomed.fetch('lines')));
    const rebuild = codeOf(doomed.rebuild());
    const deletion = ramax.spaces.delete('doomed');
    const after = range(20).map((n) => codeOf(doomed.execute('line', n)));
    const others = range(100).map((n) => kept.execute('line', n));
    const codes = await Promise.all([...calls, ...reads, rebuild, ...after]);
    for (const code of codes) expect(['ok', 'not_found']).toContain(code);
    await deletion;
    expect(await codeOf(doomed.execute('line', 0))).toBe('not_found');
    await Promise.all(others);
    expect(await kept.query('lines')).toEqual(range(100));
  });

  it('that two ask for at once ends well for one or both, and the space is gone', async () => {
    const ramax = await bed.start();
    await fill(await ramax.spaces.getOrCreate('doomed'), 10);
    const codes = await Promise.all(range(3).map(() => codeOf(ramax.spaces.delete('doomed'))));
    expect(codes).toContain('ok');
    for (const code of codes) expect(['ok', 'not_found']).toContain(code);
    expect(await ramax.spaces.list()).toEqual([]);
  });

  it('of the newest space takes no id back: neither the space id nor the event ids are given again', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ids: number[] = [];
    const eventIds: number[] = [];
    for (const _round of range(3)) {
      const ramax = await bed.start({ storage });
      const newest = await ramax.spaces.getOrCreate('newest');
      ids.push(newest.spaceId);
      eventIds.push(...(await newest.execute('addAll', { ids: ['a', 'b'] })).eventIds);
      await ramax.spaces.delete('newest');
      await ramax.close();
    }
    expect(ids).toEqual([1, 2, 3]);
    expect(eventIds).toEqual(range(6));
    const ramax = await bed.start({ storage });
    expect(await ramax.latestEventId()).toBe(6);
    expect((await ramax.spaces.getOrCreate('newest')).spaceId).toBe(4);
  });

  it('that kill -9 has cut off is finished at the next start', async () => {
    const directory = await bed.directory();
    const first = await bed.start({ storage: sqlite({ directory }) });
    const [doomed, kept] = [await first.spaces.getOrCreate('doomed'), await first.spaces.getOrCreate('kept')];
    await Promise.all([fill(doomed, 1_500), fill(kept, 30)]);
    await first.close();
    const before = rowsOf(directory, doomed.spaceId);

    const program = fileURLToPath(fixture('deleting-program.mjs'));
    const child = spawn(process.execPath, [program, directory, 'doomed'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGKILL');
    await exited;
    expect(said.toString()).toBe('marked\n');
    const left = rowsOf(directory, doomed.spaceId);
    expect(before).toMatchObject({ events: 1_500, commands: 1_500 });
    expect(left.spaces).toBe(1);
    expect(left.events).toBeGreaterThan(0);

    const again = await bed.start({ storage: sqlite({ directory }) });
    expect((await again.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['kept']);
    const space = await again.spaces.getOrCreate('doomed');
    expect(space.spaceId).toBe(3);
    expect(await space.query('items')).toEqual([]);
    expect(await (await again.spaces.getOrCreate('kept')).query('items')).toHaveLength(30);
    await again.close();
    expect(rowsOf(directory, doomed.spaceId)).toEqual(noRows);
    expect(rowsOf(directory, kept.spaceId)).toMatchObject({ events: 30, commands: 30 });
  });

  it('of a space that is not there is not_found with its name', async () => {
    const ramax = await bed.start();
    expect(await errorOf(ramax.spaces.delete('nobody'))).toMatchObject({
      code: 'not_found',
      retryable: false,
      details: { spaceName: 'nobody' },
    });
  });
});
