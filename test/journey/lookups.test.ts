import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Ramax, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { all, RuntimeBed, range } from './runtime-bed.js';

/** Turns of the event loop until it is so. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

describe('the lookups of a runtime', () => {
  const bed = new RuntimeBed();

  afterEach(() => bed.clear());

  /** Entries of a space; none while the file is not made. */
  function entriesOf(directory: string, spaceId: number): number {
    const file = join(directory, 'lookups.db');
    if (!existsSync(file)) return 0;
    const database = new Database(file, { readonly: true });
    try {
      if (database.pragma('user_version', { simple: true }) === 0) return 0;
      const sql = 'SELECT count(*) FROM entity_events WHERE space_id = ?';
      return Number(database.prepare(sql).pluck().get(spaceId));
    } finally {
      database.close();
    }
  }

  async function isFilled(ramax: Ramax<ItemsApp>): Promise<boolean> {
    return (await ramax.health()).lookups.unfilledEvents === 0;
  }

  async function valuesOf(space: SpaceHandle<ItemsApp>, id: string): Promise<readonly unknown[]> {
    const events = await all(space.streamEntityEvents(`item:${id}`));
    return events.map(({ payload }) => (payload as { value: number }).value);
  }

  it('are filled while it runs, and events of an entity are the same before and after', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const space = await ramax.spaces.getOrCreate('acme');
    for (const value of range(5)) {
      await Promise.all(['a', 'b'].map((id) => space.execute('set', { id, value })));
    }
    expect(await valuesOf(space, 'a')).toEqual(range(5));
    await until(() => isFilled(ramax));
    expect(entriesOf(directory, space.spaceId)).toBe(10);
    expect(await valuesOf(space, 'a')).toEqual(range(5));
    await space.execute('set', { id: 'a', value: 6 });
    expect(await valuesOf(space, 'a')).toEqual(range(6));
  });

  it('lead conditional commands and reads by tags, in copies of a space, too, and after a restart', async () => {
    const directory = await bed.directory();
    const first = await bed.start({ storage: sqlite({ directory }) });
    const begun = await first.spaces.getOrCreate('acme');
    const taken = (seat: number) => ({
      entityId: `seat:${seat}`,
      type: 'seat.taken',
      tags: [`seat:${seat}`, 'hall:1'],
      payload: null,
    });
    for (const seat of range(40)) await begun.execute('event', taken(seat));
    const cloned = await first.spaces.clone('acme', 'copy');
    await until(() => isFilled(first));
    const seatsOf = async (space: SpaceHandle<ItemsApp>, tags: readonly string[]) =>
      (await all(space.streamEvents({ query: { tags } }))).map(({ entityId }) => entityId);
    const unlessTaken = (space: SpaceHandle<ItemsApp>, seat: number) =>
      space.execute('event', taken(seat), { failIfEventsMatch: { query: { tags: [`seat:${seat}`] } } });
    expect(await seatsOf(cloned, ['hall:1', 'seat:7'])).toEqual(['seat:7']);
    await first.close();
    const second = await bed.start({ storage: sqlite({ directory }) });
    for (const name of ['acme', 'copy']) {
      const space = await second.spaces.getOrCreate(name);
      await expect(unlessTaken(space, 7)).rejects.toMatchObject({
        code: 'conflict',
        details: { matchingSequence: 7 },
      });
      await unlessTaken(space, 41);
      await expect(unlessTaken(space, 41)).rejects.toMatchObject({ code: 'conflict' });
      expect(await seatsOf(space, ['seat:41'])).toEqual(['seat:41']);
      expect(await seatsOf(space, ['hall:1'])).toHaveLength(41);
    }
    await until(() => isFilled(second));
    expect((await second.verify()).isSound).toBe(true);
  });

  it('are filled at the next start with what a runtime has left, and let go of a deleted space', async () => {
    const directory = await bed.directory();
    const first = await bed.start({ storage: sqlite({ directory }) });
    const space = await first.spaces.getOrCreate('acme');
    await space.execute('addAll', { ids: range(8).map(String) });
    await first.close();
    const second = await bed.start({ storage: sqlite({ directory }) });
    await until(() => entriesOf(directory, space.spaceId) === 8);
    await second.spaces.delete('acme');
    await until(() => entriesOf(directory, space.spaceId) === 0);
    expect((await second.health()).status).toBe('ok');
  });
});
