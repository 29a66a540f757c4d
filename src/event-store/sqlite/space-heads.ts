/**
 * Where each space ends, in the writer's memory, so that an append reads nothing from disk.
 *
 * Invariant: a transaction changes the heads as it goes, because no other read comes in between, and because a
 * transaction that fails is the last one of its store: the heads are thrown away with it.
 */

import type { SpaceHead } from '../port.js';

/** Heads kept, about 200 bytes each; those that came first go first, and are read again when they are needed. */
const headsMax = 65_536;

/** A head that moves: a new object for each append would be most of what an append allocates. */
type MovingHead = { -readonly [Name in keyof SpaceHead]: SpaceHead[Name] };

/** The heads of live spaces. */
export class SpaceHeads {
  readonly #load: (spaceId: number) => SpaceHead | undefined;
  readonly #heads = new Map<number, MovingHead>();

  /** @param load reads a head from disk, as it is in the running transaction; undefined when there is no such live space */
  constructor(load: (spaceId: number) => SpaceHead | undefined) {
    this.#load = load;
  }

  /** The head of a space; the object moves with the space. */
  get(spaceId: number): MovingHead | undefined {
    const known = this.#heads.get(spaceId);
    if (known !== undefined) return known;
    const loaded = this.#load(spaceId);
    if (loaded === undefined) return undefined;
    const head = { ...loaded };
    if (this.#heads.size >= headsMax) this.#forgetOldest();
    this.#heads.set(spaceId, head);
    return head;
  }

  /** The space is no longer live. */
  forget(spaceId: number): void {
    this.#heads.delete(spaceId);
  }

  #forgetOldest(): void {
    for (const spaceId of this.#heads.keys()) {
      this.#heads.delete(spaceId);
      return;
    }
  }
}
