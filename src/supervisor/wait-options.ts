/** What every call that waits may be given, and what becomes of it. */

import { invalidInput } from '../core/errors.js';
import { checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';

/** What every call that waits may be given. */
export interface WaitOptions {
  /** Ends the wait: see the codes `aborted` and `outcome_unknown`. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most, in milliseconds. Default: `limits.callTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** What to do when too much is in flight: fail with `overloaded`, or wait for room. Default: the runtime's. */
  readonly overload?: OverloadPolicy | undefined;
}

/** For every door that takes them. */
export const waitOptionNames = [
  'signal',
  'timeoutMs',
  'overload',
] as const satisfies readonly (keyof WaitOptions)[];

/** Given where a caller gives no options: they need no check. */
export const noOptions: Readonly<Record<string, never>> = Object.freeze({});

/** Fail at once, or wait for room. */
export type OverloadPolicy = 'fail' | 'wait';

/** Options with the runtime's own in place of those that are absent. */
export interface WaitChoices {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly overload: OverloadPolicy;
}

/**
 * The choices that `options` make, checked.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function chosen(options: WaitOptions, defaults: WaitChoices): WaitChoices {
  checkOptions(options);
  const { signal, timeoutMs = defaults.timeoutMs, overload = defaults.overload } = options;
  checkInteger(timeoutMs, 'timeoutMs', 1);
  checkOverloadPolicy(overload);
  checkSignal(signal);
  return { signal, timeoutMs, overload };
}

/**
 * Refuses what are no options, and options that `of` does not take.
 *
 * @param known those that it takes, `waitOptionNames` among them
 * @throws {RamaxError} `invalid_input`
 */
export function checkWaitOptions(
  options: unknown,
  of: string,
  known: readonly string[] = waitOptionNames,
): asserts options is object {
  if (options === noOptions) return;
  checkOptions(options);
  checkOptionNames(options, known, of);
}

/** @throws {RamaxError} `invalid_input` for what is no `OverloadPolicy` */
export function checkOverloadPolicy(overload: unknown): asserts overload is OverloadPolicy {
  if (overload !== 'fail' && overload !== 'wait')
    throw invalidInput('overload', `'fail' or 'wait'`, overload);
}
