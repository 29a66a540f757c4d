/** Telemetry in the one-thread house: the same rooms as in production, and every message can be counted. */

import { channel, tracingChannel } from 'node:diagnostics_channel';
import { type Context, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contextOf, openTelemetry } from '../../src/telemetry/open-telemetry/index.js';
import { Recorder, spansMax } from '../../src/telemetry/recorder.js';
import type { Telemetry, TelemetryHooks } from '../../src/telemetry/telemetry.js';
import { House } from '../../src/testing/house.js';
import { HousePort } from '../../src/testing/house-port.js';
import { ledgerOf } from '../sim/ledger-app.js';
import { endOf, Otel, startOf } from './otel.js';

const app = ledgerOf({ version: 1 });
const entry = (n: number) => ({ marker: `m${n}`, amount: n });

let house: House<typeof app>;
beforeEach(() => {
  house = new House({ app, seed: 11 });
});
afterEach(() => {
  vi.restoreAllMocks();
  context.disable();
});

async function startWith(telemetry?: Telemetry) {
  const ramax = await house.start({ shards: 1, ...(telemetry === undefined ? {} : { telemetry }) });
  const space = await house.run(ramax.spaces.getOrCreate('acme'));
  return { ramax, space, close: () => house.run(ramax.close()) };
}

/** When every batch has arrived. */
function later(): Promise<void> {
  return house.run(new Promise((resolve) => house.scheduler.plan(1_000, resolve)));
}

const hooksOf = (hooks: Partial<TelemetryHooks>): Telemetry => ({
  start: () => ({ observes: { turns: false, commits: false, spans: false }, ...hooks }),
});

describe('while nobody listens', () => {
  it('no thread is asked to measure, no clock is read for it, and nothing is sent or kept', async () => {
    const spies = (['observe', 'now', 'turn', 'commit', 'span'] as const).map((name) =>
      vi.spyOn(Recorder.prototype, name),
    );
    const sent: string[] = [];
    const post = HousePort.prototype.post;
    vi.spyOn(HousePort.prototype, 'post').mockImplementation(function (this: HousePort, message, ports) {
      sent.push(typeof message === 'string' ? message : JSON.stringify(message));
      post.call(this, message, ports);
    });
    const { space, close } = await startWith();
    for (let n = 0; n < 10; n++) await house.run(space.execute('add', entry(n)));
    await close();
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    expect(sent.length).toBeGreaterThan(20);
    expect(sent.filter((message) => message.includes('00-'))).toEqual([]);
  });

  it('a command that nobody samples carries no trace, leaves none in its event, and costs no record', async () => {
    const span = vi.spyOn(Recorder.prototype, 'span');
    const otel = new Otel(new AlwaysOffSampler());
    const { space, close } = await startWith(
      openTelemetry({ tracerProvider: otel.tracerProvider, meterProvider: false }),
    );
    await house.run(space.execute('add', entry(1)));
    const { value: event } = await house.run(space.streamEvents().next());
    expect(event.metadata).toEqual({});
    await close();
    expect(span).not.toHaveBeenCalled();
    expect(otel.spans()).toEqual([]);
  });
});

