/**
 * The pace of long work beside turns: while turns come, it rests as long as it has worked, so that it takes half of the thread
 * at most; while none come, it only lets the ports have their turn, and takes longer steps.
 *
 * Invariant: a step is as short as can be as soon as turns have come, and one that has taken `stepMsMax` is followed by a shorter one.
 */

import { type Clock, delay, yieldToPorts } from '../core/clock.js';

/** A rest longer than this would make the work as slow as its slowest step. */
const restMsMax = 50;
/** Whoever comes while nobody has come for a while waits no longer than for a few turns. */
const stepMsMax = 2;
/** Events of a step at first, and while turns come. */
const stepEventsMin = 128;
/** A longer step saves nothing any more: what a step costs by itself is shared by so many. */
const stepEventsMax = 1_024;

/** Counts the turns that a shard takes. */
export interface TurnCount {
  turns: number;
}

/** See the head of this file. */
export class Pace {
  readonly #clock: Clock;
  readonly #count: Readonly<TurnCount>;
  #turnsSeen: number;
  #since: number;
  #stepEvents = stepEventsMin;

  constructor(clock: Clock, count: Readonly<TurnCount>) {
    this.#clock = clock;
    this.#count = count;
    this.#turnsSeen = count.turns;
    this.#since = clock.monotonicMs();
  }

  /** Events of the next step at most. */
  get stepEvents(): number {
    return this.#stepEvents;
  }

  /** To be awaited between two steps. */
  async rest(): Promise<void> {
    const worked = this.#clock.monotonicMs() - this.#since;
    const turnsCome = this.#count.turns !== this.#turnsSeen;
    this.#turnsSeen = this.#count.turns;
    this.#stepEvents = turnsCome ? stepEventsMin : nextStepEvents(this.#stepEvents, worked);
    if (turnsCome && worked >= 1) await delay(this.#clock, Math.min(worked, restMsMax));
    else await yieldToPorts(this.#clock);
    this.#since = this.#clock.monotonicMs();
  }
}

function nextStepEvents(events: number, workedMs: number): number {
  if (workedMs > stepMsMax) return Math.max(stepEventsMin, Math.floor(events / 2));
  return workedMs * 2 > stepMsMax ? events : Math.min(stepEventsMax, events * 2);
}
