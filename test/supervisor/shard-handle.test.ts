import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../src/content-store/content-store.js';
import type { Accepted } from '../../src/content-store/turn.js';
import type { RebuildProgress } from '../../src/content-store/view-fill.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import type { PendingCall } from '../../src/protocol/link.js';
import type { CallPlan } from '../../src/supervisor/call-plan.js';
import { Calls } from '../../src/supervisor/calls.js';
import { ShardHandle } from '../../src/supervisor/shard-handle.js';
import { noOptions } from '../../src/supervisor/wait-options.js';
import { Scheduler } from '../../src/testing/scheduler.js';
import { Settlements } from '../content-store/settlements.js';
import { ManualClock } from '../testing/manual-clock.js';
import { FakeShard } from './fake-shard.js';

const address = { spaceId: 1, spaceName: 'acme' };

let scheduler: Scheduler;
let handle: ShardHandle;
let shard: FakeShard;
let settled: Settlements;

beforeEach(() => {
  scheduler = new Scheduler(1);
  handle = new ShardHandle({ restartsMax: 5 });
  settled = new Settlements();
  shard = new FakeShard(scheduler);
});

/** Begins a command. */
function execute(command: string, spaceId = 1): CallPlan<CommandResult> {
  const invocation = { invocationId: `of ${command}`, command, params: undefined };
  return begun(command, handle.command({ ...address, spaceId }, invocation));
}

/** Begins a call, and watches its answer under its name. */
function begun<Result>(name: string, call: CallPlan<Result>): CallPlan<Result> {
  settled.watch(name, new Promise((answered, failed) => call.begin({ answered, failed })));
  return call;
}

function fetch(key: string): PendingCall<unknown> {
  const call = handle.call('fetch', { ...address, key });
  settled.watch(`fetch ${key}`, call.answer);
  return call;
}

/** Everything that is under way arrives. */
const arrive = (): Promise<void> => scheduler.advance(500);

function accepted(spaceSequence: number): Accepted {
  return { firstEventId: spaceSequence, eventCount: 1, spaceSequence };
}

/** The shard dies, and another one comes up in its place. */
async function replaceShard(): Promise<void> {
  shard.die();
  await arrive();
  shard = new FakeShard(scheduler);
  handle.up(shard.caller);
  await arrive();
}

describe('a shard’s stand-in', () => {
  it('keeps calls until the shard is up, and sends them in the order in which they were made', async () => {
    for (const command of ['a', 'b']) execute(command);
    fetch('k');
    execute('c');
    expect(handle.openCalls).toBe(4);
    handle.up(shard.caller);
    await arrive();
    expect(shard.seen).toEqual(['a', 'b', 'fetch k', 'c']);
    expect(settled.outcomes['fetch k']).toEqual({ kind: 'ok', value: { value: 'k' } });
    expect(handle.openCalls).toBe(3);
  });

  it('gives replies, errors and progress as they come', async () => {
    handle.up(shard.caller);
    execute('a');
    execute('b');
    const reports: number[] = [];
    const onProgress = ({ eventsApplied }: RebuildProgress): void => void reports.push(eventsApplied);
    begun('rebuild', handle.request(1, 'rebuild', address, onProgress));
    await arrive();
    shard.commands.get('b')?.fail(new RamaxError('command_rejected', 'no', { reason: 'odd' }));
    shard.commands.get('a')?.accept(accepted(1));
    await arrive();
    expect(settled.outcomes).toMatchObject({
      a: { kind: 'ok', value: { eventIds: [1], spaceSequence: 1 } },
      b: { code: 'command_rejected', reason: 'odd' },
    });
    expect(settled.outcomes['rebuild']).toMatchObject({ kind: 'ok', value: { eventsApplied: 1 } });
    expect(reports).toEqual([1]);
  });

  it('tells of the last event of each command that is answered', async () => {
    const told: number[] = [];
    handle = new ShardHandle({ restartsMax: 5 }, (eventId) => told.push(eventId));
    handle.up(shard.caller);
    execute('three');
    await arrive();
    shard.commands.get('three')!.accept({ firstEventId: 7, eventCount: 3, spaceSequence: 3 });
    await arrive();
    expect(told).toEqual([9]);
  });

  it('says nothing of an earlier sending when a call is sent for the first time', async () => {
    handle.up(shard.caller);
    execute('a');
    await arrive();
    expect(shard.commands.get('a')?.invocation.resentAfter).toBeUndefined();
  });
});

