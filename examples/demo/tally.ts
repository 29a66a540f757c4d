/**
 * What became of the commands: every one that was sent is accepted, rejected by a rule, or failed.
 *
 * Invariant: `answered` is the sum of the three, and the latencies count as many.
 */

import { build, type Histogram } from 'hdr-histogram-js';

const latencyMicrosMax = 600_000_000;

export class Tally {
  #accepted = 0;
  #events = 0;
  readonly #rejected = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  readonly #latencies: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: latencyMicrosMax,
    numberOfSignificantValueDigits: 3,
  });

  /** A command that was accepted, with the number of its events. */
  accept(events: number, latencyMs: number): void {
    this.#accepted++;
    this.#events += events;
    this.#record(latencyMs);
  }

  /** A command that was decided and refused, with the name of the rule. */
  reject(reason: string, latencyMs: number): void {
    this.#rejected.set(reason, (this.#rejected.get(reason) ?? 0) + 1);
    this.#record(latencyMs);
  }

  /** A command without a decision, with the code of the error. */
  fail(code: string, latencyMs: number): void {
    this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
    this.#record(latencyMs);
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Events of the accepted commands. */
  get events(): number {
    return this.#events;
  }

  /** Rejections by rule, the most frequent first. */
  get rejectedByReason(): readonly (readonly [reason: string, count: number])[] {
    return mostFrequentFirst(this.#rejected);
  }

  /** Failures by code, the most frequent first. */
  get failedByCode(): readonly (readonly [code: string, count: number])[] {
    return mostFrequentFirst(this.#failed);
  }

  get rejected(): number {
    return sum(this.#rejected);
  }

  get failed(): number {
    return sum(this.#failed);
  }

  get answered(): number {
    return this.#accepted + this.rejected + this.failed;
  }

  /** The latency in microseconds that `percent` of the answers did not exceed; 0 without answers. */
  latencyMicros(percent: number): number {
    return this.#latencies.totalCount === 0 ? 0 : this.#latencies.getValueAtPercentile(percent);
  }

  #record(latencyMs: number): void {
    const micros = Math.round(latencyMs * 1_000);
    this.#latencies.recordValue(Math.min(Math.max(micros, 1), latencyMicrosMax));
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

function mostFrequentFirst(counts: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...counts].sort(([, left], [, right]) => right - left);
}
