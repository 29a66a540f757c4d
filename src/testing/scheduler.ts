/**
 * The scheduler of the testing house: virtual time, and one queue for everything that happens later (messages, timers,
 * disk commits). It runs one happening, lets all promises settle, and takes the next: the order depends on the seed alone.
 *
 * Work (messages, commits, reads, turns of an event loop) is told apart from timers: a house without work under way is quiet,
 * however many timers wait. In a still house work takes no time, so that time stands until somebody advances it.
 */

import type { Clock, Timer } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import { SeededRandom } from './random.js';

interface Happening {
  readonly atMs: number;
  /** Breaks ties: first planned, first run. */
  readonly order: number;
  readonly run: () => void;
  /** Not a timer. */
  readonly isWork: boolean;
}

/** Happenings that one `runUntil` runs at most: far more than any history needs, so that a livelock ends. */
const happeningsMax = 2_000_000;

/** 2024-01-01: virtual time has to begin somewhere. */
const epochMs = 1_704_067_200_000;

/** After so many happenings the event loop of the caller has its turn: what it does besides must not starve. */
const happeningsPerTurn = 256;

/** How a scheduler may differ. */
export interface SchedulerOptions {
  /** Work takes no time; only timers do. Default false. */
  readonly isStill?: boolean;
  /** The wall clock at the beginning, in milliseconds since the Unix epoch. */
  readonly startsAt?: number;
}

/** See the head of this file. */
export class Scheduler {
  readonly random: SeededRandom;
  readonly #queue: Happening[] = [];
  readonly #isStill: boolean;
  readonly #startsAt: number;
  #nowMs = 0;
  #planned = 0;
  #workUnderWay = 0;
  #happened = 0;
  #isStepping = false;
  #lastStep: Promise<unknown> = Promise.resolve();
  /** Told when something has been planned. */
  onPlanned: (() => void) | undefined;

  constructor(seed: number, { isStill = false, startsAt = epochMs }: SchedulerOptions = {}) {
    this.random = new SeededRandom(seed);
    this.#isStill = isStill;
    this.#startsAt = startsAt;
  }

  /** Messages, commits, reads and turns of event loops that are under way. Timers are not counted. */
  get workUnderWay(): number {
    return this.#workUnderWay;
  }

  /** When the next thing happens, in virtual milliseconds; undefined when nothing is planned. */
  get nextAtMs(): number | undefined {
    return this.#queue[0]?.atMs;
  }

  /** A random time up to `msMax` that some work takes; none in a still house. */
  workMs(msMax: number): number {
    const ms = this.random.fraction() * msMax;
    return this.#isStill ? 0 : ms;
  }

  /** Virtual milliseconds since the house was built. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The wall clock of the house. */
  get wallMs(): number {
    return this.#startsAt + Math.floor(this.#nowMs);
  }

  /** Plans `run` for `delayMs` from now. */
  plan(delayMs: number, run: () => void): void {
    this.planAt(this.#nowMs + delayMs, run);
  }

  /** Plans `run` for a point in time. */
  planAt(atMs: number, run: () => void): void {
    this.#push(atMs, run, false);
  }

  /** Plans `run` for a point in time, as work. */
  planWorkAt(atMs: number, run: () => void): void {
    this.#workUnderWay++;
    this.#push(atMs, run, true);
  }

  #push(atMs: number, run: () => void, isWork: boolean): void {
    push(this.#queue, { atMs: Math.max(atMs, this.#nowMs), order: this.#planned++, run, isWork });
    this.onPlanned?.();
  }

  /**
   * Runs one happening; says whether there was one. Of several who run the scheduler at once each waits for the other's step: what
   * one happening has set off has settled before the next.
   */
  step(): Promise<boolean> {
    const step = this.#isStepping ? this.#lastStep.then(() => this.#step()) : this.#step();
    this.#isStepping = true;
    const done = step.finally(() => {
      if (this.#lastStep === done) this.#isStepping = false;
    });
    this.#lastStep = done;
    return done;
  }

  async #step(): Promise<boolean> {
    if (this.#queue.length === 0) await eventLoopTurns();
    const next = pop(this.#queue);
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    if (next.isWork) this.#workUnderWay--;
    next.run();
    await (++this.#happened % happeningsPerTurn === 0 ? eventLoopTurns() : promisesSettle());
    return true;
  }

  /**
   * Runs until `promise` has settled, and returns what it has settled to.
   *
   * @throws {RamaxError} `timeout` when nothing more happens, or far too much
   */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await promisesSettle();
    for (let happenings = 0; !isSettled; happenings++) {
      if (happenings >= happeningsMax || !(await this.step())) {
        throw new RamaxError(
          'timeout',
          `the house stands still at ${this.#nowMs} ms, and the promise is not settled`,
        );
      }
    }
    return promise;
  }

  /** All promise reactions have run. */
  settled(): Promise<void> {
    return promisesSettle();
  }

  /** Runs everything that happens in the next `durationMs`. */
  async advance(durationMs: number): Promise<void> {
    let isOver = false;
    this.plan(durationMs, () => {
      isOver = true;
    });
    // What the caller has settled may still plan something.
    await promisesSettle();
    while (!isOver) await this.step();
  }
}

/** A clock of the house for one of its threads; a dead thread's timers never fire. */
export function schedulerClock(scheduler: Scheduler, isAlive: () => boolean): Clock {
  const plan = (delayMs: number, task: () => void): Timer => {
    let isCancelled = false;
    scheduler.plan(delayMs, () => {
      if (!isCancelled && isAlive()) task();
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  };
  return {
    now: () => scheduler.wallMs,
    monotonicMs: () => scheduler.nowMs,
    after: plan,
    soon: (task) => planWork(scheduler, isAlive, scheduler.workMs(0.05), task),
  };
}

/** Work of a thread; what a dead one had begun goes no further. */
export function planWork(
  scheduler: Scheduler,
  isAlive: () => boolean,
  delayMs: number,
  task: () => void,
): void {
  scheduler.planWorkAt(scheduler.nowMs + delayMs, () => {
    if (isAlive()) task();
  });
}

/**
 * All promise reactions have run. A tick that is asked for by a promise reaction runs when none is left: a turn of the event loop
 * would take three times as long.
 */
function promisesSettle(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

/** The event loop has come round, with everything that it had to do. */
function eventLoopTurns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(left: Happening, right: Happening): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/** A binary heap, earliest first. */
function push(heap: Happening[], happening: Happening): void {
  let index = heap.push(happening) - 1;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || isBefore(parent, happening)) break;
    heap[index] = parent;
    heap[parentIndex] = happening;
    index = parentIndex;
  }
}

function pop(heap: Happening[]): Happening | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]];
    const isRight = right !== undefined && left !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (child === undefined || isBefore(last, child)) break;
    heap[index] = child;
    index = 2 * index + (isRight ? 2 : 1);
  }
  heap[index] = last;
  return first;
}
