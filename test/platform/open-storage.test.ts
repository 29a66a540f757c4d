/** The nouns alone, in one thread, the way the README shows it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContentStore, EventStore, nodePlatform, openStorage, type RamaxError, SpaceRegistry } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import counter from '../../examples/first/counter.app.js';

describe('a storage opened without the runtime', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ramax-alone-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function openAcme(storage: Awaited<ReturnType<typeof openStorage>>) {
    const registry = new SpaceRegistry({ log: storage.log, clock: nodePlatform.clock });
    const space = await registry.getOrCreate('acme');
    const pstates = storage.pstates(space.spaceId);
    return ContentStore.open({ space, app: counter, log: storage.log, pstates, platform: nodePlatform });
  }

  for (const [name, ref] of [
    ['SQLite', () => sqlite({ directory })],
    ['memory', () => memory()],
  ] as const) {
    it(`carries a content store and an event store over ${name}`, async () => {
      const storage = await openStorage(ref());
      const acme = await openAcme(storage);
      await acme.execute('add', { by: 2 });
      expect(await acme.query('total')).toBe(2);
      expect((await acme.rebuildPState()).eventsApplied).toBe(1);
      await acme.close();
      const events = await EventStore.open({ log: storage.log, platform: nodePlatform });
      expect(await events.getSpaceLatestSequence(1)).toBe(1);
      await storage.close();
    });
  }

  it('owns its directory, lets it go at close, and resumes', async () => {
    const first = await openStorage(sqlite({ directory }));
    const acme = await openAcme(first);
    await acme.execute('add', { by: 40 });
    await acme.close();
    const refused = await openStorage(sqlite({ directory })).catch((error: RamaxError) => error);
    expect(refused).toMatchObject({ code: 'already_owned' });
    await first.close();

    const second = await openStorage(sqlite({ directory }));
    const again = await openAcme(second);
    expect(await again.query('total')).toBe(40);
    await again.close();
    await second.close();
  });
});
