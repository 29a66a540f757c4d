/** The door of a command: checks what the caller gave and makes the invocation that travels. */

import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { invalidInput, RamaxError } from '../core/errors.js';
import { checkFailIfEventsMatch, type FailIfEventsMatch } from '../core/event-query.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions } from '../core/names.js';
import { reservedIdPrefix } from '../core/reaction-id.js';
import { isReserved } from '../core/reserved.js';
import { type ValueText, valueText } from '../core/value-text.js';
import { canonicalJson, freezeValue, type Value } from '../core/values.js';
import { checkMetadata } from '../event-store/seal.js';
import type { Invocation } from './turn.js';

/** What a caller may give besides the parameters. */
interface InvocationOptions {
  readonly commandId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly expectedSequence?: number | undefined;
  readonly expectedVersion?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly failIfEventsMatch?: FailIfEventsMatch | undefined;
}

/** An invocation on its way to another thread: its parameters are text already. */
export interface WrittenInvocation extends Omit<Invocation, 'params' | 'resentAfter'> {
  readonly params: ValueText | undefined;
}

/**
 * Checks a command and gives it its invocation id.
 *
 * @throws {RamaxError} `invalid_input` naming the argument
 */
export function invocationOf(
  command: unknown,
  params: unknown,
  options: InvocationOptions,
  platform: Platform,
  limits: Limits,
): Invocation {
  checkInvocation(command, options, limits);
  refuseReserved(options);
  const frozen = params === undefined ? undefined : freezeValue(params, 'params', limits);
  const hash = options.commandId === undefined ? undefined : paramsHash(frozen, platform);
  return identified(command, frozen, hash, options, platform, limits);
}

/**
 * The same for a command that is decided in another thread: its parameters are written as they are checked.
 *
 * @param traceparent of the trace that it belongs to; absent: it is not traced
 * @param by whether a caller gives it, or Ramax itself, which alone may give ids that are reserved
 * @throws {RamaxError} `invalid_input` naming the argument
 */
export function writtenInvocationOf(
  command: unknown,
  params: unknown,
  options: InvocationOptions,
  platform: Platform,
  limits: Limits,
  traceparent?: string,
  by: 'caller' | 'ramax' = 'caller',
): WrittenInvocation {
  checkInvocation(command, options, limits);
  if (by === 'caller') refuseReserved(options);
  const written = params === undefined ? undefined : valueText(params, 'params', limits);
  const hash = options.commandId === undefined ? undefined : paramsHash(readBack(written), platform);
  return identified(command, written, hash, options, platform, limits, traceparent);
}

/** The invocation as it is kept: of an encrypted space, the digest of the parameters says nothing without its key. */
export function keptInvocation(invocation: Invocation, cipher: Cipher | undefined): Invocation {
  const { paramsHash } = invocation;
  if (cipher === undefined || paramsHash === undefined) return invocation;
  return { ...invocation, paramsHash: cipher.digest(paramsHash) };
}

/** A call of the runtime by itself, of a command in `core/reserved.ts`. */
export function builtInInvocation(
  command: string,
  params: ValueText,
  invocationId: string,
): WrittenInvocation {
  return { invocationId, command, params };
}

function reservedCommand(command: string): RamaxError {
  return new RamaxError('unknown_command', `'${command}' is reserved: only the runtime calls it`, {
    details: { command },
  });
}

function checkInvocation(
  command: unknown,
  options: InvocationOptions,
  limits: Limits,
): asserts command is string {
  checkOptions(options);
  const { commandId, causationId, correlationId, expectedSequence, expectedVersion } = options;
  if (typeof command !== 'string') throw invalidInput('command', 'the name of a command', command);
  if (isReserved(command)) throw reservedCommand(command);
  if (commandId !== undefined) checkId(commandId, 'commandId', limits.idBytesMax);
  if (causationId !== undefined) checkId(causationId, 'causationId', limits.idBytesMax);
  if (correlationId !== undefined) checkId(correlationId, 'correlationId', limits.idBytesMax);
  if (expectedSequence !== undefined) checkInteger(expectedSequence, 'expectedSequence', 0);
  if (expectedVersion !== undefined) checkInteger(expectedVersion, 'expectedVersion', 0);
}

/** An id of a reactor that somebody has used before it would keep the reactor's own command from happening. */
function refuseReserved({ commandId }: InvocationOptions): void {
  if (commandId === undefined || !commandId.startsWith(reservedIdPrefix)) return;
  throw invalidInput('commandId', `an id that does not begin with '${reservedIdPrefix}'`, commandId);
}

function identified<Params>(
  command: string,
  params: Params | undefined,
  hash: string | undefined,
  options: InvocationOptions,
  platform: Platform,
  limits: Limits,
  traceparent?: string,
) {
  const { commandId, causationId, correlationId, expectedSequence, expectedVersion, metadata } = options;
  const { failIfEventsMatch } = options;
  return {
    invocationId: platform.ids.newId(),
    command,
    params,
    commandId,
    paramsHash: hash,
    causationId,
    correlationId,
    expectedSequence,
    traceparent,
    expectedVersion,
    metadata: metadata === undefined ? undefined : checkMetadata(metadata, 'metadata', limits),
    failIfEventsMatch:
      failIfEventsMatch === undefined
        ? undefined
        : checkFailIfEventsMatch(failIfEventsMatch, 'failIfEventsMatch', limits),
  };
}

/** The same for the same parameters, in whatever order their keys were written. */
function paramsHash(params: Value | undefined, platform: Platform): string {
  return platform.textDigest(canonicalJson(params ?? null));
}

/** What was written is what was checked; the caller's own value may be another one by now. */
function readBack(written: ValueText | undefined): Value | undefined {
  return written === undefined ? undefined : (JSON.parse(written.text) as Value);
}
