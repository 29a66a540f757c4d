/** How a command decides: from an invocation and the state to events that are ready for the log, or to a refusal. Pure. */

import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import type { CommandAnswer, CommandContext } from '../core/define-app.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { type LoadedApp, unknownName } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { checkWith } from '../core/schema/validator.js';
import { isThenable } from '../core/thenable.js';
import { type DraftEvent, sealEvents } from '../event-store/seal.js';
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
  const { app, spaceName, newId, platform, limits, cipher } = options;
  checkExpectedSequence(invocation.expectedSequence, head.sequence);
  const timestamp = Math.trunc(platform.clock.now());
  const { invocationId, commandId, causationId, correlationId } = invocation;
  const context = { now: timestamp, newId, spaceName, commandId, causationId, correlationId };
  const answer = decide(app, main, invocation, context);
  if (Rejection.is(answer)) throw rejectionError(invocation.command, answer);
  const digest = platform.chainDigest;
  const facts = { invocationId, timestamp, causationId, correlationId };
  return sealEvents(answer, head, { ...facts, digest, limits, cipher });
}

function checkExpectedSequence(expected: number | undefined, actual: number): void {
  if (expected === undefined || expected === actual) return;
  throw new RamaxError('conflict', `expected the space at sequence ${expected}, but it is at ${actual}`, {
    details: { expectedSequence: expected, actualSequence: actual },
  });
}

/**
 * Runs a command function between its validators: it gets the parameters that theirs gives, and the payloads of its
 * events become what theirs give.
 *
 * @returns the events to append, or the rejection
 * @throws {RamaxError} `unknown_command`; `invalid_input` for parameters or payloads that their validators refuse;
 *   `command_failed` when the function throws or returns no answer
 */
export function decide(
  app: LoadedApp,
  pstate: PStateReader,
  invocation: Invocation,
  context: CommandContext,
): readonly EventSpec[] | Rejection {
  const command = app.commands.get(invocation.command);
  if (command === undefined) throw unknownName('command', invocation.command, [...app.commands.keys()]);
  const validator = app.params.get(invocation.command);
  const { params: given } = invocation;
  const params = validator === undefined ? given : checkWith(validator, given, 'params');
  let answer: CommandAnswer;
  try {
    answer = command(pstate, params as never, context);
  } catch (error) {
    throw asRamaxError(error, 'command_failed', `the command '${invocation.command}' threw`);
  }
  if (Rejection.is(answer)) return answer;
  if (Array.isArray(answer)) return checkedEvents(app, answer as readonly EventSpec[]);
  isThenable(answer);
  throw new RamaxError(
    'command_failed',
    `the command '${invocation.command}' must return an array of events or reject(…) synchronously`,
    { details: { command: invocation.command } },
  );
}

/** What is no event at all is left to the log's own check. */
function checkedEvents(app: LoadedApp, events: readonly EventSpec[]): readonly EventSpec[] {
  if (app.events.size === 0) return events;
  return events.map((event, index) => {
    if (typeof event !== 'object' || event === null) return event;
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
