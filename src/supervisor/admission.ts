/**
 * Admission: how much may be in flight, for one space and over all, and how fast commands come in. The bound in front of every
 * other queue.
 *
 * Owns: the counts, what operators have set for spaces, and the calls that wait for room, first come first served within a space.
 *
 * Invariants:
 *   A1  A call is in flight from its admission to its answer; counts never pass their limits.
 *   A2  Calls of one space are admitted in the order in which they came, also when some of them wait.
 *   A3  A call that waits may leave (abort, timeout) and takes no room with it.
 *   A4  No call waits for ever behind others: spaces get room in turn, and the bytes that the next call needs are kept for
 *       it, however small those behind it are.
 *   A5  A suspended space has no waiting command, and none is admitted.
 *   A6  Spaces that have much in flight leave the last eighth of all room to those that have little: they cannot have it refused.
 */

import type { Clock } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import {
  noSettings,
  type SpaceLimits,
  type SpaceSettings,
  type Suspension,
} from '../event-store/space-settings.js';
import { isAllowed, rulesOf, type SpaceRules, suspendedError } from './space-rules.js';

/** The bounds that admission keeps. */
export type AdmissionLimits = Pick<
  Limits,
  | 'spaceInFlightMax'
  | 'spaceWaitingMax'
  | 'totalWaitingMax'
  | 'totalWaitingBytesMax'
  | 'totalInFlightMax'
  | 'totalInFlightBytesMax'
  | 'valueBytesMax'
>;

/** Calls to the registry belong to no space: they share this place, for which nobody sets anything. */
export const registryPlace = 0;

/** A call, as far as its room is concerned. */
export interface Entrant {
  readonly spaceId: number;
  readonly bytes: number;
  /** Suspension and rates are about commands. */
  readonly isCommand: boolean;
}

/** A call that waits for room. */
export interface Waiter extends Entrant {
  /** There is room, and it has been taken for this call. */
  admitted(): void;
  /** There will be none; it waits no longer. */
  refused(error: RamaxError): void;
}

interface SpaceCounts {
  inFlight: number;
  bytes: number;
  /** Commands among them. */
  commands: number;
  inFlightMax: number;
  /** In the order of their calls. A space that never waits has none: most never do. */
  waiting: Set<Waiter> | undefined;
  /** Most spaces have none, and pay one comparison. */
  rules: SpaceRules | undefined;
  /** Operators have set something for it: it is not forgotten. */
  settings: SpaceSettings | undefined;
  /** Told when no command is in flight. */
  whenNoCommands: (() => void)[] | undefined;
}

/** Of all room, what is left to spaces with little in flight (A6). */
const reserveShare = 1 / 8;
/** A space has little in flight when it has less than this of what all may have. */
const littleShare = 1 / 1_024;

/** Spaces with nothing in flight that may be remembered for their rate before all of them are looked at. */
const sweepSpacesMin = 1_024;

