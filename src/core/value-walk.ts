/**
 * What every walk over a value has in common: the rules that a JSON value keeps, the bounds, and the path for the error.
 * `values.ts` walks to copy and freeze, `value-text.ts` to write JSON; both refuse the same things with the same words.
 */

import { AssertionFailed } from './assert.js';
import { invalidInput, RamaxError } from './errors.js';

/** The bounds of a value. */
export interface ValueLimits {
  readonly valueBytesMax: number;
  readonly valueDepthMax: number;
}

/** A branch that the walk is in, and which part of it. One object for a branch costs less than a list of steps. */
interface Place {
  readonly above: Place | undefined;
  readonly depth: number;
  step: string | number | undefined;
}

/** One walk from a root. */
export class ValueWalk {
  readonly limits: ValueLimits;
  readonly #field: string;
  #place: Place | undefined;
  bytes = 0;
  /** Levels of branches down to the deepest that was met. */
  deepest = 0;

  /** @param field names the argument in errors, such as `params` */
  constructor(field: string, limits: ValueLimits) {
    this.#field = field;
    this.limits = limits;
  }

  spend(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= this.limits.valueBytesMax) return;
    const expected = `at most ${this.limits.valueBytesMax} bytes`;
    throw new RamaxError('invalid_input', `${this.#field} must be ${expected}, but is larger`, {
      details: { field: this.#field, expected },
    });
  }

  /** Branches that the walk is in. */
  get depth(): number {
    return this.#place === undefined ? 0 : this.#place.depth;
  }

  /** A branch begins: it costs one byte. */
  enter(branch: object): void {
    const { depth } = this;
    if (depth >= this.limits.valueDepthMax) {
      throw this.refuse(`at most ${this.limits.valueDepthMax} levels deep`, branch);
    }
    if (depth >= this.deepest) this.deepest = depth + 1;
    this.spend(1);
    this.#place = { above: this.#place, depth: depth + 1, step: undefined };
  }

  /** To the next part of the branch. */
  go(step: string | number): void {
    if (this.#place !== undefined) this.#place.step = step;
  }

  /** The branch ends. */
  leave(): void {
    this.#place = this.#place?.above;
  }

  checkText(text: string): void {
    if (!text.isWellFormed()) throw this.refuse('well-formed text (no lone surrogates)', text);
    this.spend(utf8Bytes(text));
  }

  checkNumber(number: number): void {
    if (!Number.isFinite(number)) throw this.refuse('a finite number', number);
    this.spend(8);
  }

  checkPlace(array: readonly unknown[], index: number): void {
    if (!(index in array)) throw this.refuse('a dense array (this place is empty)', undefined);
  }

  checkPlain(object: object): void {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== null && prototype !== Object.prototype && !isForeignPlainPrototype(prototype)) {
      throw this.refuse('a plain object or array', object);
    }
    if (Object.getOwnPropertySymbols(object).length > 0) {
      throw this.refuse('an object without symbol keys', object);
    }
  }

  checkKey(key: string, property: unknown): void {
    if (key === '__proto__') throw this.refuse('an object without the key __proto__', property);
    if (!key.isWellFormed()) throw this.refuse('an object whose keys are well-formed text', property);
    this.spend(utf8Bytes(key));
  }

  refuseKind(value: unknown): RamaxError {
    return this.refuse('a JSON value (null, boolean, finite number, string, array or plain object)', value);
  }

  refuse(expected: string, got: unknown): RamaxError {
    return invalidInput(pathText(this.#field, this.#path()), expected, got);
  }

  /** The error to throw for one that the walk has met: a value whose getter or proxy throws is refused, as any other. */
  failure(error: unknown): Error {
    if (error instanceof RamaxError || error instanceof AssertionFailed) return error;
    const field = pathText(this.#field, this.#path());
    const expected = 'a value that can be read';
    return new RamaxError('invalid_input', `${field} must be ${expected}, but it throws when it is read`, {
      details: { field, expected },
      cause: error,
    });
  }

  #path(): (string | number)[] {
    const steps: (string | number)[] = [];
    for (let place = this.#place; place !== undefined; place = place.above) {
      if (place.step !== undefined) steps.unshift(place.step);
    }
    return steps;
  }
}

/** Plain in another realm: a prototype that has itself no prototype and owns `hasOwnProperty`. */
function isForeignPlainPrototype(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  );
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
