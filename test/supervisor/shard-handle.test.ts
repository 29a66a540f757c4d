import { beforeEach, describe, expect, it } from 'vitest';
import type { CommandResult } from '../../src/content-store/content-store.js';
import type { Accepted } from '../../src/content-store/turn.js';
import type { RebuildProgress } from '../../src/content-store/view-fill.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { PendingCall } from '../../src/protocol/link.js';
import type { CallPlan } from '../../src/supervisor/call-plan.js';
import { Calls } from '../../src/supervisor/calls.js';
import { Quarantine } from '../../src/supervisor/quarantine.js';
import { ShardHandle, type ShardHandleOptions } from '../../src/supervisor/shard-handle.js';
import { noOptions } from '../../src/supervisor/wait-options.js';
import { Scheduler } from '../../src/testing/scheduler.js';
import { Settlements } from '../content-store/settlements.js';
import { ManualClock } from '../testing/manual-clock.js';
import { FakeShard, type SeenCommand } from './fake-shard.js';

const address = { spaceId: 1, spaceName: 'acme' };

let scheduler: Scheduler;
let handle: ShardHandle;
let shard: FakeShard;
let quarantine: Quarantine;
/** Suspects that have run to their end. */
let acquitted: string[];
let settled: Settlements;

beforeEach(() => {
  scheduler = new Scheduler(1);
  quarantine = new Quarantine(nodePlatform.textDigest);
  acquitted = [];
  handle = newHandle();
  settled = new Settlements();
  shard = new FakeShard(scheduler);
});

function newHandle(options: Partial<ShardHandleOptions> = {}): ShardHandle {
  return new ShardHandle({
    limits: { restartsMax: 5 },
    quarantine,
    onAcquitted: (suspect) => acquitted.push(suspect),
    ...options,
  });
}

/** Begins a command. */
function execute(command: string, spaceId = 1): CallPlan<CommandResult> {
  const invocation = { invocationId: `of ${command}`, command, params: undefined };
  return begun(command, handle.command({ ...address, spaceId }, invocation));
}

/** Begins a command with an id. */
function executeAs(commandId: string, command: string, spaceId: number): CallPlan<CommandResult> {
  const invocation = { invocationId: `of ${command}`, command, params: undefined, commandId, paramsHash: '' };
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

const deadly = new RamaxError('unavailable', 'the shard thread ended: worker exited with code: 7');

/** The shard dies, perhaps of a command that it ran, and another one comes up in its place. */
async function replaceShard(command?: string): Promise<string | undefined> {
  const { caller } = shard;
  const callId = command === undefined ? undefined : shard.commands.get(command)?.callId;
  shard.die();
  await arrive();
  const running = callId === undefined ? ({ kind: 'nothing' } as const) : ({ kind: 'call', callId } as const);
  const suspect = handle.lost(caller, running, deadly);
  shard = new FakeShard(scheduler);
  handle.up(shard.caller);
  await arrive();
  return suspect;
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
    handle = newHandle({ onCommitted: (eventId) => told.push(eventId) });
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

  it('gives a call up that has seen several losses of which nobody knows the reason', async () => {
    execute('poison');
    fetch('reads are given up, too');
    for (let loss = 0; loss < 3; loss++) await replaceShard();
    expect(settled.outcomes).toMatchObject({ poison: { code: 'outcome_unknown' } });
    expect(handle.openCalls).toBe(0);
    expect(shard.seen).toEqual([]);
  });
});

