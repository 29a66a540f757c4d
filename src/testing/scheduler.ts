/**
 * The scheduler of the testing house: virtual time, and one queue for everything that happens later (messages, timers,
 * disk commits). It runs one happening, lets all promises settle, and takes the next: the order depends on the seed alone.
 */

import type { Clock, Timer } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import { SeededRandom } from './random.js';

interface Happening {
  readonly atMs: number;
  /** Breaks ties: first planned, first run. */
  readonly order: number;
  readonly run: () => void;
}

/** Happenings that one `runUntil` runs at most: far more than any history needs, so that a livelock ends. */
const happeningsMax = 2_000_000;

/** 2024-01-01: virtual time has to begin somewhere. */
const epochMs = 1_704_067_200_000;

/** See the head of this file. */
export class Scheduler {
  readonly random: SeededRandom;
  readonly #queue: Happening[] = [];
  #nowMs = 0;
  #planned = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Virtual milliseconds since the house was built. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** The wall clock of the house. */
  get wallMs(): number {
    return epochMs + Math.floor(this.#nowMs);
  }

  /** Plans `run` for `delayMs` from now. */
  plan(delayMs: number, run: () => void): void {
    this.planAt(this.#nowMs + delayMs, run);
  }

  /** Plans `run` for a point in time. */
  planAt(atMs: number, run: () => void): void {
    push(this.#queue, { atMs: Math.max(atMs, this.#nowMs), order: this.#planned++, run });
  }

  /** Runs one happening; says whether there was one. */
  async step(): Promise<boolean> {
    const next = pop(this.#queue);
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    next.run();
    await promisesSettle();
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
    soon: (task) => void plan(scheduler.random.fraction() * 0.05, task),
  };
}

/** All promise reactions have run when the event loop comes round. */
function promisesSettle(): Promise<void> {
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
