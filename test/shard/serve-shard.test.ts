import { beforeEach, describe, expect, it } from 'vitest';
import { type WrittenInvocation, writtenInvocationOf } from '../../src/content-store/invocation.js';
import { defaultLimits, resolveLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogReader } from '../../src/event-store/memory/memory-log-reader.js';
import { Caller } from '../../src/protocol/link.js';
import { type ShardCalls, shardLink, type WriterCalls, writerLink } from '../../src/protocol/links.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { runShard } from '../../src/shard/run-shard.js';
import { houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { runWriter } from '../../src/writer/run-writer.js';
import { HeldLog } from '../content-store/held-log.js';
import { entry, folded, ledger } from '../content-store/ledger.js';
import { rejectionOf } from '../core/error-of.js';
import { createSpace, wide } from '../event-store/log-fixture.js';
import { manualPlatform } from '../testing/manual-clock.js';

const address = { spaceId: 1, spaceName: 'acme' };

let scheduler: Scheduler;
let log: HeldLog;
let shard: Caller<ShardCalls>;
let writer: Caller<WriterCalls>;
/** How the threads have ended. */
let ended: string[];

beforeEach(async () => {
  scheduler = new Scheduler(1);
  ended = [];
  const clock = schedulerClock(scheduler, () => true);
  const platform = manualPlatform(clock);
  const memory = new MemoryLog('log-a');
  log = new HeldLog(memory, clock);
  await createSpace(log, 'acme');
  const limits = resolveLimits({ readEventsMax: 1 });
  const [toShard, shardMain] = houseChannel(scheduler);
  const [toWriter, writerMain] = houseChannel(scheduler);
  runShard({
    app: loadApp(ledger),
    logReader: new MemoryLogReader(memory),
    openPartition: () => new MemoryPStateStore({ logId: 'log-a' }),
    limits,
    platform,
    main: shardMain,
  }).then(
    () => ended.push('shard drained'),
    (error: Error) => ended.push(`shard: ${error.message}`),
  );
  runWriter({ log, limits: defaultLimits, clock, main: writerMain }).then(
    () => ended.push('writer drained'),
    (error: Error) => ended.push(`writer: ${error.message}`),
  );
  shard = new Caller(shardLink, toShard, clock);
  writer = new Caller(writerLink, toWriter, clock);
  const [shardEnd, writerEnd] = houseChannel(scheduler);
  void writer.call('connectShard', null, { ports: [writerEnd] });
  void shard.call('connectWriter', null, { ports: [shardEnd] });
});

const run = <T>(promise: Promise<T>): Promise<T> => scheduler.runUntil(promise);

function invocation(command: keyof typeof ledger.commands, params: unknown): WrittenInvocation {
  return writtenInvocationOf(command, params, {}, manualPlatform(), defaultLimits);
}

function execute(name: string, command: keyof typeof ledger.commands = 'add') {
  return shard.start('execute', {
    ...address,
    invocation: invocation(command, entry(name)),
    resentAfter: undefined,
  });
}

/** Until the writer holds commits back. */
async function untilHeld(): Promise<void> {
  while (log.waiting === 0) await scheduler.step();
}

describe('a shard behind its link', () => {
  it('says what its app has', async () => {
    expect(await run(shard.call('ready', null))).toEqual({
      name: 'ledger',
      commands: Object.keys(ledger.commands),
      queries: Object.keys(ledger.queries ?? {}),
      views: ['main', 'amounts'],
      reactors: [],
      viewVersions: { main: 1, amounts: 1 },
    });
  });

  it('executes, fetches and queries', async () => {
    expect(await run(execute('a').answer)).toEqual({ firstEventId: 1, eventCount: 1, spaceSequence: 1 });
    expect(await run(shard.call('fetch', { ...address, key: 'count' }))).toEqual({ value: 1 });
    expect(await run(shard.call('fetch', { ...address, key: 'nothing' }))).toEqual({});
    const state = await run(shard.call('query', { ...address, query: 'everything' }));
    expect(state.value).toEqual(folded(await log.readSpace(1, 0, wide)));
    expect(await run(shard.call('stats', null))).toMatchObject({ openSpaces: 1, turns: 4 });
  });

  it('sends a rejection with its reason and details', async () => {
    const [, rejected] = [execute('a'), rejectionOf(execute('b', 'addIfEven').answer)];
    expect(await run(rejected)).toMatchObject({
      code: 'command_rejected',
      reason: 'odd',
      details: { count: 1 },
    });
  });

  it('decides calls in the order in which they were made', async () => {
    const answers = Array.from({ length: 30 }, (_, n) => execute(`${n}`).answer);
    const sequences = (await run(Promise.all(answers))).map(({ spaceSequence }) => spaceSequence);
    expect(sequences).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });

  it('aborts a command that was not decided, and writes nothing', async () => {
    const call = execute('a');
    call.cancel();
    expect((await run(rejectionOf(call.answer))).code).toBe('aborted');
    await run(shard.call('checkpoint', address));
    expect(await log.readSpace(1, 0, wide)).toEqual([]);
  });

  it('says of a command that was decided that its outcome is unknown', async () => {
    await run(execute('a').answer);
    log.isHeld = true;
    const call = execute('b');
    await untilHeld();
    call.cancel();
    expect((await run(rejectionOf(call.answer))).code).toBe('outcome_unknown');
    log.releaseAll();
    await run(shard.call('checkpoint', address));
    expect(await log.readSpace(1, 0, wide)).toHaveLength(2);
  });

  it('aborts a read that is held back', async () => {
    await run(execute('a').answer);
    log.isHeld = true;
    execute('b').answer.catch(() => {});
    const read = shard.start('fetch', { ...address, key: 'count' });
    await untilHeld();
    read.cancel();
    expect((await run(rejectionOf(read.answer))).code).toBe('aborted');
    log.releaseAll();
  });

  it('reports how far a rebuild has come, and aborts it', async () => {
    for (const name of ['a', 'b', 'c']) await run(execute(name).answer);
    const reports: number[] = [];
    const onProgress = ({ eventsApplied }: { eventsApplied: number }) => reports.push(eventsApplied);
    const done = await run(shard.call('rebuild', address, { onProgress }));
    expect([done.eventsApplied, reports]).toEqual([3, [1, 2, 3]]);
    const aborted = shard.start('rebuild', address);
    aborted.cancel();
    expect((await run(rejectionOf(aborted.answer))).code).toBe('aborted');
  });

  it('reads the state as of an earlier sequence', async () => {
    for (const name of ['a', 'b', 'c']) await run(execute(name).answer);
    const earlier = { ...address, at: 2 };
    expect(await run(shard.call('fetch', { ...earlier, key: 'count' }))).toEqual({ value: 2 });
    expect(await run(shard.call('fetch', { ...earlier, key: 'amount:1', view: 'amounts' }))).toEqual({
      value: 2,
    });
    const state = await run(shard.call('query', { ...earlier, query: 'everything' }));
    expect(state.value).toEqual(folded((await log.readSpace(1, 0, wide)).slice(0, 2)));
    expect(await run(shard.call('fetch', { ...address, at: 0, key: 'count' }))).toEqual({});
    const tooFar = await run(rejectionOf(shard.call('fetch', { ...address, at: 4, key: 'count' })));
    expect([tooFar.code, tooFar.details['field']]).toEqual(['invalid_input', 'spaceSequence']);
  });

  it('lets go of a reader of the past who has gone, and goes on', async () => {
    for (const name of ['a', 'b', 'c']) await run(execute(name).answer);
    const read = shard.start('fetch', { ...address, at: 3, key: 'count' });
    read.cancel();
    expect((await run(rejectionOf(read.answer))).code).toBe('aborted');
    expect(await run(shard.call('fetch', { ...address, at: 3, key: 'count' }))).toEqual({ value: 3 });
  });

  it('answers a watcher when there is something that it does not know, and lets it go', async () => {
    const watch = { ...address, target: { kind: 'key', view: 'main', key: 'count' } } as const;
    expect(await run(shard.call('watch', { ...watch, known: null }))).toEqual({ token: 'nothing' });
    const waiting = shard.call('watch', { ...watch, known: 'nothing' });
    await run(execute('a').answer);
    const shown = await run(waiting);
    expect(shown.value).toBe(1);
    const left = shard.start('watch', { ...watch, known: shown.token });
    await scheduler.advance(100);
    expect(await run(shard.call('stats', null))).toMatchObject({ watchers: 1 });
    left.cancel();
    expect((await run(rejectionOf(left.answer))).code).toBe('aborted');
    expect(await run(shard.call('stats', null))).toMatchObject({ watchers: 0 });
  });

  it('rebuilds one view, says how views are, fills them, migrates, and is well', async () => {
    for (const name of ['a', 'b']) await run(execute(name).answer);
    expect(await run(shard.call('rebuild', { ...address, views: ['amounts'] }))).toMatchObject({
      eventsApplied: 2,
    });
    expect(await run(shard.call('views', address))).toMatchObject([
      { view: 'main', state: 'live', spaceSequence: 2, lag: 0 },
      { view: 'amounts', state: 'live', serves: { version: 1, spaceSequence: 2 } },
    ]);
    expect(await run(shard.call('fillViews', address))).toBeNull();
    expect(await run(shard.call('migrateAll', address))).toMatchObject({ failed: 0 });
    const skip = { ...address, view: 'main', spaceSequence: 1 };
    expect((await run(rejectionOf(shard.call('skipEvent', skip)))).code).toBe('invalid_input');
    expect(await run(shard.call('health', null))).toEqual({
      problems: [],
      stopped: 0,
      changed: 0,
      building: 0,
      repairs: { views: 0, files: 0 },
      reactors: [],
    });
  });

  it('refuses a query that the app does not have', async () => {
    const error = await run(rejectionOf(shard.call('query', { ...address, query: 'everythin' })));
    expect([error.code, error.details['nearest']]).toEqual(['unknown_query', 'everything']);
  });

  it('lets a deleted space go', async () => {
    await run(execute('a').answer);
    await run(writer.call('changeSpace', { kind: 'markSpaceDeleted', spaceId: 1 }));
    expect(await run(shard.call('dropSpace', { ...address, rewriteBytesMax: 0 }))).toEqual({ traces: null });
    expect((await run(rejectionOf(execute('b').answer))).code).toBe('not_found');
  });

  it('drains with everything persisted, and then its thread ends', async () => {
    await run(execute('a').answer);
    expect(await run(shard.call('drain', null))).toBeNull();
    await scheduler.advance(10);
    expect(ended).toEqual(['shard drained']);
    await run(writer.call('drain', null));
    await scheduler.advance(10);
    expect(ended).toEqual(['shard drained', 'writer drained']);
  });

  it('outlives a writer that dies of a commit in doubt', async () => {
    await run(execute('a').answer);
    log.fates.push('writtenInDoubt');
    const call = execute('b');
    await scheduler.advance(200);
    expect(ended).toEqual(['writer: the disk failed while it committed']);
    const clock = schedulerClock(scheduler, () => true);
    const [toWriter, writerMain] = houseChannel(scheduler);
    void runWriter({ log, limits: defaultLimits, clock, main: writerMain });
    writer = new Caller(writerLink, toWriter, clock);
    const [shardEnd, writerEnd] = houseChannel(scheduler);
    void writer.call('connectShard', null, { ports: [writerEnd] });
    void shard.call('connectWriter', null, { ports: [shardEnd] });
    expect(await run(call.answer)).toEqual({ firstEventId: 2, eventCount: 1, spaceSequence: 2 });
    expect(await log.readSpace(1, 0, wide)).toHaveLength(2);
  });
});
