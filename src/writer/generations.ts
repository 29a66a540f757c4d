/**
 * Generations: who may write a space. Each time a shard loads a space's state it gets a new generation; an append that
 * was decided on an older state is refused, however its sequence numbers look.
 *
 * A generation is never given twice: it starts from the owner generation of the log, which grows at every opening.
 */

import { assert } from '../core/assert.js';

const openingsPerOwnerMax = 2 ** 32;

/** The current generation of every space. */
export class Generations {
  readonly #current = new Map<number, number>();
  readonly #end: number;
  #last: number;

  constructor(ownerGeneration: number) {
    this.#last = ownerGeneration * openingsPerOwnerMax;
    this.#end = this.#last + openingsPerOwnerMax;
  }

  /** A new owner of the space: every earlier generation is stale from now on. */
  raise(spaceId: number): number {
    this.#last++;
    assert(this.#last < this.#end && Number.isSafeInteger(this.#last), 'generations do not run out');
    this.#current.set(spaceId, this.#last);
    return this.#last;
  }

  /** Nobody may write the space any more. */
  close(spaceId: number): void {
    this.#current.delete(spaceId);
  }

  isCurrent(spaceId: number, generation: number): boolean {
    return this.#current.get(spaceId) === generation;
  }
}
