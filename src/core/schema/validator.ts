/**
 * Validators: any library's, by way of the Standard Schema interface (Zod, Valibot, ArkType and others implement it).
 * This file is the doorkeeper of that interface: nobody else imports it.
 *
 * Invariants: a validator answers at once (one that returns a promise is refused), and whatever it does to a caller
 * reaches the caller as a `RamaxError`, never as an error of its own.
 */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeValue, type ErrorCode, RamaxError } from '../errors.js';
import { isThenable } from '../thenable.js';
import { pathText } from '../values.js';

/** What checks a value: a schema of any library that implements Standard Schema, version 1. */
export type Validator<Input = unknown, Output = unknown> = StandardSchemaV1<Input, Output>;

/** What a validator takes. */
export type ValidatorInput<V> = V extends StandardSchemaV1 ? StandardSchemaV1.InferInput<V> : never;

/** What a validator gives. */
export type ValidatorOutput<V> = V extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<V> : never;

/**
 * Refuses, while an app is compiled, a validator of state whose output is not among its inputs: what it gives is stored
 * and checked again.
 */
export type TakesWhatItGives<V> = [ValidatorOutput<V>] extends [ValidatorInput<V>]
  ? unknown
  : { readonly '~standard': { readonly types: { readonly output: ValidatorInput<V> } } };

/** One thing that is wrong with a value, as `details.issues` of an error lists it. */
export interface ValueIssue {
  /** The path to what is wrong, such as `params.email`. */
  readonly field: string;
  readonly expected: string;
  /** What came, in words. */
  readonly got: string;
}

/** Whether `candidate` implements Standard Schema, version 1. */
export function isValidator(candidate: unknown): candidate is Validator {
  if ((typeof candidate !== 'object' && typeof candidate !== 'function') || candidate === null) return false;
  const standard = (candidate as Partial<Record<'~standard', unknown>>)['~standard'];
  if (typeof standard !== 'object' || standard === null) return false;
  const { version, validate } = standard as { version?: unknown; validate?: unknown };
  return version === 1 && typeof validate === 'function';
}

/** What came out of a check. */
export type Checked = { readonly value: unknown } | { readonly issues: readonly ValueIssue[] };

/**
 * Runs a validator.
 *
 * @param field names the value, such as `params`
 * @throws {RamaxError} `invalid_app` when the validator is asynchronous or throws
 */
export function runValidator(validator: Validator, value: unknown, field: string): Checked {
  const result = ask(validator, value, field);
  if (result.issues === undefined) return { value: result.value };
  return { issues: result.issues.map((issue) => issueOf(issue, value, field)) };
}

/**
 * What the validator makes of `value`.
 *
 * @param field names the value, such as `params`
 * @throws {RamaxError} `code` with the path, what was expected and what came, and all issues in its details;
 *   `invalid_app` when the validator is asynchronous or throws
 */
export function checkWith(
  validator: Validator,
  value: unknown,
  field: string,
  code: ErrorCode = 'invalid_input',
): unknown {
  const checked = runValidator(validator, value, field);
  if ('value' in checked) return checked.value;
  throw issuesError(checked.issues, code);
}

/** The error for a value with these issues: the first one in its message, all in its details. */
export function issuesError(issues: readonly ValueIssue[], code: ErrorCode): RamaxError {
  const [first = { field: 'value', expected: 'valid', got: 'what is not' }] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new RamaxError(code, `${issueText(first)}${more}`, { details: { ...first, issues } });
}

/** An issue as a sentence. */
export function issueText({ field, expected, got }: ValueIssue): string {
  return `${field} must be ${expected}, but got ${got}`;
}

function ask(validator: Validator, value: unknown, field: string): StandardSchemaV1.Result<unknown> {
  const { vendor } = validator['~standard'];
  const result = answerOf(validator, value, field);
  if (isThenable(result)) {
    // Zod answers so as well when a check of its own throws: it tries again, asynchronously.
    const text = `the validator of ${field} (${vendor}) must answer at once, but it returned a promise`;
    throw badValidator(`${text} (one of its checks is asynchronous, or threw)`, field, vendor);
  }
  if (typeof result !== 'object' || result === null) {
    throw badValidator(`the validator of ${field} (${vendor}) must return a result`, field, vendor);
  }
  return result as StandardSchemaV1.Result<unknown>;
}

/** Values are frozen here, and some libraries (ArkType) change theirs in place: these get a copy of their own. */
function answerOf(validator: Validator, value: unknown, field: string): unknown {
  const { vendor } = validator['~standard'];
  try {
    try {
      return validator['~standard'].validate(value);
    } catch (error) {
      if (!(error instanceof TypeError) || typeof value !== 'object' || value === null) throw error;
      return validator['~standard'].validate(mutableCopy(value));
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : describeValue(cause);
    throw badValidator(`the validator of ${field} (${vendor}) threw: ${why}`, field, vendor, cause);
  }
}

function mutableCopy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mutableCopy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mutableCopy(part)]));
}

function badValidator(message: string, field: string, vendor: string, cause?: unknown): RamaxError {
  return new RamaxError('invalid_app', message, {
    details: { field, vendor },
    ...(cause === undefined ? {} : { cause }),
  });
}

function issueOf(issue: StandardSchemaV1.Issue, value: unknown, field: string): ValueIssue {
  // Not by its own `map`: a path may be a list of a class of its own (ArkType's is), and so would be what it makes.
  const path = Array.from(issue.path ?? [], (step) => (typeof step === 'object' ? step.key : step));
  const steps = path.map((step) => (typeof step === 'number' ? step : String(step)));
  return {
    field: pathText(field, steps),
    expected: `valid (${issue.message})`,
    got: describeValue(valueAt(value, path)),
  };
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}
