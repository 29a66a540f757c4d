/** A small seeded generator of 32-bit numbers (xorshift). Pure. */

export class XorShift {
  #state: number;

  constructor(seed: number) {
    // The generator never leaves zero, and neighbouring seeds must not start alike.
    this.#state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  /** An integer from 0 up to, but not including, `end`. */
  below(end: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * end);
  }
}
