import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { defineApp, type HistoryItem, type RamaxError } from '../../src/index.js';
import { House } from '../../src/testing/index.js';

const added = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof (value as { by?: unknown } | null)?.by === 'number'
        ? { value: value as { by: number } }
        : { issues: [{ message: 'by must be a number', path: ['by'] }] },
  },
} as const;

const counter = defineApp({
  name: 'counter',
  events: { added },
  commands: { add: (_pstate, by: number) => [{ entityId: 'c', type: 'added', payload: { by } }] },
  projections: {
    added(pstate, event) {
      pstate.update<number>('total', (total = 0) => total + (event.payload as { by: number }).by);
      pstate.put('last', event.timestamp);
    },
  },
  queries: { total: (pstate) => pstate.get<number>('total') ?? 0 },
});

const item = (index: number, more: object = {}): HistoryItem => ({
  spaceName: `s${index % 3}`,
  entityId: 'c',
  type: 'added',
  payload: { by: 1 },
  timestamp: 1_000 + index,
  ...more,
});

const history = (count: number): HistoryItem[] => Array.from({ length: count }, (_, index) => item(index));

async function* endingAt(items: readonly HistoryItem[], end: number): AsyncGenerator<HistoryItem> {
  yield* items.slice(0, end);
  throw new Error('the old database is gone');
}

async function started() {
  const house = new House({ app: counter, seed: 11 });
  const ramax = await house.start({ shards: 2 });
  const totals = async () => {
    const spaces = await house.run(ramax.spaces.list());
    return Promise.all(spaces.map((space) => house.run(space.query('total'))));
  };
  const failure = async (answer: Promise<unknown>) =>
    (await house.run(answer.then(() => undefined).catch((error: unknown) => error))) as RamaxError;
  return { house, ramax, totals, failure };
}

