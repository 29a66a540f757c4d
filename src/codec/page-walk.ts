/**
 * Goes over a page of events without making events of it: for each the facts that its hash covers, as the text that was hashed.
 *
 * A row of the page has these facts in the order of the header of the chain, and SQLite writes strings as `JSON.stringify` does
 * (shown for every character by `page-walk.test.ts`), so the header is made of two pieces of the page's own text. With it the
 * check of an event takes 1.1 µs, against 1.9 µs when the page is parsed and the header written again.
 *
 * Called by: the check of the chain (`event-store/chain-check.ts`), which does not rest on this: what fails here is looked at again the long way.
 */

import { bytesToUuid } from '../core/uuid-text.js';
import type { EventPage } from '../event-store/port.js';
import { hashStart, payloadStart } from './event-page.js';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const digitZero = 0x30;
/** Facts between the sequence and the invocation id, and between that and the end, without the payload's bytes. */
const valuesBefore = 4;
const valuesAfter = 4;

/** See the head of this file. Its fields speak of the event that `next` has come to. */
export class PageWalk {
  readonly #facts: string;
  readonly #bytes: Uint8Array;
  /** Where the next row begins in the text, and the next event in the bytes. */
  #at = 1;
  #start = 0;
  eventId = 0;
  spaceId = 0;
  spaceSequence = 0;
  header = '';
  /** Views of the page's bytes. */
  hash: Uint8Array = noBytes;
  payload: Uint8Array = noBytes;

  constructor({ facts, bytes }: EventPage) {
    this.#facts = facts;
    this.#bytes = bytes;
  }

  /** Goes to the next event; false at the end. Says undefined where the page is not what a page has to be. */
  next(): boolean | undefined {
    const facts = this.#facts;
    if (facts.charCodeAt(this.#at) === closingBracket)
      return this.#start === this.#bytes.length && this.#at === facts.length - 1 ? false : undefined;
    if (facts.charCodeAt(this.#at) !== openingBracket) return undefined;
    this.#at++;
    this.eventId = this.#integer();
    this.spaceId = this.#integer();
    const namesStart = this.#at;
    this.spaceSequence = this.#integer();
    const namesEnd = this.#behindValues(this.#at, valuesBefore) - 1;
    const payloadAt = this.#behindValues(namesEnd + 1, valuesAfter);
    this.#at = payloadAt;
    const payloadBytes = this.#integer();
    const rowEnd = this.#at;
    const start = this.#start;
    this.#start = start + payloadStart + payloadBytes;
    if (!(this.#start <= this.#bytes.length)) return undefined;
    const uuid = bytesToUuid(this.#bytes, start);
    this.header = `[${facts.slice(namesStart, namesEnd)},"${uuid}",${facts.slice(namesEnd + 1, rowEnd)}`;
    this.hash = this.#bytes.subarray(start + hashStart, start + payloadStart);
    this.payload = this.#bytes.subarray(start + payloadStart, this.#start);
    if (facts.charCodeAt(this.#at) === comma) this.#at++;
    return true;
  }

  /** The integer at the place reached, which is then behind what ends it; NaN for anything else. */
  #integer(): number {
    const facts = this.#facts;
    let value = 0;
    for (let at = this.#at; ; at++) {
      const unit = facts.charCodeAt(at);
      if (unit === comma || unit === closingBracket) {
        this.#at = at + 1;
        return value;
      }
      const digit = unit - digitZero;
      if (!(digit >= 0 && digit <= 9)) {
        this.#at = at + 1;
        return Number.NaN;
      }
      value = value * 10 + digit;
    }
  }

  /** The place behind so many values and the commas after them. */
  #behindValues(from: number, values: number): number {
    let at = from;
    for (let left = values; left > 0; left--) at = this.#behindValue(at);
    return at;
  }

  #behindValue(from: number): number {
    const facts = this.#facts;
    if (facts.charCodeAt(from) !== quote) {
      const end = facts.indexOf(',', from);
      return end < 0 ? facts.length : end + 1;
    }
    let end = facts.indexOf('"', from + 1);
    while (end > 0 && isEscaped(facts, end)) end = facts.indexOf('"', end + 1);
    return end < 0 ? facts.length : end + 2;
  }
}

const noBytes = new Uint8Array();

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}
