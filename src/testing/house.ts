/**
 * The testing house: the whole runtime in one thread, under a seeded scheduler. The same supervisor, shards, writer,
 * protocol and projections as in production, over ports, clocks and a disk that the seed decides about: when messages
 * arrive, how long a commit takes, in which order things happen. Threads can be killed and commits can fail, at any step.
 */

import type { App } from '../core/define-app.js';
import { loadApp } from '../core/loaded-app.js';
import type { LogReader } from '../event-store/port.js';
import { type EventUpcaster, upcasted } from '../event-store/upcasting.js';
import { diagnosticChannels } from '../platform/diagnostic-channels.js';
import { nodePlatform } from '../platform/node-platform.js';
import { runShard } from '../shard/run-shard.js';
import type { StorageAdapter } from '../storage/adapter.js';
import { type RamaxOptions, RamaxRuntime } from '../supervisor/ramax.js';
import type { ShardThreadConfig, ThreadHost } from '../supervisor/thread-host.js';
import { runWriter } from '../writer/run-writer.js';
import { HouseDisk } from './house-disk.js';
import { houseChannel } from './house-port.js';
import { HouseThread } from './house-thread.js';
import type { SeededRandom } from './random.js';
import { Scheduler, schedulerClock } from './scheduler.js';

/** How long upcasters take, at most. */
const upcastMsMax = 2;

/** How to build a house. */
export interface HouseOptions<A extends App> {
  /** The app, or what makes it: then every shard has one of its own, as every thread has its own copy of a module. */
  readonly app: A | (() => A);
  /** The same seed gives the same history. */
  readonly seed: number;
  /** Virtual time. Default: one of its own, by the seed. */
  readonly scheduler?: Scheduler;
  /** What outlives the threads. Default: an empty disk. */
  readonly disk?: HouseDisk;
}

/** What may be given to a runtime of the house: all but what the house itself decides. */
export interface HouseStartOptions<A extends App = App> extends Omit<RamaxOptions, 'app' | 'storage'> {
  /** Another release of the app, for this runtime and those after it. Default: the app as it was. */
  readonly app?: A | (() => A);
}

/**
 * One house: a disk, and runtimes that are started on it one after the other.
 *
 * @example
 * ```ts
 * const house = new House({ app, seed: 7 });
 * const ramax = await house.start({ shards: 2 });
 * const acme = await house.run(ramax.spaces.getOrCreate('acme'));
 * const answer = acme.execute('add', 1);
 * house.killShard(0);
 * await house.run(answer);                       // settled by the log, or decided again
 * ```
 */
export class House<A extends App> {
  #app: A | (() => A);
  readonly #shards: HouseThread[] = [];
  #writer: HouseThread | undefined;
  /** What the current runtime's main thread is part of. */
  #process = { isAlive: false };
  /** Virtual time and everything that is planned in it. */
  readonly scheduler: Scheduler;
  /** What outlives the threads. */
  readonly disk: HouseDisk;

  constructor({ app, seed, scheduler = new Scheduler(seed), disk }: HouseOptions<A>) {
    this.#app = app;
    this.scheduler = scheduler;
    this.disk = disk ?? new HouseDisk(this.scheduler.random.uuid());
  }

  /** The house's randomness: use it for the history, too, and the seed decides everything. */
  get random(): SeededRandom {
    return this.scheduler.random;
  }

  /** Starts a runtime on the house's disk. */
  start(options: HouseStartOptions<A> = {}): Promise<RamaxRuntime<A>> {
    return this.run(this.begin(options));
  }

