/**
 * Timers as an app sees them: what a command returns beside its events to have something happen later, and the events that
 * this becomes.
 */

import { invalidInput } from './errors.js';
import type { EventSpec } from './event.js';
import { checkOptionNames } from './option-names.js';
import type { builtInEvents } from './reserved.js';
import type { Value } from './values.js';

/** When: at a time, or so long after the command. */
type When =
  | {
      /** Milliseconds since the Unix epoch. One that has passed is due at once. */ readonly at: number;
      readonly after?: never;
    }
  | { /** Milliseconds after `context.now`. */ readonly after: number; readonly at?: never };

/** What happens then: a command of the app, or an event. */
type What =
  | { readonly command: string; readonly params?: unknown; readonly event?: never }
  | { readonly event: EventSpec; readonly command?: never; readonly params?: never };

/** What `schedule` takes. */
export type ScheduleOptions = {
  /** Names the timer within its space: text of 1 to 500 bytes. One that is pending under this id is replaced. */
  readonly id: string;
} & When &
  What;

/** What a command asks of the timers of its space, among its events. Made with `schedule()` and `cancelTimer()`. */
export class TimerRequest {
  readonly #brand = true;
  /** What is scheduled; undefined: the timer is cancelled. */
  readonly scheduled: ScheduleOptions | undefined;
  readonly id: string;

  constructor(id: string, scheduled: ScheduleOptions | undefined) {
    this.id = id;
    this.scheduled = scheduled;
  }

  /** Whether `item` is a request of this copy of Ramax. */
  static is(item: unknown): item is TimerRequest {
    return typeof item === 'object' && item !== null && #brand in item && item.#brand;
  }
}

const scheduleOptionNames = ['id', 'at', 'after', 'command', 'params', 'event'] as const;

/**
 * Schedules a command or an event of this space: returned by a command among its events, and as durable as they are. It
 * happens once, at its time or as soon after it as the runtime runs; a timer that is pending under the same id is replaced.
 *
 * @throws {RamaxError} `invalid_input`. What depends on the space (its bounds, the names of its commands) is checked when the
 *   command has returned
 * @example
 * ```ts
 * return [
 *   { entityId: id, type: 'order.placed', payload: order },
 *   schedule({ id: `pay:${id}`, after: 15 * 60_000, command: 'expireOrder', params: { id } }),
 * ];
 * ```
 */
export function schedule(options: ScheduleOptions): TimerRequest {
  if (typeof options !== 'object' || options === null) throw invalidInput('schedule()', 'an object', options);
  checkOptionNames(options, scheduleOptionNames, 'schedule()');
  const { id, at, after, command, event } = options;
  if (typeof id !== 'string') throw invalidInput('schedule().id', 'a string', id);
  if ((at === undefined) === (after === undefined)) {
    throw invalidInput('schedule()', 'given either `at` or `after`', options);
  }
  if ((command === undefined) === (event === undefined)) {
    throw invalidInput('schedule()', 'given either `command` or `event`', options);
  }
  return new TimerRequest(id, options);
}

/**
 * Cancels a timer of this space: returned by a command among its events. Where none is pending under this id, nothing happens.
 *
 * @throws {RamaxError} `invalid_input`
 * @example
 * ```ts
 * return [{ entityId: id, type: 'order.paid', payload: null }, cancelTimer(`pay:${id}`)];
 * ```
 */
export function cancelTimer(id: string): TimerRequest {
  if (typeof id !== 'string') throw invalidInput('cancelTimer().id', 'a string', id);
  return new TimerRequest(id, undefined);
}

/** What a timer does when it fires. */
export type TimerTarget =
  | { readonly command: string; readonly params: Value }
  | { readonly event: Readonly<Record<string, Value>> };

/** The payloads of the events that timers become, by type: streams show them, and projections may take them. */
export interface TimerEvents {
  readonly [builtInEvents.timerScheduled]: TimerTarget & { readonly timerId: string; readonly dueAt: number };
  readonly [builtInEvents.timerCancelled]: { readonly timerId: string; readonly scheduledSequence: number };
  readonly [builtInEvents.timerFired]: {
    readonly timerId: string;
    /** The sequence of the event that had scheduled it. */
    readonly scheduledSequence: number;
    readonly dueAt: number;
    /** `failed`: what was scheduled could not be done, at every attempt. */
    readonly outcome: 'accepted' | 'rejected' | 'failed';
    readonly reason?: string;
    readonly details?: Value;
    readonly error?: { readonly code: string; readonly message: string };
  };
}
