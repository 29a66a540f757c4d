/**
 * One public call from its entry to its end: it waits for room, is begun, and ends with its answer, or when its caller goes.
 *
 *   waiting for room -> begun -> answered
 *          |              |
 *          +--------------+----> ended without an answer (overloaded, suspended, aborted, timeout, outcome_unknown)
 *
 * It is the one object of a call on this side: who waits for room (`Waiter`), whose deadline it is (`Expirable`), and who is told
 * of the answer (`Answerable`). Its promise was made by `Calls`.
 *
 * Invariants:
 *   E1  A call ends once; its room is given back when its answer has come, not when its caller has gone.
 *   E2  Aborted or timed out before it was decided, a command is `aborted` or `timeout` and nothing happens; after
 *       that it is `outcome_unknown`. The shard says which; if it does not within `cancelGraceMs`, it is unknown. A
 *       change of the registry cannot be called back: it is unknown at once.
 */

import type { Answerable } from '../core/answerable.js';
import { asRamaxError, isRamaxError, RamaxError } from '../core/errors.js';
import type { Admission, Waiter } from './admission.js';
import type { CallPlan } from './call-plan.js';
import { type Deadlines, Expirable } from './deadlines.js';
import type { WaitChoices } from './wait-options.js';

/** What all calls of a runtime share. */
export interface CallDesk {
  readonly admission: Admission;
  readonly deadlines: Deadlines;
  readonly cancelGraceMs: number;
  /** A call has ended for its caller. */
  ended(): void;
}

type Stopped = 'aborted' | 'timeout';

/** See the head of this file. */
export class CallUnderWay<Result> extends Expirable implements Answerable<Result>, Waiter {
  readonly #desk: CallDesk;
  readonly #plan: CallPlan<Result>;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: unknown) => void;
  #isWaiting = false;
  #isEnded = false;
  #stopped: Stopped | undefined;
  #unlisten: (() => void) | undefined;

  constructor(
    desk: CallDesk,
    plan: CallPlan<Result>,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.#desk = desk;
    this.#plan = plan;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get spaceId(): number {
    return this.#plan.spaceId;
  }

  get bytes(): number {
    return this.#plan.bytes;
  }

  get isCommand(): boolean {
    return this.#plan.isCommand;
  }

  run({ signal, timeoutMs, overload }: WaitChoices): void {
    const { admission, deadlines } = this.#desk;
    if (signal !== undefined) this.#listen(signal);
    deadlines.set(this, timeoutMs);
    if (admission.enter(this.#plan)) this.#begin();
    else if (overload === 'wait') this.#waitForRoom();
    else this.#fail(admission.refusal(this.#plan));
  }

  admitted(): void {
    this.#isWaiting = false;
    this.#begin();
  }

  refused(error: RamaxError): void {
    this.#isWaiting = false;
    this.#fail(error);
  }

  answered(result: Result): void {
    this.#leave();
    if (!this.#end()) return;
    this.#resolve(result);
  }

  failed(error: unknown): void {
    this.#leave();
    this.#fail(this.#explained(asRamaxError(error, 'unavailable', 'the call failed')));
  }

  /** The caller has waited long enough; or the shard, once it was told to stop. */
  expired(): void {
    if (this.#stopped === undefined) this.#stop('timeout');
    else this.#fail(this.#stoppedError(this.#stopped));
  }

  #listen(signal: AbortSignal): void {
    const onAbort = (): void => this.#stop('aborted');
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  #waitForRoom(): void {
    try {
      this.#desk.admission.wait(this);
      this.#isWaiting = true;
    } catch (error) {
      this.#fail(asRamaxError(error, 'overloaded', 'no room to wait'));
    }
  }

  /** A call that cannot even be begun has failed like any other: its room is given back (E1). */
  #begin(): void {
    try {
      this.#plan.begin(this);
    } catch (error) {
      this.failed(error);
    }
  }

  #leave(): void {
    this.#desk.admission.leave(this.#plan);
  }

  /** The caller no longer waits. */
  #stop(why: Stopped): void {
    if (this.#stopped !== undefined || this.#isEnded) return;
    this.#stopped = why;
    const { admission, deadlines, cancelGraceMs } = this.#desk;
    if (this.#isWaiting) {
      admission.leaveQueue(this);
      this.#fail(stopError(why, this.#plan.isCommand));
    } else if (!this.#plan.isCancellable) {
      this.#fail(this.#stoppedError(why));
    } else {
      deadlines.set(this, cancelGraceMs);
      this.#plan.cancel();
    }
  }

  /** The shard did not say in time whether the call was decided. */
  #stoppedError(why: Stopped): RamaxError {
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
    if (this.#end()) this.#reject(error);
  }

  /** Whether it had not ended before. */
  #end(): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    this.#desk.deadlines.clear(this);
    this.#unlisten?.();
    this.#desk.ended();
    return true;
  }
}

/** What a caller gets that stopped waiting in time. */
export function stopError(why: Stopped, isCommand: boolean): RamaxError {
  const what = isCommand ? 'command was decided; nothing was written' : 'call was answered';
  return why === 'timeout'
    ? new RamaxError('timeout', `the deadline passed before the ${what}`)
    : new RamaxError('aborted', `the caller aborted before the ${what}`);
}
