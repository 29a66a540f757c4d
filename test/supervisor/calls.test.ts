import { beforeEach, describe, expect, it } from 'vitest';
import type { Answerable } from '../../src/core/answerable.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import type { CallPlan } from '../../src/supervisor/call-plan.js';
import { Calls } from '../../src/supervisor/calls.js';
import { noOptions, type WaitOptions } from '../../src/supervisor/wait-options.js';
import { Settlements } from '../content-store/settlements.js';
import { rejectionOf } from '../core/error-of.js';
import { ManualClock } from '../testing/manual-clock.js';

const limits = resolveLimits({
  spaceInFlightMax: 1,
  spaceWaitingMax: 2,
  callTimeoutMs: 100,
  cancelGraceMs: 20,
});

/** A call as the other end sees it. */
class Begun {
  readonly #waiter: Answerable<string>;
  cancelled = 0;

  constructor(waiter: Answerable<string>) {
    this.#waiter = waiter;
  }

  resolve(reply: string): void {
    this.#waiter.answered(reply);
  }

  reject(error: RamaxError): void {
    this.#waiter.failed(error);
  }
}

let clock: ManualClock;
let calls: Calls;
let settled: Settlements;
/** Calls that were sent, in order. */
let begun: Begun[];

beforeEach(() => {
  clock = new ManualClock();
  calls = new Calls(clock, limits, 'wait');
  settled = new Settlements();
  begun = [];
});

function plan(more: Partial<CallPlan<string>> = {}): CallPlan<string> {
  let call: Begun | undefined;
  return {
    spaceId: 1,
    bytes: 10,
    isCommand: true,
    isCancellable: true,
    begin: (waiter) => {
      call = new Begun(waiter);
      begun.push(call);
    },
    cancel: () => {
      if (call !== undefined) call.cancelled++;
    },
    ...more,
  };
}

function make(name: string, options: WaitOptions = {}, more: Partial<CallPlan<string>> = {}): void {
  settled.watch(name, calls.make(plan(more), options));
}

/** What a shard answers to a call that it had not decided when it was cancelled. */
const undecided = new RamaxError('aborted', 'the command was aborted before it was decided');
const decided = new RamaxError('outcome_unknown', 'the command was decided, but its commit was not awaited');

describe('a call', () => {
  it('is sent at once when there is room, and gives the reply', async () => {
    make('a');
    expect([begun.length, calls.inFlight]).toEqual([1, 1]);
    begun[0]?.resolve('done');
    await clock.settle();
    expect(settled.outcomes['a']).toEqual({ kind: 'ok', value: 'done' });
    expect([calls.inFlight, clock.timers]).toEqual([0, 1]);
  });

  it('gives the error of the other end as it is', async () => {
    make('a');
    begun[0]?.reject(new RamaxError('command_rejected', 'no', { reason: 'odd' }));
    await clock.settle();
    expect(settled.outcomes['a']).toMatchObject({ code: 'command_rejected', reason: 'odd' });
  });

  it('waits for room, and is sent when there is some, in the order of the calls', async () => {
    for (const name of ['a', 'b', 'c']) make(name);
    expect(begun).toHaveLength(1);
    begun[0]?.resolve('1');
    await clock.settle();
    expect(begun).toHaveLength(2);
    begun[1]?.resolve('2');
    await clock.settle();
    begun[2]?.resolve('3');
    await clock.settle();
    expect(settled.names).toEqual(['a', 'b', 'c']);
  });

  it('fails at once without room when its caller does not want to wait', async () => {
    make('a');
    make('b', { overload: 'fail' });
    await clock.settle();
    expect(settled.outcomes['b']).toMatchObject({ code: 'overloaded', details: { spaceInFlight: 1 } });
    expect(begun).toHaveLength(1);
  });

  it('that cannot be begun fails, and gives its room back', async () => {
    const begin = (): never => {
      throw new RamaxError('unavailable', 'the writer is down');
    };
    make('a', {}, { begin });
    make('b');
    await clock.settle();
    expect(settled.outcomes['a']).toMatchObject({ code: 'unavailable' });
    expect([begun.length, calls.inFlight]).toEqual([1, 1]);
    begun[0]?.resolve('1');
    await calls.drain(new RamaxError('closed', 'the runtime is closed'));
  });

  it('fails when too many wait already', async () => {
    for (const name of ['a', 'b', 'c', 'd']) make(name);
    await clock.settle();
    expect(settled.outcomes).toMatchObject({ d: { code: 'overloaded', details: { spaceWaiting: 2 } } });
  });
});

