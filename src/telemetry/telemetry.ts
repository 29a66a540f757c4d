/** What somebody gives who wants to observe a runtime, and what the runtime tells them. All of it happens on main. */

import type { Measurements, Observed } from './measurements.js';

/** The command of an `execute` call. */
export interface ObservedCommand {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly command: string;
  /** The trace context that it continues, where that is not the active one: a reactor's, from its event. */
  readonly traceparent?: string | undefined;
}

/** A long call: `rebuild` or `migrateAll`. */
export interface ObservedUpkeep {
  readonly kind: 'rebuild' | 'migration';
  readonly spaceId: number;
  readonly spaceName: string;
  /** Undefined: all views. */
  readonly view: string | undefined;
}

/** What an accepted command has done. */
export interface ObservedResult {
  readonly eventIds: readonly number[];
  readonly spaceSequence: number;
}

/** Follows one call. */
export interface CallObserver<Result> {
  /** The trace context of the call when it is traced: it goes with it to its shard, to the writer and into its events. */
  readonly traceparent?: string | undefined;
  answered(result: Result): void;
  failed(error: unknown): void;
}

/** What a runtime tells. Whatever a hook throws harms nobody: it is counted in `stats().telemetry.failures`. */
export interface TelemetryHooks {
  /** What threads are to measure. */
  readonly observes: Observed;
  /** A command is about to be sent. */
  command?(command: ObservedCommand): CallObserver<ObservedResult> | undefined;
  /** A long call begins. */
  upkeep?(upkeep: ObservedUpkeep): CallObserver<unknown> | undefined;
  /** A thread has reported. */
  measured?(batch: Measurements): void;
  /** The runtime is closed: nothing comes any more. */
  close?(): void;
}

/** What `Ramax.start({ telemetry })` takes: `openTelemetry()` of `ramax/telemetry`, or one of your own. */
export interface Telemetry<Figures = unknown> {
  /** @param figures asks the runtime for what `stats()` and `health()` say; rejects while there is none */
  start(figures: () => Promise<Figures>): TelemetryHooks;
}

/** What came of telemetry itself. */
export interface TelemetryStats {
  /** Span records that were dropped over the bound of a batch. */
  readonly spansDropped: number;
  /** Errors that hooks have thrown. */
  readonly failures: number;
}
