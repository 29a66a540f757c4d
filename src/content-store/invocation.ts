/** The door of a command: checks what the caller gave and makes the invocation that travels. */

import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { invalidInput } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions } from '../core/names.js';
import { type ValueText, valueText } from '../core/value-text.js';
import { canonicalJson, freezeValue, type Value } from '../core/values.js';
import type { Invocation } from './turn.js';

/** What a caller may give besides the parameters. */
interface InvocationOptions {
  readonly commandId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly expectedSequence?: number | undefined;
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
  const frozen = params === undefined ? undefined : freezeValue(params, 'params', limits);
  const hash = options.commandId === undefined ? undefined : paramsHash(frozen, platform);
  return identified(command, frozen, hash, options, platform);
}

/**
 * The same for a command that is decided in another thread: its parameters are written as they are checked.
 *
 * @throws {RamaxError} `invalid_input` naming the argument
 */
export function writtenInvocationOf(
  command: unknown,
  params: unknown,
  options: InvocationOptions,
  platform: Platform,
  limits: Limits,
): WrittenInvocation {
  checkInvocation(command, options, limits);
  const written = params === undefined ? undefined : valueText(params, 'params', limits);
  const hash = options.commandId === undefined ? undefined : paramsHash(readBack(written), platform);
  return identified(command, written, hash, options, platform);
}

/** The invocation as it is kept: of an encrypted space, the digest of the parameters says nothing without its key. */
export function keptInvocation(invocation: Invocation, cipher: Cipher | undefined): Invocation {
  const { paramsHash } = invocation;
  if (cipher === undefined || paramsHash === undefined) return invocation;
  return { ...invocation, paramsHash: cipher.digest(paramsHash) };
}

function checkInvocation(
  command: unknown,
  options: InvocationOptions,
  limits: Limits,
): asserts command is string {
  checkOptions(options);
  const { commandId, causationId, correlationId, expectedSequence } = options;
  if (typeof command !== 'string') throw invalidInput('command', 'the name of a command', command);
  if (commandId !== undefined) checkId(commandId, 'commandId', limits.idBytesMax);
  if (causationId !== undefined) checkId(causationId, 'causationId', limits.idBytesMax);
  if (correlationId !== undefined) checkId(correlationId, 'correlationId', limits.idBytesMax);
  if (expectedSequence !== undefined) checkInteger(expectedSequence, 'expectedSequence', 0);
}

function identified<Params>(
  command: string,
  params: Params | undefined,
  hash: string | undefined,
  { commandId, causationId, correlationId, expectedSequence }: InvocationOptions,
  platform: Platform,
) {
  return {
    invocationId: platform.ids.newId(),
    command,
    params,
    commandId,
    paramsHash: hash,
    causationId,
    correlationId,
    expectedSequence,
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
