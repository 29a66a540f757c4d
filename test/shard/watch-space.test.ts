import { beforeEach, describe, expect, it } from 'vitest';
import { Changes, type WatchTarget } from '../../src/content-store/changes.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import type { ReadTurn } from '../../src/content-store/turn.js';
import { resolveLimits } from '../../src/core/limits.js';
import { watchSpace } from '../../src/shard/watch-space.js';
import { entry, ledger } from '../content-store/ledger.js';
import { MemoryBed } from '../content-store/memory-bed.js';
import { Settlements } from '../content-store/settlements.js';
import { rejectionOf } from '../core/error-of.js';

const limits = resolveLimits({ watchersMax: 3 });
const last: WatchTarget = { kind: 'key', view: 'main', key: 'last' };

let bed: MemoryBed;
let live: LiveSpace;
let settled: Settlements;
/** Runs when a read is posted, before it is taken: what happens between the registration and the read. */
let beforeRead: () => void;
let reads: number;

beforeEach(async () => {
  bed = await MemoryBed.make();
  live = await bed.openLive(ledger, { watchersMax: 3 });
  settled = new Settlements();
  beforeRead = () => {};
  reads = 0;
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
      live.take(turn);
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
