/**
 * The vital signs of a thread: memory that it shares with main, who reads it also when the thread hangs or is dead.
 *
 * Owned by the thread, made by the host of threads. It has a beat, that a timer of the thread raises: where the event loop stands still, so
 * does the beat. And it has a mark of what code of the app runs right now: the call of main for which a turn is taken, or the event
 * that a view is given beside the turns. What a thread dies of is what is marked when it does.
 *
 * Invariants:
 *   - A mark stands only while code of the app may run in its name; nothing of its command has been appended meanwhile.
 *   - Marks do not nest, and none is left standing while something is awaited.
 *
 * Cost: 16 ns for the mark of a turn or of an event and its end, beside some 10 µs for a turn. A beat a second is not to be
 * seen in CPU time.
 */

import type { Clock } from './clock.js';

/** What crosses to the thread. */
export type VitalsMemory = SharedArrayBuffer;

/** What code of the app a thread runs. */
export type Running =
  | { readonly kind: 'nothing' }
  /** A turn of the call with this id on the link to main. */
  | { readonly kind: 'call'; readonly callId: number }
  /** An event that a view is given while it is filled; `view` is its place among the views of the app. */
  | {
      readonly kind: 'event';
      readonly spaceId: number;
      readonly view: number;
      readonly spaceSequence: number;
    }
  /** Ramax's own work in native code that takes as long as it takes, such as a file that is written anew: no hang. */
  | { readonly kind: 'longWork' }
  /** The part of a reactor's handler that runs at once; `reactor` is its place among the reactors of the app. */
  | Reacting
  /** The migration of the values of a space. */
  | { readonly kind: 'migration'; readonly spaceId: number };

/** A reactor's handler at an event. */
export interface Reacting {
  readonly kind: 'reaction';
  readonly spaceId: number;
  readonly reactor: number;
  readonly spaceSequence: number;
}

const kinds = ['nothing', 'call', 'event', 'migration', 'longWork', 'reaction'] as const;
const [nothing, call, event, migration, longWork, reaction] = [0, 1, 2, 3, 4, 5];

/** Integer cells: the beat and the kind. Behind them numbers that are exact as far as those of events are. */
const beatCell = 0;
const kindCell = 1;
const numbersOffset = 8;
const numbersCount = 3;
/** Behind them: handlers of reactors under way, which may wait for something; three numbers each, the first 0 where there is none. */
const reactionsMax = 64;
const memoryBytes = numbersOffset + numbersCount * (1 + reactionsMax) * Float64Array.BYTES_PER_ELEMENT;

export function newVitalsMemory(): VitalsMemory {
  return new SharedArrayBuffer(memoryBytes);
}

/** The thread's side. */
export class Vitals {
  readonly #cells: Int32Array;
  readonly #numbers: Float64Array;

  /** @param memory default: nobody looks */
  constructor(memory: VitalsMemory = newVitalsMemory()) {
    this.#cells = new Int32Array(memory, 0, 2);
    this.#numbers = new Float64Array(memory, numbersOffset);
  }

  beat(): void {
    Atomics.add(this.#cells, beatCell, 1);
  }

  /** Code of the app runs for this call from now on. Nobody's (undefined) is not marked. */
  runs(callId: number | undefined): void {
    if (callId === undefined) return;
    this.#numbers[0] = callId;
    Atomics.store(this.#cells, kindCell, call);
  }

  /** A view is given an event. */
  applies(spaceId: number, view: number, spaceSequence: number): void {
    this.#numbers[0] = spaceId;
    this.#numbers[1] = view;
    this.#numbers[2] = spaceSequence;
    Atomics.store(this.#cells, kindCell, event);
  }

  /** A handler begins. Gives back where that is noted, for `reactionEnded`. */
  reactionBegins(spaceId: number, reactor: number, spaceSequence: number): number {
    for (let slot = numbersCount; slot < this.#numbers.length; slot += numbersCount) {
      if (this.#numbers[slot] !== 0) continue;
      this.#numbers.set([spaceId, reactor, spaceSequence], slot);
      return slot;
    }
    return 0;
  }

  reactionEnded(slot: number): void {
    if (slot > 0) this.#numbers[slot] = 0;
  }

  /** What a handler does at once runs now. */
  reacts(spaceId: number, reactor: number, spaceSequence: number): void {
    this.#numbers[0] = spaceId;
    this.#numbers[1] = reactor;
    this.#numbers[2] = spaceSequence;
    Atomics.store(this.#cells, kindCell, reaction);
  }

  /** What a handler does at once has ended, with all that came of it without waiting. Another's mark stays. */
  reacted(): void {
    Atomics.compareExchange(this.#cells, kindCell, reaction, nothing);
  }

  migrates(spaceId: number): void {
    this.#numbers[0] = spaceId;
    Atomics.store(this.#cells, kindCell, migration);
  }

  /** What follows is no hang, however long it takes. */
  worksLong(): void {
    Atomics.store(this.#cells, kindCell, longWork);
  }

  /** What was marked has come to its end. */
  rests(): void {
    Atomics.store(this.#cells, kindCell, nothing);
  }
}

/** How often the thread has beaten, as a number that is another one after each beat. */
export function beatOf(memory: VitalsMemory): number {
  return Atomics.load(new Int32Array(memory), beatCell);
}

/** What the thread runs, or ran when it died. */
export function runningOf(memory: VitalsMemory): Running {
  const kind = kinds[Atomics.load(new Int32Array(memory, 0, 2), kindCell)] ?? 'nothing';
  const [first = 0, view = 0, spaceSequence = 0] = new Float64Array(memory, numbersOffset, numbersCount);
  switch (kind) {
    case 'nothing':
    case 'longWork':
      return { kind };
    case 'call':
      return { kind, callId: first };
    case 'event':
      return { kind, spaceId: first, view, spaceSequence };
    case 'reaction':
      return { kind, spaceId: first, reactor: view, spaceSequence };
    case 'migration':
      return { kind, spaceId: first };
  }
}

/** The handlers that the thread has, or had when it died, whether they ran or waited. */
export function reactionsUnderWay(memory: VitalsMemory): readonly Reacting[] {
  const numbers = new Float64Array(memory, numbersOffset);
  const found: Reacting[] = [];
  for (let slot = numbersCount; slot < numbers.length; slot += numbersCount) {
    const [spaceId = 0, reactor = 0, spaceSequence = 0] = numbers.subarray(slot, slot + numbersCount);
    if (spaceId > 0) found.push({ kind: 'reaction', spaceId, reactor, spaceSequence });
  }
  return found;
}

/** A second is soon enough for a timeout of many; a short one, as in tests, is divided. */
const beatMsMax = 1_000;
const beatsPerTimeout = 8;

/** How often a thread beats, and main looks, for this `hangTimeoutMs`. */
export function beatIntervalMs(hangTimeoutMs: number): number {
  return Math.max(1, Math.min(beatMsMax, Math.floor(hangTimeoutMs / beatsPerTimeout)));
}

/** The thread beats from now on, as long as its event loop comes round. */
export function keepBeating(vitals: Vitals, clock: Clock, hangTimeoutMs: number): void {
  const beat = (): void => {
    vitals.beat();
    clock.after(beatIntervalMs(hangTimeoutMs), beat);
  };
  beat();
}
