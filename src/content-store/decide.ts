/** How a command decides: from an invocation and the state to events that are ready for the log, or to a refusal. Pure. */

import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { checkExpectedVersion } from '../core/decider.js';
import type { Command, CommandAnswer, CommandContext } from '../core/define-app.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { type LoadedApp, unknownName } from '../core/loaded-app.js';
import { throughMiddleware } from '../core/middleware.js';
import type { PStateReader } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { builtInCommands, isReserved } from '../core/reserved.js';
import { checkWith } from '../core/schema/validator.js';
import { isThenable } from '../core/thenable.js';
import { TimerRequest } from '../core/timers.js';
import type { Value } from '../core/values.js';
import { type DraftEvent, noMetadata, sealEvents } from '../event-store/seal.js';
import { type BuiltInContext, decideBuiltIn } from './built-in-commands.js';
import { type BuiltInReader, noBuiltInState } from './built-in-state.js';
import { checkNotReserved, withTimerEvents } from './timer-requests.js';
import type { Invocation } from './turn.js';

/** Where a space is: the last event applied, and its hash in the chain. */
export interface SpaceEnd {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

/** What all decisions of a space have in common. */
export interface DecisionOptions {
  readonly app: LoadedApp;
  readonly spaceName: string;
  readonly newId: () => string;
  readonly platform: Platform;
  readonly limits: Limits;
  /** Of an encrypted space. */
  readonly cipher?: Cipher | undefined;
  /** The timers and imports of the space. Default: none. */
  readonly state?: BuiltInReader;
}

/**
 * Decides a command and seals its events. The clock is read once, before the decision.
 *
 * @param main what the command reads
 * @param head where the space is
 * @throws {RamaxError} `conflict`, `command_rejected`, `unknown_command`, `command_failed`, `invalid_input`
 */
export function draftEvents(
  invocation: Invocation,
  main: PStateReader,
  head: SpaceEnd,
  options: DecisionOptions,
): readonly DraftEvent[] {
  const { spaceName, newId, platform, limits, cipher } = options;
  checkExpectedSequence(invocation.expectedSequence, head.sequence);
  const timestamp = Math.trunc(platform.clock.now());
  const {
    invocationId,
    commandId,
    causationId,
    correlationId,
    metadata = noMetadata,
    traceparent,
  } = invocation;
  const context = { now: timestamp, newId, spaceName, commandId, causationId, correlationId, metadata };
  const answer = isReserved(invocation.command)
    ? decideBuiltIn(invocation, builtInContext(main, context, options))
    : decideWithTimers(main, invocation, context, options);
  if (Rejection.is(answer)) throw rejectionError(invocation.command, answer);
  const digest = platform.chainDigest;
  const facts = {
    invocationId,
    timestamp,
    causationId,
    correlationId,
    metadata,
    traceparent,
    shapes: options.app.shapes,
    hasOwnTimes: invocation.command === builtInCommands.appendHistory,
  };
  return sealEvents(answer, head, { ...facts, digest, limits, cipher });
}

/** What a command of the app decides, its requests about timers as events. */
function decideWithTimers(
  main: PStateReader,
  invocation: Invocation,
  context: CommandContext,
  { app, limits, state = noBuiltInState }: DecisionOptions,
  firing?: string,
): readonly EventSpec[] | Rejection {
  const answer = decide(app, main, invocation, context);
  if (Rejection.is(answer)) return answer;
  return withTimerEvents(answer, { app, limits, state, now: context.now, firing });
}

function builtInContext(
  main: PStateReader,
  context: CommandContext,
  options: DecisionOptions,
): BuiltInContext {
  const { app, limits, state = noBuiltInState } = options;
  return {
    command: context,
    state,
    importsPerSpaceMax: limits.importsPerSpaceMax,
    decideTarget: (command, params, firing) =>
      decideWithTimers(main, { invocationId: '', command, params }, context, options, firing),
    inPresentShape: (event) => presentSpecs(app, event, context.now),
    checkEvents: (events) => checkedEvents(app, events) as readonly EventSpec[],
  };
}

/** An event that was scheduled under an earlier version goes through the upcasters before it is ever stored. */
function presentSpecs({ shapes }: LoadedApp, spec: EventSpec, now: number): readonly EventSpec[] {
  const { entityId, type, version = 1, payload = null, tags = [] } = spec;
  if (shapes.isPresent({ type, version })) return [spec];
  const facts = {
    spaceSequence: 0,
    timestamp: now,
    causationId: '',
    correlationId: '',
    metadata: noMetadata,
  };
  const scheduled = { ...facts, entityId, type, version, payload: payload as Value, tags };
  return shapes.partsOf(scheduled).map((part) => ({ ...spec, ...part }));
}

function checkExpectedSequence(expected: number | undefined, actual: number): void {
  if (expected === undefined || expected === actual) return;
  throw new RamaxError('conflict', `expected the space at sequence ${expected}, but it is at ${actual}`, {
    details: { expectedSequence: expected, actualSequence: actual },
  });
}

/**
 * Runs a command function behind the app's middleware and between its validators: it gets the parameters that theirs gives, and the
 * payloads of the events that come out of the middleware become what theirs give.
 *
 * @returns the events to append, or the rejection
 * @throws {RamaxError} `unknown_command`; `invalid_input` for parameters or payloads that their validators refuse;
 *   `command_failed` when the function or a middleware throws or returns no answer; `conflict`
 */
export function decide(
  app: LoadedApp,
  pstate: PStateReader,
  invocation: Invocation,
  context: CommandContext,
): readonly (EventSpec | TimerRequest)[] | Rejection {
  const command = app.commands.get(invocation.command);
  if (command === undefined) throw unknownName('command', invocation.command, [...app.commands.keys()]);
  const run = (params: unknown): CommandAnswer =>
    runCommand(app, command, pstate, invocation, params, context);
  const { middleware } = app;
  const { command: name, params } = invocation;
  const answer =
    middleware.length === 0
      ? run(params)
      : throughMiddleware(middleware, { command: name, params, context, pstate }, run);
  return Rejection.is(answer) ? answer : ownEvents(app, answer);
}

/** @param given the parameters that came */
function runCommand(
  app: LoadedApp,
  command: Command,
  pstate: PStateReader,
  invocation: Invocation,
  given: unknown,
  context: CommandContext,
): CommandAnswer {
  const validator = app.params.get(invocation.command);
  const params = validator === undefined ? given : checkWith(validator, given, 'params');
  const { expectedVersion } = invocation;
  if (expectedVersion !== undefined)
    checkExpectedVersion(expectedVersion, { name: invocation.command, decides: command }, pstate, params);
  let answer: CommandAnswer;
  try {
    answer = command(pstate, params as never, context);
  } catch (error) {
    throw asRamaxError(error, 'command_failed', `the command '${invocation.command}' threw`);
  }
  if (Rejection.is(answer) || Array.isArray(answer)) return answer;
  isThenable(answer);
  throw new RamaxError(
    'command_failed',
    `the command '${invocation.command}' must return an array of events or reject(…) synchronously`,
    { details: { command: invocation.command } },
  );
}

/** Of types that are an app's to give. */
function ownEvents(
  app: LoadedApp,
  events: readonly (EventSpec | TimerRequest)[],
): readonly (EventSpec | TimerRequest)[] {
  events.forEach((event, index) => {
    if (typeof event === 'object' && event !== null && 'type' in event) {
      if (typeof event.type === 'string' && isReserved(event.type))
        checkNotReserved(event.type, `events[${index}].type`);
    }
  });
  return checkedEvents(app, events);
}

/** What is no event at all is left to the log's own check. */
export function checkedEvents<Item extends EventSpec | TimerRequest>(
  app: LoadedApp,
  events: readonly Item[],
): readonly Item[] {
  if (app.events.size === 0) return events;
  return events.map((event, index) => {
    if (typeof event !== 'object' || event === null || TimerRequest.is(event)) return event;
    const validator = app.events.get(event.type);
    if (validator === undefined) return event;
    const payload = checkWith(validator, event.payload ?? null, `events[${index}].payload`);
    return { ...event, payload };
  });
}

/** The error that a rejection becomes for the caller. */
function rejectionError(command: string, rejection: Rejection): RamaxError {
  return new RamaxError('command_rejected', `the command '${command}' was rejected: ${rejection.reason}`, {
    reason: rejection.reason,
    details: rejection.details,
  });
}
