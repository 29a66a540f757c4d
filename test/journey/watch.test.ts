import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { until } from './gate.js';
import { codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** Gathers what a watcher is shown, until it is enough or the watcher ends. */
function gather<Value>(values: AsyncIterable<Value>, isEnough: (value: Value) => boolean = () => false) {
  const seen: Value[] = [];
  const ended = (async () => {
    for await (const value of values) {
      seen.push(value);
      if (isEnough(value)) return;
    }
  })();
  ended.catch(() => {});
  return { seen, ended };
}

describe('watching a key', () => {
  it('shows what there is, then each newest value in order, and the last one at the end', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const { seen, ended } = gather(space.watch<{ value: number }>('item:a'), (item) => item?.value === 200);
    await until(() => seen.length === 1);
    for (const value of range(200)) await space.execute('set', { id: 'a', value });
    await ended;
    expect(seen[0]).toBeUndefined();
    const values = seen.slice(1).map((item) => item?.value ?? 0);
    expect(values).toEqual([...new Set(values)].sort((left, right) => left - right));
    expect(values.at(-1)).toBe(200);
  });

  it('wakes nobody by changes of other keys, other views and other spaces, or by the same value', async () => {
    const ramax = await bed.start();
    const [space, other] = [
      await ramax.spaces.getOrCreate('acme'),
      await ramax.spaces.getOrCreate('widgets'),
    ];
    await space.execute('set', { id: 'a', value: 1 });
    const { seen } = gather(space.watch('item:a'));
    const byValue = gather(space.watch<string[]>('1', { view: 'byValue' }), (ids) => ids?.length === 2);
    await until(() => seen.length === 1 && byValue.seen.length === 1);
    for (const n of range(20)) {
      await other.execute('set', { id: 'a', value: n });
      await space.execute('set', { id: 'b', value: 100 + n });
      await space.execute('line', n);
    }
    await space.execute('add', { id: 'c', value: 1 });
    await byValue.ended;
    await space.execute('set', { id: 'a', value: 1 });
    await space.rebuild();
    await space.execute('set', { id: 'a', value: 2 });
    await until(() => seen.length === 2);
    expect(seen).toEqual([
      { id: 'a', value: 1 },
      { id: 'a', value: 2 },
    ]);
    expect(byValue.seen).toEqual([['a'], ['a', 'c']]);
  });

  it('gives a slow consumer the newest value, not those in between', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const watcher = space.watch<{ value: number }>('item:a');
    expect(await watcher.next()).toEqual({ done: false, value: undefined });
    for (const value of range(100)) await space.execute('set', { id: 'a', value });
    expect(await watcher.next()).toMatchObject({ done: false, value: { value: 100 } });
    expect(await watcher.return?.()).toMatchObject({ done: true });
    expect((await ramax.stats()).shards.map(({ watchers }) => watchers)).toEqual([0, 0]);
  });
});

describe('watching a prefix or a query', () => {
  it('shows the entries under it, and the result, after every change that matters', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const entries = gather(space.watch({ prefix: 'item:' }), (items) => items.length === 30);
    const lines = gather(space.watch({ query: 'lines' }), (written) => written.length === 30);
    const ids = gather(space.watch({ query: 'idsOf', params: 1 }), (found) => found.length === 15);
    const inView = gather(space.watch({ prefix: '', view: 'counts' }), (counts) => counts.length === 2);
    for (const n of range(30)) {
      await space.execute('add', { id: `${n}`, value: n % 2 });
      await space.execute('line', n);
    }
    await Promise.all([entries, lines, ids, inView].map(({ ended }) => ended));
    for (const seen of [entries.seen, lines.seen, ids.seen]) {
      const sizes = seen.map(({ length }) => length);
      expect(sizes).toEqual([...new Set(sizes)].sort((left, right) => left - right));
    }
  });
});

