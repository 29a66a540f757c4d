/**
 * All calls of a runtime: every public call that waits is made here, and gets its one promise.
 *
 * Owns: the admission, the deadlines, and how many callers wait. What becomes of a call: `call-under-way.ts`.
 */

import type { Clock } from '../core/clock.js';
import type { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { SpaceRow } from '../event-store/port.js';
import type { SpaceLimits } from '../event-store/space-settings.js';
import { Admission, registryPlace } from './admission.js';
import { AskedPlan, type CallPlan } from './call-plan.js';
import { type CallDesk, CallUnderWay, stopError } from './call-under-way.js';
import { Deadlines } from './deadlines.js';
import {
  chosen,
  noOptions,
  type OverloadPolicy,
  type WaitChoices,
  type WaitOptions,
} from './wait-options.js';

/** See the head of this file. */
export class Calls {
  readonly #desk: CallDesk;
  /** By what calls do without room: what is chosen where no options are given. */
  readonly #defaults: Readonly<Record<OverloadPolicy, WaitChoices>>;
  readonly #overload: OverloadPolicy;
  #closed: RamaxError | undefined;
  readonly #idleWaiters: (() => void)[] = [];
  #unanswered = 0;

  /** @param spaceLimits of every space that has none of its own */
  constructor(clock: Clock, limits: Limits, overload: OverloadPolicy, spaceLimits: SpaceLimits = {}) {
    this.#overload = overload;
    const choices = { signal: undefined, timeoutMs: limits.callTimeoutMs };
    this.#defaults = { fail: { ...choices, overload: 'fail' }, wait: { ...choices, overload: 'wait' } };
    this.#desk = {
      admission: new Admission(limits, clock, spaceLimits),
      deadlines: new Deadlines(clock),
      cancelGraceMs: limits.cancelGraceMs,
      ended: () => this.#ended(),
    };
  }

  /** Calls that were admitted and have no answer yet. */
  get inFlight(): number {
    return this.#desk.admission.inFlight;
  }

  /** Bytes of their parameters. */
  get inFlightBytes(): number {
    return this.#desk.admission.inFlightBytes;
  }

  /** Calls that wait for room. */
  get waiting(): number {
    return this.#desk.admission.waiting;
  }

  /**
   * What the registry says of a space. It counts only while nothing is known: this runtime alone changes settings, and what was read
   * beside a change may be older than it.
   */
  met({ spaceId, settings }: Pick<SpaceRow, 'spaceId' | 'settings'>): void {
    const { admission } = this.#desk;
    const isPlain = settings.suspended === undefined && settings.limits === undefined;
    if (!isPlain && admission.settingsOf(spaceId) === undefined) admission.set(spaceId, settings);
  }

  /** The settings of a space were changed. */
  changed({ spaceId, settings }: SpaceRow): void {
    this.#desk.admission.set(spaceId, settings);
  }

  /** The space is gone. */
  forget(spaceId: number): void {
    this.#desk.admission.forget(spaceId);
  }

  /** Resolves when no command of the space is in flight. */
  noCommands(spaceId: number): Promise<void> {
    return this.#desk.admission.noCommands(spaceId);
  }

  /** Makes a call. `overloadDefault` is what it does when there is no room and its options do not say. */
  make<Result>(
    plan: CallPlan<Result>,
    options: WaitOptions,
    overloadDefault: OverloadPolicy = this.#overload,
  ): Promise<Result> {
    let choices = this.#defaults[overloadDefault];
    try {
      if (options !== noOptions) choices = chosen(options, choices);
      if (this.#closed !== undefined) throw this.#closed;
      if (choices.signal?.aborted === true) throw stopError('aborted', plan.isCommand);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#unanswered++;
    return new Promise((resolve, reject) => {
      new CallUnderWay(this.#desk, plan, resolve, reject).run(choices);
    });
  }

  /** Reads something that no shard decides about: the registry, or the log. Ends when its caller stops waiting. */
  read<Result>(spaceId: number, ask: () => Promise<Result>, options: WaitOptions): Promise<Result> {
    return this.#ask(new AskedPlan(spaceId, false, ask), options);
  }

  /** Changes the registry. The change goes on when its caller stops waiting, and is then `outcome_unknown`. */
  change<Result>(ask: () => Promise<Result>, options: WaitOptions): Promise<Result> {
    return this.#ask(new AskedPlan(registryPlace, true, ask), options);
  }

  #ask<Result>(plan: AskedPlan<Result>, options: WaitOptions): Promise<Result> {
    // Registry calls are few and small: they wait for room unless they say otherwise.
    return plan.spaceId === registryPlace ? this.make(plan, options, 'wait') : this.make(plan, options);
  }

  /** Takes no more calls; resolves when those under way have ended. */
  async drain(error: RamaxError): Promise<void> {
    this.#closed = error;
    while (this.#unanswered > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  close(): void {
    this.#desk.deadlines.close();
    this.#desk.admission.close();
  }

  #ended(): void {
    this.#unanswered--;
    if (this.#unanswered === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
  }
}
