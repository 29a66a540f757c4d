/**
 * The commands that the runtime calls by itself (`core/reserved.ts`): each decides like a command of the app, against the views and
 * what Ramax knows of the space. Pure.
 *
 * Invariants:
 *   B1  A timer fires at most once: its turn asks whether it is still pending, since the very event that had scheduled it, and
 *       what it decides says in the same append that it has fired.
 *   B2  An item of a history is appended at most once: its turn knows how many of its import the space has, and what it appends
 *       says so in the same append.
 */

import type { CommandContext } from '../core/define-app.js';
import { RamaxError } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import { Rejection } from '../core/rejection.js';
import { builtInCommands, builtInEntities, builtInEvents } from '../core/reserved.js';
import type { TimerTarget } from '../core/timers.js';
import type { Value } from '../core/values.js';
import type { StoredTimer } from '../event-store/port.js';
import type { BuiltInReader } from './built-in-state.js';
import { cancelledEvent, checkNotReserved } from './timer-requests.js';
import type { Invocation } from './turn.js';

/** What a timer that is due is called with; the shard has read the event that had scheduled it. */
export interface FireParams {
  readonly timerId: string;
  readonly spaceSequence: number;
  /** Absent: the event is no scheduling, so that the timer is pending no more. */
  readonly target?: TimerTarget;
}

/** What a timer is given up with. */
export interface GiveUpParams {
  readonly timerId: string;
  readonly spaceSequence: number;
  readonly error: { readonly code: string; readonly message: string };
}

/** An event of a history as it crosses. */
export interface HistoryEvent extends EventSpec {
  /** When it has happened: milliseconds since the Unix epoch. */
  readonly timestamp: number;
}

/** The next events of a history. */
export interface HistoryParams {
  readonly name: string;
  /** The place of the first one among the items of this space, from 0. */
  readonly offset: number;
  readonly events: readonly HistoryEvent[];
}

/** What a built-in command is decided with. */
export interface BuiltInContext {
  readonly command: CommandContext;
  readonly state: BuiltInReader;
  readonly importsPerSpaceMax: number;
  /** Decides as a command of the app would, in the same turn. */
  readonly decideTarget: (command: string, params: Value, firing: string) => readonly EventSpec[] | Rejection;
  /** What an event that was scheduled by an older app is now: itself, or what its upcasters make of it. */
  readonly inPresentShape: (event: EventSpec) => readonly EventSpec[];
  /** Checks events with the validators of the app. */
  readonly checkEvents: (events: readonly EventSpec[]) => readonly EventSpec[];
}

/**
 * The events of a built-in command.
 *
 * @throws {RamaxError} what the scheduled command throws, besides its rejection; `invalid_input` for an event of a history;
 *   `conflict` when a history is not that of before
 */
export function decideBuiltIn(
  { command, params }: Pick<Invocation, 'command' | 'params'>,
  context: BuiltInContext,
): readonly EventSpec[] {
  switch (command) {
    case builtInCommands.fireTimer:
      return fire(params as unknown as FireParams, context);
    case builtInCommands.giveUpTimer:
      return giveUp(params as unknown as GiveUpParams, context);
    case builtInCommands.cancelTimer:
      return cancel(params as unknown as { readonly timerId: string }, context);
    case builtInCommands.appendHistory:
      return appendHistory(params as unknown as HistoryParams, context);
    default:
      throw new RamaxError('unknown_command', `Ramax has no command '${command}'`, { details: { command } });
  }
}

function pendingTimer(
  { timerId, spaceSequence }: Pick<FireParams, 'timerId' | 'spaceSequence'>,
  state: BuiltInReader,
): StoredTimer | undefined {
  const timer = state.timer(timerId);
  return timer?.spaceSequence === spaceSequence ? timer : undefined;
}

function fire(params: FireParams, context: BuiltInContext): readonly EventSpec[] {
  const timer = pendingTimer(params, context.state);
  const { target, timerId } = params;
  if (timer === undefined || target === undefined) return [];
  const answer =
    'event' in target
      ? context.checkEvents(context.inPresentShape(target.event as unknown as EventSpec))
      : context.decideTarget(target.command, target.params, timerId);
  if (Rejection.is(answer)) {
    const { reason, details } = answer;
    return [firedEvent(timer, { outcome: 'rejected', reason, details })];
  }
  // First, so that the command may schedule the same id again.
  return [firedEvent(timer, { outcome: 'accepted' }), ...answer];
}

function giveUp(params: GiveUpParams, { state }: BuiltInContext): readonly EventSpec[] {
  const timer = pendingTimer(params, state);
  return timer === undefined ? [] : [firedEvent(timer, { outcome: 'failed', error: params.error })];
}

function firedEvent({ timerId, dueAt, spaceSequence }: StoredTimer, outcome: object): EventSpec {
  return {
    entityId: `${builtInEntities.timer}${timerId}`,
    type: builtInEvents.timerFired,
    payload: { timerId, scheduledSequence: spaceSequence, dueAt, ...outcome },
  };
}

function cancel({ timerId }: { readonly timerId: string }, { state }: BuiltInContext): readonly EventSpec[] {
  const timer = state.timer(timerId);
  return timer === undefined ? [] : [cancelledEvent(timerId, timer.spaceSequence)];
}

function appendHistory(
  { name, offset, events }: HistoryParams,
  { state, importsPerSpaceMax, checkEvents, command }: BuiltInContext,
): readonly EventSpec[] {
  const known = state.importPosition(name);
  const position = known ?? 0;
  if (offset > position) throw gapInHistory(name, offset, position);
  if (known === undefined && state.importCount >= importsPerSpaceMax) {
    throw new RamaxError('overloaded', `the space remembers ${importsPerSpaceMax} imports already`, {
      details: { importsPerSpaceMax },
    });
  }
  // Sent again, perhaps in other pieces: what the space has is passed over.
  const fresh = events.slice(position - offset);
  if (fresh.length === 0) return [];
  for (const [index, { type }] of fresh.entries()) checkNotReserved(type, `events[${index}].type`);
  const advanced: HistoryEvent = {
    entityId: `${builtInEntities.import}${name}`,
    type: builtInEvents.importAdvanced,
    payload: { name, position: position + fresh.length, events: fresh.length },
    metadata: { position: position + fresh.length },
    timestamp: command.now,
  };
  return [...checkEvents(fresh), advanced];
}

function gapInHistory(name: string, offset: number, position: number): RamaxError {
  return new RamaxError(
    'conflict',
    `the import '${name}' has ${position} items of this space, and is given those behind ${offset}`,
    { details: { import: name, offset, position } },
  );
}
