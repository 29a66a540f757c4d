/**
 * A call from its entry to its answer: admission, deadline, abort. Every public call that waits goes through here.
 *
 * Owns: nothing beyond the call under way. Invariants:
 *   E1  A call ends once; its room is given back when its answer has come, not when its caller has gone.
 *   E2  Aborted or timed out before it was decided, a command is `aborted` or `timeout` and nothing happens; after
 *       that it is `outcome_unknown`. The shard says which; if it does not within `cancelGraceMs`, it is unknown. A
 *       change of the registry cannot be called back: it is unknown at once.
 */

import type { Clock } from '../core/clock.js';
import { asRamaxError, invalidInput, isRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { PendingCall } from '../protocol/link.js';
import { Admission, type Waiter } from './admission.js';
import { type Deadline, Deadlines } from './deadlines.js';

/** What every call that waits may be given. */
export interface WaitOptions {
  /** Ends the wait: see the codes `aborted` and `outcome_unknown`. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most, in milliseconds. Default: `limits.callTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** What to do when too much is in flight: fail with `overloaded`, or wait for room. Default: the runtime's. */
  readonly overload?: OverloadPolicy | undefined;
}

/** For every door that takes them. */
export const waitOptionNames = [
  'signal',
  'timeoutMs',
  'overload',
] as const satisfies readonly (keyof WaitOptions)[];

/** Fail at once, or wait for room. */
export type OverloadPolicy = 'fail' | 'wait';

/** Calls to the registry belong to no space: they share this place in the admission. */
export const registryPlace = 0;

/** One call to make. */
export interface CallPlan<Reply> {
  readonly spaceId: number;
  /** The size of its parameters. */
  readonly bytes: number;
  /** It may have an effect: when its caller stops waiting and nobody can say, the outcome is unknown. */
  readonly isCommand: boolean;
  /** Whether the other end can be told to stop; else a caller that stops waiting has its answer at once. */
  readonly isCancellable: boolean;
  readonly begin: () => PendingCall<Reply>;
}

/** All calls of a runtime. */
export class Calls {
  readonly #limits: Limits;
  readonly #overload: OverloadPolicy;
  readonly #admission: Admission;
  readonly #deadlines: Deadlines;
  #closed: RamaxError | undefined;
  readonly #idleWaiters: (() => void)[] = [];
  #unanswered = 0;

  constructor(clock: Clock, limits: Limits, overload: OverloadPolicy) {
    this.#limits = limits;
    this.#overload = overload;
    this.#admission = new Admission(limits);
    this.#deadlines = new Deadlines(clock);
  }

  /** Calls that were admitted and have no answer yet. */
  get inFlight(): number {
    return this.#admission.inFlight;
  }

  /** Makes a call. `overloadDefault` is what it does when there is no room and its options do not say. */
  make<Reply>(
    plan: CallPlan<Reply>,
    options: WaitOptions,
    overloadDefault: OverloadPolicy = this.#overload,
  ): Promise<Reply> {
    try {
      checkOptions(options);
      checkChoices(this.#choices(options, overloadDefault));
      if (this.#closed !== undefined) throw this.#closed;
      if (options.signal?.aborted === true) throw stopError('aborted', plan.isCommand);
    } catch (error) {
      return Promise.reject(error);
    }
    const { signal, timeoutMs, overload } = this.#choices(options, overloadDefault);
    return new Promise((resolve, reject) => {
      this.#unanswered++;
      const end = (): void => {
        this.#unanswered--;
        if (this.#unanswered === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
      };
      new CallUnderWay(plan, this.#admission, this.#deadlines, this.#limits.cancelGraceMs, {
        resolve: (reply) => {
          end();
          resolve(reply);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      }).run(signal, timeoutMs, overload);
    });
  }

  /** The options with the runtime's own in place of those that are absent. */
  #choices(options: WaitOptions, overloadDefault: OverloadPolicy) {
    const { signal, timeoutMs = this.#limits.callTimeoutMs, overload = overloadDefault } = options;
    return { signal, timeoutMs, overload };
  }

  /** Reads in the shard of a space; `bytes` is the size of the parameters. */
  readInShard<Reply>(
    spaceId: number,
    begin: () => PendingCall<Reply>,
    options: WaitOptions,
    bytes = 0,
  ): Promise<Reply> {
    return this.make({ spaceId, bytes, isCommand: false, isCancellable: true, begin }, options);
  }

  /** Reads something that no shard decides about: the registry, or the log. Ends when its caller stops waiting. */
  read<Reply>(spaceId: number, ask: () => Promise<Reply>, options: WaitOptions): Promise<Reply> {
    return this.#ask(spaceId, false, ask, options);
  }

  /** Changes the registry. The change goes on when its caller stops waiting, and is then `outcome_unknown`. */
  change<Reply>(ask: () => Promise<Reply>, options: WaitOptions): Promise<Reply> {
    return this.#ask(registryPlace, true, ask, options);
  }

  #ask<Reply>(
    spaceId: number,
    isCommand: boolean,
    ask: () => Promise<Reply>,
    options: WaitOptions,
  ): Promise<Reply> {
    const begin = (): PendingCall<Reply> => ({ answer: ask(), cancel: () => {} });
    const plan = { spaceId, bytes: 0, isCommand, isCancellable: false, begin };
    // Registry calls are few and small: they wait for room unless they say otherwise.
    return spaceId === registryPlace ? this.make(plan, options, 'wait') : this.make(plan, options);
  }

  /** Takes no more calls; resolves when those under way have ended. */
  async drain(error: RamaxError): Promise<void> {
    this.#closed = error;
    while (this.#unanswered > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  close(): void {
    this.#deadlines.close();
  }
}

interface Outcome<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: RamaxError) => void;
}

class CallUnderWay<Reply> {
  readonly #plan: CallPlan<Reply>;
  readonly #admission: Admission;
  readonly #deadlines: Deadlines;
  readonly #cancelGraceMs: number;
  #outcome: Outcome<Reply> | undefined;
  #pending: PendingCall<Reply> | undefined;
  #waiter: Waiter | undefined;
  #deadline: Deadline | undefined;
  #grace: Deadline | undefined;
  #stopped: 'aborted' | 'timeout' | undefined;
  #unlisten: (() => void) | undefined;

  constructor(
    plan: CallPlan<Reply>,
    admission: Admission,
    deadlines: Deadlines,
    cancelGraceMs: number,
    outcome: Outcome<Reply>,
  ) {
    this.#plan = plan;
    this.#admission = admission;
    this.#deadlines = deadlines;
    this.#cancelGraceMs = cancelGraceMs;
    this.#outcome = outcome;
  }

  run(signal: AbortSignal | undefined, timeoutMs: number, overload: OverloadPolicy): void {
    const { spaceId, bytes } = this.#plan;
    if (signal !== undefined) {
      const onAbort = (): void => this.#stop('aborted');
      signal.addEventListener('abort', onAbort, { once: true });
      this.#unlisten = () => signal.removeEventListener('abort', onAbort);
    }
    this.#deadline = this.#deadlines.set(timeoutMs, () => this.#stop('timeout'));
    if (this.#admission.hasRoom(spaceId, bytes)) {
      this.#admission.enter(spaceId, bytes);
      this.#begin();
    } else if (overload === 'wait') this.#waitForRoom();
    else this.#fail(this.#admission.overloaded(spaceId));
  }

  #waitForRoom(): void {
    const { spaceId, bytes } = this.#plan;
    const waiter: Waiter = {
      bytes,
      admit: () => {
        this.#waiter = undefined;
        this.#begin();
      },
    };
    try {
      this.#admission.wait(spaceId, waiter);
      this.#waiter = waiter;
    } catch (error) {
      this.#fail(asRamaxError(error, 'overloaded', 'no room to wait'));
    }
  }

  #begin(): void {
    const { spaceId, bytes, begin } = this.#plan;
    const pending = begun(begin);
    this.#pending = pending;
    pending.answer.then(
      (reply) => {
        this.#admission.leave(spaceId, bytes);
        this.#end()?.resolve(reply);
      },
      (error: unknown) => {
        this.#admission.leave(spaceId, bytes);
        this.#fail(this.#explained(asRamaxError(error, 'unavailable', 'the call failed')));
      },
    );
  }

  /** The caller no longer waits. */
  #stop(why: 'aborted' | 'timeout'): void {
    if (this.#stopped !== undefined || this.#outcome === undefined) return;
    this.#stopped = why;
    if (this.#waiter !== undefined) {
      this.#admission.leaveQueue(this.#plan.spaceId, this.#waiter);
      this.#fail(stopError(why, this.#plan.isCommand));
      return;
    }
    if (!this.#plan.isCancellable) {
      this.#fail(this.#stoppedError(why));
      return;
    }
    this.#pending?.cancel();
    this.#grace = this.#deadlines.set(this.#cancelGraceMs, () => this.#fail(this.#stoppedError(why)));
  }

  /** The shard did not say in time whether the call was decided. */
  #stoppedError(why: 'aborted' | 'timeout'): RamaxError {
    if (!this.#plan.isCommand) return stopError(why, false);
    return new RamaxError(
      'outcome_unknown',
      `${why === 'timeout' ? 'the deadline passed' : 'the call was aborted'}, and nobody has said whether it took effect`,
    );
  }

  #explained(error: RamaxError): RamaxError {
    const saysAborted = isRamaxError(error, 'aborted');
    return saysAborted && this.#stopped !== undefined
      ? stopError(this.#stopped, this.#plan.isCommand)
      : error;
  }

  #fail(error: RamaxError): void {
    this.#end()?.reject(error);
  }

  #end(): Outcome<Reply> | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    this.#deadline?.clear();
    this.#grace?.clear();
    this.#unlisten?.();
    return outcome;
  }
}

