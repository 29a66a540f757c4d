/** The door of a command: checks what the caller gave and makes the invocation that travels. */

import type { Platform } from '../core/clock.js';
import { invalidInput } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions } from '../core/names.js';
import { canonicalJson, freezeValue } from '../core/values.js';
import type { Invocation } from './turn.js';

/** What a caller may give besides the parameters. */
interface InvocationOptions {
  readonly commandId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly expectedSequence?: number | undefined;
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
  checkOptions(options);
  const { commandId, causationId, correlationId, expectedSequence } = options;
  if (typeof command !== 'string') throw invalidInput('command', 'the name of a command', command);
  if (commandId !== undefined) checkId(commandId, 'commandId', limits.idBytesMax);
  if (causationId !== undefined) checkId(causationId, 'causationId', limits.idBytesMax);
  if (correlationId !== undefined) checkId(correlationId, 'correlationId', limits.idBytesMax);
  if (expectedSequence !== undefined) checkInteger(expectedSequence, 'expectedSequence', 0);
  const frozen = params === undefined ? undefined : freezeValue(params, 'params', limits);
  return {
    invocationId: platform.ids.newId(),
    command,
    params: frozen,
    commandId,
    paramsHash: commandId === undefined ? undefined : platform.textDigest(canonicalJson(frozen ?? null)),
    causationId,
    correlationId,
    expectedSequence,
  };
}
