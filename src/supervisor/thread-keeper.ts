/**
 * Keeps one thread alive: starts it, watches it, ends it when it hangs, starts it again with backoff, and gives up when that does
 * not help.
 *
 * Owns: the thread and main's link to it. Called by: the supervisor.
 *
 * Invariants:
 *   B1  At most one thread of a keeper runs: the next one starts after the last has ended. Native code cannot be interrupted: a
 *       thread that was told to end and does not is left behind, its link closed, where `leftBehindMax` allows it; else the
 *       keeper gives up. (It runs no more JavaScript: what may still take effect is the one native call that it is in.)
 *   B2  `caller` is there only while its thread is up; `onUp` runs at every start, before anyone else may use it.
 *   B3  After `stop()` nothing is started again.
 *   B4  Nothing that a thread says is heard after it was found to hang.
 */

import type { Clock } from '../core/clock.js';
import { delay } from '../core/clock.js';
import { asRamaxError, isPassingTrouble, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { beatOf, type Reacting, type Running, reactionsUnderWay, runningOf } from '../core/vitals.js';
import { type Call, Caller, type LinkSpec } from '../protocol/link.js';
import { RestartPolicy } from './restart-policy.js';
import type { Thread } from './thread-host.js';
import { Watchdog } from './watchdog.js';

/** How long a thread that hangs may take to end: in native code it does not. */
const hungEndMsMax = 5_000;
/** The same for any other, which may have to load its modules first. */
const endMsMax = 15_000;

/** How long the reason of an end may come behind the loss of the link. */
const reasonMsMax = 1_000;

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
  /** It is started once more because of what it died of. */
  readonly onRestart?: (restarts: number, cause: RamaxError) => void;
  /** It has ended by itself, or hung; names the suspect, when there is one. */
  readonly onLost?: (death: Death<Calls>) => string | undefined;
  /** Threads that may be left behind at once. Default: none. */
  readonly leftBehindMax?: number;
  /** It is down for trouble that passes, and starting it again has not helped yet; it is tried for as long as it takes. */
  readonly onTrouble?: (error: RamaxError) => void;
}

/** How a thread was lost that was up. */
export interface Death<Calls> {
  readonly caller: Caller<Calls>;
  readonly cause: RamaxError;
  /** What code of the app it ran. */
  readonly running: Running;
  /** The handlers of reactors that it had. */
  readonly reactions: readonly Reacting[];
}

/** See the head of this file. */
export class ThreadKeeper<Calls extends KeptCalls<Ready>, Ready> {
  readonly #options: ThreadKeeperOptions<Calls, Ready>;
  readonly #policy: RestartPolicy;
  /** Threads that were told to end and have not, with their ends. */
  readonly #leftBehind = new Map<Thread, Promise<void>>();
  #thread: Thread | undefined;
  #watchdog: Watchdog | undefined;
  #caller: Caller<Calls> | undefined;
  #isUp = false;
  #isStopping = false;
  #restarts = 0;
  #trouble: RamaxError | undefined;

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

  /** A thread was told to end and has not. */
  get isStuck(): boolean {
    return this.#leftBehind.size > 0;
  }

