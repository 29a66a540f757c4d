import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Ramax, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { AlarmsApp } from '../fixtures/alarms.app.mjs';
import { all, fixture, RuntimeBed } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const count = 400;
const app = fixture('alarms.app.mjs');

/** Resolves when all timers of the space have fired. */
async function allRung(space: SpaceHandle<AlarmsApp>, wanted = count): Promise<void> {
  for await (const rung of space.watch({ query: 'rung' })) if (rung >= wanted) return;
}

/** Writes timers and kills the process in the middle of their firing. */
async function killedWhileFiring(directory: string): Promise<number> {
  const program = fileURLToPath(fixture('alarming-program.mjs'));
  const child = spawn(process.execPath, [program, directory, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    seen = Number(line);
    if (seen > 0) child.kill('SIGKILL');
  }
  await exited;
  return seen;
}

describe('timers on real threads', () => {
  it('fire once each, when the process is killed while they fire', async () => {
    const directory = await bed.directory();
    expect(await killedWhileFiring(directory)).toBeGreaterThan(0);
    const ramax: Ramax<AlarmsApp> = await bed.start<AlarmsApp>({
      app,
      storage: sqlite({ directory }),
      shards: 1,
    });
    for (const space of await ramax.spaces.list()) {
      await allRung(space);
      expect(await space.timers.list()).toEqual([]);
      const types = (await all(space.streamEvents())).map(({ type }) => type);
      expect(types.filter((type) => type === 'rung')).toHaveLength(count);
      expect(types.filter((type) => type === 'ramax.timer.fired')).toHaveLength(count);
    }
    const report = await ramax.verify();
    expect(report.problems).toEqual([]);
  });

  it('go with an export, and fire in the space that it is imported to', async () => {
    const ramax = await bed.start<AlarmsApp>({ app });
    const space = await ramax.spaces.getOrCreate('a');
    await space.execute('setAll', { count: 20, at: Date.now() + 3_600_000 });
    const file = await all(space.export());
    await ramax.spaces.delete('a');
    const chunks = async function* () {
      yield* file;
    };
    const copy = await ramax.spaces.import(chunks(), { spaceName: 'b' });
    expect((await copy.timers.list()).map(({ timerId }) => timerId).sort()).toEqual(
      Array.from({ length: 20 }, (_, n) => `t${n}`).sort(),
    );
    expect(await copy.timers.cancel('t3')).toBe(true);
    await copy.execute('setAll', { count: 5, at: Date.now() });
    await allRung(copy, 5);
    expect(await copy.timers.list()).toHaveLength(15);
  });

  it('of an encrypted space fire with its key, and wait without it', async () => {
    const directory = await bed.directory();
    const storage = sqlite({ directory });
    const key = new Uint8Array(32).fill(7);
    const encryption = { keyOf: async () => key };
    const first = await bed.start<AlarmsApp>({ app, storage, encryption });
    const space = await first.spaces.getOrCreate('a', { encryption: { keyId: 'k' } });
    await space.execute('setAll', { count: 3, at: Date.now() });
    await allRung(space, 3);
    await space.execute('setAll', { count: 2, at: Date.now() + 50 });
    await first.close();
    const without = await bed.start<AlarmsApp>({
      app,
      storage,
      encryption: { keyOf: async () => undefined },
    });
    for (;;) {
      const { timers } = await without.health();
      if (timers.waiting.length > 0) {
        expect(timers.waiting).toMatchObject([{ spaceId: 1, error: { code: 'key_missing' } }]);
        break;
      }
      // The next turn of the event loop: the timers are due within 50 ms.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await without.close();
    const again = await bed.start<AlarmsApp>({ app, storage, encryption });
    const same = await again.spaces.getOrCreate('a', { encryption: { keyId: 'k' } });
    await allRung(same, 5);
  });

  it('come to a history that is imported on real threads, at its own times', async () => {
    const ramax = await bed.start<AlarmsApp>({ app });
    const items = Array.from({ length: 5_000 }, (_, n) => ({
      spaceName: `s${n % 7}`,
      entityId: `t${n}`,
      type: 'rung',
      payload: n,
      timestamp: n,
    }));
    const done = await ramax.importEvents(items, { name: 'old' });
    expect(done).toEqual({ itemsRead: 5_000, eventsAppended: 5_000, eventsSkipped: 0, spaces: 7 });
    const again = await ramax.importEvents(items, { name: 'old' });
    expect(again).toMatchObject({ eventsAppended: 0, eventsSkipped: 5_000 });
    const [first] = await ramax.spaces.list();
    expect(await first?.query('rung')).toBe(715);
    expect((await ramax.verify()).problems).toEqual([]);
  });
});
