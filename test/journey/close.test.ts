import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Ramax } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { all, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('close', () => {
  it('answers the calls in flight, also those that wait for room, and refuses later ones', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ramax = await bed.start({ storage, overload: 'wait', limits: { spaceInFlightMax: 5 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path, n: 0 });
    const commands = range(30).map((n) => space.execute('line', n));
    const read = space.query('lines');
    await gate.entered();
    const closing = ramax.close();
    const error = await errorOf(space.execute('line', 31));
    expect(error).toMatchObject({ code: 'closed', retryable: false, message: 'the runtime is closed' });
    expect(await codeOf(space.fetch('lines'))).toBe('closed');
    expect(await codeOf(ramax.spaces.getOrCreate('too late'))).toBe('closed');
    gate.release();
    await closing;
    await Promise.all([held, ...commands]);
    expect(await read).toEqual(range(31, 0));
    const again = await bed.start({ storage });
    expect(await (await again.spaces.getOrCreate('acme')).query('lines')).toEqual(range(31, 0));
  });

  it('may be called many times, and each call waits for the end', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await (await ramax.spaces.getOrCreate('acme')).execute('line', 1);
    await Promise.all([ramax.close(), ramax.close(), ramax[Symbol.asyncDispose]()]);
    expect(existsSync(join(directory, 'owner.json'))).toBe(false);
    await ramax.close();
  });

  it('happens at the end of a block with `await using`', async () => {
    let space: Awaited<ReturnType<Ramax<ItemsApp>['spaces']['getOrCreate']>>;
    {
      await using ramax = await Ramax.start<ItemsApp>({
        app: fixture('items.app.mjs'),
        storage: memory(),
        shards: 2,
      });
      space = await ramax.spaces.getOrCreate('acme');
      await space.execute('line', 1);
    }
    expect(await codeOf(space.execute('line', 2))).toBe('closed');
  });

  it('lets the directory go: another runtime may have it at once', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    for (const n of range(5)) {
      const ramax = await bed.start({ storage });
      await (await ramax.spaces.getOrCreate('acme')).execute('line', n);
      await ramax.close();
    }
    const ramax = await bed.start({ storage });
    expect(await (await ramax.spaces.getOrCreate('acme')).query('lines')).toEqual(range(5));
  });

  it('leaves one database file per kind and no write-ahead log behind', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await (await ramax.spaces.getOrCreate('acme')).execute('line', 1);
    await ramax.close();
    expect(existsSync(join(directory, 'ramax.db-wal'))).toBe(false);
    expect(existsSync(join(directory, 'pstate-01.db-wal'))).toBe(false);
  });

  it('ends streams that are under way with closed', async () => {
    const ramax = await bed.start({ limits: { readEventsMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(200).map((n) => space.execute('line', n)));
    const idle = space.streamEvents();
    expect((await idle.next()).value).toMatchObject({ spaceSequence: 1 });
    const busy = range(20).map((n) =>
      codeOf(all(n % 2 === 0 ? space.streamEvents() : ramax.streamAllEvents())),
    );
    await ramax.close();
    expect(await codeOf(all(idle))).toBe('closed');
    expect(new Set(await Promise.all(busy))).toEqual(new Set(['closed']));
  });

  it('stops the threads after drainTimeoutMs all the same; what was in flight is outcome_unknown or closed', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ramax = await bed.start({ storage, limits: { drainTimeoutMs: 50 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 1);
    const gate = await bed.gate();
    const held = codeOf(space.execute('hold', { gate: gate.path, n: 2 }));
    const fetched = codeOf(space.fetch('lines'));
    await gate.entered();
    await ramax.close();
    expect(await held).toBe('outcome_unknown');
    expect(await fetched).toBe('closed');
    const again = await bed.start({ storage });
    expect(await (await again.spaces.getOrCreate('acme')).query('lines')).toEqual([1]);
  });

  it('during a rebuild and a deletion waits for both', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ramax = await bed.start({ storage, limits: { readEventsMax: 3, purgeRowsMax: 2 } });
    const [kept, deleted] = [
      await ramax.spaces.getOrCreate('kept'),
      await ramax.spaces.getOrCreate('deleted'),
    ];
    await Promise.all(range(40).flatMap((n) => [kept.execute('line', n), deleted.execute('line', n)]));
    const rebuilt = kept.rebuild();
    const deletion = codeOf(ramax.spaces.delete('deleted'));
    await ramax.close();
    expect(await rebuilt).toMatchObject({ eventsApplied: 40 });
    // A deletion that has begun may be cut off by the end; the next start finishes it.
    expect(['ok', 'closed', 'unavailable']).toContain(await deletion);
    const again = await bed.start({ storage });
    expect(await (await again.spaces.getOrCreate('kept')).query('lines')).toEqual(range(40));
  });
});