  /** Resolves when no thread is left behind. */
  async gone(): Promise<void> {
    await Promise.all(this.#leftBehind.values());
  }

  /** The suspect was innocent: the deaths that were put down to it count. */
  acquitted(suspect: string): void {
    this.#policy.acquitted(suspect);
  }

  /** Why it is down, while it is for trouble that passes. */
  get trouble(): RamaxError | undefined {
    return this.#trouble;
  }

  /** Starts the thread for the first time; a failure here is the caller's. */
  async start(): Promise<void> {
    await this.#begin();
  }

  /** Lets the thread finish what it holds and end. It is not watched: persisting all spaces may take long. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    this.#watchdog?.stop();
    const [caller, thread] = [this.#caller, this.#thread];
    if (caller === undefined || thread === undefined) return;
    const drained = (caller as unknown as Caller<KeptCalls<Ready>>).call('drain', null);
    await Promise.race([drained.catch(() => {}), thread.ended]);
    await thread.ended;
  }

  /** Ends the thread now. One that does not end is left behind (`isStuck`). */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#isUp = false;
    this.#watchdog?.stop();
    try {
      this.#caller?.close();
    } finally {
      if (this.#thread !== undefined) await this.#end(this.#thread, endMsMax);
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
      this.#watch(thread, caller);
      await onUp(caller, ready);
    } catch (error) {
      const reason = caller.isLost ? await this.#reasonOf(thread) : undefined;
      this.#letGo(caller);
      await this.#end(thread, endMsMax);
      throw reason ?? error;
    }
    this.#isUp = true;
    this.#trouble = undefined;
    void thread.ended.then((error) => {
      // One that hangs has been seen to already.
      if (this.#caller === caller) this.#lost(thread, caller, error && RamaxError.fromData(error));
    });
  }

  /** One that has ended in the middle says itself why; the lost link does not. One that hangs says nothing. */
  async #reasonOf(thread: Thread): Promise<RamaxError | undefined> {
    const reason = await Promise.race([thread.ended, delay(this.#options.clock, reasonMsMax)]);
    return reason === undefined ? undefined : RamaxError.fromData(reason);
  }

  #watch(thread: Thread, caller: Caller<Calls>): void {
    const { clock, limits } = this.#options;
    const { vitals } = thread;
    if (vitals === undefined || this.#isStopping) return;
    const { hangTimeoutMs } = limits;
    // Long work is alive: no two looks at it are the same.
    const beat = (): number => (runningOf(vitals).kind === 'longWork' ? Number.NaN : beatOf(vitals));
    this.#watchdog = new Watchdog({
      clock,
      hangTimeoutMs,
      beat,
      onHang: () => void this.#hangs(thread, caller),
    });
  }

  async #hangs(thread: Thread, caller: Caller<Calls>): Promise<void> {
    const { name, limits } = this.#options;
    const { hangTimeoutMs } = limits;
    const cause = new RamaxError(
      'unavailable',
      `the ${name} has hung for ${hangTimeoutMs} ms and was ended`,
      {
        details: { thread: name, hangTimeoutMs },
      },
    );
    // While it is being given what it needs, it is lost with its link.
    if (this.#isUp) await this.#replace(thread, caller, cause);
    else caller.close();
  }

  async #replace(thread: Thread, caller: Caller<Calls>, cause: RamaxError): Promise<void> {
    const suspect = this.#told(thread, caller, cause);
    await this.#end(thread, hungEndMsMax);
    await this.#restart(cause, suspect);
  }

  #lost(thread: Thread, caller: Caller<Calls>, error: RamaxError | undefined): void {
    const { name } = this.#options;
    const cause = error ?? new RamaxError('unavailable', `the ${name} ended without being asked to`);
    const suspect = this.#told(thread, caller, cause);
    if (!this.#isStopping) void this.#restart(cause, suspect);
  }

  /** The link is closed before anybody hears of the loss. */
  #told(thread: Thread, caller: Caller<Calls>, cause: RamaxError): string | undefined {
    this.#letGo(caller);
    if (this.#isStopping) return undefined;
    const running: Running = thread.vitals === undefined ? { kind: 'nothing' } : runningOf(thread.vitals);
    const reactions = thread.vitals === undefined ? [] : reactionsUnderWay(thread.vitals);
    return this.#options.onLost?.({ caller, cause, running, reactions });
  }

  #letGo(caller: Caller<Calls>): void {
    this.#isUp = false;
    this.#watchdog?.stop();
    caller.close();
    this.#caller = undefined;
  }

  /** Resolves when the thread has ended, or is left behind. */
  async #end(thread: Thread, waitMs: number): Promise<void> {
    if (this.#leftBehind.has(thread)) return;
    const left = Symbol('left behind');
    const ended = thread.stop();
    const waited = new Promise<typeof left>((resolve) => {
      const timer = this.#options.clock.after(waitMs, () => resolve(left));
      ended.catch(() => {}).finally(() => timer.cancel());
    });
    if ((await Promise.race([ended, waited])) !== left) return;
    const gone = (): void => void this.#leftBehind.delete(thread);
    this.#leftBehind.set(thread, ended.then(gone, gone));
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

  async #restart(cause: RamaxError, suspect: string | undefined): Promise<void> {
    const { name, clock, onGivenUp, isHopeless = () => false } = this.#options;
    let [reason, suspected] = [cause, suspect];
    while (!this.#isStopping) {
      if (this.#leftBehind.size > (this.#options.leftBehindMax ?? 0)) return this.#giveUpStuck(reason);
      const passes = isPassingTrouble(reason);
      const decision = this.#policy.ended(clock.monotonicMs(), { suspect: suspected, passes });
      if (decision.kind === 'giveUp')
        return this.#giveUp(`the ${name} keeps failing: ${reason.message}`, reason);
      if (passes) this.#inTrouble(reason);
      await delay(clock, decision.delayMs);
      if (this.#isStopping) return;
      this.#restarts++;
      this.#options.onRestart?.(this.#restarts, reason);
      try {
        await this.#begin();
        return;
      } catch (error) {
        reason = asRamaxError(error, 'unavailable', `the ${name} could not be started again`);
        suspected = undefined;
        if (isHopeless(reason)) return onGivenUp(reason);
      }
    }
  }

  #giveUp(message: string, cause: RamaxError): void {
    const { name, onGivenUp } = this.#options;
    const details = { thread: name, restarts: this.#policy.recent, lastError: cause.code };
    onGivenUp(new RamaxError('unavailable', message, { cause, details }));
  }

  #giveUpStuck(cause: RamaxError): void {
    const { name } = this.#options;
    const why = 'it does not end, for it is inside native code, and no other may take its place';
    this.#giveUp(`the ${name} cannot be replaced: ${why} (${cause.message})`, cause);
  }

  /** The first end may be over with the next start: nobody has to know of it. */
  #inTrouble(reason: RamaxError): void {
    if (this.#policy.passing < 2) return;
    this.#trouble = reason;
    this.#options.onTrouble?.(reason);
  }
}
