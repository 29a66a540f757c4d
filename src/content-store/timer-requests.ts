/**
 * From what a command returns about timers to the events that say so. Pure.
 *
 * Each request sees those before it in the same answer: what is scheduled and cancelled by one command is cancelled.
 */

import { invalidInput, RamaxError } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import { checkId, checkInteger } from '../core/names.js';
import { builtInEntities, builtInEvents, isReserved } from '../core/reserved.js';
import { type ScheduleOptions, TimerRequest } from '../core/timers.js';
import type { EventShapes } from '../core/upcasters.js';
import { freezeValue } from '../core/values.js';
import type { BuiltInReader } from './built-in-state.js';

/** What the requests of one command are checked against. */
export interface TimerContext {
  readonly app: LoadedApp;
  readonly limits: Limits;
  readonly state: BuiltInReader;
  /** The time of the turn. */
  readonly now: number;
  /** The timer that fires in this turn: it is not pending any more. */
  readonly firing?: string | undefined;
}

/**
 * The answer with events in the place of requests.
 *
 * @throws {RamaxError} `invalid_input` naming what is wrong, `overloaded` when too many timers are pending
 */
export function withTimerEvents(
  answer: readonly (EventSpec | TimerRequest)[],
  context: TimerContext,
): readonly EventSpec[] {
  if (!answer.some(TimerRequest.is)) return answer as readonly EventSpec[];
  const pending = new PendingInTurn(context);
  return answer.flatMap((item, index): EventSpec | [] => {
    if (!TimerRequest.is(item)) return item;
    const field = `events[${index}]`;
    const { id, scheduled } = item;
    // The entity id of its events has the bound of all.
    checkId(id, `${field}.id`, context.limits.idBytesMax - builtInEntities.timer.length);
    if (scheduled !== undefined) {
      pending.add(id);
      return scheduledEvent(scheduled, field, context);
    }
    const scheduledSequence = pending.remove(id);
    return scheduledSequence === undefined ? [] : cancelledEvent(id, scheduledSequence);
  });
}

/** What is pending while an answer is gone through. */
class PendingInTurn {
  readonly #context: TimerContext;
  /** 0: scheduled in this turn; undefined: not pending any more. */
  readonly #changed = new Map<string, 0 | undefined>();
  #count: number;

  constructor(context: TimerContext) {
    this.#context = context;
    this.#count = context.state.timerCount;
    if (context.firing !== undefined) this.remove(context.firing);
  }

  add(id: string): void {
    if (this.#sequence(id) === undefined) this.#count++;
    this.#changed.set(id, 0);
    const { timersPerSpaceMax } = this.#context.limits;
    if (this.#count <= timersPerSpaceMax) return;
    throw new RamaxError('overloaded', `${timersPerSpaceMax} timers of the space are pending already`, {
      details: { timersPerSpaceMax },
    });
  }

  /** Where it was scheduled, if it is pending. */
  remove(id: string): number | undefined {
    const sequence = this.#sequence(id);
    if (sequence === undefined) return undefined;
    this.#count--;
    this.#changed.set(id, undefined);
    return sequence;
  }

  #sequence(id: string): number | undefined {
    return this.#changed.has(id) ? this.#changed.get(id) : this.#context.state.timer(id)?.spaceSequence;
  }
}

function scheduledEvent(options: ScheduleOptions, field: string, context: TimerContext): EventSpec {
  const { id: timerId } = options;
  const dueAt = dueTime(options, field, context);
  return {
    entityId: `${builtInEntities.timer}${timerId}`,
    type: builtInEvents.timerScheduled,
    payload: { timerId, dueAt, ...target(options, field, context) },
    // Where the log finds it without reading the payload, which may be encrypted.
    metadata: { dueAt },
  };
}

function dueTime({ at, after }: ScheduleOptions, field: string, { now, limits }: TimerContext): number {
  const { timerDelayMsMax } = limits;
  if (after !== undefined) {
    checkInteger(after, `${field}.after`, 0, timerDelayMsMax);
    return now + after;
  }
  checkInteger(at, `${field}.at`, 0, now + timerDelayMsMax);
  return at;
}

function target(options: ScheduleOptions, field: string, { app, limits }: TimerContext): object {
  const { command, params, event } = options;
  const bounds = { ...limits, valueBytesMax: limits.timerParamsBytesMax };
  if (event !== undefined) {
    const frozen = freezeValue(event, `${field}.event`, bounds) as unknown as EventSpec;
    checkId(frozen.entityId, `${field}.event.entityId`, limits.idBytesMax);
    checkId(frozen.type, `${field}.event.type`, limits.idBytesMax);
    checkNotReserved(frozen.type, `${field}.event.type`);
    // An app that is newer when the time comes has to know of which shape it is.
    const { shapes } = app;
    return { event: shapes.isStrict ? { ...frozen, version: versionNow(frozen, field, shapes) } : frozen };
  }
  if (typeof command !== 'string' || !app.commands.has(command)) {
    throw invalidInput(`${field}.command`, 'the name of a command of the app', command);
  }
  return { command, params: freezeValue(params ?? null, `${field}.params`, bounds) };
}

function versionNow({ type, version }: EventSpec, field: string, shapes: EventShapes): number {
  const present = shapes.versionOf(type);
  if (version === undefined || version === present) return present;
  throw invalidInput(
    `${field}.event.version`,
    `absent, or the present version of '${type}': ${present}`,
    version,
  );
}

/** The event that says that a pending timer is cancelled. */
export function cancelledEvent(timerId: string, scheduledSequence: number): EventSpec {
  return {
    entityId: `${builtInEntities.timer}${timerId}`,
    type: builtInEvents.timerCancelled,
    payload: { timerId, scheduledSequence },
  };
}

/**
 * Refuses the type of an event that an app has made and that only Ramax itself may make.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkNotReserved(type: unknown, field: string): void {
  if (typeof type !== 'string' || !isReserved(type)) return;
  throw invalidInput(field, 'a type that does not begin with `ramax.`, which is reserved', type);
}
