/**
 * Reactors: what an app does about events after they are committed. A handler may be asynchronous and call the outside world; what it
 * does inside Ramax, it does by commands, each of which happens once however often the handler runs.
 */

import { type ErrorData, RamaxError } from './errors.js';
import type { RecordedEvent } from './event.js';
import type { ParamsOf } from './params-of.js';
import type { ReactionPlace } from './reaction-id.js';
import type { ValidatorInput } from './schema/validator.js';

/** How often a handler that fails is tried, and when. */
export interface ReactorRetry {
  /** Attempts at one event before it is parked. Default 8. */
  readonly attemptsMax?: number;
  /** How long after the first attempt the second comes; the time doubles with each. Default 500. */
  readonly firstDelayMs?: number;
  /** The longest time between two attempts. Default 60,000. */
  readonly delayMaxMs?: number;
}

/**
 * What becomes of an event that a reactor could not handle, after its last attempt. `park`: it is passed over, and kept for operators.
 * `stop`: the reactor goes no further in this space, until an operator retries or skips the event or the space's shard starts again.
 */
export type ReactorFailurePolicy = 'park' | 'stop';

/** An event at which a reactor has stopped. */
export interface StoppedEvent extends ReactionPlace {
  /** How often it was tried. */
  readonly attempts: number;
  /** What the last attempt failed of. */
  readonly error: ErrorData;
}

/** The answer to a command of a reactor. */
export interface ReactionResult {
  readonly eventIds: readonly number[];
  readonly spaceSequence: number;
}

type CommandArguments<Params> = undefined extends Params ? [params?: Params] : [params: Params];

/** What a command is given: where its parameters have a validator, what that takes. */
type ParamsFor<C, P, Name extends keyof C> = Name extends keyof P
  ? ValidatorInput<P[Name]>
  : ParamsOf<C[Name]>;

/** Commands of one space, as a handler issues them. */
export interface ReactionSpace<C, P = Record<never, never>> {
  /**
   * Executes a command. Its id is derived from the event and from the number of commands that this handler has issued before it, so
   * that a handler that runs again gets the first answer: issue the same commands in the same order, with parameters that
   * follow from the event.
   *
   * @throws {RamaxError} what `execute` of a space throws; `conflict` with `commandId` in the details when an earlier run has issued
   *   another command, or other parameters, at this place; `aborted` when the handler is no longer waited for
   */
  execute<Name extends keyof C & string>(
    command: Name,
    ...params: CommandArguments<ParamsFor<C, P, Name>>
  ): Promise<ReactionResult>;
}

/** What a handler may know and do besides its event. */
export interface ReactorContext<C, P = Record<never, never>> extends ReactionSpace<C, P> {
  readonly spaceId: number;
  readonly spaceName: string;
  /** Aborted when the handler has taken longer than `limits.reactionTimeoutMs`, and when the shard drains or the space is deleted. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. After a crash it is counted from 1 again. */
  readonly attempt: number;
  /** When this attempt began: milliseconds since the Unix epoch. Another one at the next attempt: it is nothing for parameters. */
  readonly now: number;
  /** An id in the form of a UUID, derived like those of commands: the same at each attempt. */
  newId(): string;
  /** Another space, by its name. */
  space(spaceName: string): ReactionSpace<C, P>;
  /** A value of the own space, as it is now. Default: of the main view. */
  fetch<Stored = unknown>(key: string, options?: { readonly view?: string }): Promise<Stored | undefined>;
  /** The result of a query over the own space, as it is now. */
  query<Result = unknown>(name: string, params?: unknown): Promise<Result>;
}

/** A reactor of any app: nobody knows what its handlers take. */
export interface AnyReactor {
  readonly on: Readonly<Record<string, ((...given: never) => unknown) | undefined>>;
  readonly from?: 'start' | 'now';
  readonly retry?: ReactorRetry;
  readonly onFailure?: ReactorFailurePolicy;
}

/** Commands of any app, as a handler names them. */
export type AnyReactionCommands = Readonly<Record<string, (...given: never) => unknown>>;

/** A handler as the runtime calls it. */
export type ReactorHandler = (event: RecordedEvent, context: ReactorContext<AnyReactionCommands>) => unknown;

