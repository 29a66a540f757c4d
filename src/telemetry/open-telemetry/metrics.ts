/**
 * The metrics of a runtime. Histograms are recorded here with the figures that calls and threads bring; everything else is asked
 * for when an exporter reads (`instruments.ts`), once for all instruments.
 *
 * Invariant: of one runtime, one question is under way; an exporter that reads meanwhile gets the same answer.
 */

import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { RamaxFigures } from '../../supervisor/ramax.js';
import type { Measurements } from '../measurements.js';
import { type InstrumentLine, instrumentLines, RisingCounts } from './instruments.js';

/** OpenTelemetry counts time in seconds. */
const msPerSecond = 1_000;
/** Boundaries in seconds: a turn takes microseconds, a commit milliseconds; the defaults of an SDK begin at 5 ms. */
const durations = [
  0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/** See the head of this file. */
export class Metrics {
  readonly #meter: Meter;
  readonly #rising = new RisingCounts();
  readonly #instruments: readonly (readonly [InstrumentLine, Observable])[];
  readonly #ask: () => Promise<RamaxFigures>;
  #asked: Promise<RamaxFigures> | undefined;
  readonly #observe = (result: BatchObservableResult): Promise<void> => this.#answer(result);
  readonly #commandDuration;
  readonly #upkeepDuration;
  readonly #turnDuration;
  readonly #commitDuration;
  readonly #commitCommands;

  constructor(meter: Meter, ask: () => Promise<RamaxFigures>) {
    this.#meter = meter;
    this.#ask = ask;
    const seconds = (name: string, description: string) =>
      meter.createHistogram(name, {
        unit: 's',
        description,
        advice: { explicitBucketBoundaries: durations },
      });
    this.#commandDuration = seconds('ramax.command.duration', 'Commands, from the call to its answer');
    this.#upkeepDuration = seconds('ramax.upkeep.duration', 'Rebuilds and migrations that were asked for');
    this.#turnDuration = seconds(
      'ramax.turn.duration',
      'Turns of commands: decided, applied and handed over',
    );
    this.#commitDuration = seconds('ramax.commit.duration', 'Transactions, until they are on disk');
    this.#commitCommands = meter.createHistogram('ramax.commit.commands', {
      unit: '{command}',
      description: 'Commands in one transaction',
      advice: { explicitBucketBoundaries: sizes },
    });
    this.#instruments = instrumentLines.map((line) => [line, observable(meter, line)]);
    meter.addBatchObservableCallback(this.#observe, this.#observables);
  }

  command(durationMs: number, attributes: Attributes): void {
    this.#commandDuration.record(durationMs / msPerSecond, attributes);
  }

  upkeep(durationMs: number, attributes: Attributes): void {
    this.#upkeepDuration.record(durationMs / msPerSecond, attributes);
  }

  measured({ turnsMs, commits }: Measurements): void {
    for (const turnMs of turnsMs) this.#turnDuration.record(turnMs / msPerSecond);
    for (const { durationMs, commands } of commits) {
      this.#commitDuration.record(durationMs / msPerSecond);
      this.#commitCommands.record(commands);
    }
  }

  close(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#observables);
  }

  get #observables(): Observable[] {
    return this.#instruments.map(([, instrument]) => instrument);
  }

  /** A runtime that does not answer has no figures: the exporter goes on without. */
  async #answer(result: BatchObservableResult): Promise<void> {
    const figures = await this.#figures().catch(() => undefined);
    if (figures === undefined) return;
    for (const [{ name, kind, read }, instrument] of this.#instruments) {
      for (const [value, attributes = {}] of read(figures)) {
        const key = `${name} ${JSON.stringify(attributes)}`;
        result.observe(instrument, kind === 'counter' ? this.#rising.risen(key, value) : value, attributes);
      }
    }
  }

  #figures(): Promise<RamaxFigures> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }
}

function observable(meter: Meter, { name, kind, unit, description }: InstrumentLine): Observable {
  const options = { unit, description };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'level') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}
