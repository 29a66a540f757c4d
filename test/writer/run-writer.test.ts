import { beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveLimits } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { Caller } from '../../src/protocol/link.js';
import { appendLink, type WriterCalls, writerLink } from '../../src/protocol/links.js';
import { houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { runWriter } from '../../src/writer/run-writer.js';
import { chained } from '../content-store/chained-append.js';
import { HeldLog } from '../content-store/held-log.js';
import { rejectionOf } from '../core/error-of.js';
import { append, createSpace, plainEvent } from '../event-store/log-fixture.js';

let scheduler: Scheduler;
let log: HeldLog;
let main: Caller<WriterCalls>;
/** How the thread has ended. */
let ended: string | undefined;

beforeEach(async () => {
  scheduler = new Scheduler(1);
  ended = undefined;
  const clock = schedulerClock(scheduler, () => true);
  log = new HeldLog(new MemoryLog('log-a'), clock);
  await createSpace(log, 'acme');
  const [mine, its] = houseChannel(scheduler);
  const limits = resolveLimits({ commandRetentionMs: 60_000 });
  runWriter({ log, limits, clock, main: its }).then(
    () => {
      ended = 'drained';
    },
    (error: Error) => {
      ended = error.message;
    },
  );
  main = new Caller(writerLink, mine, clock);
});

const run = <T>(promise: Promise<T>): Promise<T> => scheduler.runUntil(promise);

function connectShard() {
  const [mine, its] = houseChannel(scheduler);
  void main.call('connectShard', null, { ports: [its] });
  return new Caller(
    appendLink,
    mine,
    schedulerClock(scheduler, () => true),
  );
}

describe('a writer in its thread', () => {
  it('says first which log it has opened and what an earlier one has left to delete', async () => {
    await log.commit([{ kind: 'markSpaceDeleted', spaceId: 1 }]);
    expect(await run(main.call('ready', null))).toEqual({
      logId: 'log-a',
      ownerGeneration: 1,
      log: { durability: 'memory', lost: undefined, witnessFailure: undefined },
      deletedSpaces: [1],
    });
    expect(await run(main.call('purgeSpace', { spaceId: 1, rewriteBytesMax: 0 }))).toEqual({ traces: null });
    expect(await log.deletedSpaces()).toEqual([]);
  });

  it('serves several shards, each on a port of its own', async () => {
    const [left, right] = [connectShard(), connectShard()];
    const { generation } = await run(left.call('openSpace', { spaceId: 1 }));
    const request = chained(append(1, 0, [plainEvent('a')]), generation);
    expect(await run(left.call('append', request))).toEqual({ firstEventId: 1, spaceSequence: 1 });
    expect((await run(right.call('openSpace', { spaceId: 1 }))).head.lastSpaceSequence).toBe(1);
    const late = chained(append(1, 1, [plainEvent('b')]), generation);
    expect((await run(rejectionOf(left.call('append', late)))).code).toBe('fenced');
    expect(await run(main.call('stats', null))).toMatchObject({ commits: 1, fenced: 1 });
  });

  it('forgets old command ids now and then', async () => {
    const prune = vi.spyOn(log, 'pruneCommands');
    await scheduler.advance(3.5 * 60_000);
    expect(prune).toHaveBeenCalledTimes(3);
  });

  it('drains: commits what it holds, lets the shards and the log go, and ends', async () => {
    const shard = connectShard();
    const { generation } = await run(shard.call('openSpace', { spaceId: 1 }));
    log.isHeld = true;
    const appended = shard.call('append', chained(append(1, 0, [plainEvent('a')]), generation));
    while (log.waiting === 0) await scheduler.step();
    const drained = main.call('drain', null);
    await scheduler.advance(100);
    expect(ended).toBeUndefined();
    log.releaseAll();
    expect(await run(appended)).toMatchObject({ spaceSequence: 1 });
    expect(await run(drained)).toBeNull();
    await scheduler.advance(100);
    expect([ended, shard.isLost]).toEqual(['drained', true]);
    await expect(log.latestEventId()).rejects.toThrow('the log is closed');
  });

  it('ends with the reason when a commit is in doubt, and answers nobody', async () => {
    const shard = connectShard();
    const { generation } = await run(shard.call('openSpace', { spaceId: 1 }));
    log.fates.push('writtenInDoubt');
    let isAnswered = false;
    const answered = (): void => {
      isAnswered = true;
    };
    shard.call('append', chained(append(1, 0, [plainEvent('a')]), generation)).then(answered, answered);
    await scheduler.advance(1_000);
    expect([ended, isAnswered]).toEqual(['the disk failed while it committed', false]);
  });
});