/** A checked reactor. */
export interface LoadedReactor {
  readonly name: string;
  readonly handlers: ReadonlyMap<string, ReactorHandler>;
  readonly from: 'start' | 'now';
  readonly retry: Required<ReactorRetry>;
  readonly onFailure: ReactorFailurePolicy;
}

const defaultRetry: Required<ReactorRetry> = { attemptsMax: 8, firstDelayMs: 500, delayMaxMs: 60_000 };

/** How the shape of an app is checked (`loaded-app.ts`). */
interface Checks {
  record(candidate: unknown, field: string, expected: string): Record<string, unknown>;
  functions(candidate: unknown, field: string): ReadonlyMap<string, ReactorHandler>;
  wrong(field: string, expected: string, got: unknown): RamaxError;
}

/**
 * Checks the reactors of an app.
 *
 * @throws {RamaxError} `invalid_app`
 */
export function loadReactors(candidate: unknown, checks: Checks): readonly LoadedReactor[] {
  if (candidate === undefined) return [];
  const entries = Object.entries(checks.record(candidate, 'reactors', 'an object of reactors'));
  return entries.map(([name, reactor]) => loadReactor(name, reactor, checks));
}

function loadReactor(name: string, candidate: unknown, checks: Checks): LoadedReactor {
  const field = `reactors.${name}`;
  // A part of stored keys and of command ids.
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw checks.wrong(field, 'named with 1 to 64 letters, digits, _ or -, a letter first', {});
  }
  const { on, from = 'now', retry = {}, onFailure = 'park' } = checks.record(candidate, field, 'a reactor');
  if (from !== 'now' && from !== 'start') throw checks.wrong(`${field}.from`, `'start' or 'now'`, from);
  if (onFailure !== 'park' && onFailure !== 'stop') {
    throw checks.wrong(`${field}.onFailure`, `'park' or 'stop'`, onFailure);
  }
  const given = checks.record(retry, `${field}.retry`, 'an object');
  const checked = Object.fromEntries(
    Object.entries(defaultRetry).map(([key, value]) => {
      const own = given[key] ?? value;
      const isRight = typeof own === 'number' && Number.isSafeInteger(own) && own >= 1;
      if (!isRight) throw checks.wrong(`${field}.retry.${key}`, 'an integer from 1', own);
      return [key, own];
    }),
  );
  return {
    name,
    handlers: checks.functions(on, `${field}.on`),
    from,
    retry: checked as unknown as Required<ReactorRetry>,
    onFailure,
  };
}

/** How long to wait behind this attempt. */
export function retryDelayMs({ firstDelayMs, delayMaxMs }: Required<ReactorRetry>, attempt: number): number {
  return Math.min(delayMaxMs, firstDelayMs * 2 ** Math.min(attempt - 1, 40));
}

/** What becomes of an attempt that failed. */
export type FailureFate = 'retried' | 'retriedForEver' | 'parked';

/** Refusals that the same call may not meet later, although they say of themselves that a retry does not help. */
const passingCodes: ReadonlySet<string> = new Set(['suspended', 'key_missing']);

/**
 * Whether an attempt that failed is made again. What Ramax has refused for good (a rejection, a conflict, wrong parameters) would be refused
 * again: such an event is parked at once. A disk that is full is nobody's fault: that is waited for.
 */
export function fateOf(
  error: unknown,
  attempt: number,
  { attemptsMax }: Required<ReactorRetry>,
): FailureFate {
  if (error instanceof RamaxError) {
    if (error.code === 'storage' && error.details['passes'] === true) return 'retriedForEver';
    if (!error.retryable && !passingCodes.has(error.code)) return 'parked';
  }
  return attempt < attemptsMax ? 'retried' : 'parked';
}

const messageCharactersMax = 2_000;

/** What an attempt failed of, as it is kept beside the event: as much of it as a person needs. */
export function parkedError(error: RamaxError, isEncrypted: boolean): ErrorData {
  const { code, reason } = error;
  // The app's own words may be those of the payload.
  if (isEncrypted) return { code, message: 'not kept: the space is encrypted' };
  const message = error.message.slice(0, messageCharactersMax);
  return { code, message, ...(reason === undefined ? {} : { reason }) };
}