describe('what runs when its shard dies', () => {
  beforeEach(() => {
    handle.up(shard.caller);
  });

  it('is suspected, it alone, and refused after the third death; what was in flight beside it goes on', async () => {
    for (const command of ['innocent', 'poison', 'behind']) execute(command);
    await arrive();
    const suspects = [];
    for (let death = 0; death < 3; death++) suspects.push(await replaceShard('poison'));
    expect(new Set(suspects)).toEqual(new Set(['command 1 of of poison']));
    expect(settled.outcomes['poison']).toMatchObject({
      code: 'poisoned',
      details: { command: 'poison', spaceId: 1, spaceName: 'acme', invocationId: 'of poison', kills: 3 },
    });
    for (let death = 0; death < 8; death++) await replaceShard(undefined);
    expect(quarantine.refused).toMatchObject([{ name: 'poison', kills: 3 }]);
    expect(acquitted).toEqual([]);
  });

  it('does not count for what was in flight beside it', async () => {
    for (const command of ['poison 1', 'innocent', 'poison 2', 'poison 3']) execute(command);
    await arrive();
    for (const poison of [1, 2, 3]) {
      for (let death = 0; death < 3; death++) await replaceShard(`poison ${poison}`);
    }
    expect(shard.seen).toEqual(['innocent']);
    shard.commands.get('innocent')!.accept(accepted(1));
    await arrive();
    expect(settled.outcomes['innocent']).toMatchObject({ kind: 'ok' });
  });

  it('is refused by its commandId, also when it comes again, and before anything is sent', async () => {
    executeAs('the id', 'poison', 1);
    executeAs('the id', 'its copy', 1);
    await arrive();
    for (let death = 0; death < 3; death++) await replaceShard('poison');
    executeAs('the id', 'again', 1);
    executeAs('the id', 'elsewhere', 2);
    await arrive();
    expect(settled.outcomes).toMatchObject({
      poison: { code: 'poisoned' },
      'its copy': { code: 'poisoned' },
      again: { code: 'poisoned' },
    });
    expect(shard.seen).toEqual(['elsewhere']);
  });

  it('counts although its caller has gone before the shard was lost', async () => {
    for (let death = 0; death < 3; death++) {
      executeAs('the id', `poison ${death}`, 1).cancel();
      await arrive();
      expect(await replaceShard(`poison ${death}`)).toBe('command 1 is the id');
      expect(settled.outcomes[`poison ${death}`]).toMatchObject({ code: 'outcome_unknown' });
    }
    executeAs('the id', 'again', 1);
    await arrive();
    expect(settled.outcomes['again']).toMatchObject({ code: 'poisoned' });
  });

  it.each([
    ['its answer', (command: SeenCommand) => command.accept(accepted(1))],
    ['a rejection', (command: SeenCommand) => command.fail(new RamaxError('command_rejected', 'no'))],
  ])('is acquitted by %s', async (_what, end) => {
    execute('unlucky');
    await arrive();
    for (let death = 0; death < 2; death++) await replaceShard('unlucky');
    expect(quarantine.isEmpty).toBe(false);
    end(shard.commands.get('unlucky')!);
    await arrive();
    expect([acquitted, quarantine.isEmpty]).toEqual([['command 1 of of unlucky'], true]);
  });

  it('is not acquitted by an error that can come without a turn', async () => {
    execute('poison');
    await arrive();
    await replaceShard('poison');
    shard.commands.get('poison')!.fail(new RamaxError('aborted', 'before it was decided'));
    await arrive();
    expect([acquitted, quarantine.isEmpty]).toEqual([[], false]);
  });

  it('is nobody of this link when the mark is of a shard that was lost before it was up', async () => {
    execute('innocent');
    await arrive();
    const { callId } = shard.commands.get('innocent')!;
    const never = new FakeShard(scheduler);
    expect(handle.lost(never.caller, { kind: 'call', callId }, deadly)).toBeUndefined();
    expect(quarantine.isEmpty).toBe(true);
  });

  it('is the migration of a space where that is what ran', async () => {
    begun('of 1', handle.request(1, 'migrateAll', address));
    begun('of 2', handle.request(2, 'migrateAll', { ...address, spaceId: 2 }));
    const { caller } = shard;
    const suspect = handle.lost(caller, { kind: 'migration', spaceId: 2 }, deadly);
    expect(suspect).toMatch(/^migrateAll 2 /);
  });

  it('is a query with its parameters: others are not refused', async () => {
    const query = (name: string, n: number) => {
      const params = { text: `${n}`, bytes: 8 };
      begun(name, handle.read(1, 'query', { ...address, query: 'sum', params }, 8));
    };
    query('poison', 1);
    for (let death = 0; death < 3; death++) {
      const { caller } = shard;
      caller.close();
      // The first call of a link has its first id.
      handle.lost(caller, { kind: 'call', callId: 0 }, deadly);
      shard = new FakeShard(scheduler);
      handle.up(shard.caller);
    }
    query('again', 1);
    query('other', 2);
    await arrive();
    expect(settled.outcomes).toMatchObject({
      poison: { code: 'poisoned', details: { query: 'sum', kills: 3 } },
      again: { code: 'poisoned' },
      other: { kind: 'ok' },
    });
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