describe('a trace', () => {
  it('has the turn and the commit of a command as children of its call, in their order of time', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry(otel));
    await house.run(space.execute('add', entry(1)));
    await close();
    const [execute] = otel.spans('ramax.execute');
    const [turn] = otel.spans('ramax.turn');
    const [commit] = otel.spans('ramax.commit');
    for (const child of [turn, commit]) {
      expect(child!.parentSpanContext?.spanId).toBe(execute!.spanContext().spanId);
      expect(child!.spanContext().traceId).toBe(execute!.spanContext().traceId);
    }
    expect(startOf(turn!)).toBeLessThanOrEqual(endOf(turn!));
    expect(endOf(turn!)).toBeLessThanOrEqual(startOf(commit!));
    expect(commit!.attributes).toEqual({ 'ramax.commit.commands': 1, 'ramax.commit.events': 1 });
    expect(execute!.attributes).toMatchObject({
      'ramax.space.name': 'acme',
      'ramax.command.name': 'add',
      'ramax.space.sequence': 1,
    });
  });

  it('of a command without events, or with an id of its own, is as whole', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry(otel));
    await house.run(space.execute('nothing', undefined, { commandId: 'a' }));
    await house.run(space.execute('add', entry(1), { commandId: 'b' }));
    await close();
    expect(otel.spans('ramax.turn')).toHaveLength(2);
    expect(otel.spans('ramax.commit')).toHaveLength(2);
  });

  it('goes on from the active span, and from an event to whatever reacts to it', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry(otel));
    const parent = otel.tracerProvider.getTracer('test').startSpan('request');
    const active: Context = trace.setSpan(ROOT_CONTEXT, parent);
    await house.run(context.with(active, () => space.execute('add', entry(1))));
    const [execute] = otel.spans('ramax.execute');
    expect(execute!.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    const { value: event } = await house.run(space.streamEvents().next());
    const { traceId, spanId } = execute!.spanContext();
    expect(trace.getSpanContext(contextOf(event))).toEqual({
      traceId,
      spanId,
      traceFlags: 1,
      isRemote: true,
    });
    await close();
  });

  it('of a rejected command ends in the error, and has no commit', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry(otel));
    await house.run(space.execute('add', entry(1)));
    await expect(house.run(space.execute('addIfEven', entry(2)))).rejects.toThrow('odd');
    await close();
    const [, rejected] = otel.spans('ramax.execute');
    expect(rejected!.attributes['error.type']).toBe('command_rejected');
    expect([otel.spans('ramax.turn').length, otel.spans('ramax.commit').length]).toEqual([2, 1]);
  });

  it('stands under what the app says itself in the metadata of an event', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry(otel));
    await house.run(space.execute('add', entry(1)));
    const { value: event } = await house.run(space.streamEvents().next());
    expect(Object.keys(event.metadata)).toEqual(['traceparent']);
    expect((await house.run(space.fetch('last'))) as unknown).toBe(1);
    await close();
  });

  it('goes on after a shard and the writer were lost', async () => {
    const otel = new Otel();
    const { ramax, space, close } = await startWith(openTelemetry(otel));
    await house.run(space.execute('add', entry(1)));
    house.killShard(0);
    house.killWriter();
    await house.run(space.execute('add', entry(2)));
    expect((await house.run(ramax.stats())).restarts).toEqual({ writer: 1, shards: [1] });
    await close();
    const traceId = otel.spans('ramax.execute')[1]!.spanContext().traceId;
    const names = otel.spans().filter((span) => span.spanContext().traceId === traceId);
    expect(new Set(names.map(({ name }) => name))).toEqual(
      new Set(['ramax.execute', 'ramax.turn', 'ramax.commit']),
    );
  });

  it('has spans dropped over the bound, and the runtime counts them', async () => {
    const otel = new Otel();
    const { ramax, space, close } = await startWith(
      openTelemetry({ tracerProvider: otel.tracerProvider, meterProvider: false }),
    );
    const many = 3 * spansMax;
    await house.run(Promise.all(Array.from({ length: many }, () => space.execute('nothing'))));
    await later();
    const { spansDropped } = (await house.run(ramax.stats())).telemetry;
    expect(spansDropped).toBeGreaterThan(0);
    expect(otel.spans('ramax.turn').length + spansDropped).toBe(many);
    await close();
  });
});