/** A call that cannot even be begun has failed like any other: its room is given back (E1). */
function begun<Reply>(begin: () => PendingCall<Reply>): PendingCall<Reply> {
  try {
    return begin();
  } catch (error) {
    return { answer: Promise.reject(error), cancel: () => {} };
  }
}

/**
 * Refuses what are no options, and options that `of` does not take.
 *
 * @param others those that it takes besides
 * @throws {RamaxError} `invalid_input`
 */
export function checkWaitOptions(
  options: unknown,
  of: string,
  others: readonly string[] = [],
): asserts options is object {
  checkOptions(options);
  checkOptionNames(options, [...others, ...waitOptionNames], of);
}

function checkChoices({ signal, timeoutMs, overload }: WaitOptions): void {
  checkInteger(timeoutMs, 'timeoutMs', 1);
  checkOverloadPolicy(overload);
  checkSignal(signal);
}

/** @throws {RamaxError} `invalid_input` for what is no `OverloadPolicy` */
export function checkOverloadPolicy(overload: unknown): asserts overload is OverloadPolicy {
  if (overload !== 'fail' && overload !== 'wait')
    throw invalidInput('overload', `'fail' or 'wait'`, overload);
}

function stopError(why: 'aborted' | 'timeout', isCommand: boolean): RamaxError {
  const what = isCommand ? 'command was decided; nothing was written' : 'call was answered';
  return why === 'timeout'
    ? new RamaxError('timeout', `the deadline passed before the ${what}`)
    : new RamaxError('aborted', `the caller aborted before the ${what}`);
}
