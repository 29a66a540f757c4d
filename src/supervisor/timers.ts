/**
 * Fires timers: sees in the log which are due, and calls the spaces that they are of.
 *
 * Owns: one clock timer for the earliest that is to come, what is being fired, and what is tried again later. The log's table of
 * pending timers is the only list; main keeps none. Called by: the runtime.
 *
 *   pending -- due --> firing --> fired, and gone from the table
 *                        |  its space cannot be called now: tried again, however often
 *                        +--> it fails: tried again `timerAttemptsMax` times, then given up, which is fired as well
 *
 * Invariants:
 *   Y1  No timer is missed: the writer tells of those that are scheduled, a new writer makes main look anew, and while any are
 *       pending main looks every `lookMsMax`, so that a wall clock that was set is noticed, too.
 *   Y2  At most `timersFiringMax` are fired at once, and their calls wait for room like any others.
 *   Y3  It is harmless to fire one twice: the turn says whether it is pending (B1 of the built-in commands).
 */

import type { Timer } from '../core/clock.js';
import { delay } from '../core/clock.js';
import { asRamaxError, type ErrorCode, type ErrorData, type RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { builtInCommands } from '../core/reserved.js';
import type { DueTimer } from '../event-store/port.js';
import { type BuiltInServices, builtInParams, callBuiltIn } from './built-in-calls.js';

/** Timers that are read from the log at once. */
const pageMax = 500;
/** The longest time between two looks while anything is pending: so late is what a wall clock that was set forward makes due. */
const lookMsMax = 60_000;
/** Timers that are remembered while they wait for another attempt. */
const retriesMax = 1_024;
const retryMsMax = 60_000;
const blockedShownMax = 100;

/** The space cannot be called for long, and nobody is at fault that could be told. */
const blockingCodes: ReadonlySet<ErrorCode> = new Set(['key_missing', 'corrupt', 'suspended']);

/** How timers are doing since this runtime began. */
export interface TimerStats {
  /** Fired, whatever came of it. */
  readonly fired: number;
  /** Of those, given up after `limits.timerAttemptsMax` attempts. */
  readonly failed: number;
  /** Being fired now. */
  readonly firing: number;
  /** Waiting for another attempt. */
  readonly retrying: number;
  /** How long behind its time the last one was fired, and the latest of all, in milliseconds. */
  readonly lateMs: number;
  readonly lateMsMax: number;
}

/** See `RamaxHealth.timers`. */
export interface TimerHealth {
  /** Spaces whose timers are due and wait, at most 100: their key is missing, say. They are tried again every minute. */
  readonly waiting: readonly { readonly spaceId: number; readonly error: ErrorData }[];
}

interface Retry {
  /** Those that have failed of what was scheduled. */
  readonly attempts: number;
  /** All, also those that some trouble has kept from being one. */
  readonly tries: number;
  /** On the monotonic clock. */
  readonly dueMs: number;
  readonly invocationId: string;
  readonly spaceId: number;
}

/** See the head of this file. */
export class Timers {
  readonly #services: BuiltInServices;
  readonly #limits: Limits;
  /** By space and sequence of scheduling. */
  readonly #firing = new Set<string>();
  readonly #retries = new Map<string, Retry>();
  readonly #blocked = new Map<number, { readonly dueMs: number; readonly error: RamaxError }>();
  /** Spaces of which more failed than could be remembered: their other timers wait so long, those that are remembered do not. */
  readonly #crowded = new Map<number, number>();
  readonly #stats = { fired: 0, failed: 0, lateMs: 0, lateMsMax: 0 };
  #timer: Timer | undefined;
  /** When `#timer` fires, on the monotonic clock. */
  #wakesAtMs = 0;
  #isLooking = false;
  #isLookDue = false;
  #isClosed = false;
  #onFired: () => void = () => {};

  constructor(services: BuiltInServices, limits: Limits) {
    this.#services = services;
    this.#limits = limits;
  }

  /** Begins, with those that have become due while nothing ran. */
  start(): void {
    void this.#listen();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#onFired();
  }

  /** A space may be called again that could not be. */
  resumed(spaceId: number): void {
    this.#blocked.delete(spaceId);
    this.#wakeIn(0);
  }

  get stats(): TimerStats {
    const again = [...this.#firing].filter((key) => this.#retries.has(key)).length;
    return { ...this.#stats, firing: this.#firing.size, retrying: this.#retries.size - again };
  }

  get health(): TimerHealth {
    const blocked = [...this.#blocked].slice(0, blockedShownMax);
    return { waiting: blocked.map(([spaceId, { error }]) => ({ spaceId, error: error.toData() })) };
  }

  /** Hears of timers that are scheduled. */
  async #listen(): Promise<void> {
    const { supervisor, platform } = this.#services;
    let ownerGeneration = -1;
    while (!this.#isClosed) {
      try {
        const told = await supervisor.writer.call('timersScheduled', { ownerGeneration }, 'untilUp');
        ownerGeneration = told.ownerGeneration;
        this.#wakeIn(told.dueAt - platform.clock.now());
      } catch {
        if (supervisor.failure !== undefined) return;
        await delay(platform.clock, this.#limits.timerRetryMs);
      }
    }
  }

  /** Looks no later than this. */
  #wakeIn(delayMs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#services.platform;
    const waitMs = Math.min(Math.max(0, delayMs), lookMsMax);
    const atMs = clock.monotonicMs() + waitMs;
    if (this.#timer !== undefined && this.#wakesAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#wakesAtMs = atMs;
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      void this.#look();
    });
  }

  /** Fires what is due; one at a time. */
  async #look(): Promise<void> {
    this.#isLookDue = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#isLookDue && !this.#isClosed) {
        this.#isLookDue = false;
        await this.#fireDue();
      }
    } catch {
      // The log cannot be read now.
      this.#wakeIn(this.#limits.timerRetryMs);
    } finally {
      this.#isLooking = false;
    }
  }

  async #fireDue(): Promise<void> {
    const { supervisor, platform } = this.#services;
    const now = platform.clock.now();
    const begunMs = platform.clock.monotonicMs();
    for (let after: DueTimer | undefined; ; ) {
      const page = await supervisor.log.dueTimers(now, after, pageMax);
      for (const timer of page) {
        if (!this.#mayFire(timer)) continue;
        while (this.#firing.size >= this.#limits.timersFiringMax && !this.#isClosed) await this.#room();
        if (this.#isClosed) return;
        void this.#fire(timer);
      }
      after = page.at(-1);
      if (after === undefined || page.length < pageMax) break;
    }
    this.#forgetPassed(begunMs);
    // An earlier wake-up has taken the place of theirs.
    const nextMs = this.#nextAttemptMs;
    if (nextMs < Number.POSITIVE_INFINITY) this.#wakeIn(nextMs - platform.clock.monotonicMs());
    const last = { dueAt: now, spaceId: Number.MAX_SAFE_INTEGER, timerId: '', spaceSequence: 0 };
    const [next] = await supervisor.log.dueTimers(Number.MAX_SAFE_INTEGER, last, 1);
    if (next !== undefined) this.#wakeIn(next.dueAt - platform.clock.now());
  }

  /** Resolves when one has fired or failed. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFired = resolve;
    });
  }

  #mayFire(timer: DueTimer): boolean {
    const key = keyOf(timer);
    const { spaceId } = timer;
    const againMs = this.#retries.get(key)?.dueMs ?? this.#crowded.get(spaceId) ?? 0;
    const dueMs = Math.max(this.#blocked.get(spaceId)?.dueMs ?? 0, againMs);
    return !this.#firing.has(key) && dueMs <= this.#services.platform.clock.monotonicMs();
  }

  /** What was to be tried again before this look and is due no more was cancelled, or its space deleted. */
  #forgetPassed(beforeMs: number): void {
    for (const [key, { dueMs, spaceId }] of this.#retries) {
      if (dueMs <= beforeMs && !this.#firing.has(key) && !this.#blocked.has(spaceId))
        this.#retries.delete(key);
    }
    for (const [spaceId, { dueMs }] of this.#blocked) if (dueMs <= beforeMs) this.#blocked.delete(spaceId);
    for (const [spaceId, dueMs] of this.#crowded) if (dueMs <= beforeMs) this.#crowded.delete(spaceId);
  }

  /** When something is tried again, on the monotonic clock. */
  get #nextAttemptMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, { dueMs, spaceId }] of this.#retries) {
      if (!this.#firing.has(key) && !this.#blocked.has(spaceId)) nextMs = Math.min(nextMs, dueMs);
    }
    for (const { dueMs } of this.#blocked.values()) nextMs = Math.min(nextMs, dueMs);
    for (const dueMs of this.#crowded.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  async #fire(timer: DueTimer): Promise<void> {
    const { supervisor, platform } = this.#services;
    const key = keyOf(timer);
    const before = this.#retries.get(key) ?? { attempts: 0, tries: 0, invocationId: platform.ids.newId() };
    const { attempts, invocationId } = before;
    this.#firing.add(key);
    try {
      const space = await supervisor.log.findSpaceById(timer.spaceId);
      if (space === undefined) return this.#forget(timer);
      const { timerId, spaceSequence } = timer;
      const params = builtInParams({ timerId, spaceSequence });
      const waiting = { overload: 'wait' } as const;
      const { eventIds } = await callBuiltIn(
        this.#services,
        space,
        builtInCommands.fireTimer,
        params,
        waiting,
        invocationId,
      ).catch(async (error: unknown) => {
        const failure = asRamaxError(error, 'command_failed', 'the timer could not be fired');
        if (!isItsOwn(failure) || attempts + 1 < this.#limits.timerAttemptsMax) throw failure;
        const { code, message } = failure;
        const given = builtInParams({ timerId, spaceSequence, error: { code, message } });
        const ended = await callBuiltIn(this.#services, space, builtInCommands.giveUpTimer, given, waiting);
        this.#stats.failed += ended.eventIds.length;
        return ended;
      });
      this.#forget(timer);
      if (eventIds.length > 0) this.#fired(timer);
    } catch (error) {
      this.#failed(timer, asRamaxError(error, 'unavailable', 'the timer could not be fired'), before);
    } finally {
      this.#firing.delete(key);
      this.#onFired();
    }
  }

  #fired({ dueAt }: DueTimer): void {
    const lateMs = Math.max(0, this.#services.platform.clock.now() - dueAt);
    this.#stats.fired++;
    this.#stats.lateMs = lateMs;
    this.#stats.lateMsMax = Math.max(this.#stats.lateMsMax, lateMs);
  }

  #failed(
    timer: DueTimer,
    error: RamaxError,
    { attempts, tries, invocationId }: Pick<Retry, 'attempts' | 'tries' | 'invocationId'>,
  ): void {
    if (this.#isClosed || error.code === 'not_found' || error.code === 'closed') {
      this.#forget(timer);
      return;
    }
    const nowMs = this.#services.platform.clock.monotonicMs();
    if (blockingCodes.has(error.code)) {
      this.#block(timer, nowMs + retryMsMax, error);
      return;
    }
    const made = isItsOwn(error) ? attempts + 1 : attempts;
    const waitMs = Math.min(this.#limits.timerRetryMs * 2 ** Math.min(tries, 40), retryMsMax);
    // What cannot even be given up has spent its attempts: the next one gives it up again.
    const kept = Math.min(made, this.#limits.timerAttemptsMax - 1);
    const { spaceId } = timer;
    const key = keyOf(timer);
    // Over the bound it is not remembered; what other spaces have to fire is fired all the same.
    if (this.#retries.size >= retriesMax && !this.#retries.has(key))
      this.#crowded.set(spaceId, nowMs + waitMs);
    else
      this.#retries.set(key, {
        attempts: kept,
        tries: tries + 1,
        dueMs: nowMs + waitMs,
        invocationId,
        spaceId,
      });
    this.#wakeIn(waitMs);
  }

  #forget(timer: DueTimer): void {
    this.#retries.delete(keyOf(timer));
  }

  #block({ spaceId }: DueTimer, dueMs: number, error: RamaxError): void {
    this.#blocked.set(spaceId, { dueMs, error });
    this.#wakeIn(dueMs - this.#services.platform.clock.monotonicMs());
  }
}

/**
 * Whether what was scheduled is at fault, rather than a thread, a disk or a bound that stands in its way. That it schedules more timers
 * than its space may have is its own: others may be pending for years.
 */
function isItsOwn({ code, retryable, details }: RamaxError): boolean {
  if (code === 'overloaded' && details['timersPerSpaceMax'] !== undefined) return true;
  return !retryable && code !== 'closed' && code !== 'not_found' && !blockingCodes.has(code);
}

function keyOf({ spaceId, spaceSequence }: DueTimer): string {
  return `${spaceId}:${spaceSequence}`;
}
