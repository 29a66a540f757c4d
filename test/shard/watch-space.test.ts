import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Changes, type WatchTarget } from '../../src/content-store/changes.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { watchTurn } from '../../src/content-store/reads.js';
import type { ReadTurn } from '../../src/content-store/turn.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { type Value, valueBytes } from '../../src/core/values.js';
import { watchSpace } from '../../src/shard/watch-space.js';
import { HeldReads } from '../content-store/held-reads.js';
import { entry, ledger } from '../content-store/ledger.js';
import { MemoryBed } from '../content-store/memory-bed.js';
import { Settlements } from '../content-store/settlements.js';
import { numbersTo, tally } from '../content-store/tally.js';
import { rejectionOf } from '../core/error-of.js';

const limits = resolveLimits({ watchersMax: 3 });
const last: WatchTarget = { kind: 'key', view: 'main', key: 'last' };

let bed: MemoryBed;
let live: LiveSpace;
let settled: Settlements;
/** Runs when a read is posted, before it is taken: what happens between the registration and the read. */
let beforeRead: () => void;
let reads: number;
let post: (turn: ReadTurn) => void;

afterEach(() => {
  vi.restoreAllMocks();
});

beforeEach(async () => {
  bed = await MemoryBed.make();
  live = await bed.openLive(ledger, { watchersMax: 3 });
  settled = new Settlements();
  beforeRead = () => {};
  reads = 0;
  post = (turn) => live.take(turn);
});

function watch(target: WatchTarget, known?: string, signal = new AbortController().signal) {
  return watchSpace({
    target,
    known,
    signal,
    limits,
    platform: bed.platform,
    changes: async () => live.changes,
    post(turn: ReadTurn) {
      reads++;
      beforeRead();
      post(turn);
    },
  });
}

/** Adds an entry, and waits until it is committed. */
async function add(marker: string, amount = 1): Promise<void> {
  const turn = bed.command('add', entry(marker, amount));
  await live.prepare([turn]);
  live.take(turn);
  await turn.answer;
}

