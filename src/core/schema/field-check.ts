/** What one field may hold: the check behind every kind of field. Pure. */

import { describeValue, isRamaxError, RamaxError } from '../errors.js';
import { defaultLimits } from '../limits.js';
import { checkId } from '../names.js';
import { pathText } from '../values.js';
import type { Field } from './field.js';
import { isRelation, type RelationField } from './relation.js';
import { sameValue } from './same-value.js';
import { type Checked, runValidator, type Validator, type ValueIssue } from './validator.js';

/**
 * What is kept in a field for which `value` is given: its default or undefined when it is absent.
 *
 * @param path names the field, such as `pstate["card:c1"].front`
 * @param entity the entity as it was given, for defaults that are made from it
 * @throws {RamaxError} `invalid_app` when the validator or a default that is made throws
 */
export function checkField(field: Field, path: string, value: unknown, entity: object): Checked {
  const present = value === undefined ? defaultOf(field, path, entity) : value;
  if (present !== undefined) return checkPresent(field, path, present);
  if (field.options.optional === true) return { value: undefined };
  // Some validators take nothing for something.
  if (field.validator !== undefined) return stableOutput(field.validator, undefined, path);
  return refused(path, `${expectedOf(field)}, as it has no default and is not optional`, undefined);
}

/**
 * What a validator makes of a value that is kept: it must take what it gives, for that is stored and checked again.
 *
 * @throws {RamaxError} `invalid_app` when it does not
 */
export function stableOutput(validator: Validator, value: unknown, path: string): Checked {
  const first = runValidator(validator, value, path);
  if ('issues' in first || sameValue(first.value, value)) return first;
  const second = runValidator(validator, first.value, path);
  if ('value' in second && sameValue(second.value, first.value)) return first;
  const { vendor } = validator['~standard'];
  throw new RamaxError(
    'invalid_app',
    `the validator of ${path} (${vendor}) must take what it gives, because that is stored and checked again; it made ` +
      `${describeValue(first.value)} of ${describeValue(value)} and did not take that as it is`,
    { details: { field: path, vendor } },
  );
}

function defaultOf({ options }: Field, path: string, entity: object): unknown {
  const { default: given } = options;
  if (typeof given !== 'function') return given;
  try {
    return (given as (entity: object) => unknown)(entity);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : describeValue(cause);
    throw new RamaxError('invalid_app', `the default of ${path} threw: ${why}`, {
      cause,
      details: { field: path },
    });
  }
}

function checkPresent(field: Field, path: string, value: unknown): Checked {
  if (field.validator !== undefined) return stableOutput(field.validator, value, path);
  if (isRelation(field)) return checkRelation(field, path, value);
  if (field.kind === 'json' || typeof value === field.kind) return { value };
  return refused(path, expectedOf(field), value);
}

function expectedOf(field: Field): string {
  if (isRelation(field)) {
    const shape = `{ $ref: '${field.entity}:…' }`;
    return field.kind === 'belongsTo' ? `a reference ${shape}` : `a map of ids to references ${shape}`;
  }
  return field.kind === 'json' ? 'a JSON value' : `a ${field.kind}`;
}

function checkRelation(field: RelationField, path: string, value: unknown): Checked {
  if (field.kind === 'belongsTo') {
    if (value === null && field.options.optional === true) return { value };
    return keyOfRef(value, field.entity) === undefined ? refused(path, expectedOf(field), value) : { value };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused(path, expectedOf(field), value);
  }
  const issues: ValueIssue[] = [];
  for (const [id, one] of Object.entries(value as Record<string, unknown>)) {
    if (one === undefined || keyOfRef(one, field.entity) === `${field.entity}:${id}`) continue;
    const expected = `the reference { $ref: ${JSON.stringify(`${field.entity}:${id}`)} }`;
    issues.push({ field: pathText(path, [id]), expected, got: describeRef(one) });
  }
  return issues.length === 0 ? { value } : { issues };
}

/**
 * Frozen references that were found well-formed: a map of many of them is checked again whenever one is linked, and all the
 * others are the same objects as before.
 */
const wellFormed = new WeakSet<object>();

/** The key of a reference to an entity of this name and to nothing else, or undefined. */
function keyOfRef(value: unknown, entity: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (wellFormed.has(value)) {
    const { $ref } = value as { readonly $ref: string };
    return $ref.startsWith(`${entity}:`) ? $ref : undefined;
  }
  if (Object.keys(value).join() !== '$ref') return undefined;
  const { $ref } = value as { readonly $ref: unknown };
  if (typeof $ref !== 'string' || !$ref.startsWith(`${entity}:`) || $ref.length === entity.length + 1) {
    return undefined;
  }
  try {
    checkId($ref, 'ref', defaultLimits.idBytesMax);
    if (Object.isFrozen(value)) wellFormed.add(value);
    return $ref;
  } catch (error) {
    if (isRamaxError(error)) return undefined;
    throw error;
  }
}

function describeRef(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('$ref' in value)) return describeValue(value);
  return `an object with $ref ${describeValue(value.$ref)}`;
}

function refused(field: string, expected: string, got: unknown): Checked {
  return { issues: [{ field, expected, got: describeRef(got) }] };
}