describe('a channel', () => {
  it('of commands traces each call with its result or error', async () => {
    const seen: unknown[] = [];
    const handlers = {
      start: (message: object) => void seen.push(['start', { ...message }]),
      end: () => void seen.push('end'),
      asyncStart: () => {},
      asyncEnd: (message: { result?: unknown; error?: { code: string } }) =>
        void seen.push(['asyncEnd', message.result ?? message.error?.code]),
      error: () => void seen.push('error'),
    };
    const commands = tracingChannel<unknown, object>('ramax:command');
    commands.subscribe(handlers as never);
    try {
      const { space, close } = await startWith();
      await house.run(space.execute('add', entry(1)));
      await house.run(space.execute('addIfEven', entry(2))).catch(() => {});
      await close();
      const facts = { spaceId: space.spaceId, spaceName: 'acme' };
      expect(seen).toEqual([
        ['start', { ...facts, command: 'add' }],
        'end',
        ['asyncEnd', { eventIds: [1], spaceSequence: 1 }],
        ['start', { ...facts, command: 'addIfEven' }],
        'end',
        'error',
        ['asyncEnd', 'command_rejected'],
      ]);
    } finally {
      commands.unsubscribe(handlers as never);
    }
  });

  it('of commits is measured from its first subscriber to its last, by nobody else', async () => {
    const commits: unknown[] = [];
    const onCommit = (message: unknown): void => void commits.push(message);
    const recorded = vi.spyOn(Recorder.prototype, 'commit');
    const { space, close } = await startWith();
    await house.run(space.execute('add', entry(1)));
    expect(recorded).not.toHaveBeenCalled();
    channel('ramax:commit').subscribe(onCommit);
    await house.run(space.execute('add', entry(2)));
    await house.run(space.execute('add', entry(3)));
    channel('ramax:commit').unsubscribe(onCommit);
    await house.run(space.execute('add', entry(4)));
    const before = recorded.mock.calls.length;
    await house.run(space.execute('add', entry(5)));
    expect(recorded.mock.calls.length).toBe(before);
    await close();
    expect(recorded).toHaveBeenCalled();
  });

  it('of commits tells of each transaction', async () => {
    const commits: unknown[] = [];
    const onCommit = (message: unknown): void => void commits.push(message);
    channel('ramax:commit').subscribe(onCommit);
    try {
      const { space, close } = await startWith();
      await house.run(space.execute('addAll', { entries: [entry(1), entry(2)] }));
      await close();
      expect(commits).toEqual([
        { commands: 1, events: 2, startedAt: expect.any(Number), durationMs: expect.any(Number) },
      ]);
    } finally {
      channel('ramax:commit').unsubscribe(onCommit);
    }
  });

  it.each([
    ['ramax:rebuild', 'rebuild'],
    ['ramax:migration', 'migrateAll'],
  ] as const)('%s traces what was asked for', async (name, call) => {
    const seen: unknown[] = [];
    const progress: unknown[] = [];
    const onEnd = (message: unknown): void => void seen.push(message);
    const onProgress = (message: unknown): void => void progress.push(message);
    channel(`tracing:${name}:asyncEnd`).subscribe(onEnd);
    channel('ramax:rebuild:progress').subscribe(onProgress);
    try {
      const { space, close } = await startWith();
      await house.run(space.execute('add', entry(1)));
      await house.run<unknown>(space[call]({ view: 'amounts' }));
      await close();
      const where = { spaceId: space.spaceId, spaceName: 'acme', view: 'amounts' };
      expect(seen).toEqual([expect.objectContaining({ ...where, result: expect.anything() })]);
      expect(progress).toEqual(
        call === 'rebuild' ? [{ ...where, eventsApplied: 1, lastSpaceSequence: 1 }] : [],
      );
    } finally {
      channel(`tracing:${name}:asyncEnd`).unsubscribe(onEnd);
      channel('ramax:rebuild:progress').unsubscribe(onProgress);
    }
  });

  it('of restarts tells which thread was started again, and why', async () => {
    const seen: unknown[] = [];
    const onRestart = (message: unknown): void => void seen.push(message);
    channel('ramax:restart').subscribe(onRestart);
    try {
      const { space, close } = await startWith();
      house.killShard(0);
      await house.run(space.execute('add', entry(1)));
      await close();
      expect(seen).toEqual([
        { thread: 'shard 0', restarts: 1, error: expect.objectContaining({ code: 'unavailable' }) },
      ]);
    } finally {
      channel('ramax:restart').unsubscribe(onRestart);
    }
  });
});

