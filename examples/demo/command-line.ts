/** Reading a command line: what all programs of the examples share. Pure: reads no environment and prints nothing. */

import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What a person has given is wrong, and the message says how: it needs no stack. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
}

/** The command line is wrong. */
export class UsageError extends InputError {
  override readonly name = 'UsageError';
}

/**
 * What `parseArgs` of Node makes of it.
 *
 * @throws {UsageError}
 */
export function readArguments<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws {UsageError} */
export function integerOption(
  name: string,
  given: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be an integer from ${min} to ${max}, but is ${JSON.stringify(given)}`);
}

/** @throws {UsageError} */
export function textOption(name: string, given: string | undefined): string | undefined {
  if (given === '') throw new UsageError(`--${name} must not be empty`);
  return given;
}
