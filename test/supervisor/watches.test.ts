import { beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { Quarantine } from '../../src/supervisor/quarantine.js';
import { ShardHandle } from '../../src/supervisor/shard-handle.js';
import { Watches } from '../../src/supervisor/watches.js';
import { Scheduler } from '../../src/testing/scheduler.js';
import { Settlements } from '../content-store/settlements.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { FakeShard, type SeenWatch } from './fake-shard.js';

const address = { spaceId: 1, spaceName: 'acme' };
const target = { kind: 'key', view: 'main', key: 'k' } as const;

let scheduler: Scheduler;
let handle: ShardHandle;
let shard: FakeShard;
let watches: Watches;
let settled: Settlements;

beforeEach(() => {
  scheduler = new Scheduler(1);
  handle = new ShardHandle({
    limits: { restartsMax: 5 },
    quarantine: new Quarantine(nodePlatform.textDigest),
  });
  shard = new FakeShard(scheduler);
  watches = new Watches({ totalWatchersMax: 2 });
  settled = new Settlements();
  handle.up(shard.caller);
});

function watch(signal?: AbortSignal) {
  return watches.watch({ shard: handle, address, target, signal });
}

/** Asks for the next value under this name. */
function next(name: string, watcher: AsyncIterator<unknown>): void {
  settled.watch(name, watcher.next());
}

/** Everything that is under way arrives. */
const arrive = (): Promise<void> => scheduler.advance(500);

/** The last question that has come to the shard. */
async function asked(): Promise<SeenWatch> {
  await arrive();
  return shard.watches.at(-1)!;
}

function value(of: unknown): object {
  return { kind: 'ok', value: { done: false, value: of } };
}

describe('a watcher', () => {
  it('asks nothing before somebody wants a value', async () => {
    watch();
    await arrive();
    expect(shard.watches).toEqual([]);
  });

  it('gives what there is, then asks for what it does not know', async () => {
    const watcher = watch();
    next('first', watcher);
    const first = await asked();
    expect([first.target, first.known]).toEqual([target, null]);
    first.show({ value: 1, token: 'one' });
    await arrive();
    next('second', watcher);
    const second = await asked();
    expect(second.known).toBe('one');
    second.show({ token: 'nothing' });
    await arrive();
    expect(settled.outcomes).toEqual({ first: value(1), second: value(undefined) });
  });

  it('that is slow holds one value, and asks again only for the newest', async () => {
    const watcher = watch();
    next('first', watcher);
    (await asked()).show({ value: 1, token: 'one' });
    await arrive();
    // Values 2 and 3 come and go here: nobody has asked.
    expect(shard.watches).toHaveLength(1);
    next('second', watcher);
    (await asked()).show({ value: 4, token: 'four' });
    await arrive();
    expect(settled.outcomes['second']).toEqual(value(4));
    expect(handle.openCalls).toBe(0);
  });

  it('ends with its loop, and leaves nothing behind', async () => {
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const shown of watch()) {
        seen.push(shown);
        if (seen.length === 2) break;
      }
    })();
    settled.watch('loop', loop);
    (await asked()).show({ value: 1, token: 'one' });
    (await asked()).show({ value: 2, token: 'two' });
    await arrive();
    expect([seen, settled.names, handle.openCalls]).toEqual([[1, 2], ['loop'], 0]);
  });

  it('that is aborted throws at once, and takes its question back', async () => {
    const abort = new AbortController();
    const watcher = watch(abort.signal);
    next('waits', watcher);
    const question = await asked();
    abort.abort();
    await arrive();
    expect(settled.outcomes['waits']).toMatchObject({ code: 'aborted' });
    expect(question.isCancelled).toBe(true);
    next('afterwards', watcher);
    await arrive();
    expect(settled.outcomes['afterwards']).toEqual({ kind: 'ok', value: { done: true, value: undefined } });
  });

  it('that was aborted before, or between two values, asks nothing', async () => {
    const abort = new AbortController();
    const [watcher, aborted] = [watch(abort.signal), watch(AbortSignal.abort())];
    next('first', watcher);
    (await asked()).show({ value: 1, token: 'one' });
    await arrive();
    abort.abort();
    next('second', watcher);
    next('never', aborted);
    await arrive();
    expect(settled.outcomes).toMatchObject({ second: { code: 'aborted' }, never: { code: 'aborted' } });
    expect(shard.watches).toHaveLength(1);
  });

  it('of a runtime that is closed ends, whether it waits or is asked afterwards', async () => {
    const [waiting, later] = [watch(), watch()];
    next('waits', waiting);
    const question = await asked();
    watches.close(new RamaxError('closed', 'the runtime is closed'));
    next('later', later);
    await arrive();
    expect(settled.outcomes).toMatchObject({ waits: { code: 'closed' }, later: { code: 'closed' } });
    // A shard that drains must not be asked to open a space.
    expect([question.isCancelled, shard.watches.length, handle.openCalls]).toEqual([true, 1, 0]);
  });

  it('survives a shard, and says to the next one what it knows', async () => {
    const watcher = watch();
    next('first', watcher);
    (await asked()).show({ value: 1, token: 'one' });
    await arrive();
    next('second', watcher);
    for (let death = 0; death < 6; death++) {
      expect((await asked()).known).toBe('one');
      shard.die();
      await arrive();
      shard = new FakeShard(scheduler);
      handle.up(shard.caller);
    }
    // More deaths than a call may see: each time it was given up, the watcher asked again.
    (await asked()).show({ value: 2, token: 'two' });
    await arrive();
    expect(settled.outcomes['second']).toEqual(value(2));
  });

  it('ends when there will be no shard any more', async () => {
    const watcher = watch();
    next('waits', watcher);
    await asked();
    const gone = new RamaxError('unavailable', 'the shard keeps failing');
    handle.fail(gone);
    watches.close(gone);
    await arrive();
    expect(settled.outcomes['waits']).toMatchObject({ code: 'unavailable' });
  });

  it('throws what the read throws', async () => {
    const watcher = watch();
    next('waits', watcher);
    (await asked()).fail(new RamaxError('projection_failed', 'the view has stopped'));
    await arrive();
    expect(settled.outcomes['waits']).toMatchObject({ code: 'projection_failed' });
  });
});

