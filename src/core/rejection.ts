import { invalidInput } from './errors.js';
import { defaultLimits } from './limits.js';
import { checkId } from './names.js';
import { freezeValue, type Value } from './values.js';

/**
 * A domain answer: the command was decided, and the answer is no. Made with `reject()`, returned (never thrown) by a
 * command; the caller's `execute` then throws a `RamaxError` with code `command_rejected`.
 */
export class Rejection<Reason extends string = string> {
  readonly #brand = true;
  readonly reason: Reason;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(reason: Reason, details: Readonly<Record<string, unknown>>) {
    this.reason = reason;
    this.details = details;
  }

  /** Whether `answer` is a rejection of this copy of Ramax. */
  static is(answer: unknown): answer is Rejection {
    return typeof answer === 'object' && answer !== null && #brand in answer && answer.#brand;
  }
}

/**
 * Refuses a command.
 *
 * @param reason a stable name of the rule that was broken, such as `contact_exists`
 * @param details JSON facts for the caller
 * @throws {RamaxError} `invalid_input` when the reason is no text or the details are no JSON object
 * @example
 * ```ts
 * if (pstate.has(`contact:${contact.id}`)) return reject('contact_exists', { id: contact.id });
 * ```
 */
export function reject<const Reason extends string>(
  reason: Reason,
  details: Readonly<Record<string, unknown>> = {},
): Rejection<Reason> {
  checkId(reason, 'reason', defaultLimits.idBytesMax);
  if (typeof details !== 'object' || details === null || Array.isArray(details)) {
    throw invalidInput('details', 'a plain object', details);
  }
  const frozen = freezeValue(details, 'details', defaultLimits) as Readonly<Record<string, Value>>;
  return new Rejection<Reason>(reason, frozen);
}
