/**
 * Values: what parameters, payloads and projection state are made of.
 *
 * A value is JSON: null, booleans, finite numbers, well-formed strings, dense arrays and plain objects. Everything
 * else is refused at the door with the path to it, because no encoding brings it back unchanged (class instances,
 * `-0`, lone surrogates, sparse arrays, `__proto__` keys) or because it cannot be frozen (dates, bytes, maps).
 * Two things are folded instead of refused: `-0` becomes `0`, and an object's undefined properties are dropped.
 *
 * Invariants: `freezeValue` returns a deeply frozen copy that shares nothing mutable with its argument; it never
 * calls a getter twice, never follows a cycle beyond the depth bound, and is equal to its own encoding read back.
 */

import {
  bytesOfMark,
  depthOfMark,
  isKnown,
  knownMark,
  markOf,
  measuredMark,
  rememberBranch,
  rememberRoot,
} from './known-values.js';
import { utf8Bytes, type ValueLimits, ValueWalk } from './value-walk.js';

export { pathText, utf8Bytes, type ValueLimits } from './value-walk.js';

/** A JSON value, deeply readonly. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/**
 * A deeply frozen copy of `value`, or `value` itself when it is known to be one of ours: the newest ones are, and all that are
 * large. Large branches of it are shared likewise, so that a value which is changed in one place costs its changed branches.
 *
 * @param field names the argument in the error, such as `params` or `payload`
 * @throws {RamaxError} `invalid_input` with the path, what was expected and what came
 */
export function freezeValue(value: unknown, field: string, limits: ValueLimits): Value {
  if (isKnownValue(value)) return value;
  const walk = new ValueWalk(field, limits);
  const frozen = copyOf(value, walk);
  if (typeof frozen === 'object' && frozen !== null) rememberRoot(frozen, markOf(walk.bytes, walk.deepest));
  return frozen;
}

function copyOf(value: unknown, walk: ValueWalk): Value {
  try {
    return copy(value, walk);
  } catch (error) {
    throw walk.failure(error);
  }
}

/** Whether `freezeValue` would give this value back as it is. */
export function isKnownValue(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && isKnown(value);
}

/** The size of a value that `freezeValue` or `freezeParsed` gave out, as `valueBytesMax` counts it. */
export function valueBytes(value: Value): number {
  if (typeof value === 'string') return utf8Bytes(value);
  if (typeof value === 'object' && value !== null) {
    return bytesOfMark(knownMark(value) ?? measuredMark(value));
  }
  return typeof value === 'number' ? 8 : 1;
}

function copy(value: unknown, walk: ValueWalk): Value {
  switch (typeof value) {
    case 'string':
      walk.checkText(value);
      return value;
    case 'number':
      walk.checkNumber(value);
      return value === 0 ? 0 : value;
    case 'boolean':
      walk.spend(1);
      return value;
    case 'object':
      if (value !== null) return sharedBranch(value, walk) ?? copyBranch(value, walk);
      walk.spend(1);
      return null;
    default:
      throw walk.refuseKind(value);
  }
}

/** The branch itself, when it is known and not too deep here. */
function sharedBranch(branch: object, walk: ValueWalk): Value | undefined {
  const known = knownMark(branch);
  if (known === undefined) return undefined;
  const deepest = walk.depth + depthOfMark(known);
  if (deepest > walk.limits.valueDepthMax) return undefined;
  walk.deepest = Math.max(walk.deepest, deepest);
  walk.spend(bytesOfMark(known));
  return branch as Value;
}

function copyBranch(value: object, walk: ValueWalk): Value {
  const above = walk.depth;
  const bytesBefore = walk.bytes;
  const deepestBefore = walk.deepest;
  walk.deepest = 0;
  walk.enter(value);
  const frozen = Object.freeze(Array.isArray(value) ? copyArray(value, walk) : copyObject(value, walk));
  walk.leave();
  rememberBranch(frozen, markOf(walk.bytes - bytesBefore, walk.deepest - above));
  walk.deepest = Math.max(walk.deepest, deepestBefore);
  return frozen;
}

function copyArray(value: readonly unknown[], walk: ValueWalk): Value[] {
  const copied: Value[] = [];
  for (let index = 0; index < value.length; index++) {
    walk.go(index);
    walk.checkPlace(value, index);
    copied.push(copy(value[index], walk));
  }
  return copied;
}

function copyObject(value: object, walk: ValueWalk): { [key: string]: Value } {
  walk.checkPlain(value);
  const copied: { [key: string]: Value } = {};
  for (const key of Object.keys(value)) {
    const property: unknown = (value as Record<string, unknown>)[key];
    if (property === undefined) continue;
    walk.go(key);
    walk.checkKey(key, property);
    copied[key] = copy(property, walk);
  }
  return copied;
}

/**
 * Freezes a value that came as JSON text from another thread, in place: nobody else holds it. It is known as one of ours
 * afterwards. Its size and depth are counted in the same walk; text and keys were checked where it was written.
 *
 * @param limits default: those of the thread that has sent it
 * @throws {RamaxError} `invalid_input` when it is larger or deeper than `limits`
 */
export function freezeParsed<Parsed extends Value | undefined>(
  value: Parsed,
  field = 'value',
  limits: ValueLimits = noLimits,
): Parsed {
  if (typeof value === 'object' && value !== null) {
    const walk = new ValueWalk(field, limits);
    freezeParsedBranch(value, walk);
    rememberRoot(value, markOf(walk.bytes, walk.deepest));
  }
  return value;
}

const noLimits: ValueLimits = {
  valueBytesMax: Number.MAX_SAFE_INTEGER,
  valueDepthMax: Number.MAX_SAFE_INTEGER,
};

function freezeParsedBranch(branch: object, walk: ValueWalk): void {
  const above = walk.depth;
  const bytesBefore = walk.bytes;
  const deepestBefore = walk.deepest;
  walk.deepest = 0;
  walk.enter(branch);
  let index = 0;
  if (Array.isArray(branch)) for (const part of branch) freezeParsedPart(part, index++, walk);
  else {
    const object = branch as { readonly [key: string]: Value };
    for (const key of Object.keys(object)) {
      walk.spend(utf8Bytes(key));
      freezeParsedPart(object[key] ?? null, key, walk);
    }
  }
  walk.leave();
  Object.freeze(branch);
  rememberBranch(branch, markOf(walk.bytes - bytesBefore, walk.deepest - above));
  walk.deepest = Math.max(walk.deepest, deepestBefore);
}

function freezeParsedPart(part: Value, step: string | number, walk: ValueWalk): void {
  if (typeof part !== 'object' || part === null) walk.spend(valueBytes(part));
  else {
    walk.go(step);
    freezeParsedBranch(part, walk);
  }
}

/** Freezes a plain tree in place that nobody else holds. Parameters and payloads: `freezeParsed`. */
export function deepFreeze(value: Value | undefined): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part as Value);
}

/** JSON with sorted keys: equal values have equal texts, whatever order their keys were written in. */
export function canonicalJson(value: Value): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