const done = { kind: 'ok', value: { done: true, value: undefined } };

describe('a watcher whose consumer leaves while it waits', () => {
  it('settles at once, and takes its question back', async () => {
    const watcher = watch();
    next('waits', watcher);
    next('behind', watcher);
    const question = await asked();
    settled.watch('return', watcher.return());
    await promisesSettle();
    expect(settled.outcomes).toEqual({ return: done, waits: done, behind: done });
    await arrive();
    expect([question.isCancelled, shard.watches.length, handle.openCalls]).toEqual([true, 1, 0]);
    next('afterwards', watcher);
    await arrive();
    expect([settled.outcomes['afterwards'], shard.watches.length]).toEqual([done, 1]);
  });

  it('does so when it is told of an error, which it gives back', async () => {
    const watcher = watch();
    next('waits', watcher);
    const question = await asked();
    const mine = new RamaxError('timeout', 'my own');
    settled.watch('throw', watcher.throw(mine));
    await arrive();
    expect(settled.outcomes).toMatchObject({ throw: { code: 'timeout' }, waits: done });
    expect(question.isCancelled).toBe(true);
  });

  it('does so when it is disposed of', async () => {
    const watcher = watch();
    next('waits', watcher);
    const question = await asked();
    await watcher[Symbol.asyncDispose]();
    await arrive();
    expect([settled.outcomes['waits'], question.isCancelled]).toEqual([done, true]);
  });

  it('asks nothing when it leaves before it was asked', async () => {
    const watcher = watch();
    next('first', watcher);
    settled.watch('return', watcher.return());
    await arrive();
    expect([settled.outcomes, shard.watches]).toEqual([{ first: done, return: done }, []]);
  });

  it('is shown nothing that arrives afterwards, also when its shard is lost', async () => {
    const watcher = watch();
    next('waits', watcher);
    const question = await asked();
    void watcher.return();
    question.show({ value: 1, token: 'one' });
    shard.die();
    await arrive();
    shard = new FakeShard(scheduler);
    handle.up(shard.caller);
    await arrive();
    expect([settled.outcomes['waits'], shard.watches]).toEqual([done, []]);
  });
});

describe('a watcher whose shard is lost again and again', () => {
  it.each(Array.from({ length: 12 }, (_, steps) => steps))(
    'asks no more when its consumer leaves after %i steps',
    async (steps) => {
      let calls = 0;
      const lost = {
        call() {
          calls++;
          const unavailable = new RamaxError('unavailable', 'lost');
          const answer = calls > 100 ? new Promise(() => {}) : Promise.reject(unavailable);
          return { answer, cancel: () => {} };
        },
      } as unknown as ShardHandle;
      const watcher = watches.watch({ shard: lost, address, target, signal: undefined });
      next('waits', watcher);
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const before = calls;
      void watcher.return();
      await promisesSettle();
      expect([settled.outcomes['waits'], calls]).toEqual([done, before]);
    },
  );
});

describe('values that are wanted before they are there', () => {
  it('come one after the other, each asked for with what the one before has shown', async () => {
    const watcher = watch();
    for (const name of ['first', 'second', 'third']) next(name, watcher);
    (await asked()).show({ value: 1, token: 'one' });
    const second = await asked();
    expect([shard.watches.length, second.known]).toEqual([2, 'one']);
    second.show({ value: 2, token: 'two' });
    expect((await asked()).known).toBe('two');
    expect(settled.outcomes).toEqual({ first: value(1), second: value(2) });
  });

  it('are over when one of them fails', async () => {
    const watcher = watch();
    for (const name of ['first', 'second']) next(name, watcher);
    (await asked()).fail(new RamaxError('projection_failed', 'the view has stopped'));
    await arrive();
    expect(settled.outcomes).toMatchObject({ first: { code: 'projection_failed' }, second: done });
    expect(shard.watches).toHaveLength(1);
  });
});

describe('watchers over all spaces', () => {
  it('that wait are bounded, and make room when they wait no longer', async () => {
    const [one, two, three, four] = [watch(), watch(), watch(), watch()];
    next('one', one);
    next('two', two);
    next('three', three);
    await arrive();
    expect(settled.outcomes).toMatchObject({
      three: { code: 'overloaded', details: { totalWatchersMax: 2 } },
    });
    expect(shard.watches).toHaveLength(2);
    await two.return();
    next('four', four);
    await arrive();
    expect([settled.names, shard.watches.length]).toEqual([['three', 'two'], 3]);
  });

  it('keep their place when a shard is lost', async () => {
    const [one, two] = [watch(), watch()];
    next('one', one);
    next('two', two);
    await arrive();
    for (let death = 0; death < 4; death++) {
      shard.die();
      next(`late ${death}`, watch());
      await arrive();
      shard = new FakeShard(scheduler);
      handle.up(shard.caller);
      await arrive();
    }
    expect(settled.names.filter((name) => !name.startsWith('late'))).toEqual([]);
    expect(shard.watches).toHaveLength(2);
  });
});