describe('a call without options', () => {
  it('has the runtime’s deadline and its policy', async () => {
    settled.watch('a', calls.make(plan(), noOptions));
    settled.watch('waits', calls.make(plan(), noOptions));
    expect([begun.length, clock.timers]).toEqual([1, 1]);
    await clock.advance(limits.callTimeoutMs);
    expect(begun[0]?.cancelled).toBe(1);
    expect(settled.outcomes).toMatchObject({ waits: { code: 'timeout' } });
  });
});

describe('many calls that wait for room', () => {
  it('all end when none of them can be begun any more', async () => {
    const wide = resolveLimits({ spaceInFlightMax: 1, spaceWaitingMax: 20_000 });
    calls = new Calls(clock, wide, 'wait');
    make('first');
    const begin = (waiter: Answerable<string>): void =>
      waiter.failed(new RamaxError('unavailable', 'the shard keeps failing'));
    for (let call = 0; call < 20_000; call++) make(`${call}`, {}, { begin });
    begun[0]?.resolve('1');
    await calls.drain(new RamaxError('closed', 'the runtime is closed'));
    expect([settled.names.length, calls.inFlight]).toEqual([20_001, 0]);
  });
});

describe.each(['aborted', 'timeout'] as const)('a call whose caller goes (%s)', (why) => {
  let abort: AbortController;

  beforeEach(() => {
    abort = new AbortController();
  });

  /** The caller goes. */
  async function go(): Promise<void> {
    if (why === 'aborted') abort.abort();
    else await clock.advance(limits.callTimeoutMs);
    await clock.settle();
  }

  it('before it has room ends at once, and nothing is sent', async () => {
    make('a', { timeoutMs: 10_000 });
    make('b', { signal: abort.signal });
    await go();
    expect(settled.outcomes['b']).toMatchObject({ code: why });
    begun[0]?.resolve('1');
    await clock.settle();
    expect([begun.length, calls.inFlight]).toEqual([1, 0]);
  });

  it('before it was decided ends with that, as the shard says', async () => {
    make('a', { signal: abort.signal });
    await go();
    expect([begun[0]?.cancelled, settled.names]).toEqual([1, []]);
    begun[0]?.reject(undecided);
    await clock.settle();
    expect(settled.outcomes['a']).toMatchObject({ code: why });
  });

  it('after it was decided is unknown, as the shard says', async () => {
    make('a', { signal: abort.signal });
    await go();
    begun[0]?.reject(decided);
    await clock.settle();
    expect(settled.outcomes['a']).toMatchObject({ code: 'outcome_unknown' });
  });

  it('gets its reply when that comes in time', async () => {
    make('a', { signal: abort.signal });
    await go();
    begun[0]?.resolve('done');
    await clock.settle();
    expect(settled.outcomes['a']).toEqual({ kind: 'ok', value: 'done' });
  });

  it('is unknown when the shard does not say in time, and keeps its room until it does', async () => {
    make('a', { signal: abort.signal });
    await go();
    await clock.advance(limits.cancelGraceMs - 1);
    expect(settled.names).toEqual([]);
    await clock.advance(1);
    expect(settled.outcomes['a']).toMatchObject({ code: 'outcome_unknown' });
    expect(calls.inFlight).toBe(1);
    begun[0]?.resolve('too late');
    await clock.settle();
    expect(calls.inFlight).toBe(0);
  });

  it('is never unknown when it only reads', async () => {
    make('a', { signal: abort.signal }, { isCommand: false });
    await go();
    await clock.advance(limits.cancelGraceMs);
    expect(settled.outcomes['a']).toMatchObject({ code: why });
  });

  it('ends at once when nobody can call it back: a change is unknown, a read is not', async () => {
    make('change', { signal: abort.signal }, { isCancellable: false });
    make('read', { signal: abort.signal }, { isCancellable: false, isCommand: false, spaceId: 2 });
    await go();
    expect(settled.outcomes).toMatchObject({
      change: { code: 'outcome_unknown' },
      read: { code: why },
    });
    expect(begun.map(({ cancelled }) => cancelled)).toEqual([0, 0]);
  });

  it('after its answer changes nothing', async () => {
    make('a', { signal: abort.signal });
    begun[0]?.resolve('done');
    await clock.settle();
    await go();
    expect(settled.outcomes['a']).toEqual({ kind: 'ok', value: 'done' });
    expect(begun[0]?.cancelled).toBe(0);
  });
});

