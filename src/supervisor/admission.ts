/**
 * Admission: how much may be in flight, for one space and over all. The bound in front of every other queue.
 *
 * Owns: the counts, and the calls that wait for room, first come first served within a space.
 *
 * Invariants:
 *   A1  A call is in flight from its admission to its answer; counts never pass their limits.
 *   A2  Calls of one space are admitted in the order in which they came, also when some of them wait.
 *   A3  A call that waits may leave (abort, timeout) and takes no room with it.
 *   A4  No call waits for ever behind others: spaces get room in turn, and the bytes that the next call needs are kept for
 *       it, however small those behind it are.
 */

import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';

/** The bounds that admission keeps. */
export type AdmissionLimits = Pick<
  Limits,
  | 'spaceInFlightMax'
  | 'spaceWaitingMax'
  | 'totalWaitingMax'
  | 'totalInFlightMax'
  | 'totalInFlightBytesMax'
  | 'valueBytesMax'
>;

/** A call that waits for room. */
export interface Waiter {
  readonly bytes: number;
  /** There is room, and it has been taken for this call. */
  admitted(): void;
}

interface SpaceCounts {
  inFlight: number;
  /** In the order of their calls. A space that never waits has none: most never do. */
  waiting: Set<Waiter> | undefined;
}

/** See the head of this file. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #spaces = new Map<number, SpaceCounts>();
  /** Spaces with waiting calls, in the order in which they get the next room. */
  readonly #waitingSpaces = new Set<number>();
  /** The space whose next call needs more bytes than are left: until it has them, nobody else is admitted (A4). */
  #savingFor: number | undefined;
  #isAdmitting = false;
  #inFlight = 0;
  #inFlightBytes = 0;
  #waiting = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Admits a call when there is room for it now, and says whether there was. */
  enter(spaceId: number, bytes: number): boolean {
    if (this.#savingFor !== undefined) return false;
    const space = this.#spaces.get(spaceId);
    if (space === undefined) {
      if (!this.#hasTotalRoom(bytes)) return false;
    } else if (waitingIn(space) > 0 || !this.#fits(space, bytes)) return false;
    this.#admit(space ?? this.#countsOf(spaceId), bytes);
    return true;
  }

  /**
   * Lets a call wait for room; `waiter.admitted` is called when it has some.
   *
   * @throws {RamaxError} `overloaded` when too many wait already
   */
  wait(spaceId: number, waiter: Waiter): void {
    const space = this.#countsOf(spaceId);
    const isFull = this.#waiting >= this.#limits.totalWaitingMax;
    if (isFull || waitingIn(space) >= this.#limits.spaceWaitingMax) {
      this.#forgetIfEmpty(spaceId, space);
      throw this.overloaded(spaceId);
    }
    this.#waiting++;
    space.waiting ??= new Set();
    space.waiting.add(waiter);
    this.#waitingSpaces.add(spaceId);
  }

  /** A call that waited has gone. */
  leaveQueue(spaceId: number, waiter: Waiter): void {
    const space = this.#countsOf(spaceId);
    if (space.waiting?.delete(waiter) === true) this.#waiting--;
    if (this.#savingFor === spaceId) this.#admitInTurn();
    else this.#admitOf(spaceId);
    this.#forgetIfEmpty(spaceId, space);
  }

  /** A call has its answer. */
  leave(spaceId: number, bytes: number): void {
    const wasTight = this.#isTight;
    const space = this.#countsOf(spaceId);
    space.inFlight--;
    this.#inFlight--;
    this.#inFlightBytes -= bytes;
    // A call that fails as soon as it is admitted leaves while others are admitted: that goes on with its room.
    if (this.#waiting > 0 && !this.#isAdmitting) {
      // Room for all is shared out in turn; room of one space is that space's, and needs no look at the others.
      if (wasTight) this.#admitInTurn();
      else this.#admitOf(spaceId);
    }
    this.#forgetIfEmpty(spaceId, space);
  }

  overloaded(spaceId: number): RamaxError {
    const space = this.#spaces.get(spaceId);
    return new RamaxError('overloaded', 'too much is in flight; try again, slow down, or wait for room', {
      details: {
        spaceId,
        spaceInFlight: space?.inFlight ?? 0,
        spaceInFlightMax: this.#limits.spaceInFlightMax,
        spaceWaiting: space?.waiting?.size ?? 0,
        totalWaiting: this.#waiting,
        totalInFlight: this.#inFlight,
        totalInFlightMax: this.#limits.totalInFlightMax,
        totalInFlightBytes: this.#inFlightBytes,
        totalInFlightBytesMax: this.#limits.totalInFlightBytesMax,
      },
    });
  }

  /**
   * Whether the total, rather than the bound of one space, may be what calls wait for: no call is larger than
   * `valueBytesMax`, so with more bytes than that left, none waits for bytes.
   */
  get #isTight(): boolean {
    return (
      this.#inFlight >= this.#limits.totalInFlightMax ||
      this.#inFlightBytes + this.#limits.valueBytesMax > this.#limits.totalInFlightBytesMax
    );
  }

  /** Goes round the waiting spaces, one call each, so that no tenant takes all the room. */
  #admitInTurn(): void {
    const first = this.#savingFor;
    this.#savingFor = undefined;
    if (first !== undefined) this.#admitNextOf(first);
    for (let refused = 0; refused < this.#waitingSpaces.size && this.#savingFor === undefined; ) {
      const [spaceId] = this.#waitingSpaces;
      if (spaceId === undefined) return;
      this.#waitingSpaces.delete(spaceId);
      this.#waitingSpaces.add(spaceId);
      refused = this.#admitNextOf(spaceId) ? 0 : refused + 1;
    }
  }

  #admitOf(spaceId: number): void {
    while (this.#savingFor === undefined && this.#admitNextOf(spaceId));
  }

  #admitNextOf(spaceId: number): boolean {
    const space = this.#spaces.get(spaceId);
    const [waiter] = space?.waiting ?? [];
    if (space?.waiting === undefined || waiter === undefined) {
      this.#waitingSpaces.delete(spaceId);
      return false;
    }
    if (!this.#fits(space, waiter.bytes)) {
      if (this.#needsBytes(space)) this.#savingFor = spaceId;
      return false;
    }
    space.waiting.delete(waiter);
    if (space.waiting.size === 0) this.#waitingSpaces.delete(spaceId);
    this.#waiting--;
    this.#admit(space, waiter.bytes);
    this.#isAdmitting = true;
    waiter.admitted();
    this.#isAdmitting = false;
    return true;
  }

  #admit(space: SpaceCounts, bytes: number): void {
    space.inFlight++;
    this.#inFlight++;
    this.#inFlightBytes += bytes;
  }

  #fits(space: SpaceCounts, bytes: number): boolean {
    return space.inFlight < this.#limits.spaceInFlightMax && this.#hasTotalRoom(bytes);
  }

  /** Of a call that does not fit: nothing but bytes is missing. */
  #needsBytes(space: SpaceCounts): boolean {
    return space.inFlight < this.#limits.spaceInFlightMax && this.#inFlight < this.#limits.totalInFlightMax;
  }

  /** One call of any size is always let through, or it could never run. */
  #hasTotalRoom(bytes: number): boolean {
    return (
      this.#inFlight < this.#limits.totalInFlightMax &&
      (this.#inFlight === 0 || this.#inFlightBytes + bytes <= this.#limits.totalInFlightBytesMax)
    );
  }

  #countsOf(spaceId: number): SpaceCounts {
    const known = this.#spaces.get(spaceId);
    if (known !== undefined) return known;
    const space: SpaceCounts = { inFlight: 0, waiting: undefined };
    this.#spaces.set(spaceId, space);
    return space;
  }

  #forgetIfEmpty(spaceId: number, space: SpaceCounts): void {
    const isEmpty = space.inFlight === 0 && waitingIn(space) === 0;
    // Who was admitted meanwhile may have ended already, and the space may have been forgotten and known again.
    if (isEmpty && this.#spaces.get(spaceId) === space) this.#spaces.delete(spaceId);
  }
}

function waitingIn(space: SpaceCounts): number {
  return space.waiting === undefined ? 0 : space.waiting.size;
}
