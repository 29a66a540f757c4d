/** Subscriptions on real threads. `RAMAX_SUBSCRIBED_COMMANDS` sets the size of the load; 50,000 is the full one. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ramax, RecordedEvent } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { until } from './gate.js';
import { codeOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const commands = Number(process.env['RAMAX_SUBSCRIBED_COMMANDS'] ?? 10_000);
const spacesUnderLoad = 100;

/** Takes `count` events, and ends the subscription. */
async function take(events: AsyncIterable<RecordedEvent>, count: number): Promise<readonly RecordedEvent[]> {
  const seen: RecordedEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

const storages = [
  ['sqlite', async () => sqlite({ directory: await bed.directory() })],
  ['memory', async () => memory()],
] as const;

describe.each(storages)('subscriptions on %s', (_name, storageOf) => {
  let ramax: Ramax<ItemsApp>;

  async function started() {
    ramax = await bed.start({ storage: await storageOf() });
    return ramax.spaces.getOrCreate('acme');
  }

  const set = (id: string, value: number) => ({ id, value });

  it('give what is there and what comes, in order, each once', async () => {
    const space = await started();
    for (const value of range(5)) await space.execute('set', set('a', value));
    const taken = take(space.subscribe(), 10);
    const ofAll = take(ramax.subscribe({ from: 3 }), 7);
    const now = space.subscribe({ from: 'now' });
    const fromNow = take(now, 5);
    await until(() => now.position === 5, 'it has begun');
    for (const value of range(5, 6)) await space.execute('set', set('a', value));
    expect((await taken).map(({ spaceSequence }) => spaceSequence)).toEqual(range(10));
    expect((await ofAll).map(({ eventId }) => eventId)).toEqual(range(7, 4));
    expect((await fromNow).map(({ spaceSequence }) => spaceSequence)).toEqual(range(5, 6));
  });

  it('give only what is asked for', async () => {
    const space = await started();
    const ofB = take(space.subscribe({ query: { entityId: 'item:b' } }), 2);
    for (const value of range(6)) await space.execute('set', set(value % 3 === 0 ? 'b' : 'a', value));
    expect((await ofB).map(({ entityId }) => entityId)).toEqual(['item:b', 'item:b']);
  });

  it('end at once when they are aborted, left, or the runtime is closed', async () => {
    const space = await started();
    const abort = new AbortController();
    const [aborted, left, closed] = [
      space.subscribe({ signal: abort.signal }),
      space.subscribe(),
      ramax.subscribe(),
    ];
    const ends = [aborted.next(), left.next(), closed.next()] as const;
    abort.abort();
    expect(await codeOf(ends[0])).toBe('aborted');
    await left.return();
    expect(await ends[1]).toEqual({ done: true, value: undefined });
    await ramax.close();
    expect(await codeOf(ends[2])).toBe('closed');
    expect(await codeOf(space.subscribe().next())).toBe('closed');
    expect(await aborted.next()).toEqual({ done: true, value: undefined });
  });

  it('of a space end with it, and those of all spaces go on', async () => {
    const space = await started();
    const other = await ramax.spaces.getOrCreate('other');
    const ofSpace = space.subscribe();
    const ofAll = take(ramax.subscribe(), 1);
    const end = codeOf(ofSpace.next());
    await ramax.latestEventId();
    await ramax.spaces.delete('acme');
    expect(await end).toBe('not_found');
    await other.execute('set', set('a', 1));
    expect((await ofAll)[0]?.spaceId).toBe(other.spaceId);
  });

  it('of all spaces give the events of an import when it is published', async () => {
    const space = await started();
    await space.execute('set', set('a', 1));
    const seen = take(ramax.subscribe({ from: 1 }), 2);
    await ramax.spaces.clone('acme', 'copy');
    await space.execute('set', set('a', 2));
    expect((await seen).map(({ spaceSequence }) => spaceSequence)).toEqual([1, 2]);
  });

  it('of a name go on where they were acknowledged, one consumer at a time', async () => {
    const space = await started();
    for (const value of range(5)) await space.execute('set', set('a', value));
    const first = space.subscribe({ name: 'mailer' });
    for (let n = 1; n <= 3; n++) await first.next();
    expect(await codeOf(space.subscribe({ name: 'mailer' }).next())).toBe('conflict');
    expect(await codeOf(ramax.subscriptions.reset('mailer', 0, { spaceId: space.spaceId }))).toBe('conflict');
    expect(() => first.acknowledge(4)).toThrow('last event that was given');
    await first.acknowledge(2);
    await first.acknowledge(1);
    expect(await first.lag()).toBe(3);
    expect(await ramax.subscriptions.list()).toMatchObject([
      { name: 'mailer', spaceId: space.spaceId, position: 2, lag: 3, isConnected: true },
    ]);
    await first.return();
    const second = space.subscribe({ name: 'mailer', from: 'now' });
    expect((await take(second, 3)).map(({ spaceSequence }) => spaceSequence)).toEqual([3, 4, 5]);
    await ramax.subscriptions.reset('mailer', 4, { spaceId: space.spaceId });
    expect((await take(space.subscribe({ name: 'mailer' }), 1))[0]?.spaceSequence).toBe(5);
    await ramax.subscriptions.delete('mailer', { spaceId: space.spaceId });
    expect(await ramax.subscriptions.list()).toEqual([]);
  });
});

describe('subscriptions under load', () => {
  it('that begin in the middle see every event once and in order, through the death of a shard', async () => {
    const ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs') });
    const spaces = await Promise.all(
      range(spacesUnderLoad).map((n) => ramax.spaces.getOrCreate(`space-${n}`)),
    );
    const waiting = { overload: 'wait', timeoutMs: 600_000 } as const;
    const total = commands + 1;
    let answered = 0;
    const load = Promise.all(
      range(commands).map(async (n) => {
        const options = { ...waiting, commandId: `c${n}` };
        await spaces[n % spacesUnderLoad]?.execute('set', { id: `i${n % 7}`, value: n }, options);
        answered += 1;
      }),
    );
    load.catch(() => {});
    await until(() => answered > commands / 4);
    const all = take(ramax.subscribe(), total);
    const [third, fifth] = [spaces[3], spaces[5]];
    if (third === undefined || fifth === undefined) throw new Error('there are a hundred');
    const one = take(third.subscribe(), commands / spacesUnderLoad);
    const live: RecordedEvent[] = [];
    const fromNow = ramax.subscribe({ from: 'now' });
    const following = (async () => {
      for await (const event of fromNow) live.push(event);
    })();
    following.catch(() => {});
    await until(() => answered > commands / 2);
    const marker = join(await bed.directory(), 'exited');
    // It is decided again by the shard's next thread, and is one event more.
    await fifth.execute('exitOnce', { marker, n: 1 }, { ...waiting, commandId: 'exit' });
    expect((await ramax.stats()).restarts.shards.some((restarts) => restarts > 0)).toBe(true);
    await load;
    const seen = await all;
    expect(seen.map(({ eventId }) => eventId)).toEqual(range(total));
    const places = new Map<number, number>();
    for (const { spaceId, spaceSequence } of seen) {
      expect(spaceSequence).toBe((places.get(spaceId) ?? 0) + 1);
      places.set(spaceId, spaceSequence);
    }
    expect((await one).map(({ spaceSequence }) => spaceSequence)).toEqual(range(commands / spacesUnderLoad));
    await until(() => live.at(-1)?.eventId === total);
    expect(live.map(({ eventId }) => eventId)).toEqual(range(live.length, total - live.length + 1));
    await fromNow.return();
    await following;
  }, 600_000);

  it('of a name miss nothing when the process is killed and started again', async () => {
    const directory = await bed.directory();
    const program = fileURLToPath(fixture('subscribing-program.mjs'));
    const total = 200;
    const done: number[] = [];
    for (let life = 0; new Set(done).size < total; life++) {
      const child = spawn(process.execPath, [program, directory, String(total)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      const before = done.length;
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += String(chunk);
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        done.push(...lines.map(Number));
        if (done.length - before >= 60 + life) child.kill('SIGKILL');
      });
      await exited;
    }
    // Each is there, and none is passed over: a step forwards is a step to the next.
    let highest = 0;
    for (const sequence of done) {
      expect(sequence).toBeLessThanOrEqual(highest + 1);
      highest = Math.max(highest, sequence);
    }
    expect(highest).toBe(total);
  }, 120_000);
});