describe('when the shard is lost', () => {
  beforeEach(() => {
    handle.up(shard.caller);
  });

  it('sends everything without an answer again, in the old order, before anything younger', async () => {
    for (const command of ['a', 'b']) execute(command);
    fetch('k');
    await arrive();
    shard.commands.get('a')?.accept(accepted(1));
    await arrive();
    shard.die();
    await arrive();
    execute('c');
    shard = new FakeShard(scheduler);
    handle.up(shard.caller);
    execute('d');
    await arrive();
    expect(shard.seen).toEqual(['b', 'c', 'd']);
    expect(settled.names).toEqual(['fetch k', 'a']);
  });

  it('says of a command that is sent again behind which sequence it may be in the log', async () => {
    execute('first');
    await arrive();
    shard.commands.get('first')?.accept(accepted(7));
    await arrive();
    execute('second');
    execute('elsewhere', 2);
    await replaceShard();
    execute('third');
    await arrive();
    const resentAfter = (command: string) => shard.commands.get(command)?.invocation.resentAfter;
    expect([resentAfter('second'), resentAfter('elsewhere'), resentAfter('third')]).toEqual([
      7,
      0,
      undefined,
    ]);
    shard.commands.get('third')?.accept(accepted(9));
    await arrive();
    await replaceShard();
    expect(resentAfter('second')).toBe(7);
  });

  it('forgets the sequence of a space that is gone', async () => {
    execute('first');
    await arrive();
    shard.commands.get('first')?.accept(accepted(7));
    await arrive();
    handle.forget(1);
    execute('second');
    await replaceShard();
    expect(shard.commands.get('second')?.invocation.resentAfter).toBe(0);
  });

  it('takes an answer that was on its way', async () => {
    execute('a');
    await arrive();
    shard.commands.get('a')?.accept(accepted(1));
    await scheduler.advance(0.1);
    await replaceShard();
    expect(settled.outcomes['a']).toMatchObject({ kind: 'ok' });
    expect(shard.seen).toEqual([]);
  });

  it('gives a call up that has seen several losses: it may be what the shard dies of', async () => {
    execute('poison');
    fetch('reads are given up, too');
    shard.die();
    for (let loss = 0; loss < 3; loss++) await replaceShard();
    expect(settled.outcomes).toMatchObject({ poison: { code: 'outcome_unknown' } });
    expect(handle.openCalls).toBe(0);
    expect(shard.seen).toEqual([]);
  });
});

describe('a call that begins because another one is given up', () => {
  it('reaches the shard behind all that were begun before it', async () => {
    const limits = resolveLimits({ spaceInFlightMax: 2 });
    const calls = new Calls(new ManualClock(), limits, 'wait');
    const make = (command: string): void => {
      const invocation = { invocationId: `of ${command}`, command, params: undefined };
      settled.watch(command, calls.make(handle.command(address, invocation), noOptions));
    };
    handle.up(shard.caller);
    make('poison');
    await arrive();
    for (let loss = 0; loss < 2; loss++) await replaceShard();
    for (const command of ['old', 'waits']) make(command);
    await replaceShard();
    expect(settled.outcomes).toMatchObject({ poison: { code: 'outcome_unknown' } });
    expect(shard.seen).toEqual(['old', 'waits']);
  });

  it('ends with the others when there will be no shard any more', async () => {
    const limits = resolveLimits({ spaceInFlightMax: 1 });
    const calls = new Calls(new ManualClock(), limits, 'wait');
    const read = () => handle.read(1, 'fetch', { ...address, key: 'k' }, 0);
    for (let call = 0; call < 5_000; call++) settled.watch(`${call}`, calls.make(read(), noOptions));
    handle.fail(new RamaxError('unavailable', 'the shard keeps failing'));
    await calls.drain(new RamaxError('closed', 'the runtime is closed'));
    expect([settled.names.length, calls.inFlight, handle.openCalls]).toEqual([5_000, 0, 0]);
  });
});

