/**
 * Freezing what was just decoded from stored bytes, in place: nobody else holds it, so that it needs no copy.
 *
 * Bytes that are damaged can decode to anything that the encoding has: dates, sets, buffers, bigints, undefined, NaN. So every
 * part is checked as `freezeValue` checks it, before it is frozen. Nothing is folded here: `-0` and undefined are in no
 * value that was encoded, so where they come out, the bytes are not what was written.
 *
 * Invariant: it accepts what `freezeValue` gives back unchanged, and it is known with the same size and depth afterwards. Small
 * values are measured only when somebody asks, which takes longer than the freezing.
 */

import { invalidInput } from './errors.js';
import { markOf, rememberBranch, rememberRoot, unmeasured } from './known-values.js';
import { defaultLimits } from './limits.js';
import { utf8Bytes } from './value-walk.js';
import type { Value } from './values.js';

/** Stored values were checked when they came in; reading back must not fail on a bound that was lowered since. */
const depthMax = defaultLimits.valueDepthMax * 16;

/** Whether sizes are counted in the present walk. */
let isMeasuring = false;
/** Levels of branches in the part that was walked last: 0 for a leaf. */
let levels = 0;

/**
 * `decoded` itself, deeply frozen and known as a value of ours.
 *
 * @param isLarge its large branches are remembered, too
 * @throws {RamaxError} `invalid_input` when it is no value; some of it may be frozen then
 */
export function freezeDecoded(decoded: unknown, isLarge: boolean): Value {
  isMeasuring = isLarge;
  const bytes = freezePart(decoded, 0);
  if (typeof decoded === 'object' && decoded !== null) {
    rememberRoot(decoded, isLarge ? markOf(bytes, levels) : unmeasured);
  }
  return decoded as Value;
}

/** Returns the bytes of a part as `valueBytesMax` counts them, when they are measured. */
function freezePart(part: unknown, depth: number): number {
  switch (typeof part) {
    case 'string':
      levels = 0;
      return textBytes(part);
    case 'number':
      levels = 0;
      if (!Number.isFinite(part) || Object.is(part, -0)) throw refuse('a finite number', part);
      return 8;
    case 'boolean':
      levels = 0;
      return 1;
    case 'object':
      if (part !== null) return freezeBranch(part, depth);
      levels = 0;
      return 1;
    default:
      throw refuse('a JSON value', part);
  }
}

function freezeBranch(branch: object, depth: number): number {
  if (depth >= depthMax) throw refuse(`at most ${depthMax} levels deep`, branch);
  const bytes = Array.isArray(branch) ? freezeItems(branch, depth + 1) : freezeMembers(branch, depth + 1);
  Object.freeze(branch);
  if (isMeasuring) rememberBranch(branch, markOf(bytes, levels));
  return bytes;
}

function freezeItems(items: readonly unknown[], depth: number): number {
  let bytes = 1;
  let deepest = 0;
  for (let index = 0; index < items.length; index++) {
    bytes += freezePart(items[index], depth);
    if (levels > deepest) deepest = levels;
  }
  levels = deepest + 1;
  return bytes;
}

function freezeMembers(object: object, depth: number): number {
  if (Object.getPrototypeOf(object) !== Object.prototype) throw refuse('a plain object or array', object);
  let bytes = 1;
  let deepest = 0;
  for (const key of Object.keys(object)) {
    if (key === '__proto__') throw refuse('an object without the key __proto__', object);
    bytes += textBytes(key) + freezePart((object as Record<string, unknown>)[key], depth);
    if (levels > deepest) deepest = levels;
  }
  levels = deepest + 1;
  return bytes;
}

function textBytes(text: string): number {
  if (!text.isWellFormed()) throw refuse('well-formed text (no lone surrogates)', text);
  return isMeasuring ? utf8Bytes(text) : 0;
}

function refuse(expected: string, got: unknown): Error {
  return invalidInput('stored value', expected, got);
}
