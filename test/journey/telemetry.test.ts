/** Telemetry of real threads, as OpenTelemetry's own exporters in memory get it. */

import type { App } from 'ramax';
import { openTelemetry } from 'ramax/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import { endOf, Otel, startOf } from '../telemetry/otel.js';
import { until } from './gate.js';
import { fixture, RuntimeBed } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('telemetry of real threads', () => {
  it('has one trace of a command through main, shard and writer, in the order of time', async () => {
    const otel = new Otel();
    const ramax = await bed.start({ telemetry: openTelemetry(otel) });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 1);
    const { value: event } = await space.streamEvents().next();
    await ramax.close();
    const [execute, turn, commit] = otel.spans();
    expect([execute, turn, commit].map((span) => span?.name)).toEqual([
      'ramax.execute',
      'ramax.turn',
      'ramax.commit',
    ]);
    const { traceId, spanId } = execute!.spanContext();
    for (const child of [turn!, commit!]) {
      expect(child.spanContext().traceId).toBe(traceId);
      expect(child.parentSpanContext?.spanId).toBe(spanId);
      expect(endOf(child)).toBeGreaterThanOrEqual(startOf(child));
    }
    expect(event.metadata['traceparent']).toBe(`00-${traceId}-${spanId}-01`);
  });

  it('goes on through a reactor, and through the commands that it makes', async () => {
    const otel = new Otel();
    const ramax = await bed.start<App>({ app: fixture('orders.app.mjs'), telemetry: openTelemetry(otel) });
    const stock = await ramax.spaces.getOrCreate('stock');
    const shop = await ramax.spaces.getOrCreate('shop');
    await shop.execute('place', 'order-1');
    const isShipped = async (): Promise<boolean> => (await shop.latestSequence()) === 2;
    await until(isShipped, 'the order is shipped');
    const events = [(await stock.streamEvents().next()).value, (await shop.streamEvents().next()).value];
    await ramax.close();
    const spans = otel.spans();
    const [placed, ...made] = spans.filter(({ name }) => name === 'ramax.execute');
    const { traceId, spanId } = placed!.spanContext();
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
    const [react] = otel.spans('ramax.react');
    expect(react?.attributes).toMatchObject({ 'ramax.reactor.name': 'fulfil', 'ramax.reactor.end': 'done' });
    for (const child of [react!, ...made]) expect(child.parentSpanContext?.spanId).toBe(spanId);
    expect(made.map(({ attributes }) => attributes['ramax.command.name'])).toEqual(['reserve', 'ship']);
    for (const { name, count } of [
      { name: 'ramax.turn', count: 3 },
      { name: 'ramax.commit', count: 3 },
    ])
      expect(otel.spans(name)).toHaveLength(count);
    for (const { metadata } of events) expect(metadata['traceparent']).toContain(traceId);
  });

  it('has metrics of all threads', async () => {
    const otel = new Otel();
    const ramax = await bed.start({
      telemetry: openTelemetry({ meterProvider: otel.meterProvider, tracerProvider: false }),
    });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 1);
    await space.subscribe({ name: 'mailer' }).next();
    const points = await otel.points();
    expect(points('ramax.events')).toEqual([{ value: expect.any(Number), attributes: {} }]);
    expect(points('ramax.mailbox.depth')).toHaveLength(2);
    expect(points('ramax.timers.fired')).toEqual([{ value: 0, attributes: {} }]);
    expect(points('ramax.subscription.lag')).toEqual([
      { value: 1, attributes: { 'ramax.subscription.name': 'mailer', 'ramax.space.id': space.spaceId } },
    ]);
    await ramax.close();
    const last = await otel.points();
    expect(last('ramax.turn.duration')).toHaveLength(1);
    expect(last('ramax.commit.duration')).toHaveLength(1);
  });
});