describe('a call that is both aborted and late', () => {
  it('ends with what came first', async () => {
    const abort = new AbortController();
    make('a', { signal: abort.signal });
    abort.abort();
    await clock.advance(limits.cancelGraceMs - 1);
    begun[0]?.reject(undecided);
    await clock.advance(1_000);
    expect(settled.outcomes['a']).toMatchObject({ code: 'aborted' });
    expect(begun[0]?.cancelled).toBe(1);
  });
});

describe('the door of a call', () => {
  it.each<readonly [what: string, options: unknown, field: string]>([
    ['options that are none', null, 'options'],
    ['a timeout of 0', { timeoutMs: 0 }, 'timeoutMs'],
    ['half a timeout', { timeoutMs: 1.5 }, 'timeoutMs'],
    ['a policy that there is not', { overload: 'drop' }, 'overload'],
    ['a signal that is none', { signal: {} }, 'signal'],
  ])('refuses %s', async (_what, options, field) => {
    const error = await rejectionOf(calls.make(plan(), options as WaitOptions));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', field]);
    expect([begun.length, calls.inFlight]).toEqual([0, 0]);
  });

  it('refuses a call that was aborted before', async () => {
    const error = await rejectionOf(calls.make(plan(), { signal: AbortSignal.abort() }));
    expect([error.code, begun.length]).toEqual(['aborted', 0]);
  });

  it('keeps no listener on a signal that outlives many calls', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = ((type: string, listener: () => void) => {
      listeners.add(listener);
      add(type, listener);
    }) as typeof signal.addEventListener;
    signal.removeEventListener = ((type: string, listener: () => void) => {
      listeners.delete(listener);
      remove(type, listener);
    }) as typeof signal.removeEventListener;
    for (let n = 0; n < 20; n++) {
      make(`call ${n}`, { signal });
      begun.at(-1)?.resolve('done');
      await clock.settle();
    }
    expect([settled.open, listeners.size]).toEqual([0, 0]);
  });
});

describe('a call to the registry or to the log', () => {
  it('reads and changes, and waits for room in its own place', async () => {
    const answers: ((value: string) => void)[] = [];
    const ask = () => new Promise<string>((resolve) => answers.push(resolve));
    settled.watch('change', calls.change(ask, {}));
    settled.watch('read', calls.read(0, ask, {}));
    settled.watch('other space', calls.read(7, ask, {}));
    expect(answers).toHaveLength(2);
    for (const answer of answers) answer('x');
    await clock.settle();
    answers[2]?.('y');
    await clock.settle();
    expect(settled.names).toEqual(['change', 'other space', 'read']);
  });

  it('fails at once without room where the runtime fails calls, except in the registry', async () => {
    calls = new Calls(clock, limits, 'fail');
    const never = () => new Promise<string>(() => {});
    settled.watch('first', calls.read(7, never, {}));
    settled.watch('second', calls.read(7, never, {}));
    settled.watch('registry', calls.read(0, never, {}));
    settled.watch('registry, too', calls.read(0, never, {}));
    await clock.settle();
    expect(settled.names).toEqual(['second']);
    expect(settled.outcomes['second']).toMatchObject({ code: 'overloaded' });
  });
});

describe('draining', () => {
  it('refuses new calls, and waits for those under way and those that wait for room', async () => {
    for (const name of ['a', 'b']) make(name);
    settled.watch('drained', calls.drain(new RamaxError('closed', 'the runtime is closed')));
    make('late');
    await clock.settle();
    expect(settled.outcomes['late']).toMatchObject({ code: 'closed' });
    begun[0]?.resolve('1');
    await clock.settle();
    expect(settled.names).toEqual(['late', 'a']);
    begun[1]?.resolve('2');
    await clock.settle();
    expect(settled.names).toEqual(['late', 'a', 'b', 'drained']);
  });

  it('is done at once when nothing is under way, and leaves no timer behind', async () => {
    make('a');
    begun[0]?.resolve('1');
    await clock.settle();
    await calls.drain(new RamaxError('closed', 'the runtime is closed'));
    calls.close();
    expect(clock.timers).toBe(0);
  });
});