describe('watching a space', () => {
  it('gives what there is at once to whoever knows nothing, also nothing', async () => {
    expect(await watch(last)).toEqual({ token: 'nothing' });
    await add('a');
    expect(await watch(last)).toEqual({ value: 1, token: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(live.changes.size).toBe(0);
  });

  it('waits while the watcher knows what there is', async () => {
    await add('a');
    const { token } = await watch(last);
    settled.watch('second', watch(last, token));
    await bed.clock.advance(1_000);
    expect([settled.names, live.changes.size, reads]).toEqual([[], 1, 2]);
    await add('b');
    await bed.clock.settle();
    expect(settled.outcomes['second']).toMatchObject({ value: { value: 2 } });
    expect(live.changes.size).toBe(0);
  });

  it('tells values by what they are: the same one again wakes nobody', async () => {
    await add('a', 5);
    const amounts: WatchTarget = { kind: 'prefix', view: 'amounts', prefix: 'amount:5' };
    const count: WatchTarget = { kind: 'key', view: 'main', key: 'count' };
    const [known, counted] = [await watch(amounts), await watch(count)];
    settled.watch('amounts', watch(amounts, known.token));
    settled.watch('count', watch(count, counted.token));
    await add('b', 6);
    const removal = bed.command('remove', { marker: 'c', removed: 'b' });
    await live.prepare([removal]);
    live.take(removal);
    await bed.clock.advance(100);
    // The count went up and down again before anybody looked: it may have been seen, or not.
    expect(settled.names).not.toContain('amounts');
    await add('d', 5);
    await bed.clock.advance(100);
    expect(settled.outcomes['amounts']).toMatchObject({ value: { value: [['amount:5', 2]] } });
  });

  it('has the same token for the same value in another thread, or after a restart', async () => {
    await add('a');
    const everything: WatchTarget = { kind: 'query', query: 'everything' };
    const before = await watch(everything);
    await live.close();
    live = await bed.openLive(ledger);
    expect((await watch(everything)).token).toBe(before.token);
    settled.watch('next', watch(everything, before.token));
    await bed.clock.advance(100);
    expect(settled.open).toBe(1);
    await add('b');
    await bed.clock.advance(100);
    expect(settled.open).toBe(0);
  });

  it('misses no change that comes between the registration and the read, or right behind the read', async () => {
    await add('a');
    const { token } = await watch(last);
    beforeRead = () => {
      beforeRead = () => {};
      live.take(bed.command('add', entry('between')));
    };
    expect(await watch(last, token)).toMatchObject({ value: 2 });
    const known = await watch(last);
    const waiting = watch(last, known.token);
    beforeRead = () => {
      beforeRead = () => {};
      // Decided behind the read, before its answer is out: the value that was read is known, the next one is not.
      queueMicrotask(() => live.take(bed.command('add', entry('behind'))));
    };
    expect(await waiting).toMatchObject({ value: 3 });
  });

  it('gives committed values only', async () => {
    await add('a');
    const { token } = await watch(last);
    settled.watch('watched', watch(last, token));
    await bed.clock.settle();
    bed.log.isHeld = true;
    live.take(bed.command('add', entry('held back')));
    await bed.clock.advance(100);
    expect([settled.names, reads]).toEqual([[], 3]);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.outcomes['watched']).toMatchObject({ value: { value: 2 } });
  });

  it('looks at most once in a while at what each change may concern', async () => {
    const query: WatchTarget = { kind: 'query', query: 'amounts' };
    await add('a', 1);
    const { token } = await watch(query);
    settled.watch('watched', watch(query, token));
    await bed.clock.settle();
    const before = reads;
    for (let n = 0; n < 20; n++) await add(`${n}`, 2);
    expect([reads, settled.names]).toEqual([before, []]);
    await bed.clock.advance(10);
    expect(reads).toBe(before + 1);
    expect(settled.outcomes['watched']).toMatchObject({ value: { value: { 'amount:2': 20 } } });
  });

  it('ends when the watcher goes, wherever it is, and leaves nothing behind', async () => {
    await add('a');
    const { token } = await watch(last);
    const abort = new AbortController();
    const waiting = rejectionOf(watch(last, token, abort.signal));
    await bed.clock.settle();
    expect(live.changes.size).toBe(1);
    abort.abort();
    expect((await waiting).code).toBe('aborted');

    bed.log.isHeld = true;
    const during = new AbortController();
    live.take(bed.command('add', entry('held back')));
    const reading = rejectionOf(watch(last, token, during.signal));
    await bed.clock.settle();
    during.abort();
    expect((await reading).code).toBe('aborted');
    bed.log.releaseAll();

    expect((await rejectionOf(watch(last, token, AbortSignal.abort()))).code).toBe('aborted');
    await bed.clock.settle();
    expect(live.changes.size).toBe(0);
  });

  it('goes on in the space that is open next when its own ends', async () => {
    await add('a');
    const { token } = await watch(last);
    settled.watch('watched', watch(last, token));
    await bed.clock.settle();
    const before = live;
    live = await bed.openLive(ledger);
    await before.close().catch(() => {});
    await bed.clock.settle();
    expect([settled.names, before.changes.size, live.changes.size]).toEqual([[], 0, 1]);
    await add('b');
    await bed.clock.settle();
    expect(settled.outcomes['watched']).toMatchObject({ value: { value: 2 } });
  });

  it('is refused over the bound of watchers', async () => {
    await add('a');
    const { token } = await watch(last);
    for (let n = 0; n < 3; n++) settled.watch(`${n}`, watch(last, token));
    await bed.clock.settle();
    const error = await rejectionOf(watch(last, token));
    expect([error.code, error.details]).toEqual(['overloaded', { watchersMax: 3 }]);
    await add('b');
    await bed.clock.settle();
    expect([settled.names.sort(), live.changes.size]).toEqual([['0', '1', '2'], 0]);
  });

  it('throws what the read throws, and waits no longer', async () => {
    const changes = new Changes(limits);
    const error = await rejectionOf(
      watchSpace({
        target: { kind: 'query', query: 'none' },
        known: undefined,
        signal: new AbortController().signal,
        limits,
        platform: bed.platform,
        changes: async () => changes,
        post: (turn) => live.take(turn),
      }),
    );
    expect([error.code, changes.size]).toEqual(['unknown_query', 0]);
  });
});

/** What is put in the entry of a key, as it is. */
const drawer = defineApp({
  name: 'drawer',
  commands: {
    put: (_pstate, payload: { key: string; json: string }) => [{ entityId: 'e', type: 'put', payload }],
  },
  projections: {
    put(pstate, { payload: { key, json } }) {
      pstate.put(key, JSON.parse(json));
    },
  },
});

describe('what is new to a watcher', () => {
  it('is no value that is equal to the one it has, in whatever order the keys were written', async () => {
    live = await bed.openLive(drawer);
    const put = async (json: string): Promise<void> => {
      const turn = bed.command('put', { key: 'k', json });
      live.take(turn);
      await turn.answer;
    };
    await put('{"a": 1, "b": [{"c": 2, "d": 3}]}');
    const key: WatchTarget = { kind: 'key', view: 'main', key: 'k' };
    const prefix: WatchTarget = { kind: 'prefix', view: 'main', prefix: '' };
    const [one, all] = [await watch(key), await watch(prefix)];
    settled.watch('key', watch(key, one.token));
    settled.watch('prefix', watch(prefix, all.token));
    await put('{"b": [{"d": 3, "c": 2}], "a": 1}');
    await bed.clock.advance(100);
    expect(settled.names).toEqual([]);
    await put('{"b": [{"d": 3, "c": 4}], "a": 1}');
    await bed.clock.advance(100);
    expect(settled.names.sort()).toEqual(['key', 'prefix']);
  });
});

describe('the entries under a prefix', () => {
  it('are read no further than they fit a value', async () => {
    live = await bed.openLive(drawer);
    for (let n = 0; n < 300; n++) {
      const json = JSON.stringify('x'.repeat(100));
      const turn = bed.command('put', { key: `k:${n}`, json });
      live.take(turn);
      await turn.answer;
    }
    await live.checkpoint();
    await live.close();
    live = await bed.openLive(drawer, { cacheEntriesMax: 1 });
    const scan = vi.spyOn(bed.pstates, 'scan');
    const tight = { ...limits, valueBytesMax: 2_000 };
    const prefix: WatchTarget = { kind: 'prefix', view: 'main', prefix: 'k:' };
    const watching = watchSpace({
      target: prefix,
      known: undefined,
      signal: new AbortController().signal,
      limits: tight,
      platform: bed.platform,
      changes: async () => live.changes,
      post: (turn) => live.take(turn),
    });
    const error = await rejectionOf(watching);
    expect([error.code, error.message]).toEqual([
      'invalid_input',
      "the entries with prefix 'k:' must be at most 2000 bytes (limits.valueBytesMax), but are more",
    ]);
    expect(error.details['field']).toBe("the entries with prefix 'k:'");
    const read = scan.mock.results.reduce((sum, { value }) => sum + (value as unknown[]).length, 0);
    expect(read).toBeLessThan(60);
    // What fits to the last byte is no error: 1 for the list; 1, the key and the value for each entry.
    const bytes = (await watchOf(prefix, 1_000_000)).bytes;
    expect((await watchOf(prefix, bytes)).entries).toBe(300);
    expect((await rejectionOf(watchOf(prefix, bytes - 1))).code).toBe('invalid_input');
  });

  async function watchOf(target: WatchTarget, valueBytesMax: number) {
    const turn = watchTurn(target, { ...limits, valueBytesMax });
    live.take(turn);
    const value = (await turn.answer) as readonly unknown[];
    return { entries: value.length, bytes: valueBytes(value as Value) };
  }
});

describe('watching a view that is built for the first time', () => {
  const at: WatchTarget = { kind: 'key', view: 'list', key: 'at:1' };
  const all: WatchTarget = { kind: 'prefix', view: 'list', prefix: 'at:4' };
  const queried: WatchTarget = { kind: 'query', query: 'sizeOfList' };
  let held: HeldReads;
  let breaks: boolean;

  /** The tally with a list, and a query of it. */
  function withList(list?: number) {
    const plain = tally({
      ...(list === undefined ? {} : { list }),
      breaks: (view) => breaks && view === 'list',
    });
    return {
      ...plain,
      queries: {
        ...plain.queries,
        sizeOfList: (_pstate: unknown, _params: unknown, { views }: { views: object }) =>
          (views as { list: { size: number } }).list.size,
      },
    } as typeof plain;
  }

  beforeEach(async () => {
    breaks = false;
    const before = await bed.open(withList());
    await before.execute('addMany', numbersTo(400));
    await before.close();
    held = new HeldReads(bed.log);
    live = await bed.openLive(withList(1));
    await bed.clock.settle();
  });

  it('waits until it is there, asks nobody meanwhile, and shows it at the swap', async () => {
    settled.watch('at', watch(at));
    settled.watch('all', watch(all));
    settled.watch('queried', watch(queried));
    await bed.clock.advance(50);
    const before = reads;
    expect([settled.names, held.waiting, live.changes.size]).toEqual([[], 1, 3]);
    // Neither what is filled nor what commands write meanwhile makes it ask again.
    held.step();
    await bed.clock.settle();
    const turn = bed.command('add', 7);
    live.take(turn);
    await turn.answer;
    await bed.clock.advance(1_000);
    expect([settled.names, reads]).toEqual([[], before]);
    held.release();
    await bed.clock.advance(100);
    expect(settled.outcomes).toMatchObject({
      at: { value: { value: '1 by 1' } },
      all: { value: { value: expect.arrayContaining([['at:401', '7 by 1']]) as unknown } },
      queried: { value: { value: 401 } },
    });
    expect(live.changes.size).toBe(0);
  });

  it('goes on like any other when it is there', async () => {
    settled.watch('first', watch(at));
    held.release();
    await bed.clock.advance(100);
    const { token } = await watch(at);
    settled.watch('second', watch(at, token));
    const turn = bed.command('remove', 1);
    live.take(turn);
    await bed.clock.settle();
    expect(settled.outcomes['second']).toMatchObject({ value: { token: 'nothing' } });
  });

  it('waits on for a change when it then shows what the watcher knows', async () => {
    const later: WatchTarget = { kind: 'key', view: 'list', key: 'at:401' };
    settled.watch('later', watch(later, 'nothing'));
    await bed.clock.settle();
    held.release();
    await bed.clock.advance(100);
    expect([settled.names, live.changes.size]).toEqual([[], 1]);
    live.take(bed.command('add', 7));
    await bed.clock.settle();
    expect(settled.outcomes['later']).toMatchObject({ value: { value: '7 by 1' } });
  });

  it('says why when it cannot be built', async () => {
    breaks = true;
    settled.watch('at', watch(at));
    settled.watch('queried', watch(queried));
    held.release();
    await bed.clock.advance(100);
    expect(settled.outcomes).toMatchObject({
      at: { code: 'projection_failed' },
      queried: { code: 'projection_failed' },
    });
  });

  it('ends with its signal, and with its space', async () => {
    const abort = new AbortController();
    settled.watch('aborted', watch(at, undefined, abort.signal));
    await bed.clock.settle();
    abort.abort();
    await bed.clock.settle();
    expect([settled.outcomes['aborted'], live.changes.size]).toMatchObject([{ code: 'aborted' }, 0]);
    settled.watch('ended', watch(at));
    await bed.clock.settle();
    live.abandon(new RamaxError('not_found', 'deleted'));
    held.abandon();
    post = () => {
      throw new RamaxError('not_found', 'deleted');
    };
    await bed.clock.settle();
    expect(settled.outcomes['ended']).toMatchObject({ code: 'not_found' });
  });
});
