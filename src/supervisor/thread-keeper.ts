/**
 * Keeps one thread alive: starts it, watches it, starts it again with backoff, and gives up when that does not help.
 *
 * Owns: the thread and main's link to it. Called by: the supervisor.
 *
 * Invariants:
 *   B1  At most one thread of a keeper runs: the next one starts after the last has ended.
 *   B2  `caller` is there only while its thread is up; `onUp` runs at every start, before anyone else may use it.
 *   B3  After `stop()` nothing is started again.
 */

import type { Clock } from '../core/clock.js';
import { delay } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { type Call, Caller, type LinkSpec } from '../protocol/link.js';
import { RestartPolicy } from './restart-policy.js';
import type { Thread } from './thread-host.js';

/** Every kept thread answers `ready` first and `drain` last. */
interface KeptCalls<Ready> {
  readonly ready: Call<null, Ready>;
  readonly drain: Call<null, null>;
}

/** What to keep alive. */
export interface ThreadKeeperOptions<Calls, Ready> {
  /** For messages: `writer`, `shard 0` … */
  readonly name: string;
  readonly link: LinkSpec<Calls>;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly start: () => Thread;
  /** The thread is ready; what it still needs is given to it here. */
  readonly onUp: (caller: Caller<Calls>, ready: Ready) => Promise<void>;
  /** Whether a thread that could not be started again for this reason never will be. Default: no reason is like that. */
  readonly isHopeless?: (reason: RamaxError) => boolean;
  /** Restarts did not help, or would not: then with the reason itself. */
  readonly onGivenUp: (error: RamaxError) => void;
}

/** See the head of this file. */
export class ThreadKeeper<Calls extends KeptCalls<Ready>, Ready> {
  readonly #options: ThreadKeeperOptions<Calls, Ready>;
  readonly #policy: RestartPolicy;
  #thread: Thread | undefined;
  #caller: Caller<Calls> | undefined;
  #isUp = false;
  #isStopping = false;
  #restarts = 0;

  constructor(options: ThreadKeeperOptions<Calls, Ready>) {
    this.#options = options;
    this.#policy = new RestartPolicy(options.limits);
  }

  /** The link to the thread, while it is up. */
  get caller(): Caller<Calls> | undefined {
    return this.#isUp ? this.#caller : undefined;
  }

  /** The link to the thread, also while `onUp` is still giving it what it needs. */
  get nascent(): Caller<Calls> | undefined {
    return this.#caller;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts the thread for the first time; a failure here is the caller's. */
  async start(): Promise<void> {
    await this.#begin();
  }

  /** Lets the thread finish what it holds and end. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    const [caller, thread] = [this.#caller, this.#thread];
    if (caller === undefined || thread === undefined) return;
    const drained = (caller as unknown as Caller<KeptCalls<Ready>>).call('drain', null);
    await Promise.race([drained.catch(() => {}), thread.ended]);
    await thread.ended;
  }

  /** Ends the thread now. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#isUp = false;
    try {
      this.#caller?.close();
    } finally {
      await this.#thread?.stop();
    }
  }

  async #begin(): Promise<void> {
    const { link, clock, start, onUp } = this.#options;
    const thread = start();
    const caller = new Caller(link, thread.port, clock);
    this.#thread = thread;
    this.#caller = caller;
    try {
      const ready = await this.#ready(caller, thread);
      await onUp(caller, ready);
    } catch (error) {
      caller.close();
      this.#caller = undefined;
      await thread.stop();
      throw error;
    }
    this.#isUp = true;
    void thread.ended.then((error) => this.#ended(caller, error && RamaxError.fromData(error)));
  }

  /** The thread's first answer, or why it never comes. */
  async #ready(caller: Caller<Calls>, thread: Thread): Promise<Ready> {
    const { name, clock, limits } = this.#options;
    const ready = (caller as unknown as Caller<KeptCalls<Ready>>).call('ready', null) as Promise<Ready>;
    // The link is lost a moment before the reason is known: the thread's own error says more.
    const orEnded = ready.catch(async (error: unknown) => {
      const reason = caller.isLost ? await thread.ended : undefined;
      throw reason === undefined ? error : RamaxError.fromData(reason);
    });
    return new Promise((resolve, reject) => {
      const timer = clock.after(limits.startTimeoutMs, () => {
        reject(new RamaxError('unavailable', `the ${name} did not start within ${limits.startTimeoutMs} ms`));
      });
      orEnded.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #ended(caller: Caller<Calls>, error: RamaxError | undefined): void {
    this.#isUp = false;
    caller.close();
    this.#caller = undefined;
    if (!this.#isStopping) void this.#restart(error);
  }

  async #restart(cause: RamaxError | undefined): Promise<void> {
    const { name, clock, onGivenUp, isHopeless = () => false } = this.#options;
    let reason = cause ?? new RamaxError('unavailable', `the ${name} ended without being asked to`);
    while (!this.#isStopping) {
      const decision = this.#policy.ended(clock.monotonicMs());
      if (decision.kind === 'giveUp') {
        onGivenUp(
          new RamaxError('unavailable', `the ${name} keeps failing: ${reason.message}`, {
            cause: reason,
            details: { thread: name, restarts: this.#policy.recent, lastError: reason.code },
          }),
        );
        return;
      }
      await delay(clock, decision.delayMs);
      if (this.#isStopping) return;
      this.#restarts++;
      try {
        await this.#begin();
        return;
      } catch (error) {
        reason = asRamaxError(error, 'unavailable', `the ${name} could not be started again`);
        if (isHopeless(reason)) return onGivenUp(reason);
      }
    }
  }
}
