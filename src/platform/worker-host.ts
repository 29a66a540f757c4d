/**
 * Worker threads, owned by Piscina: it starts them and reports how they end.
 *
 * A writer or a shard is one long task in a pool of its own (`minThreads: 0`, so that the pool does not start a thread
 * again by itself: restarts are the supervisor's, with backoff). The data plane runs over ports that are handed to the
 * task. `atomics: 'disabled'`, because Piscina's default makes an idle thread deaf to other ports. Scans of the log are
 * stateless, so they use a pool as pools are meant to be used. So are runs of the lookups' filler, but one takes longer
 * than a read, and one at a time is enough: they have a pool of one thread of their own, so that no stream waits for them.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceLimits, TransferListItem } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { eventsOfPage } from '../codec/event-page.js';
import { type PackedAnswer, packedBodies, packedValues } from '../codec/packed-frames.js';
import { asRamaxError, type ErrorData, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { newVitalsMemory } from '../core/vitals.js';
import type { LogReader, LookupFiller } from '../event-store/port.js';
import type { EventUpcaster, Upcasted } from '../event-store/upcasting.js';
import type { Port } from '../protocol/port.js';
import type { Verifier, VerifyRun } from '../reader/verifier.js';
import type { StorageRef } from '../storage/adapter.js';
import type {
  ShardThreadConfig,
  Thread,
  ThreadHost,
  UpcasterConfig,
  VerifierConfig,
  WriterThreadConfig,
} from '../supervisor/thread-host.js';
import type { FillerAnswer, FillerTask } from './filler-task.js';
import { newLoadedFlag, whenLoaded } from './loading.js';
import { nodeChannel } from './node-port.js';
import type { ReaderAnswer, ReaderTask } from './reader-task.js';
import type { UpcasterTask } from './upcaster-task.js';
import { type VerifierAnswer, type VerifierTask, verifierSignals } from './verifier-task.js';

/** Scans that run side by side; more would only compete with shards for cores. */
const readerThreadsMax = 2;
/** Scans that wait for a thread; each stream has at most one under way. */
const readerQueueMax = 10_000;
/** How long an idle thread of a pool stays, so that a stream of batches does not start one each. */
const poolIdleMs = 10_000;

/** The host of a production runtime. */
export const workerHost: ThreadHost = {
  startWriter: (config) => startThread('writer', config),
  startShard: (config) => startThread('shard', config),
  channel: () => nodeChannel(),
  openLookupFiller: (storage) => pooledFiller(storage),
  openVerifier: (config) => pooledVerifier(config),
  openUpcaster: (config) => pooledUpcaster(config),
  openReader: (storage) => pooledReader(storage),
};

function entryPoint(name: 'writer' | 'shard' | 'reader' | 'filler' | 'verifier' | 'upcaster'): string {
  return new URL(`../../workers/${name}.js`, import.meta.url).href;
}

/**
 * Piscina says it as an event when a thread fails while it has no task: when it runs out of heap in the moment in which it ends, say. An
 * event `error` that nobody hears ends the process. How a task ends is told by its promise, and who waits for a thread waits for its exit.
 */
function hearFailures(pool: Piscina): void {
  pool.on('error', () => {});
}

function startThread(name: 'writer' | 'shard', config: WriterThreadConfig | ShardThreadConfig): Thread {
  const pool = new Piscina({
    filename: entryPoint(name),
    minThreads: 0,
    maxThreads: 1,
    atomics: 'disabled',
    idleTimeout: 0,
    recordTiming: false,
    // The writer runs no code of an app.
    ...(name === 'shard' ? { resourceLimits: heapOf(config.limits) } : {}),
  });
  hearFailures(pool);
  const [main, thread] = nodeChannel();
  const loaded = newLoadedFlag();
  const vitals = newVitalsMemory();
  const task: unknown = pool.run(
    { config, port: thread.raw, loaded, vitals },
    { transferList: [thread.raw] as unknown as TransferListItem[] },
  );
  let destroyed: Promise<void> | undefined;
  // Once: a second call would not wait for the thread.
  const destroy = (): Promise<void> => {
    destroyed ??= pool.destroy();
    return destroyed;
  };
  const ended = endOf(task, name, main, destroy);
  const stop = async (): Promise<void> => {
    await whenLoaded(loaded, ended);
    await destroy();
  };
  return { port: main, ended, vitals, stop };
}

