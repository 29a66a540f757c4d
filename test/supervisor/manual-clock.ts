import type { Clock, Timer } from '../../src/core/clock.js';

interface Planned {
  readonly atMs: number;
  readonly task: () => void;
}

/** A clock that stands still until it is told otherwise. */
export class ManualClock implements Clock {
  readonly #planned = new Set<Planned>();
  #nowMs = 0;

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#planned.size;
  }

  after(delayMs: number, task: () => void): Timer {
    const planned = { atMs: this.#nowMs + delayMs, task };
    this.#planned.add(planned);
    return { cancel: () => void this.#planned.delete(planned) };
  }

  soon(task: () => void): void {
    this.after(0, task);
  }

  /** Lets time pass, and everything that is due happen in its order. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const due = [...this.#planned].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#planned.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.task();
    }
    this.#nowMs = endMs;
  }
}