describe('a hook', () => {
  it('that throws harms no command and is counted', async () => {
    const throws = (): never => {
      throw new Error('the exporter is broken');
    };
    const { ramax, space, close } = await startWith(
      hooksOf({
        observes: { turns: true, commits: true, spans: true },
        command: throws,
        upkeep: throws,
        measured: throws,
        close: throws,
      }),
    );
    await expect(house.run(space.execute('add', entry(1)))).resolves.toMatchObject({ spaceSequence: 1 });
    await house.run(space.rebuild());
    expect((await house.run(ramax.stats())).telemetry.failures).toBeGreaterThanOrEqual(2);
    await close();
  });

  it('that throws at the end of a call changes no answer', async () => {
    const throws = (): never => {
      throw new Error('the exporter is broken');
    };
    const { ramax, space, close } = await startWith(
      hooksOf({ command: () => ({ answered: throws, failed: throws }) }),
    );
    await expect(house.run(space.execute('add', entry(1)))).resolves.toMatchObject({ spaceSequence: 1 });
    await expect(house.run(space.execute('addIfEven', entry(2)))).rejects.toThrow('odd');
    expect((await house.run(ramax.stats())).telemetry).toEqual({ failures: 2, spansDropped: 0 });
    await close();
  });

  it('is refused where it is none', async () => {
    await expect(house.start({ telemetry: {} as Telemetry })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });
});

describe('metrics', () => {
  it('say what stats() and health() say, and how commands, turns and commits went', async () => {
    const otel = new Otel();
    const { ramax, space, close } = await startWith(openTelemetry({ ...otel, tracerProvider: false }));
    await house.run(space.execute('add', entry(1)));
    await house.run(space.execute('addIfEven', entry(2))).catch(() => {});
    await later();
    const points = await house.run(otel.points());
    expect(points('ramax.events')).toEqual([{ value: 1, attributes: {} }]);
    expect(points('ramax.turns')).toEqual([{ value: 2, attributes: { 'ramax.shard.index': 0 } }]);
    const outcomes = points('ramax.command.duration').map(({ attributes }) => attributes);
    expect(outcomes).toEqual([
      { 'ramax.command.name': 'add', 'ramax.outcome': 'ok' },
      { 'ramax.command.name': 'addIfEven', 'ramax.outcome': 'refused', 'error.type': 'command_rejected' },
    ]);
    expect(points('ramax.turn.duration')).toEqual([
      { value: expect.objectContaining({ count: 2 }), attributes: {} },
    ]);
    expect(points('ramax.commit.commands')).toEqual([
      { value: expect.objectContaining({ count: 1, sum: 1 }), attributes: {} },
    ]);
    expect(points('ramax.view.spaces')).toContainEqual({
      value: 1,
      attributes: { 'ramax.shard.index': 0, 'ramax.view.name': 'amounts', 'ramax.view.state': 'live' },
    });
    expect((await house.run(ramax.stats())).telemetry).toEqual({ spansDropped: 0, failures: 0 });
    await close();
  });

  it('never let a counter fall when its thread was started again', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry({ ...otel, tracerProvider: false }));
    for (let n = 0; n < 5; n++) await house.run(space.execute('add', entry(n)));
    expect((await house.run(otel.points()))('ramax.commits')).toEqual([{ value: 6, attributes: {} }]);
    house.killWriter();
    await house.run(space.execute('add', entry(9)));
    const points = await house.run(otel.points());
    expect(points('ramax.commits')).toEqual([{ value: 7, attributes: {} }]);
    expect(points('ramax.thread.restarts')).toContainEqual({
      value: 1,
      attributes: { 'ramax.thread': 'writer' },
    });
    await close();
  });

  it('name the space of a command only where they are asked to', async () => {
    const otel = new Otel();
    const { space, close } = await startWith(openTelemetry({ ...otel, spaceInMetrics: true }));
    await house.run(space.execute('add', entry(1)));
    const points = await house.run(otel.points());
    expect(points('ramax.command.duration')[0]?.attributes).toMatchObject({ 'ramax.space.name': 'acme' });
    await close();
  });
});
