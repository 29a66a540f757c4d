/**
 * The client: keeps a number of calls in flight, each sent when an earlier one was answered, through a warm-up and a
 * measured phase without a pause between them.
 *
 * Invariants:
 *   - Never more than `inFlight` calls are unanswered, and in both phases exactly as many.
 *   - A call that fails, or a command that is rejected, fails the trial: only accepted ones are counted.
 */

import { Meter } from './meter.js';
import type { Bound } from './trial-spec.js';

/** How the client behaves. */
export interface LoopOptions {
  readonly inFlight: number;
  readonly warmUp: Bound;
  readonly measured: Bound;
  /** Waited for between the phases, while calls go on that no phase counts. */
  readonly betweenPhases?: () => Promise<void>;
}

/** What a client has seen. */
export interface LoopResult {
  /** The measured phase, ended. */
  readonly meter: Meter;
  /** Calls answered over the whole loop. */
  readonly answered: number;
}

/** Runs the client against whatever answers `ask`, until everything is answered. */
export async function runClosedLoop(
  ask: () => Promise<unknown>,
  { inFlight, warmUp, measured, betweenPhases }: LoopOptions,
): Promise<LoopResult> {
  const loop = new ClosedLoop(ask, inFlight, warmUp);
  await loop.phase(warmUp);
  await betweenPhases?.();
  const meter = await loop.phase(measured);
  await loop.stop();
  return { meter, answered: loop.answered };
}

class ClosedLoop {
  readonly #ask: () => Promise<unknown>;
  readonly #callers: Promise<unknown>;
  #meter: Meter;
  #isSending = true;
  #answered = 0;

  constructor(ask: () => Promise<unknown>, inFlight: number, bound: Bound) {
    this.#ask = ask;
    this.#meter = new Meter(bound);
    this.#callers = Promise.all(Array.from({ length: inFlight }, () => this.#call()));
    // Whoever waits for a phase sees it; this only keeps it from being reported before.
    this.#callers.catch(() => {});
  }

  get answered(): number {
    return this.#answered;
  }

  /** Goes on sending until the bound is reached. */
  async phase(bound: Bound): Promise<Meter> {
    const meter = new Meter(bound);
    this.#meter = meter;
    await Promise.race([meter.ended, this.#callers]);
    return meter;
  }

  /** Sends no more, and waits for what is in flight. */
  async stop(): Promise<void> {
    this.#isSending = false;
    await this.#callers;
  }

  async #call(): Promise<void> {
    while (this.#isSending) {
      const sentMs = performance.now();
      await this.#ask();
      this.#answered++;
      this.#meter.recordAnswer(sentMs);
    }
  }
}