describe('an imported history', () => {
  it('keeps the times of its events, and makes the spaces and views that it needs', async () => {
    const { house, ramax, totals } = await started();
    const seen: number[] = [];
    const onProgress = ({ eventsAppended }: { eventsAppended: number }) => void seen.push(eventsAppended);
    const done = await house.run(
      ramax.importEvents(history(100), { name: 'old', onProgress, chunkEvents: 7 }),
    );
    expect(done).toEqual({ itemsRead: 100, eventsAppended: 100, eventsSkipped: 0, spaces: 3 });
    expect(seen.at(-1)).toBe(100);
    expect(await totals()).toEqual([34, 33, 33]);
    const space = await house.run(ramax.spaces.findByName('s1'));
    const stream = space?.streamEvents();
    const times: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { type, timestamp } of stream ?? []) if (type === 'added') times.push(timestamp);
    };
    await house.run(read());
    expect(times).toEqual(Array.from({ length: 33 }, (_, n) => 1_001 + 3 * n));
    expect(await house.run(space?.fetch('last') ?? Promise.reject())).toBe(1_097);
    await house.run(ramax.close());
  });

  it('goes on where it was, in pieces of any size, and appends nothing twice', async () => {
    const { house, ramax, totals, failure } = await started();
    for (const [end, chunkEvents] of [
      [40, 7],
      [61, 256],
      [61, 3],
    ] as const) {
      const error = await failure(
        ramax.importEvents(endingAt(history(100), end), { name: 'old', chunkEvents }),
      );
      expect(error.message).toContain('the old database is gone');
      expect((await totals()).reduce((sum, total) => sum + total)).toBe(end);
    }
    const again = await house.run(ramax.importEvents(history(100), { name: 'old', chunkEvents: 5 }));
    expect(again).toMatchObject({ itemsRead: 100, eventsAppended: 39, eventsSkipped: 61 });
    expect(await totals()).toEqual([34, 33, 33]);
    await house.run(ramax.importEvents(history(3), { name: 'another' }));
    expect(await totals()).toEqual([35, 34, 34]);
    await house.run(ramax.close());
  });

  it('appends nothing twice when two import it at once, in other pieces', async () => {
    const { house, ramax, totals } = await started();
    const both = [5, 8].map((chunkEvents) => ramax.importEvents(history(100), { name: 'old', chunkEvents }));
    await house.run(Promise.all(both));
    expect(await totals()).toEqual([34, 33, 33]);
    await house.run(ramax.close());
  });

  it('appends nothing twice through deaths of its threads', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const house = new House({ app: counter, seed });
      let ramax = await house.start({ shards: 2, limits: { restartsMax: 100 } });
      const items = history(300);
      for (let deaths = 0; deaths < 4; deaths++) {
        const importing = ramax.importEvents(items, {
          name: 'old',
          chunkEvents: 1 + house.random.below(20),
        });
        importing.catch(() => {});
        await house.scheduler.advance(house.random.below(40));
        const kind = house.random.below(3);
        if (kind === 0) house.killShard(house.random.below(2));
        else if (kind === 1) house.killWriter();
        else {
          house.killAll();
          ramax = await house.start({ shards: 2, limits: { restartsMax: 100 } });
        }
        if (kind !== 2) await house.run(importing);
      }
      await house.run(ramax.importEvents(items, { name: 'old' }));
      const spaces = await house.run(ramax.spaces.list());
      const totals = await Promise.all(spaces.map((space) => house.run(space.query('total'))));
      expect([seed, ...totals]).toEqual([seed, 100, 100, 100]);
      await house.run(ramax.close());
    }
  }, 60_000);

  it.each([
    ['no event', () => null, 'items[50]'],
    ['a time that is none', () => item(50, { timestamp: 'now' }), 'items[50].timestamp'],
    ['a reserved type', () => item(50, { type: 'ramax.timer.fired' }), 'items[50].type'],
    ['what its validator refuses', () => item(50, { payload: { by: 'x' } }), 'items[50].payload.by'],
    ['tags that are none', () => item(50, { tags: 'x' }), 'items[50].tags'],
  ])('stops at %s: everything before it is in', async (_what, wrong, field) => {
    const { house, ramax, totals, failure } = await started();
    const items = history(100);
    items[50] = wrong() as never;
    const error = await failure(ramax.importEvents(items, { name: 'old', chunkEvents: 9 }));
    expect([error.code, error.details['index'], error.details['field']]).toEqual([
      'invalid_input',
      50,
      field,
    ]);
    const before = [0, 1, 2].map(
      (space) => items.slice(0, 50).filter((_, index) => index % 3 === space).length,
    );
    for (const [space, total] of (await totals()).entries()) {
      expect(total).toBeGreaterThanOrEqual(before[space] ?? 0);
    }
    expect((await totals())[50 % 3]).toBe(before[50 % 3]);
    const mended = history(100);
    await house.run(ramax.importEvents(mended, { name: 'old' }));
    expect(await totals()).toEqual([34, 33, 33]);
    await house.run(ramax.close());
  });

  it('does not listen to the signal once for each space', async () => {
    const { house, ramax } = await started();
    const { signal } = new AbortController();
    const items = history(60).map((each, index) => ({ ...each, spaceName: `of ${index % 20}` }));
    const heard: number[] = [];
    const onProgress = (): number => heard.push(getEventListeners(signal, 'abort').length);
    await house.run(ramax.importEvents(items, { name: 'old', chunkEvents: 1, onProgress, signal }));
    expect(heard.length).toBe(60);
    expect(Math.max(...heard)).toBeLessThanOrEqual(1);
    await house.run(ramax.close());
  });

  it('ends when it is aborted, with what it has appended', async () => {
    const { house, ramax, totals, failure } = await started();
    const abort = new AbortController();
    const onProgress = (): void => abort.abort();
    const error = await failure(
      ramax.importEvents(history(100), { name: 'old', chunkEvents: 4, onProgress, signal: abort.signal }),
    );
    expect(error.code).toBe('aborted');
    await house.run(ramax.importEvents(history(100), { name: 'old' }));
    expect(await totals()).toEqual([34, 33, 33]);
    await house.run(ramax.close());
  });

  it.each([0, 1, 2, 3, 5, 8])(
    'answers aborted when it is aborted while its events are on their way, after %i ms',
    async (afterMs) => {
      const { house, ramax, totals, failure } = await started();
      const abort = new AbortController();
      const reason = new Error('the operator has left');
      async function* given(): AsyncGenerator<HistoryItem> {
        yield* history(60);
        // The first chunks are under way, and nothing more comes.
        await new Promise<void>((resolve) => house.scheduler.plan(afterMs, resolve));
        abort.abort(reason);
      }
      const error = await failure(
        ramax.importEvents(given(), { name: 'old', chunkEvents: 4, signal: abort.signal }),
      );
      expect(error).toMatchObject({ code: 'aborted', message: 'the import was aborted' });
      await house.run(ramax.importEvents(history(60), { name: 'old' }));
      expect(await totals()).toEqual([20, 20, 20]);
      await house.run(ramax.close());
    },
  );

  it('has few spaces at hand, however many it has met, and appends nothing twice', async () => {
    const house = new House({ app: counter, seed: 5 });
    const ramax = await house.start({ limits: { importSpacesMax: 3 } });
    const given = Array.from({ length: 140 }, (_, index) => item(index, { spaceName: `s${index % 7}` }));
    const options = { name: 'old', chunkEvents: 2 };
    await expect(house.run(ramax.importEvents(endingAt(given, 61), options))).rejects.toThrow('gone');
    const done = await house.run(ramax.importEvents(given, options));
    expect(done).toEqual({ itemsRead: 140, eventsAppended: 79, eventsSkipped: 61, spaces: 7 });
    const spaces = await house.run(ramax.spaces.list());
    const totals = await Promise.all(spaces.map((space) => house.run(space.query('total'))));
    expect(totals).toEqual(Array.from({ length: 7 }, () => 20));
    await house.run(ramax.close());
  });

  it('is remembered up to a bound', async () => {
    const house = new House({ app: counter, seed: 3 });
    const ramax = await house.start({ limits: { importsPerSpaceMax: 1 } });
    await house.run(ramax.importEvents([item(0)], { name: 'one' }));
    await expect(house.run(ramax.importEvents([item(0)], { name: 'two' }))).rejects.toMatchObject({
      code: 'overloaded',
    });
    await house.run(ramax.close());
  });
});
