import type { Clock, Platform, Timer } from '../../src/core/clock.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { SeededRandom } from '../../src/testing/random.js';

interface Planned {
  readonly atMs: number;
  readonly task: () => void;
}

const epochMs = 1_700_000_000_000;

/** Who runs what is planned for the end of a turn of the event loop: the loop itself, or `turn()`. */
export type EndsOfTurns = 'free' | 'held';

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  readonly #endsOfTurns: EndsOfTurns;
  #nowMs = 0;
  #wallOffsetMs = 0;
  readonly #timers = new Set<Planned>();
  readonly #soon: (() => void)[] = [];

  constructor(endsOfTurns: EndsOfTurns = 'free') {
    this.#endsOfTurns = endsOfTurns;
  }

  now(): number {
    return epochMs + this.#wallOffsetMs + Math.floor(this.#nowMs);
  }

  /** The wall clock is set to another time; the monotonic one goes on. */
  jump(offsetMs: number): void {
    this.#wallOffsetMs += offsetMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): Timer {
    const planned = { atMs: this.#nowMs + delayMs, task };
    this.#timers.add(planned);
    return { cancel: () => this.#timers.delete(planned) };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
    if (this.#endsOfTurns === 'free') setImmediate(() => this.#soon.shift()?.());
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Time goes on while something runs: no timer fires yet. */
  pass(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  /** One turn of the event loop: promises settle, and what was planned for its end runs. */
  async turn(): Promise<void> {
    await promisesSettle();
    if (this.#endsOfTurns === 'held') for (const task of this.#soon.splice(0)) task();
    await promisesSettle();
  }

  /** Turns of the event loop, until nothing is left to do now. */
  async settle(): Promise<void> {
    do await this.turn();
    while (this.#soon.length > 0);
  }

  /** Time goes on, and every timer fires when it is due. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#nowMs + durationMs;
    await this.settle();
    for (let next = this.#nextBy(end); next !== undefined; next = this.#nextBy(end)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.task();
      await this.settle();
    }
    this.#nowMs = Math.max(this.#nowMs, end);
  }

  #nextBy(end: number): Planned | undefined {
    let next: Planned | undefined;
    for (const planned of this.#timers) {
      if (planned.atMs <= end && (next === undefined || planned.atMs < next.atMs)) next = planned;
    }
    return next;
  }
}

/** Every promise that can settle has settled. */
export function promisesSettle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Node's digests with a clock of the test's and ids that are the same in every run. */
export function manualPlatform(clock: Clock = new ManualClock()): Platform {
  const random = new SeededRandom(1);
  return { ...nodePlatform, clock, ids: { newId: () => random.uuid() } };
}
