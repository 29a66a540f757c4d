/**
 * What users give besides values: the names that they choose (space names, entity ids, event types, keys, command ids),
 * numbers, options and signals.
 * A name is checked once, where it enters; behind the door it is trusted. Names are never paths and never object keys.
 */

import { invalidInput } from './errors.js';
import { utf8Bytes } from './values.js';

const spaceNameBytesMax = 200;

/** Control characters, bidirectional formatting and line separators: invisible, so two names could look the same. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

/**
 * Refuses a space name that is not well-formed NFC text of 1 to 200 UTF-8 bytes without control, bidirectional or
 * path characters and without white space at its ends.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkSpaceName(name: unknown): asserts name is string {
  const field = 'spaceName';
  checkText(name, field, spaceNameBytesMax);
  if (name !== name.normalize('NFC')) throw invalidInput(field, 'in Unicode normal form NFC', name);
  if (unprintable.test(name)) {
    throw invalidInput(field, 'free of control and bidirectional characters', name);
  }
  if (/[/\\]/.test(name) || name === '.' || name === '..') {
    throw invalidInput(field, 'no path (no slash, no backslash)', name);
  }
  if (name !== name.trim()) throw invalidInput(field, 'free of white space at both ends', name);
}

/**
 * Refuses an id (entity id, key, event type, command id, tag) that is not well-formed text of 1 to `bytesMax` bytes
 * without NUL characters.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkId(id: unknown, field: string, bytesMax: number): asserts id is string {
  if (isPlainId(id, bytesMax)) return;
  checkText(id, field, bytesMax);
  if (id.includes('\u0000')) throw invalidInput(field, 'free of NUL characters', id);
}

/**
 * Whether an id is one of those that nearly all are: ASCII text within its bound. One look at each character and no text for
 * an error that does not come; what is not plain may still be an id, and `checkId` says.
 */
export function isPlainId(id: unknown, bytesMax: number): id is string {
  if (typeof id !== 'string' || id.length === 0 || id.length > bytesMax) return false;
  for (let index = 0; index < id.length; index++) {
    const unit = id.charCodeAt(index);
    if (unit === 0 || unit >= 0x80) return false;
  }
  return true;
}

function checkText(text: unknown, field: string, bytesMax: number): asserts text is string {
  if (typeof text !== 'string') throw invalidInput(field, 'a string', text);
  if (text.length === 0) throw invalidInput(field, 'a string that is not empty', text);
  if (text.length > bytesMax || utf8Bytes(text) > bytesMax) {
    throw invalidInput(field, `at most ${bytesMax} UTF-8 bytes long`, text);
  }
  if (!text.isWellFormed()) throw invalidInput(field, 'well-formed text (no lone surrogates)', text);
}

/**
 * Refuses what is not an integer from `min` to `max`.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkInteger(
  value: unknown,
  field: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw invalidInput(field, `an integer ${range}`, value);
}

/**
 * Refuses options that are no object.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkOptions(options: unknown, field = 'options'): asserts options is object {
  if (typeof options !== 'object' || options === null) throw invalidInput(field, 'an object', options);
}

/**
 * Refuses what is there and no signal.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined || isSignal(signal)) return;
  throw invalidInput('signal', 'an AbortSignal', signal);
}

/**
 * Refuses a source that nobody can iterate over.
 *
 * @param kinds the symbols of iterables that are taken
 * @throws {RamaxError} `invalid_input`
 */
export function checkIterable(
  source: unknown,
  field: string,
  expected: string,
  kinds: readonly (typeof Symbol.asyncIterator | typeof Symbol.iterator)[] = [Symbol.asyncIterator],
): void {
  try {
    const methods = source as Readonly<Record<symbol, unknown>> | null | undefined;
    if (kinds.some((kind) => typeof methods?.[kind] === 'function')) return;
  } catch {
    // A getter or a proxy that throws is no source.
  }
  throw invalidInput(field, expected, source);
}

/** A proxy may throw when it is asked what it is. */
function isSignal(signal: unknown): boolean {
  try {
    return signal instanceof AbortSignal;
  } catch {
    return false;
  }
}

/**
 * Orders texts by their code points, which is the order of their UTF-8 bytes and so of SQLite's. JavaScript's own `<`
 * orders by UTF-16 units and differs above U+FFFF.
 */
export function compareCodePoints(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let index = 0; index < shorter; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Surrogates stand for code points above every other unit: lift them over U+E000..U+FFFF. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
