import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardOf } from '../../src/core/routing.js';
import { everySpace } from '../../src/supervisor/every-space.js';
import { promisesSettle } from '../testing/manual-clock.js';

interface Space {
  readonly spaceId: number;
}

/** Tasks that the test ends, one by one. */
class Tasks {
  readonly begun: number[] = [];
  readonly #open = new Map<number, { readonly end: () => void; readonly fail: (error: Error) => void }>();

  readonly run = ({ spaceId }: Space): Promise<void> => {
    this.begun.push(spaceId);
    return new Promise((end, fail) => this.#open.set(spaceId, { end, fail }));
  };

  get open(): number[] {
    return [...this.#open.keys()];
  }

  async end(spaceId: number, error?: Error): Promise<void> {
    const task = this.#open.get(spaceId)!;
    this.#open.delete(spaceId);
    if (error === undefined) task.end();
    else task.fail(error);
    await promisesSettle();
  }
}

/** Spaces by their ids, a page at a time. */
function pagesOf(spaceIds: readonly number[], pageMax = 3): (after: number) => Promise<readonly Space[]> {
  const spaces = [...spaceIds].sort((left, right) => left - right).map((spaceId) => ({ spaceId }));
  return async (after) => spaces.filter(({ spaceId }) => spaceId > after).slice(0, pageMax);
}

/** The most spaces of one shard among these. */
function mostOnOneShard(spaceIds: readonly number[], shards: number): number {
  const counts = new Map<number, number>();
  for (const spaceId of spaceIds) {
    const shard = shardOf(spaceId, shards);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

const going = new AbortController().signal;

/** What a promise rejects with. */
async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it has not rejected'),
    (error: Error) => error,
  );
}

describe('a task for every space', () => {
  it('runs once for each, and never for more at once on a shard than it may', async () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 40 });
    const shards = fc.integer({ min: 1, max: 4 });
    const atOnce = fc.integer({ min: 1, max: 3 });
    const pageMax = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(
        ids,
        shards,
        atOnce,
        pageMax,
        fc.infiniteStream(fc.nat()),
        async (spaceIds, shardCount, spacesAtOnce, page, choices) => {
          const tasks = new Tasks();
          const all = everySpace({
            shards: shardCount,
            spacesAtOnce,
            listAfter: pagesOf(spaceIds, page),
            task: tasks.run,
            signal: going,
          });
          await promisesSettle();
          while (tasks.open.length > 0) {
            expect(mostOnOneShard(tasks.open, shardCount)).toBeLessThanOrEqual(spacesAtOnce);
            const choice = choices.next().value ?? 0;
            await tasks.end(tasks.open[choice % tasks.open.length]!);
          }
          await all;
          expect([...tasks.begun].sort()).toEqual([...spaceIds].sort());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps as many busy as it may, on each shard by itself', async () => {
    const tasks = new Tasks();
    const options = { shards: 2, spacesAtOnce: 2, task: tasks.run, signal: going };
    const all = everySpace({ ...options, listAfter: pagesOf([1, 2, 3, 4, 5, 6, 7, 8], 8) });
    await promisesSettle();
    expect([...tasks.open].sort()).toEqual([1, 2, 3, 4]);
    await tasks.end(1);
    expect([...tasks.open].sort()).toEqual([2, 3, 4, 5]);
    await tasks.end(3);
    await tasks.end(5);
    // The even ones stand still; the odd ones go on.
    expect([...tasks.open].sort()).toEqual([2, 4, 7]);
    for (const spaceId of [2, 4, 7, 6, 8]) await tasks.end(spaceId);
    await all;
  });

  it('asks for the next spaces only when those it has are under way', async () => {
    const tasks = new Tasks();
    const asked: number[] = [];
    const pages = pagesOf([1, 2, 3, 4, 5, 6]);
    const listAfter = (after: number): Promise<readonly Space[]> => {
      asked.push(after);
      return pages(after);
    };
    const all = everySpace({ shards: 1, spacesAtOnce: 1, listAfter, task: tasks.run, signal: going });
    await promisesSettle();
    for (const [spaceId, expected] of [
      [1, [0]],
      [2, [0]],
      [3, [0, 3]],
      [4, [0, 3]],
      [5, [0, 3]],
    ] as const) {
      expect(asked).toEqual(expected);
      await tasks.end(spaceId);
    }
    await tasks.end(6);
    await all;
    expect(asked).toEqual([0, 3, 6]);
  });

  it('begins nothing more after the first failure, waits for what is under way, and throws it', async () => {
    const tasks = new Tasks();
    const all = everySpace({
      shards: 1,
      spacesAtOnce: 2,
      listAfter: pagesOf([1, 2, 3, 4, 5, 6]),
      task: tasks.run,
      signal: going,
    });
    let hasEnded = false;
    const failure = thrownBy(all).finally(() => {
      hasEnded = true;
    });
    await promisesSettle();
    await tasks.end(1, new RangeError('the first failure'));
    expect([tasks.begun, hasEnded]).toEqual([[1, 2], false]);
    await tasks.end(2, new RangeError('a later failure'));
    expect((await failure).message).toBe('the first failure');
    expect(tasks.begun).toEqual([1, 2]);
  });

  it('that can learn of no further spaces waits for what is under way as well', async () => {
    const tasks = new Tasks();
    const listAfter = async (after: number): Promise<readonly Space[]> => {
      if (after > 0) throw new RangeError('no writer');
      return [{ spaceId: 1 }];
    };
    let hasEnded = false;
    const all = everySpace({ shards: 1, spacesAtOnce: 2, listAfter, task: tasks.run, signal: going });
    const failure = thrownBy(all).finally(() => {
      hasEnded = true;
    });
    await promisesSettle();
    expect([tasks.open, hasEnded]).toEqual([[1], false]);
    await tasks.end(1);
    expect((await failure).message).toBe('no writer');
  });

  it('begins no further space once it is aborted, and ends with those under way', async () => {
    const tasks = new Tasks();
    const abort = new AbortController();
    const all = everySpace({
      shards: 1,
      spacesAtOnce: 1,
      listAfter: pagesOf([1, 2, 3, 4, 5]),
      task: tasks.run,
      signal: abort.signal,
    });
    await promisesSettle();
    abort.abort();
    await tasks.end(1);
    await all;
    expect(tasks.begun).toEqual([1]);
  });

  it('does nothing where there are no spaces', async () => {
    const tasks = new Tasks();
    await everySpace({
      shards: 3,
      spacesAtOnce: 1,
      listAfter: pagesOf([]),
      task: tasks.run,
      signal: going,
    });
    expect(tasks.begun).toEqual([]);
  });
});
