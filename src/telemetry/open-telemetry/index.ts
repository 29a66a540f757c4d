/**
 * `ramax/telemetry`: the metrics and traces of a runtime for OpenTelemetry. The one door of `@opentelemetry/api`, which is a
 * peer dependency: install it beside an SDK of your own. It is not needed by `ramax` itself.
 */

import {
  type Attributes,
  type Context,
  metrics as globalMetrics,
  type MeterProvider,
  type Span,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { invalidInput, isRamaxError } from '../../core/errors.js';
import { checkOptions } from '../../core/names.js';
import { checkOptionNames } from '../../core/option-names.js';
import type { RamaxFigures } from '../../supervisor/ramax.js';
import type {
  CallObserver,
  ObservedCommand,
  ObservedUpkeep,
  Telemetry,
  TelemetryHooks,
} from '../telemetry.js';
import { traceparentOf } from '../trace-context.js';
import { Metrics } from './metrics.js';
import { endFailed, remoteContext, Traces, traceparentOfSpan } from './traces.js';

export { traceparentOf } from '../trace-context.js';

/** Under which metrics and spans are found. */
const scopeName = 'ramax';

/** What `openTelemetry` may be given. */
export interface OpenTelemetryOptions {
  /** Where metrics go. Default: the global one; `false`: nowhere, and nothing is measured for them. */
  readonly meterProvider?: MeterProvider | false;
  /** Where spans go; its sampler decides which commands are traced. Default: the global one; `false`: nowhere. */
  readonly tracerProvider?: TracerProvider | false;
  /**
   * Whether metrics of commands say their space (`ramax.space.name`). Default false: a metric has one series for each, and a runtime may
   * have a hundred thousand spaces. Spans always say it.
   */
  readonly spaceInMetrics?: boolean;
}

const optionNames = [
  'meterProvider',
  'tracerProvider',
  'spaceInMetrics',
] as const satisfies readonly (keyof OpenTelemetryOptions)[];

/**
 * Metrics and traces of a runtime, by OpenTelemetry's API.
 *
 * @throws {RamaxError} `invalid_input`
 * @example
 * ```ts
 * const ramax = await Ramax.start({ app, storage, telemetry: openTelemetry() });
 * ```
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry<RamaxFigures> {
  checkOptions(options);
  checkOptionNames(options, optionNames, 'openTelemetry()');
  const { spaceInMetrics = false } = options;
  if (typeof spaceInMetrics !== 'boolean')
    throw invalidInput('spaceInMetrics', 'true or false', spaceInMetrics);
  return { start: (figures) => new OpenTelemetryHooks(options, spaceInMetrics, figures) };
}

/**
 * The context of the command that an event was made by, as a remote parent: what reacts to the event goes on with its trace. The root
 * context where it was not traced.
 */
export function contextOf(event: { readonly metadata: Readonly<Record<string, unknown>> }): Context {
  return remoteContext(traceparentOf(event));
}

class OpenTelemetryHooks implements TelemetryHooks {
  readonly #metrics: Metrics | undefined;
  readonly #traces: Traces | undefined;
  readonly #spaceInMetrics: boolean;
  readonly observes;

  constructor(
    { meterProvider, tracerProvider }: OpenTelemetryOptions,
    spaceInMetrics: boolean,
    figures: () => Promise<RamaxFigures>,
  ) {
    const meters = meterProvider === false ? undefined : (meterProvider ?? globalMetrics);
    const tracers = tracerProvider === false ? undefined : (tracerProvider ?? trace);
    this.#metrics = meters && new Metrics(meters.getMeter(scopeName), figures);
    this.#traces = tracers && new Traces(tracers.getTracer(scopeName));
    this.#spaceInMetrics = spaceInMetrics;
    const [measures, spans] = [meters !== undefined, tracers !== undefined];
    this.observes = { turns: measures, commits: measures, spans };
  }

  command(facts: ObservedCommand): CallObserver<{ readonly spaceSequence: number }> {
    const span = this.#traces?.execute(facts);
    const { command, spaceName } = facts;
    const attributes: Attributes = { 'ramax.command.name': command };
    if (this.#spaceInMetrics) attributes['ramax.space.name'] = spaceName;
    const end = this.#measured((ms, outcome) => this.#metrics?.command(ms, { ...attributes, ...outcome }));
    return {
      traceparent: span && traceparentOfSpan(span),
      answered({ spaceSequence }) {
        span?.setAttribute('ramax.space.sequence', spaceSequence);
        span?.end();
        end();
      },
      failed: (error) => end(failedSpan(span, error)),
    };
  }

  upkeep({ kind, spaceId, spaceName, view }: ObservedUpkeep): CallObserver<unknown> {
    const named = { 'ramax.space.id': spaceId, 'ramax.space.name': spaceName };
    const attributes = view === undefined ? named : { ...named, 'ramax.view.name': view };
    const span = this.#traces?.upkeep(`ramax.${kind}`, attributes);
    const end = this.#measured((ms, outcome) =>
      this.#metrics?.upkeep(ms, { 'ramax.upkeep.kind': kind, ...outcome }),
    );
    return {
      answered() {
        span?.end();
        end();
      },
      failed: (error) => end(failedSpan(span, error)),
    };
  }

  measured(batch: Parameters<NonNullable<TelemetryHooks['measured']>>[0]): void {
    this.#metrics?.measured(batch);
    if (this.#traces !== undefined) for (const record of batch.spans) this.#traces.done(record);
  }

  close(): void {
    this.#metrics?.close();
  }

  /** What ends a call for the metrics: with the code of its error, where it has failed. */
  #measured(record: (durationMs: number, outcome: Attributes) => void): (code?: string) => void {
    if (this.#metrics === undefined) return () => {};
    const startedMs = performance.now();
    return (code) => record(performance.now() - startedMs, outcomeOf(code));
  }
}

/** Ends the span; gives the code of the error. */
function failedSpan(span: Span | undefined, error: unknown): string {
  const code = isRamaxError(error) ? error.code : 'unknown';
  if (span !== undefined) endFailed(span, code, error);
  return code;
}

/** The three answers of Ramax, and which error it was. */
function outcomeOf(code: string | undefined): Attributes {
  if (code === undefined) return { 'ramax.outcome': 'ok' };
  return { 'ramax.outcome': code === 'outcome_unknown' ? 'unknown' : 'refused', 'error.type': code };
}