/** See the head of this file. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #spaceLimits: SpaceLimits;
  readonly #spaces = new Map<number, SpaceCounts>();
  /** Spaces with waiting calls, in the order in which they get the next room. */
  readonly #waitingSpaces = new Set<number>();
  /** The space whose next call needs more bytes than are left: until it has them, nobody else is admitted (A4). */
  #savingFor: number | undefined;
  #isAdmitting = false;
  #inFlight = 0;
  #inFlightBytes = 0;
  #waiting = 0;
  #waitingBytes = 0;
  /** What is kept for spaces with little; none where the bounds are so small that it would not hold a call of any size. */
  readonly #reserve: { readonly calls: number; readonly bytes: number };
  #sweepAt = sweepSpacesMin;

  /** @param spaceLimits of every space that has none of its own */
  constructor(limits: AdmissionLimits, clock: Clock, spaceLimits: SpaceLimits = {}) {
    this.#limits = limits;
    this.#clock = clock;
    this.#spaceLimits = spaceLimits;
    const bytes = Math.floor(limits.totalInFlightBytesMax * reserveShare);
    this.#reserve = {
      calls: Math.floor(limits.totalInFlightMax * reserveShare),
      bytes: bytes < limits.valueBytesMax ? 0 : bytes,
    };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Bytes of the parameters of calls in flight. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Spaces that something is known of. */
  get known(): number {
    return this.#spaces.size;
  }

  /** Calls that wait for room. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Admits a call when there is room for it now, and says whether there was. */
  enter(call: Entrant): boolean {
    if (this.#savingFor !== undefined) return false;
    const space = this.#spaces.get(call.spaceId) ?? this.#newSpace(call);
    if (space === undefined || waitingIn(space) > 0 || !this.#fits(space, call)) return false;
    this.#admit(space, call);
    return true;
  }

  /**
   * Lets a call wait for room; it is told when it has some.
   *
   * @throws {RamaxError} `overloaded` when too many wait already; `suspended`
   */
  wait(waiter: Waiter): void {
    const { spaceId } = waiter;
    const space = this.#spaces.get(spaceId) ?? this.#remember(spaceId);
    if (
      this.#isQueueFull(waiter) ||
      waitingIn(space) >= this.#limits.spaceWaitingMax ||
      suspensionFor(space, waiter)
    ) {
      this.#forgetIfEmpty(spaceId, space);
      throw this.refusal(waiter);
    }
    this.#waiting++;
    this.#waitingBytes += waiter.bytes;
    space.waiting ??= new Set();
    space.waiting.add(waiter);
    this.#waitingSpaces.add(spaceId);
    if (space.waiting.size === 1) this.#awaitPace(spaceId, space, waiter);
  }

  /** A call that waited has gone. */
  leaveQueue(waiter: Waiter): void {
    const { spaceId } = waiter;
    const space = this.#spaces.get(spaceId);
    if (space === undefined) return;
    this.#unqueue(space, waiter);
    this.#admitBehindGone(spaceId);
    this.#forgetIfEmpty(spaceId, space);
  }

  /** A call has its answer. */
  leave({ spaceId, bytes, isCommand }: Entrant): void {
    const wasTight = this.#isTight;
    const space = this.#spaces.get(spaceId) ?? this.#remember(spaceId);
    space.inFlight--;
    space.bytes -= bytes;
    this.#inFlight--;
    this.#inFlightBytes -= bytes;
    if (isCommand && --space.commands === 0 && space.whenNoCommands !== undefined) tellNoCommands(space);
    // A call that fails as soon as it is admitted leaves while others are admitted: that goes on with its room.
    if (this.#waiting > 0 && !this.#isAdmitting) {
      // Room for all is shared out in turn; room of one space is that space's, and needs no look at the others.
      if (wasTight) this.#admitInTurn();
      else this.#admitOf(spaceId);
    }
    this.#forgetIfEmpty(spaceId, space);
  }

  /** What holds for a space from now on. Commands that wait are refused when it is suspended. */
  set(spaceId: number, settings: SpaceSettings): void {
    const space = this.#spaces.get(spaceId) ?? this.#remember(spaceId);
    space.rules?.timer?.cancel();
    this.#apply(space, settings, spaceId);
    space.settings = settings;
    const suspended = space.rules?.suspended;
    if (suspended !== undefined) this.#refuseWaiting(space, suspendedError(spaceId, suspended));
    this.#admitBehindGone(spaceId);
  }

  /** What is set for a space, when anything was. */
  settingsOf(spaceId: number): SpaceSettings | undefined {
    return this.#spaces.get(spaceId)?.settings;
  }

  /** The space is gone: nothing is set for it. */
  forget(spaceId: number): void {
    const space = this.#spaces.get(spaceId);
    if (space === undefined) return;
    this.set(spaceId, noSettings);
    space.settings = undefined;
    this.#forgetIfEmpty(spaceId, space);
  }

  /** Resolves when no command of the space is in flight. */
  async noCommands(spaceId: number): Promise<void> {
    const space = this.#spaces.get(spaceId);
    if (space === undefined || space.commands === 0) return;
    await new Promise<void>((resolve) => {
      space.whenNoCommands ??= [];
      space.whenNoCommands.push(resolve);
    });
  }

  /** Nobody is admitted by time any more. */
  close(): void {
    for (const { rules } of this.#spaces.values()) rules?.timer?.cancel();
  }

  /** Why this call is not admitted. */
  refusal(call: Entrant): RamaxError {
    const { spaceId } = call;
    const space = this.#spaces.get(spaceId);
    const suspended = space && suspensionFor(space, call);
    if (suspended !== undefined) return suspendedError(spaceId, suspended);
    const pace = call.isCommand ? space?.rules?.pace : undefined;
    const isTooSoon = pace?.allows === false;
    const message = isTooSoon
      ? `the space takes ${pace.perSecondMax} commands in a second; try again later, or wait`
      : 'too much is in flight; try again, slow down, or wait for room';
    return new RamaxError('overloaded', message, {
      details: {
        spaceId,
        spaceInFlight: space?.inFlight ?? 0,
        spaceInFlightMax: space?.inFlightMax ?? this.#limits.spaceInFlightMax,
        spaceWaiting: space?.waiting?.size ?? 0,
        totalWaiting: this.#waiting,
        totalWaitingBytes: this.#waitingBytes,
        totalInFlight: this.#inFlight,
        totalInFlightMax: this.#limits.totalInFlightMax,
        totalInFlightBytes: this.#inFlightBytes,
        totalInFlightBytesMax: this.#limits.totalInFlightBytesMax,
        ...(isTooSoon ? { commandsPerSecondMax: pace.perSecondMax, retryAfterMs: pace.waitMs } : {}),
      },
    });
  }

  /**
   * Whether the total, rather than the bound of one space, may be what calls wait for: no call is larger than
   * `valueBytesMax`, so with more bytes than that left, none waits for bytes.
   */
  get #isTight(): boolean {
    const { totalInFlightMax, totalInFlightBytesMax, valueBytesMax } = this.#limits;
    return (
      this.#inFlight >= totalInFlightMax - this.#reserve.calls ||
      this.#inFlightBytes + valueBytesMax > totalInFlightBytesMax - this.#reserve.bytes
    );
  }

  /** One call may always wait, whatever its size. */
  #isQueueFull({ bytes }: Entrant): boolean {
    const { totalWaitingMax, totalWaitingBytesMax } = this.#limits;
    if (this.#waiting >= totalWaitingMax) return true;
    return this.#waiting > 0 && this.#waitingBytes + bytes > totalWaitingBytesMax;
  }

  #unqueue(space: SpaceCounts, waiter: Waiter): void {
    if (space.waiting?.delete(waiter) !== true) return;
    this.#waiting--;
    this.#waitingBytes -= waiter.bytes;
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

  /** Who is gone may have been the one that the others of its space, or of all, were held up by. */
  #admitBehindGone(spaceId: number): void {
    if (this.#savingFor === spaceId) this.#admitInTurn();
    else this.#admitOf(spaceId);
  }

  #admitNextOf(spaceId: number): boolean {
    const space = this.#spaces.get(spaceId);
    const [waiter] = space?.waiting ?? [];
    if (space?.waiting === undefined || waiter === undefined) {
      this.#waitingSpaces.delete(spaceId);
      return false;
    }
    if (!this.#fits(space, waiter)) {
      if (!this.#awaitPace(spaceId, space, waiter) && this.#needsBytes(space)) this.#savingFor = spaceId;
      return false;
    }
    this.#unqueue(space, waiter);
    if (space.waiting.size === 0) this.#waitingSpaces.delete(spaceId);
    this.#admit(space, waiter);
    this.#isAdmitting = true;
    waiter.admitted();
    this.#isAdmitting = false;
    return true;
  }

  /** Of the first that waits: whether it is before its time. Then it is looked at again when that has come. */
  #awaitPace(spaceId: number, space: SpaceCounts, { isCommand }: Entrant): boolean {
    const { rules } = space;
    if (!isCommand || rules?.pace === undefined || rules.pace.allows) return false;
    rules.timer ??= this.#clock.after(rules.pace.waitMs, () => {
      rules.timer = undefined;
      this.#admitOf(spaceId);
      this.#forgetIfEmpty(spaceId, space);
    });
    return true;
  }

  #admit(space: SpaceCounts, { bytes, isCommand }: Entrant): void {
    space.inFlight++;
    space.bytes += bytes;
    this.#inFlight++;
    this.#inFlightBytes += bytes;
    if (!isCommand) return;
    space.commands++;
    if (space.rules !== undefined) space.rules.pace?.take();
  }

  #fits(space: SpaceCounts, { bytes, isCommand }: Entrant): boolean {
    return (
      space.inFlight < space.inFlightMax &&
      this.#hasTotalRoom(bytes, space) &&
      (space.rules === undefined || !isCommand || isAllowed(space.rules))
    );
  }

  /** Of a call that does not fit: nothing but bytes is missing. */
  #needsBytes(space: SpaceCounts): boolean {
    return space.inFlight < space.inFlightMax && this.#inFlight < this.#callsMaxFor(space);
  }

  /** One call of any size is always let through, or it could never run. */
  #hasTotalRoom(bytes: number, space?: SpaceCounts): boolean {
    if (this.#inFlight === 0) return true;
    if (this.#inFlight >= this.#callsMaxFor(space)) return false;
    return this.#inFlightBytes + bytes <= this.#bytesMaxFor(space);
  }

  /** How many calls there may be over all for one more of this space (A6). */
  #callsMaxFor(space: SpaceCounts | undefined): number {
    const { totalInFlightMax } = this.#limits;
    const hasLittle = space === undefined || space.inFlight < Math.max(1, totalInFlightMax * littleShare);
    return hasLittle ? totalInFlightMax : totalInFlightMax - this.#reserve.calls;
  }

  /** The same for bytes. */
  #bytesMaxFor(space: SpaceCounts | undefined): number {
    const { totalInFlightBytesMax } = this.#limits;
    const hasLittle = space === undefined || space.bytes < Math.max(1, totalInFlightBytesMax * littleShare);
    return hasLittle ? totalInFlightBytesMax : totalInFlightBytesMax - this.#reserve.bytes;
  }

  #refuseWaiting(space: SpaceCounts, error: RamaxError): void {
    for (const waiter of space.waiting ?? []) {
      if (!waiter.isCommand) continue;
      this.#unqueue(space, waiter);
      waiter.refused(error);
    }
  }

  /** The counts of a space that has none, when there is room at all. */
  #newSpace({ spaceId, bytes }: Entrant): SpaceCounts | undefined {
    return this.#hasTotalRoom(bytes) ? this.#remember(spaceId) : undefined;
  }

  #remember(spaceId: number): SpaceCounts {
    if (this.#spaces.size >= this.#sweepAt) this.#sweep();
    const space: SpaceCounts = {
      inFlight: 0,
      bytes: 0,
      commands: 0,
      inFlightMax: this.#limits.spaceInFlightMax,
      waiting: undefined,
      rules: undefined,
      settings: undefined,
      whenNoCommands: undefined,
    };
    this.#apply(space, noSettings, spaceId);
    this.#spaces.set(spaceId, space);
    return space;
  }

  #apply(space: SpaceCounts, settings: SpaceSettings, spaceId: number): void {
    if (spaceId === registryPlace) return;
    const { inFlightMax = this.#spaceLimits.inFlightMax } = settings.limits ?? {};
    space.inFlightMax = inFlightMax ?? this.#limits.spaceInFlightMax;
    space.rules = rulesOf(settings, this.#spaceLimits, this.#clock, space.rules);
  }

  #forgetIfEmpty(spaceId: number, space: SpaceCounts): void {
    if (space.inFlight > 0 || waitingIn(space) > 0 || space.settings !== undefined) return;
    if (space.rules?.pace?.isFull === false) return;
    // Who was admitted meanwhile may have ended already, and the space may have been forgotten and known again.
    if (this.#spaces.get(spaceId) === space) this.#spaces.delete(spaceId);
  }

  /** Lets go of spaces that were kept for their rate alone, when that is no longer needed. */
  #sweep(): void {
    for (const [spaceId, space] of this.#spaces) this.#forgetIfEmpty(spaceId, space);
    this.#sweepAt = Math.max(sweepSpacesMin, this.#spaces.size * 2);
  }
}

function waitingIn(space: SpaceCounts): number {
  return space.waiting === undefined ? 0 : space.waiting.size;
}

function suspensionFor({ rules }: SpaceCounts, { isCommand }: Entrant): Suspension | undefined {
  return isCommand ? rules?.suspended : undefined;
}

function tellNoCommands(space: SpaceCounts): void {
  const told = space.whenNoCommands ?? [];
  space.whenNoCommands = undefined;
  for (const tell of told) tell();
}
