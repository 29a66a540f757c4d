/**
 * The client: keeps a number of commands in flight, each sent when an earlier one was answered, through a warm-up and a
 * measured phase without a pause between them.
 *
 * Invariants:
 *   - Never more than `inFlight` commands are unanswered, and in both phases exactly as many.
 *   - A command that fails, or is rejected, fails the trial: only accepted commands are counted.
 */

import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { ContactLoad } from './contact-load.js';
import { Meter } from './meter.js';
import type { Subject } from './subject.js';
import type { Bound, TrialResult } from './trial-spec.js';

/** How the client behaves. */
export interface LoopOptions {
  readonly inFlight: number;
  readonly warmUp: Bound;
  readonly measured: Bound;
}

/** Everything that a client can see of a trial. */
export type LoopResult = Omit<TrialResult, 'peakRssBytes'>;

/** Runs the client against a subject that is started, until everything is answered. */
export async function runClosedLoop(
  subject: Subject,
  load: ContactLoad,
  options: LoopOptions,
): Promise<LoopResult> {
  const client = new Client(subject, load, options);
  await client.phase(options.warmUp);
  const before = await subject.commitCounts();
  const { reading, latencies } = await client.phase(options.measured);
  await client.stop();
  const after = await subject.commitCounts();
  if (reading === undefined) throw new Error('the measured phase has not ended');
  return {
    ...reading,
    committed: { commits: after.commits - before.commits, commands: after.commands - before.commands },
    latencies: encodeIntoCompressedBase64(latencies),
    acknowledged: client.acknowledged,
  };
}

class Client {
  readonly #subject: Subject;
  readonly #load: ContactLoad;
  readonly #callers: Promise<unknown>;
  #meter: Meter;
  #sending = true;
  #acknowledged = 0;

  constructor(subject: Subject, load: ContactLoad, { inFlight, warmUp }: LoopOptions) {
    this.#subject = subject;
    this.#load = load;
    this.#meter = new Meter(warmUp);
    this.#callers = Promise.all(Array.from({ length: inFlight }, () => this.#call()));
    // Whoever waits for a phase sees it; this only keeps it from being reported before.
    this.#callers.catch(() => {});
  }

  get acknowledged(): number {
    return this.#acknowledged;
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
    this.#sending = false;
    await this.#callers;
  }

  async #call(): Promise<void> {
    while (this.#sending) {
      const command = this.#load.next();
      const sentMs = performance.now();
      await this.#subject.execute(command);
      this.#acknowledged++;
      this.#meter.recordAnswer(sentMs);
    }
  }
}
