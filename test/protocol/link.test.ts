import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedFrames } from '../../src/codec/packed-frames.js';
import { RamaxError } from '../../src/core/errors.js';
import type { FrameCodec } from '../../src/protocol/frames.js';
import { jsonFrames } from '../../src/protocol/json-frames.js';
import {
  type Call,
  Caller,
  type Handlers,
  type LinkSpec,
  later,
  type Serving,
  serve,
} from '../../src/protocol/link.js';
import type { Port } from '../../src/protocol/port.js';
import { type HousePort, houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { rejectionOf } from '../core/error-of.js';
import { CountingPort } from './counting-port.js';

interface EchoCalls {
  readonly echo: Call<unknown, unknown>;
  /** Answers when the test says so. */
  readonly wait: Call<string, string, number>;
  readonly adopt: Call<null, number>;
}

const codecs = { json: jsonFrames, packed: packedFrames } as const;

/** A call of `wait` as its server sees it. */
interface Waiting {
  readonly name: string;
  readonly serving: Serving<number>;
  readonly answer: (reply: string) => void;
  readonly fail: (error: unknown) => void;
}

/** Both ends of a link, in one thread. */
class LinkBed {
  readonly scheduler: Scheduler;
  readonly caller: Caller<EchoCalls>;
  readonly callerPort: CountingPort;
  readonly serverPort: CountingPort;
  readonly echoed: unknown[] = [];
  readonly adopted: Port[] = [];
  readonly waiting = new Map<string, Waiting>();
  serverClosed = 0;

  constructor(codec: keyof typeof codecs = 'json', seed = 1, own?: FrameCodec<string>) {
    this.scheduler = new Scheduler(seed);
    const clock = schedulerClock(this.scheduler, () => true);
    const [left, right] = houseChannel(this.scheduler);
    this.callerPort = new CountingPort(left);
    this.serverPort = new CountingPort(right);
    const spec: LinkSpec<EchoCalls> = {
      name: 'test-link',
      codec: own ?? codecs[codec],
      calls: { echo: 0, wait: 1, adopt: 2 },
    };
    this.caller = new Caller(spec, this.callerPort, clock);
    serve(spec, this.serverPort, this.#handlers(), clock, () => this.serverClosed++);
  }

  #handlers(): Handlers<EchoCalls> {
    return {
      echo: (body) => {
        this.echoed.push(body);
        return body;
      },
      wait: (name, serving) =>
        new Promise((answer, fail) => this.waiting.set(name, { name, serving, answer, fail })),
      adopt: (_body, { ports }) => {
        this.adopted.push(...ports);
        return ports.length;
      },
    };
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.runUntil(promise);
  }

  /** Until nothing is under way any more. */
  async quiet(): Promise<void> {
    do await promisesSettle();
    while (await this.scheduler.step());
  }
}

function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe.each(Object.keys(codecs) as (keyof typeof codecs)[])('a link that carries %s', (codec) => {
  it('answers every call with its own reply, in the order of the calls', async () => {
    const bed = new LinkBed(codec);
    const bodies = Array.from({ length: 50 }, (_, n) => ({ n, list: [n] }));
    const settled: number[] = [];
    const answers = bodies.map((body, n) => bed.caller.call('echo', body).finally(() => settled.push(n)));
    expect(await bed.run(Promise.all(answers))).toEqual(bodies);
    expect(bed.echoed).toEqual(bodies);
    expect(settled).toEqual(bodies.map(({ n }) => n));
    expect(bed.caller.waiting).toBe(0);
  });

  it('settles calls in the order of their answers, whatever the order of the calls', async () => {
    const bed = new LinkBed(codec);
    const first = bed.caller.call('wait', 'first');
    const second = bed.caller.call('wait', 'second');
    await bed.quiet();
    bed.waiting.get('second')?.answer('2');
    expect(await bed.run(second)).toBe('2');
    bed.waiting.get('first')?.answer('1');
    expect(await bed.run(first)).toBe('1');
  });

  it('keeps code, message, details and reason of an error', async () => {
    const bed = new LinkBed(codec);
    const answer = bed.caller.call('wait', 'a');
    await bed.quiet();
    bed.waiting
      .get('a')
      ?.fail(new RamaxError('command_rejected', 'no', { reason: 'odd', details: { count: 3, list: ['x'] } }));
    const error = await bed.run(rejectionOf(answer));
    expect([error.code, error.message, error.reason]).toEqual(['command_rejected', 'no', 'odd']);
    expect(error.details).toEqual({ count: 3, list: ['x'] });
  });

  it('takes any other error for a failure of the other end', async () => {
    const bed = new LinkBed(codec);
    const answer = bed.caller.call('wait', 'a');
    await bed.quiet();
    bed.waiting.get('a')?.fail(new TypeError('no good'));
    const error = await bed.run(rejectionOf(answer));
    expect([error.code, error.message]).toEqual(['unavailable', 'internal error: no good']);
  });

  it('reports progress while a call is under way, and none after its answer', async () => {
    const bed = new LinkBed(codec);
    const reports: number[] = [];
    const answer = bed.caller.call('wait', 'a', { onProgress: (report) => reports.push(report) });
    await bed.quiet();
    const { serving, answer: reply } = bed.waiting.get('a')!;
    serving.report(1);
    serving.report(2);
    await bed.quiet();
    expect(reports).toEqual([1, 2]);
    serving.report(3);
    reply('done');
    await promisesSettle();
    serving.report(4);
    await bed.run(answer);
    await bed.quiet();
    expect(reports).toEqual([1, 2, 3]);
  });

  it('hands over ports that go on working', async () => {
    const bed = new LinkBed(codec);
    const [kept, given] = houseChannel(bed.scheduler);
    expect(await bed.run(bed.caller.call('adopt', null, { ports: [given] }))).toBe(1);
    const received = new Promise((resolve) => (bed.adopted[0] as HousePort).onMessage(resolve));
    kept.post('hello');
    expect(await bed.run(received)).toBe('hello');
  });

  it('keeps the order of calls when one of them hands over a port', async () => {
    const bed = new LinkBed(codec);
    const [, given] = houseChannel(bed.scheduler);
    const answers = [
      bed.caller.call('echo', 1),
      bed.caller.call('adopt', null, { ports: [given] }),
      bed.caller.call('echo', 2),
    ];
    expect(await bed.run(Promise.all(answers))).toEqual([1, 1, 2]);
    expect(bed.echoed).toEqual([1, 2]);
  });
});

describe('a link', () => {
  it('makes one message of the calls of one turn of the loop, and one of their answers', async () => {
    const bed = new LinkBed();
    await bed.run(Promise.all(Array.from({ length: 30 }, (_, n) => bed.caller.call('echo', n))));
    expect([bed.callerPort.sent, bed.serverPort.sent]).toEqual([1, 1]);
    await bed.run(bed.caller.call('echo', 'later'));
    expect([bed.callerPort.sent, bed.serverPort.sent]).toEqual([2, 2]);
  });

  it('makes several messages of many calls, the first without waiting for the end of the turn', async () => {
    const bed = new LinkBed();
    const bodies = Array.from({ length: 200 }, (_, n) => n);
    const answers = bodies.map((body) => bed.caller.call('echo', body));
    expect(bed.callerPort.sent).toBe(6);
    expect(await bed.run(Promise.all(answers))).toEqual(bodies);
    expect(bed.callerPort.sent).toBe(7);
  });

  it('fails a call that cannot be encoded alone, and not those beside it', async () => {
    const bed = new LinkBed();
    const bodies = [1, 2n, 3, { deep: 4n }, 5];
    const settled = await bed.run(Promise.allSettled(bodies.map((body) => bed.caller.call('echo', body))));
    expect(settled.map((outcome) => ('value' in outcome ? outcome.value : outcome.reason.code))).toEqual([
      1,
      'invalid_input',
      3,
      'invalid_input',
      5,
    ]);
    expect(bed.caller.waiting).toBe(0);
  });

  it('fails a call whose answer cannot be encoded', async () => {
    const bed = new LinkBed();
    const calls = ['fine', 'too large'].map((name) => bed.caller.call('wait', name));
    await bed.quiet();
    bed.waiting.get('too large')?.answer(5n as unknown as string);
    bed.waiting.get('fine')?.answer('ok');
    const [fine, failed] = await bed.run(Promise.allSettled(calls));
    expect([fine?.status, failed?.status]).toEqual(['fulfilled', 'rejected']);
    await bed.quiet();
    expect(await bed.run(bed.caller.call('echo', 'alive'))).toBe('alive');
  });

  it('sends a call that hands over a port at once, with the calls before it', async () => {
    const bed = new LinkBed();
    const answer = bed.caller.call('echo', 1);
    void bed.caller.call('adopt', null, { ports: [houseChannel(bed.scheduler)[1]] });
    expect(bed.callerPort.sent).toBe(1);
    await bed.run(answer);
    expect(bed.callerPort.sent).toBe(1);
  });

  it('tells the other end of a cancellation; the answer still comes', async () => {
    const bed = new LinkBed();
    const call = bed.caller.start('wait', 'a');
    await bed.quiet();
    const { serving, answer } = bed.waiting.get('a')!;
    const heard: string[] = [];
    serving.onCancel(() => heard.push('cancelled'));
    expect([serving.cancelled, heard]).toEqual([false, []]);
    call.cancel();
    await bed.quiet();
    expect([serving.cancelled, heard]).toEqual([true, ['cancelled']]);
    serving.onCancel(() => heard.push('told at once'));
    expect(heard).toEqual(['cancelled', 'told at once']);
    answer('all the same');
    expect(await bed.run(call.answer)).toBe('all the same');
  });

  it('forgets a cancellation that comes after the answer', async () => {
    const bed = new LinkBed();
    const call = bed.caller.start('echo', 1);
    await bed.run(call.answer);
    const sent = bed.callerPort.sent;
    call.cancel();
    await bed.quiet();
    expect(bed.callerPort.sent).toBe(sent);
  });

  it('ignores a cancellation that crosses the answer on its way', async () => {
    const bed = new LinkBed();
    const call = bed.caller.start('wait', 'a');
    await bed.quiet();
    bed.waiting.get('a')?.answer('1');
    await promisesSettle();
    call.cancel();
    expect(await bed.run(call.answer)).toBe('1');
    await bed.quiet();
    expect(await bed.run(bed.caller.call('echo', 'alive'))).toBe('alive');
  });

  it.each(['the other end closes', 'this end closes'])('fails every waiting call when %s', async (how) => {
    const bed = new LinkBed();
    const calls = ['a', 'b', 'c'].map((name) => bed.caller.call('wait', name));
    await bed.quiet();
    if (how === 'this end closes') bed.caller.close();
    else bed.serverPort.close();
    const errors = await bed.run(Promise.all(calls.map(rejectionOf)));
    expect(errors.map(({ code }) => code)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    expect([bed.caller.isLost, bed.caller.waiting]).toEqual([true, 0]);
    expect((await rejectionOf(bed.caller.call('echo', 1))).code).toBe('unavailable');
    await bed.quiet();
    expect(bed.serverClosed).toBe(1);
  });

  it('delivers answers that were sent before the other end closed', async () => {
    const bed = new LinkBed();
    const answered = bed.caller.call('echo', 'in time');
    const never = rejectionOf(bed.caller.call('wait', 'a'));
    while (!bed.waiting.has('a')) await bed.scheduler.step();
    while (bed.serverPort.sent === 0) await bed.scheduler.step();
    bed.serverPort.close();
    expect(await bed.run(answered)).toBe('in time');
    expect((await bed.run(never)).code).toBe('unavailable');
  });

  it('takes an answer that nobody waits for any more as if it had not come', async () => {
    const bed = new LinkBed();
    const call = rejectionOf(bed.caller.call('wait', 'a'));
    await bed.quiet();
    bed.waiting.get('a')?.answer('1');
    bed.caller.close();
    expect((await bed.run(call)).code).toBe('unavailable');
    await bed.quiet();
  });

  it('tells who waits directly: before the message that brought the answer has been gone through', async () => {
    const bed = new LinkBed();
    const told: string[] = [];
    const waiter = (name: string) => ({
      answered: (value: unknown) => void told.push(`${name}: ${value}`),
      failed: (error: RamaxError) => void told.push(`${name}: ${error.code}`),
    });
    const id = bed.caller.send('echo', 'a', waiter('a'));
    bed.caller.send('echo', 2n, waiter('unsendable'));
    expect(told).toEqual(['unsendable: invalid_input']);
    await bed.quiet();
    expect(told).toEqual(['unsendable: invalid_input', 'a: a']);
    const sent = bed.callerPort.sent;
    bed.caller.cancel(id);
    await bed.quiet();
    expect(bed.callerPort.sent).toBe(sent);
    bed.caller.close();
    bed.caller.send('echo', 'b', waiter('b'));
    expect(told.at(-1)).toBe('b: unavailable');
  });

  it('takes no cancellation of an ended call for one of the call that has its id now', async () => {
    const bed = new LinkBed();
    const ended = bed.caller.start('echo', 1);
    await bed.run(ended.answer);
    const next = bed.caller.start('wait', 'next');
    await bed.quiet();
    ended.cancel();
    await bed.quiet();
    expect(bed.waiting.get('next')?.serving.cancelled).toBe(false);
    bed.waiting.get('next')?.answer('1');
    expect(await bed.run(next.answer)).toBe('1');
  });

  it('takes no report that comes after the answer for one of the call that has its id now', async () => {
    const bed = new LinkBed();
    const ended = bed.caller.start('wait', 'ended');
    await bed.quiet();
    const { serving, answer } = bed.waiting.get('ended')!;
    answer('1');
    await bed.run(ended.answer);
    const reports: number[] = [];
    const next = bed.caller.start('wait', 'next', { onProgress: (report) => reports.push(report) });
    serving.report(1);
    serving.answered('twice' as never);
    await bed.quiet();
    bed.waiting.get('next')?.answer('2');
    expect([await bed.run(next.answer), reports]).toEqual(['2', []]);
  });

  it('halves a batch that is more than one message holds, down to the frame that is at fault', async () => {
    const small: FrameCodec<string> = {
      gather: (...frame) => jsonFrames.gather(...frame) as string,
      encode(gathered) {
        const text = jsonFrames.encode(gathered) as string;
        if (text.length > 60) throw new RangeError('Invalid string length');
        return text;
      },
      decode: (message) => jsonFrames.decode(message),
      headOf: (gathered) => jsonFrames.headOf(gathered),
    };
    const bed = new LinkBed('json', 1, small);
    const bodies = ['a', 'b', 'x'.repeat(100), 'c', 'd'];
    const settled = await bed.run(Promise.allSettled(bodies.map((body) => bed.caller.call('echo', body))));
    expect(settled.map((outcome) => ('value' in outcome ? outcome.value : outcome.reason.code))).toEqual([
      'a',
      'b',
      'invalid_input',
      'c',
      'd',
    ]);
    expect(bed.echoed).toEqual(['a', 'b', 'c', 'd']);
    const grown = bed.caller.call('wait', 'grows');
    await bed.quiet();
    bed.waiting.get('grows')?.answer('x'.repeat(100));
    // Its failure is too long for this codec as well; the call ends with the link.
    await bed.quiet();
    bed.caller.close();
    expect((await bed.run(rejectionOf(grown))).code).toBe('unavailable');
  });

  it('serves a handler that answers later, or at once, through its serving, once', async () => {
    interface LateCalls {
      readonly late: Call<string, string>;
    }
    const scheduler = new Scheduler(1);
    const clock = schedulerClock(scheduler, () => true);
    const [mine, its] = houseChannel(scheduler);
    const spec: LinkSpec<LateCalls> = { name: 'late-link', codec: jsonFrames, calls: { late: 0 } };
    const served: Serving<never, string>[] = [];
    const handlers: Handlers<LateCalls> = {
      late(body, serving) {
        served.push(serving);
        if (body === 'at once') serving.answered('early');
        return later;
      },
    };
    serve(spec, its, handlers, clock);
    const caller = new Caller(spec, mine, clock);
    const [first, second, third] = ['one', 'two', 'at once'].map((body) => caller.call('late', body));
    expect(await scheduler.runUntil(third!)).toBe('early');
    served[1]?.failed(new RamaxError('conflict', 'no'));
    served[0]?.answered('1');
    served[0]?.answered('again');
    served[1]?.answered('2');
    expect((await scheduler.runUntil(rejectionOf(second!))).code).toBe('conflict');
    expect(await scheduler.runUntil(first!)).toBe('1');
    expect(caller.waiting).toBe(0);
  });

  it('settles every call exactly once, whatever happens to the link', async () => {
    const act = fc.oneof(
      { arbitrary: fc.constant('call' as const), weight: 5 },
      { arbitrary: fc.constant('answer' as const), weight: 4 },
      { arbitrary: fc.constant('cancel' as const), weight: 2 },
      { arbitrary: fc.constant('step' as const), weight: 6 },
      { arbitrary: fc.constantFrom('close' as const, 'lose' as const), weight: 1 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), fc.nat(), async (acts, seed) => {
        const bed = new LinkBed(seed % 2 === 0 ? 'json' : 'packed', seed);
        const settled = new Map<string, number>();
        const calls: { readonly name: string; readonly cancel: () => void }[] = [];
        const pick = <Item>(items: readonly Item[]) => items[seed % Math.max(1, items.length)];
        for (const [place, what] of acts.entries()) {
          if (what === 'call') {
            const name = `call ${place}`;
            const { answer, cancel } = bed.caller.start('wait', name);
            const settle = (): void => void settled.set(name, (settled.get(name) ?? 0) + 1);
            answer.then(settle, settle);
            calls.push({ name, cancel });
          } else if (what === 'answer') pick([...bed.waiting.values()])?.answer('x');
          else if (what === 'cancel') pick(calls)?.cancel();
          else if (what === 'step') await bed.scheduler.step();
          else if (what === 'close') bed.caller.close();
          else bed.serverPort.close();
        }
        await bed.quiet();
        for (const { answer } of bed.waiting.values()) answer('at last');
        await bed.quiet();
        expect([...settled.entries()].sort()).toEqual(calls.map(({ name }) => [name, 1]).sort());
      }),
      { numRuns: 60 },
    );
  });
});
