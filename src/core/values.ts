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

import { invalidInput, RamaxError } from './errors.js';

/** A JSON value, deeply readonly. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** The bounds that `freezeValue` checks. */
export interface ValueLimits {
  readonly valueBytesMax: number;
  readonly valueDepthMax: number;
}

/**
 * Frozen roots and branches that are known to be ours: sharing them is safe and costs no second walk, so that a value which is
 * changed in one place costs its changed branches. Size and depth of each are in one number.
 */
const ownFrozen = new WeakMap<object, number>();

/** More than any depth that is let in, also from the disk. */
const depthsMax = 4_096;

/**
 * A deeply frozen copy of `value`, or `value` itself when it is already one of ours.
 *
 * @param field names the argument in the error, such as `params` or `payload`
 * @throws {RamaxError} `invalid_input` with the path, what was expected and what came
 */
export function freezeValue(value: unknown, field: string, limits: ValueLimits): Value {
  if (typeof value === 'object' && value !== null && ownFrozen.has(value)) return value as Value;
  const walk: Walk = { limits, field, path: [], bytes: 0, deepest: 0 };
  return copy(value, walk);
}

/** The size of a value that `freezeValue` gave out, as `valueBytesMax` counts it. */
export function valueBytes(value: Value): number {
  if (typeof value === 'string') return utf8Bytes(value);
  if (typeof value === 'object' && value !== null) return bytesOf(ownFrozen.get(value) ?? depthsMax);
  return typeof value === 'number' ? 8 : 1;
}

function bytesOf(mark: number): number {
  return Math.floor(mark / depthsMax);
}

interface Walk {
  readonly limits: ValueLimits;
  readonly field: string;
  readonly path: (string | number)[];
  bytes: number;
  /** Levels of branches down to the deepest that was met. */
  deepest: number;
}

function copy(value: unknown, walk: Walk): Value {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refuse(walk, 'well-formed text (no lone surrogates)', value);
      spend(walk, utf8Bytes(value));
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw refuse(walk, 'a finite number', value);
      spend(walk, 8);
      return value === 0 ? 0 : value;
    case 'boolean':
      spend(walk, 1);
      return value;
    case 'object':
      if (value === null) {
        spend(walk, 1);
        return null;
      }
      return copyBranch(value, walk);
    default:
      throw refuse(walk, 'a JSON value (null, boolean, finite number, string, array or plain object)', value);
  }
}

function copyBranch(value: object, walk: Walk): Value {
  const above = walk.path.length;
  const known = ownFrozen.get(value);
  if (known !== undefined) {
    const depth = known % depthsMax;
    if (above + depth <= walk.limits.valueDepthMax) {
      walk.deepest = Math.max(walk.deepest, above + depth);
      spend(walk, bytesOf(known));
      return value as Value;
    }
  }
  if (above >= walk.limits.valueDepthMax) {
    throw refuse(walk, `at most ${walk.limits.valueDepthMax} levels deep`, value);
  }
  const [bytesBefore, deepestBefore] = [walk.bytes, walk.deepest];
  walk.deepest = above + 1;
  spend(walk, 1);
  const frozen = Object.freeze(Array.isArray(value) ? copyArray(value, walk) : copyObject(value, walk));
  ownFrozen.set(frozen, (walk.bytes - bytesBefore) * depthsMax + (walk.deepest - above));
  walk.deepest = Math.max(walk.deepest, deepestBefore);
  return frozen;
}

function copyArray(value: readonly unknown[], walk: Walk): Value[] {
  const copied: Value[] = [];
  for (let index = 0; index < value.length; index++) {
    walk.path.push(index);
    if (!(index in value)) throw refuse(walk, 'a dense array (this place is empty)', undefined);
    copied.push(copy(value[index], walk));
    walk.path.pop();
  }
  return copied;
}

function copyObject(value: object, walk: Walk): { [key: string]: Value } {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && !isPlainPrototype(prototype))
    throw refuse(walk, 'a plain object or array', value);
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw refuse(walk, 'an object without symbol keys', value);
  }
  const copied: { [key: string]: Value } = {};
  for (const key of Object.keys(value)) {
    const property: unknown = (value as Record<string, unknown>)[key];
    if (property === undefined) continue;
    walk.path.push(key);
    if (key === '__proto__') throw refuse(walk, 'an object without the key __proto__', property);
    if (!key.isWellFormed()) throw refuse(walk, 'an object whose keys are well-formed text', property);
    spend(walk, utf8Bytes(key));
    copied[key] = copy(property, walk);
    walk.path.pop();
  }
  return copied;
}

/** Plain in this realm or another: a prototype that has itself no prototype and owns `hasOwnProperty`. */
function isPlainPrototype(prototype: unknown): boolean {
  return (
    prototype === Object.prototype ||
    (typeof prototype === 'object' &&
      prototype !== null &&
      Object.getPrototypeOf(prototype) === null &&
      Object.hasOwn(prototype, 'hasOwnProperty'))
  );
}

function spend(walk: Walk, bytes: number): void {
  walk.bytes += bytes;
  if (walk.bytes <= walk.limits.valueBytesMax) return;
  throw new RamaxError(
    'invalid_input',
    `${walk.field} must be at most ${walk.limits.valueBytesMax} bytes, but is larger`,
    { details: { field: walk.field, expected: `at most ${walk.limits.valueBytesMax} bytes` } },
  );
}

function refuse(walk: Walk, expected: string, got: unknown): RamaxError {
  return invalidInput(pathText(walk.field, walk.path), expected, got);
}

const shownPathStepsMax = 8;

/** A path as it is written in code: `params.tags[0]`. Long ones are cut. */
export function pathText(field: string, path: readonly (string | number)[]): string {
  const steps = path.slice(0, shownPathStepsMax).map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return field + steps.join('') + (path.length > shownPathStepsMax ? '…' : '');
}

/** Freezes a value that came as text from another thread, in place: nobody else holds it. */
export function deepFreeze(value: Value | undefined): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part as Value);
}

/** The UTF-8 length of a well-formed string. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Two units of a surrogate pair make four bytes together; any other unit from U+0800 on makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
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