/** Young values and code come on top; a thread that needs more ends with `ERR_WORKER_OUT_OF_MEMORY`. */
function heapOf({ shardHeapMegabytesMax }: Limits): ResourceLimits {
  return { maxOldGenerationSizeMb: shardHeapMegabytesMax };
}

/** The task ends a moment before its thread: what it had open is closed only when that is gone, too. */
async function endOf(
  task: unknown,
  name: string,
  port: Port,
  destroy: () => Promise<void>,
): Promise<ErrorData | undefined> {
  try {
    return (await task) as ErrorData | undefined;
  } catch (error) {
    return asRamaxError(error, 'unavailable', `the ${name} thread ended`).toData();
  } finally {
    port.close();
    await destroy();
  }
}

/**
 * A pool of threads that are started with their first tasks. Closing waits for the tasks under way: a thread that is ended while
 * it is started (`loading.ts`), or inside the database's native code, can take the process with it.
 */
class TaskPool {
  readonly #pool: Piscina;
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    name: 'reader' | 'filler' | 'verifier' | 'upcaster',
    bounds: {
      readonly maxThreads: number;
      readonly maxQueue?: number;
      readonly resourceLimits?: ResourceLimits;
    },
  ) {
    const filename = entryPoint(name);
    this.#pool = new Piscina({
      filename,
      minThreads: 0,
      idleTimeout: poolIdleMs,
      recordTiming: false,
      ...bounds,
    });
    hearFailures(this.#pool);
  }

  /** @param signal ends the thread of the task when it aborts */
  async run<Answer>(task: unknown, signal?: AbortSignal): Promise<Answer> {
    const running = this.#pool.run(task, signal === undefined ? {} : { signal }) as Promise<Answer>;
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** @param waitMs how long it waits at most; default: as long as it takes */
  async close(waitMs?: number): Promise<void> {
    const ended = Promise.allSettled(this.#running);
    await (waitMs === undefined ? ended : Promise.race([ended, sleep(waitMs, undefined, { ref: false })]));
    await this.#pool.destroy();
  }
}

/** A filler whose every run is a task of a pool of one thread. */
function pooledFiller(storage: StorageRef): LookupFiller {
  const pool = new TaskPool('filler', { maxThreads: 1 });
  const run = async (task: FillerTask): Promise<{ readonly done: boolean }> => {
    const answer = await pool.run<FillerAnswer>(task);
    if ('error' in answer) throw RamaxError.fromData(answer.error);
    return answer;
  };
  return {
    fillLookups: (rowsMax) => run({ task: 'fill', storage, rowsMax }),
    async scrub() {
      await run({ task: 'scrub', storage });
    },
    close: () => pool.close(),
  };
}

/** A verifier whose every space is a task of a pool of one thread; what is asked of it meanwhile crosses in shared memory. */
function pooledVerifier(config: VerifierConfig): Verifier {
  const pool = new TaskPool('verifier', { maxThreads: 1 });
  const runs = new Set<VerifyRun>();
  return {
    start(request) {
      const signals = new SharedArrayBuffer(verifierSignals.count * Int32Array.BYTES_PER_ELEMENT);
      const shared = new Int32Array(signals);
      const task: VerifierTask = { ...config, request, signals };
      const run: VerifyRun = {
        report: pool.run<VerifierAnswer>(task).then((answer) => {
          runs.delete(run);
          if ('error' in answer) throw RamaxError.fromData(answer.error);
          return answer.report;
        }),
        get items() {
          return Atomics.load(shared, verifierSignals.items);
        },
        cancel() {
          Atomics.store(shared, verifierSignals.cancelled, 1);
        },
      };
      runs.add(run);
      return run;
    },
    close() {
      for (const run of runs) run.cancel();
      return pool.close();
    },
  };
}

/**
 * The app's upcasters in a thread of their own: one that never returns holds up neither the reads of others nor main, and its thread is
 * ended.
 */
function pooledUpcaster({ app, limits }: UpcasterConfig): EventUpcaster {
  const pool = new TaskPool('upcaster', { maxThreads: 1, resourceLimits: heapOf(limits) });
  const timeoutMs = limits.startTimeoutMs + limits.hangTimeoutMs;
  return {
    async upcast(events) {
      const task: UpcasterTask = { app, events: packedBodies.pack(events) };
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await pool.run<PackedAnswer>(task, signal).catch((cause: unknown) => {
        const why = signal.aborted
          ? `did not end within ${timeoutMs} ms`
          : `have ended their thread: ${String(cause)}`;
        throw new RamaxError('upcast_failed', `the upcasters ${why}`, { cause });
      });
      return packedValues.unpackAnswer(answer) as readonly Upcasted[];
    },
    close: () => pool.close(readsEndMsMax),
  };
}

/** How long closing waits for reads under way: a page takes some milliseconds, a thread that is started for one some hundred. */
const readsEndMsMax = 5_000;

/** A log reader whose every read is a task of a small pool. */
function pooledReader(storage: StorageRef): LogReader {
  const pool = new TaskPool('reader', { maxThreads: readerThreadsMax, maxQueue: readerQueueMax });
  let isClosed = false;
  const run = async <Name extends ReaderTask['read']>(
    read: Name,
    ...parameters: Parameters<LogReader[Name]>
  ): Promise<Awaited<ReturnType<LogReader[Name]>>> => {
    if (isClosed) throw readerError(undefined, isClosed);
    const task: ReaderTask = { storage, read, parameters };
    const answer = await pool.run<ReaderAnswer>(task).catch((error: unknown) => {
      throw readerError(error, isClosed);
    });
    const result: unknown = 'page' in answer ? eventsOfPage(answer.page) : packedValues.unpackAnswer(answer);
    return result as Awaited<ReturnType<LogReader[Name]>>;
  };
  return {
    readSpace: (...parameters) => run('readSpace', ...parameters),
    readEntity: (...parameters) => run('readEntity', ...parameters),
    readAll: (...parameters) => run('readAll', ...parameters),
    selectEvents: (...parameters) => run('selectEvents', ...parameters),
    readEvent: (...parameters) => run('readEvent', ...parameters),
    findCommands: (...parameters) => run('findCommands', ...parameters),
    allCommands: (...parameters) => run('allCommands', ...parameters),
    readCommands: (...parameters) => run('readCommands', ...parameters),
    timersOf: (...parameters) => run('timersOf', ...parameters),
    dueTimers: (...parameters) => run('dueTimers', ...parameters),
    importsOf: (...parameters) => run('importsOf', ...parameters),
    latestEventId: () => run('latestEventId'),
    spaceHead: (...parameters) => run('spaceHead', ...parameters),
    findSpaceByName: (...parameters) => run('findSpaceByName', ...parameters),
    findSpaceById: (...parameters) => run('findSpaceById', ...parameters),
    listSpaces: (...parameters) => run('listSpaces', ...parameters),
    cursors: (...parameters) => run('cursors', ...parameters),
    cursor: (...parameters) => run('cursor', ...parameters),
    parkedEvents: (...parameters) => run('parkedEvents', ...parameters),
    parkedCounts: () => run('parkedCounts'),
    close() {
      isClosed = true;
      return pool.close(readsEndMsMax);
    },
  };
}

/** Piscina's own errors (a full queue, a pool that was destroyed) have no code that a caller knows. */
function readerError(error: unknown, isClosed: boolean): RamaxError {
  if (isClosed)
    return new RamaxError('closed', 'the runtime was closed while the log was read', { cause: error });
  return new RamaxError('overloaded', `the log cannot be read now: ${String(error)}`, { cause: error });
}