  /** Begins to start a runtime: it has started when the house has run so far. */
  begin({ app = this.#app, ...options }: HouseStartOptions<A> = {}): Promise<RamaxRuntime<A>> {
    this.#app = app;
    const process = { isAlive: true };
    this.#process = process;
    const clock = schedulerClock(this.scheduler, () => process.isAlive);
    const foundation = {
      platform: { ...nodePlatform, clock, ids: { newId: () => this.random.uuid() } },
      host: this.#host(process),
      loadAdapter: async () => this.#adapter(),
      cores: 3,
      channels: diagnosticChannels,
    };
    const storage = { module: 'house:disk', options: {} };
    return RamaxRuntime.startOn<A>(foundation, { ...options, app: 'house:app', storage });
  }

  /** Runs the house until `promise` has settled. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.runUntil(promise);
  }

  /**
   * Runs the house until no work is under way: every message has arrived and been dealt with, every commit and read is done. Only
   * timers wait then.
   */
  async quiet(): Promise<void> {
    do {
      while (this.scheduler.workUnderWay > 0) await this.scheduler.step();
      // What the last happening has settled may still plan something.
      await this.scheduler.settled();
    } while (this.scheduler.workUnderWay > 0);
  }

  /** Kills the writer where it stands, if it lives; says whether it did. */
  killWriter(): boolean {
    return killed(this.#writer);
  }

  /** Kills a shard where it stands, if it lives; says whether it did. */
  killShard(index: number): boolean {
    return killed(this.#shards[index]);
  }

  /** Kills everything at once, as the death of the process does. The runtime is of no use any more. */
  killAll(): void {
    this.#process.isAlive = false;
    this.killWriter();
    for (const shard of this.#shards) shard.kill();
  }

  /** Promises of a dead process may still run, and must start nothing: its writer would take the log from the next one's. */
  #host(process: { readonly isAlive: boolean }): ThreadHost {
    this.#shards.length = 0;
    return {
      startWriter: ({ limits }) => {
        const thread = new HouseThread(this.scheduler);
        if (!process.isAlive) return thread;
        this.#writer = thread;
        thread.run(async () => {
          const log = this.disk.openLog(thread);
          await runWriter({ log, limits, clock: thread.platform.clock, main: thread.main });
        });
        return thread;
      },
      startShard: (config) => {
        if (!process.isAlive) return new HouseThread(this.scheduler);
        const thread = this.#startShard(config);
        // A restarted shard takes the place of the one that has died.
        const dead = this.#shards.findIndex((shard) => !shard.isAlive);
        const place = dead === -1 ? this.#shards.length : dead;
        this.#shards[place] = thread;
        return thread;
      },
      channel: () => houseChannel(this.scheduler),
      openLookupFiller(): never {
        throw new TypeError('the disk of the house has no lookups');
      },
      openVerifier(): never {
        throw new TypeError('the disk of the house is verified in its one thread');
      },
      openUpcaster: () => this.#openUpcaster(),
      openReader: (): LogReader => this.disk.openLogReader(new HouseThread(this.scheduler)),
    };
  }

  /** Answers after a while, with copies, as a thread does. */
  #openUpcaster(): EventUpcaster {
    const thread = new HouseThread(this.scheduler);
    return {
      upcast: async (events) => {
        const { shapes } = loadApp(typeof this.#app === 'function' ? this.#app() : this.#app);
        const made = events.map((stored) => upcasted(stored, shapes));
        await thread.works(upcastMsMax);
        return structuredClone(made);
      },
      close: async () => {},
    };
  }

  #startShard({ limits, fence, poisonedEvents, verdicts }: ShardThreadConfig): HouseThread {
    const thread = new HouseThread(this.scheduler);
    const { disk } = this;
    // Asynchronous, so that an app that cannot be loaded ends its thread.
    thread.run(async () =>
      runShard({
        app: loadApp(typeof this.#app === 'function' ? this.#app() : this.#app),
        logReader: disk.openLogReader(thread),
        openPartition: (partition) => disk.openPStateStore(thread, partition, fence),
        limits,
        platform: thread.platform,
        main: thread.main,
        poisonedEvents,
        verdicts,
      }),
    );
    return thread;
  }

  #adapter(): StorageAdapter {
    const neverCalled = (): never => {
      throw new TypeError('the house opens its own disk');
    };
    return {
      readsBesideWriter: true,
      hasLookups: false,
      acquireOwnership: async () => ({ release: async () => {} }),
      openLog: neverCalled,
      openLookupFiller: neverCalled,
      openLogReader: neverCalled,
      openPStateStore: neverCalled,
    };
  }
}

function killed(thread: HouseThread | undefined): boolean {
  if (thread === undefined || !thread.isAlive) return false;
  thread.kill();
  return true;
}
