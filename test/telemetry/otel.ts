/** OpenTelemetry's own exporters in memory, and what tests ask of them. */

import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** Providers whose exporters keep everything. */
export class Otel {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#metrics,
    exportIntervalMillis: 3_600_000,
  });
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] });
  readonly tracerProvider: BasicTracerProvider;

  constructor(sampler: Sampler = new AlwaysOnSampler()) {
    this.tracerProvider = new BasicTracerProvider({
      sampler,
      spanProcessors: [new SimpleSpanProcessor(this.#spans)],
    });
  }

  /** Spans by their name, in the order of their beginning. */
  spans(name?: string): ReadableSpan[] {
    return this.#spans
      .getFinishedSpans()
      .filter((span) => name === undefined || span.name === name)
      .sort((left, right) => startOf(left) - startOf(right));
  }

  /** The points of a metric, as they are when they are asked for; none of one that was never recorded. */
  async points(): Promise<(name: string) => readonly { value: unknown; attributes: object }[]> {
    this.#metrics.reset();
    await this.meterProvider.forceFlush();
    const metrics = this.#metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    return (name) =>
      metrics
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ value, attributes }) => ({ value, attributes })));
  }

  async shutdown(): Promise<void> {
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
  }
}

/** Milliseconds. */
export function startOf({ startTime: [seconds, nanos] }: ReadableSpan): number {
  return seconds * 1e3 + nanos / 1e6;
}

/** Milliseconds. */
export function endOf({ endTime: [seconds, nanos] }: ReadableSpan): number {
  return seconds * 1e3 + nanos / 1e6;
}