describe('a watcher', () => {
  it('is refused at the door', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const code = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(() => space.watch(''))).toBe('invalid_input');
    expect(code(() => space.watch('k', { view: 'byVal' }))).toBe('unknown_view');
    expect(code(() => space.watch({ query: 'non' } as never))).toBe('unknown_query');
    expect(code(() => space.watch('k', { signal: {} as AbortSignal }))).toBe('invalid_input');
    expect(code(() => space.watch('k', { timeoutMs: 5 } as never))).toBe('invalid_input');
  });

  it('ends when it is aborted, when its space is deleted, and when the runtime closes', async () => {
    const ramax = await bed.start();
    const [space, doomed] = [
      await ramax.spaces.getOrCreate('acme'),
      await ramax.spaces.getOrCreate('doomed'),
    ];
    const abort = new AbortController();
    const [aborted, deleted, closed] = [
      gather(space.watch('k', { signal: abort.signal })),
      gather(doomed.watch('k')),
      gather(space.watch({ prefix: '' })),
    ];
    await until(() => [aborted, deleted, closed].every(({ seen }) => seen.length === 1));
    abort.abort();
    expect(await codeOf(aborted.ended)).toBe('aborted');
    await ramax.spaces.delete('doomed');
    expect(await codeOf(deleted.ended)).toBe('not_found');
    const late = space.watch('k');
    await ramax.close();
    expect(await codeOf(closed.ended)).toBe('closed');
    expect(await codeOf(late.next() as Promise<unknown>)).toBe('closed');
  });

  it('goes on when its shard dies', async () => {
    const gate = await bed.gate();
    const ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    const { seen, ended } = gather(space.watch({ query: 'lines' }), (lines) => lines.includes('last'));
    await space.execute('line', 'first');
    await space.execute('exitOnce', { marker: gate.path, n: 'survived' });
    await space.execute('line', 'last');
    await ended;
    expect(seen.at(-1)).toEqual(['first', 'survived', 'last']);
    expect((await ramax.stats()).restarts.shards).toContain(1);
  });

  it('over the bound is refused, and those who are there go on', async () => {
    const ramax = await bed.start({ limits: { watchersMax: 2 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const watchers = range(2).map(() => gather(space.watch('item:a'), (item) => item !== undefined));
    await until(async () => (await ramax.stats()).shards.some((shard) => shard.watchers === 2));
    const error = await errorOf(gather(space.watch('item:a')).ended);
    expect([error.code, error.details]).toEqual(['overloaded', { watchersMax: 2 }]);
    await space.execute('set', { id: 'a', value: 1 });
    for (const { ended } of watchers) await ended;
  });

  it('over the bound of all spaces is refused, until another one leaves while it waits', async () => {
    const ramax = await bed.start({ limits: { totalWatchersMax: 2 } });
    const spaces = await Promise.all(range(3).map((n) => ramax.spaces.getOrCreate(`space ${n}`)));
    const watchers = spaces.map((space) => space.watch('item:a'));
    for (const watcher of watchers) expect(await watcher.next()).toMatchObject({ done: false });
    const waiting = watchers.slice(0, 2).map((watcher) => watcher.next());
    const count = async (): Promise<number> =>
      (await ramax.stats()).shards.reduce((sum, shard) => sum + shard.watchers, 0);
    await until(async () => (await count()) === 2);
    const refused = await errorOf(watchers[2]!.next() as Promise<unknown>);
    expect([refused.code, refused.details]).toEqual(['overloaded', { totalWatchersMax: 2 }]);
    expect(await watchers[0]!.return!()).toEqual({ done: true, value: undefined });
    expect(await waiting[0]).toEqual({ done: true, value: undefined });
    await until(async () => (await count()) === 1);
    expect(await spaces[2]!.watch('item:a').next()).toMatchObject({ done: false });
    await spaces[1]!.execute('set', { id: 'a', value: 1 });
    expect(await waiting[1]).toMatchObject({ done: false, value: { value: 1 } });
  });

  it('of a view that stops is told why', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const ramax = await bed.start<FaultApp>({ storage, app: fixture('fault.app.mjs') });
    const space = await ramax.spaces.getOrCreate('acme');
    const fragile = gather(space.watch('survived', { view: 'fragile' }));
    await until(() => fragile.seen.length === 1);
    await space.execute('poisonView');
    expect(await errorOf(fragile.ended)).toMatchObject({
      code: 'projection_failed',
      details: { view: 'fragile', spaceSequence: 2 },
    });
  });
});
