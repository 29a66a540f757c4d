/**
 * Where each space ends, in the writer's memory, so that an append reads nothing from disk.
 *
 * Invariant: what a transaction changes is staged and becomes part of the memory only when the transaction is
 * committed (`confirm`); after a commit in doubt the whole object is thrown away with its store.
 */

import type { SpaceHead } from '../port.js';

/** Heads kept, about 200 bytes each; the longest unwritten ones go first and are read again when they are needed. */
const headsMax = 65_536;

/** The heads of live spaces. */
export class SpaceHeads {
  readonly #load: (spaceId: number) => SpaceHead | undefined;
  readonly #committed = new Map<number, SpaceHead>();
  readonly #staged = new Map<number, SpaceHead | undefined>();

  /** @param load reads a head from disk; undefined when there is no such live space */
  constructor(load: (spaceId: number) => SpaceHead | undefined) {
    this.#load = load;
  }

  /** The head as the running transaction sees it. */
  get(spaceId: number): SpaceHead | undefined {
    if (this.#staged.has(spaceId)) return this.#staged.get(spaceId);
    const known = this.#committed.get(spaceId);
    if (known !== undefined) return known;
    const loaded = this.#load(spaceId);
    if (loaded !== undefined) this.#keep(spaceId, loaded);
    return loaded;
  }

  /** Sets the head for the running transaction; undefined: the space is no longer live. */
  stage(spaceId: number, head: SpaceHead | undefined): void {
    this.#staged.set(spaceId, head);
  }

  /** What the running transaction has changed. */
  staged(): ReadonlyMap<number, SpaceHead | undefined> {
    return this.#staged;
  }

  /** The running transaction is committed. */
  confirm(): void {
    for (const [spaceId, head] of this.#staged) {
      this.#committed.delete(spaceId);
      if (head !== undefined) this.#keep(spaceId, head);
    }
    this.#staged.clear();
  }

  #keep(spaceId: number, head: SpaceHead): void {
    if (this.#committed.size >= headsMax) this.#forgetOldest();
    this.#committed.set(spaceId, head);
  }

  #forgetOldest(): void {
    for (const spaceId of this.#committed.keys()) {
      this.#committed.delete(spaceId);
      return;
    }
  }
}
