/**
 * A runtime for unit tests of application code: the real one, in one thread, in memory, under a clock that the test moves. It runs
 * by itself whenever somebody calls it; only time stands still.
 */

import type { App } from '../core/define-app.js';
import { invalidInput } from '../core/errors.js';
import { checkOptions } from '../core/names.js';
import type { RamaxRuntime } from '../supervisor/ramax.js';
import { House, type HouseStartOptions } from './house.js';
import { HouseDisk } from './house-disk.js';
import { Scheduler } from './scheduler.js';

/** Where all times of a test begin, when it says nothing: 2024-01-01. */
const defaultStart = Date.UTC(2024, 0, 1);

/** The time of a runtime of `startTestRamax`. It moves when the test moves it, and for nobody else. */
export class TestClock {
  /** For the runtimes on this clock. */
  readonly scheduler: Scheduler;
  #isRunning = false;
  /** One after the other. */
  #advances: Promise<void> = Promise.resolve();

  /**
   * @param options `now`: when it begins, a date or milliseconds since the Unix epoch. Default: 2024-01-01
   * @throws {RamaxError} `invalid_input` for what is no time
   */
  constructor({ now = defaultStart }: { readonly now?: number | Date } = {}) {
    const startsAt = Number(now);
    if (!Number.isSafeInteger(startsAt)) throw invalidInput('now', 'a date, or milliseconds', now);
    this.scheduler = new Scheduler(1, { isStill: true, startsAt });
    this.scheduler.onPlanned = () => this.#wake();
  }

  /** Milliseconds since the Unix epoch: the `timestamp` of events, and `context.now` of commands. */
  now(): number {
    return this.scheduler.wallMs;
  }

  /**
   * Moves time on. Timers that fall due fire at their time and in their order, and what they begin is done before the next one.
   * Resolves when all of that is done.
   *
   * @throws {RamaxError} `invalid_input` for less than 0 ms
   */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && Number.isFinite(ms))) throw invalidInput('ms', 'a number from 0', ms);
    const advanced = this.#advances.then(async () => {
      this.#isRunning = true;
      try {
        await this.#runDue();
        await this.scheduler.advance(ms);
        await this.#runDue();
      } finally {
        this.#isRunning = false;
      }
    });
    this.#advances = advanced.catch(() => {});
    return advanced;
  }

  /** Whatever may happen without time passing happens, at the end of this turn of the event loop. */
  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    setImmediate(() => {
      void this.#runDue().finally(() => {
        this.#isRunning = false;
        if (this.#isDue) this.#wake();
      });
    });
  }

  async #runDue(): Promise<void> {
    await this.scheduler.settled();
    while (this.#isDue) await this.scheduler.step();
  }

  get #isDue(): boolean {
    const { nextAtMs, nowMs } = this.scheduler;
    return nextAtMs !== undefined && nextAtMs <= nowMs;
  }
}

/** What a runtime of `startTestRamax` writes to: give it to the next one, and that goes on where the first one ended. */
export class TestStorage {
  /** What outlives the runtimes. */
  readonly disk: HouseDisk = new HouseDisk('00000000-0000-4000-8000-000000000001');
}

/** What `startTestRamax` takes, besides what `Ramax.start` takes. */
export interface TestRamaxOptions<A extends App>
  extends Omit<HouseStartOptions<A>, 'app' | 'ownershipWaitMs'> {
  /** The app itself, or a function that makes one for each shard. */
  readonly app: A | (() => A);
  /** Default: one that stands still. */
  readonly clock?: TestClock;
  /** Default: memory of its own. */
  readonly storage?: TestStorage;
}

/**
 * Starts the runtime in the thread of the test: no worker threads, no files, some milliseconds. It is the same code as in
 * production, so all that a `Ramax` does it does, but for backups, and time passes with `clock.advance()` alone: deadlines,
 * timers and rates never surprise a test.
 *
 * @throws {RamaxError} `invalid_app`, `invalid_input`
 * @example
 * ```ts
 * const clock = new TestClock({ now: Date.UTC(2026, 0, 1) });
 * const ramax = await startTestRamax({ app: crm, clock });
 * const acme = await ramax.spaces.getOrCreate('acme');
 * await acme.execute('addContact', john);
 * await clock.advance(60_000);
 * await ramax.close();
 * ```
 */
export async function startTestRamax<A extends App>(options: TestRamaxOptions<A>): Promise<RamaxRuntime<A>> {
  checkOptions(options);
  const { app, clock = new TestClock(), storage = new TestStorage(), shards = 1, ...others } = options;
  if (!(clock instanceof TestClock)) throw invalidInput('clock', 'a TestClock', clock);
  if (!(storage instanceof TestStorage)) throw invalidInput('storage', 'a TestStorage', storage);
  const house = new House<A>({ app, seed: 1, scheduler: clock.scheduler, disk: storage.disk });
  return house.begin({ ...others, shards });
}
