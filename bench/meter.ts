/**
 * One phase of a trial: counts, times and ends it.
 *
 * Invariants:
 *   - The phase ends inside the call that reaches its bound; what is recorded later changes nothing.
 *   - Time is looked at when something completes, so the last thing that counts may lie a little behind the bound, and
 *     the elapsed time includes it.
 */

import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { Bound, Figures } from './trial-spec.js';

const latencyMicrosMax = 600_000_000;

/** Where a meter looks. */
export interface MeterSources {
  readonly nowMs: () => number;
  readonly cpuMicros: () => number;
}

/** Node's clock, and the CPU time of all threads of this process. */
export const processSources: MeterSources = {
  nowMs: () => performance.now(),
  cpuMicros: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

/** What a phase has come to. */
export interface Reading {
  readonly commands: number;
  readonly elapsedMs: number;
  readonly cpuMicros: number;
}

/** See the head of this file. It runs from its making. */
export class Meter {
  readonly #bound: Bound;
  readonly #sources: MeterSources;
  readonly #startedCpuMicros: number;
  readonly #startedMs: number;
  readonly #latencies: Histogram = newLatencies();
  #commands = 0;
  #reading: Reading | undefined;
  #end: () => void = () => {};
  /** Resolves when the phase has ended. */
  readonly ended: Promise<void>;

  constructor(bound: Bound, sources: MeterSources = processSources) {
    this.#bound = bound;
    this.#sources = sources;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#startedCpuMicros = sources.cpuMicros();
    this.#startedMs = sources.nowMs();
  }

  /** What the phase has come to, once it has ended. */
  get reading(): Reading | undefined {
    return this.#reading;
  }

  /** The figures of an ended phase; those of latency where somebody waited. */
  get figures(): Figures {
    if (this.#reading === undefined) throw new Error('the phase has not ended');
    const { commands, elapsedMs, cpuMicros } = this.#reading;
    const perCommand = { perSecond: (commands * 1_000) / elapsedMs, cpuMicros: cpuMicros / commands };
    if (this.#latencies.totalCount === 0) return perCommand;
    return {
      ...perCommand,
      p50Micros: this.#latencies.getValueAtPercentile(50),
      p99Micros: this.#latencies.getValueAtPercentile(99),
      p999Micros: this.#latencies.getValueAtPercentile(99.9),
      maxMicros: this.#latencies.maxValue,
    };
  }

  /** From call to answer, in microseconds. */
  get latencies(): Histogram {
    return this.#latencies;
  }

  /** The same for a result; null where nobody waited. */
  get encodedLatencies(): string | null {
    return this.#latencies.totalCount === 0 ? null : encodeIntoCompressedBase64(this.#latencies);
  }

  /** One command was answered, that was sent at `sentMs`. */
  recordAnswer(sentMs: number): void {
    if (this.#reading !== undefined) return;
    const nowMs = this.#sources.nowMs();
    const micros = Math.max(1, Math.round((nowMs - sentMs) * 1_000));
    this.#latencies.recordValue(Math.min(micros, latencyMicrosMax));
    this.#count(1, nowMs);
  }

  /** A group was written, for which nobody waits. */
  recordGroup(commands: number): void {
    if (this.#reading === undefined) this.#count(commands, this.#sources.nowMs());
  }

  #count(commands: number, nowMs: number): void {
    this.#commands += commands;
    const elapsedMs = nowMs - this.#startedMs;
    if (this.#commands < this.#bound.countMax && elapsedMs < this.#bound.timeMsMax) return;
    const cpuMicros = this.#sources.cpuMicros() - this.#startedCpuMicros;
    this.#reading = { commands: this.#commands, elapsedMs, cpuMicros };
    this.#end();
  }
}

/** An empty histogram of microseconds, with three significant digits. */
export function newLatencies(): Histogram {
  return build({ highestTrackableValue: latencyMicrosMax, numberOfSignificantValueDigits: 3 });
}