describe('a call that is cancelled', () => {
  it('while the shard has it is cancelled there, and ends with what the shard says', async () => {
    handle.up(shard.caller);
    const call = execute('a');
    await arrive();
    call.cancel();
    await arrive();
    expect([shard.commands.get('a')?.isCancelled, settled.names]).toEqual([true, []]);
    shard.commands.get('a')?.fail(new RamaxError('aborted', 'before it was decided'));
    await arrive();
    expect(settled.outcomes['a']).toMatchObject({ code: 'aborted' });
  });

  it('before the shard was up is aborted, and never sent', async () => {
    execute('a').cancel();
    fetch('k').cancel();
    handle.up(shard.caller);
    await arrive();
    expect(settled.outcomes).toMatchObject({ a: { code: 'aborted' }, 'fetch k': { code: 'aborted' } });
    expect(shard.seen).toEqual([]);
  });

  it('while the shard is down is unknown when it was sent before, and not sent again', async () => {
    handle.up(shard.caller);
    const [command, read] = [execute('a'), fetch('k')];
    shard.die();
    await arrive();
    command.cancel();
    read.cancel();
    shard = new FakeShard(scheduler);
    handle.up(shard.caller);
    await arrive();
    expect(settled.outcomes).toMatchObject({
      a: { code: 'outcome_unknown' },
      'fetch k': { code: 'aborted' },
    });
    expect(shard.seen).toEqual([]);
  });

  it('and then loses its shard is unknown', async () => {
    handle.up(shard.caller);
    const call = execute('a');
    await arrive();
    call.cancel();
    shard.die();
    await arrive();
    expect(settled.outcomes['a']).toMatchObject({ code: 'outcome_unknown' });
    expect(handle.openCalls).toBe(0);
  });

  it('after its answer changes nothing', async () => {
    handle.up(shard.caller);
    const call = execute('a');
    await arrive();
    shard.commands.get('a')?.accept(accepted(1));
    await arrive();
    call.cancel();
    await arrive();
    expect(shard.commands.get('a')?.isCancelled).toBe(false);
  });
});

describe('when there will be no shard any more', () => {
  const gone = new RamaxError('unavailable', 'the shard keeps failing');

  it('ends what was sent as unknown, what was not and what only reads with the reason', async () => {
    handle.up(shard.caller);
    execute('sent');
    handle.call('checkpoint', address).answer.catch(() => {});
    shard.die();
    await arrive();
    execute('waiting');
    fetch('k');
    handle.fail(gone);
    await arrive();
    expect(settled.outcomes).toMatchObject({
      sent: { code: 'outcome_unknown' },
      waiting: { code: 'unavailable' },
      'fetch k': { code: 'unavailable' },
    });
    expect(handle.openCalls).toBe(0);
  });

  it('fails later calls at once', async () => {
    handle.fail(gone);
    execute('late');
    await arrive();
    expect(settled.outcomes['late']).toMatchObject({ code: 'unavailable' });
  });
});

describe('a call that was given up with its shard', () => {
  it('is told nothing more when its answer comes all the same', async () => {
    handle.up(shard.caller);
    execute('a');
    await arrive();
    handle.fail(new RamaxError('unavailable', 'another shard keeps failing'));
    shard.commands.get('a')?.accept(accepted(1));
    await arrive();
    expect(settled.outcomes['a']).toMatchObject({ code: 'outcome_unknown' });
    expect(handle.openCalls).toBe(0);
  });

  it('does not keep its link from closing, also when it was cancelled before', async () => {
    handle.up(shard.caller);
    const [cancelled] = [execute('a'), execute('b')];
    await arrive();
    cancelled.cancel();
    handle.fail(new RamaxError('unavailable', 'another shard keeps failing'));
    shard.caller.close();
    await arrive();
    for (const name of ['a', 'b']) expect(settled.outcomes[name]).toMatchObject({ code: 'outcome_unknown' });
    expect(shard.caller.waiting).toBe(0);
  });
});
