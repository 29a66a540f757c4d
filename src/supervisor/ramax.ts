/**
 * The public runtime. It checks what a user gives, makes the parts, and keeps the life of the whole:
 * starting -> running -> closing -> closed; from any of them, failed when threads cannot be kept alive.
 */

import type { Platform } from '../core/clock.js';
import type { App } from '../core/define-app.js';
import { invalidInput, isPassingTrouble, RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import { type Limits, type LimitsOptions, resolveLimits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { partitionCount } from '../core/routing.js';
import { everySpace } from '../event-store/cursor.js';
import type { ParkedEvent } from '../event-store/port.js';
import type { SpaceLimits } from '../event-store/space-settings.js';
import type { StreamOptions } from '../event-store/stream-options.js';
import type { ShardStats, WriterStats } from '../protocol/stats.js';
import type { VerifyReport } from '../reader/report.js';
import type { StorageAdapter, StorageRef } from '../storage/adapter.js';
import type { BackupManifest } from '../storage/backup-manifest.js';
import type { Channels } from '../telemetry/channels.js';
import { Observation } from '../telemetry/observation.js';
import type { Telemetry, TelemetryStats } from '../telemetry/telemetry.js';
import { registryPlace } from './admission.js';
import { AllSpaces, type AllSpacesOptions, type AllSpacesProgress } from './all-spaces.js';
import { type BackupOptions, Backups } from './backups.js';
import { Calls } from './calls.js';
import { EventReads } from './event-reads.js';
import { HealthProbe, type RamaxHealth } from './health.js';
import {
  HistoryImport,
  type HistoryItem,
  type HistoryProgress,
  type ImportEventsOptions,
} from './history-import.js';
import { type EncryptionOptions, KeyRing } from './key-ring.js';
import { listParked, type ParkedOptions } from './parked-events.js';
import { Reactions } from './reactions.js';
import type { SpaceServices } from './space-handle.js';
import { checkedSpaceLimits } from './space-limits.js';
import { SpaceLocks } from './space-locks.js';
import { Spaces } from './spaces.js';
import type { NamedSubscription, Subscription } from './subscriber.js';
import {
  type NamedSubscribeOptions,
  type SubscribeOptions,
  type SubscriptionFigures,
  Subscriptions,
} from './subscriptions.js';
import { Supervisor } from './supervisor.js';
import type { ThreadHost } from './thread-host.js';
import { type TimerStats, Timers } from './timers.js';
import { Verifications, type VerifyAllOptions } from './verifications.js';
import {
  checkOverloadPolicy,
  checkWaitOptions,
  type OverloadPolicy,
  type WaitOptions,
} from './wait-options.js';
import { Watches } from './watches.js';

/** What `Ramax.start` takes. */
export interface RamaxOptions {
  /** The app module, whose default export is made with `defineApp()`. Every shard loads it. */
  readonly app: URL | string;
  /** Where the data is: `sqlite({ directory })` or `memory()`. */
  readonly storage: StorageRef;
  /** Shards, 1 to 16. Default: one for each core but one, at least 1. May change from run to run. */
  readonly shards?: number;
  /** How long to wait for another runtime to let the data directory go, for rolling deploys. Default 0. */
  readonly ownershipWaitMs?: number;
  /** What calls do when too much is in flight, unless they say otherwise. Default `'fail'`. */
  readonly overload?: OverloadPolicy;
  /** Bounds in place of the defaults. */
  readonly limits?: LimitsOptions;
  /** Where the keys of encrypted spaces come from. Default: there are none. */
  readonly encryption?: EncryptionOptions;
  /**
   * Bounds of every space that has none of its own (`spaces.setLimits()`). Default: no rate, and `limits.spaceInFlightMax` calls in
   * flight.
   */
  readonly spaceLimits?: SpaceLimits;
  /** Who is told what happens: `openTelemetry()` of `ramax/telemetry`. Default: only the channels of `node:diagnostics_channel`. */
  readonly telemetry?: Telemetry<RamaxFigures>;
}

/** What telemetry may ask for. */
export interface RamaxFigures {
  readonly stats: RamaxStats;
  readonly health: RamaxHealth;
}

/** Figures of a running runtime. */
export interface RamaxStats {
  readonly writer: WriterStats;
  readonly shards: readonly ShardStats[];
  /** Calls that were admitted and have no answer yet, and the bytes of their parameters. */
  readonly inFlight: number;
  readonly inFlightBytes: number;
  /** Calls that wait for room. */
  readonly waiting: number;
  readonly restarts: { readonly writer: number; readonly shards: readonly number[] };
  /** What came of telemetry itself. */
  readonly telemetry: TelemetryStats;
  readonly subscriptions: SubscriptionFigures;
  readonly timers: TimerStats;
}

/** What the runtime stands on: injected, so that the testing house can run it in one thread. */
export interface RamaxFoundation {
  readonly platform: Platform;
  readonly host: ThreadHost;
  readonly loadAdapter: (ref: StorageRef) => Promise<StorageAdapter>;
  readonly cores: number;
  /** Where it publishes. Default: nowhere. */
  readonly channels?: Channels;
}

/** See the head of this file. */
export class RamaxRuntime<A extends App = App> {
  readonly #supervisor: Supervisor;
  readonly #calls: Calls;
  readonly #reads: EventReads;
  readonly #locks: SpaceLocks;
  readonly #limits: Limits;
  readonly #platform: Platform;
  readonly #watches: Watches;
  readonly #subscriptions: Subscriptions;
  readonly #allSpaces: AllSpaces;
  readonly #health: HealthProbe;
  readonly #reactions: Reactions;
  readonly #verifications: Verifications;
  readonly #backups: Backups;
  readonly #observation: Observation;
  readonly #timers: Timers;
  #closing: Promise<void> | undefined;
  #closed: RamaxError | undefined;
  /** Named subscriptions: list, reset, delete. */
  readonly subscriptions: Pick<Subscriptions, 'list' | 'reset' | 'delete'>;
  /** Spaces: create, find, list, delete. */
  readonly spaces: Spaces<A>;
  /** What reactors could not handle, over all spaces: see `SpaceHandle.reactors`. */
  readonly reactors: { parked(options?: ParkedOptions): Promise<readonly ParkedEvent[]> };

  private constructor(
    supervisor: Supervisor,
    calls: Calls,
    { limits, keyOf }: Pick<CheckedOptions, 'limits' | 'keyOf'>,
    platform: Platform,
    observation: Observation,
  ) {
    this.#observation = observation;
    this.#supervisor = supervisor;
    this.#calls = calls;
    this.#limits = limits;
    this.#platform = platform;
    this.#locks = new SpaceLocks(new KeyRing(keyOf, platform, limits), supervisor);
    this.#reads = new EventReads(supervisor.log, limits, this.#locks, supervisor.upcasts, platform);
    this.#watches = new Watches(limits);
    const subscriptions = new Subscriptions({
      reads: this.#reads,
      log: supervisor.log,
      writer: supervisor.writer,
      clock: platform.clock,
      limits,
    });
    this.#subscriptions = subscriptions;
    this.subscriptions = subscriptions;
    const [reads, watches, locks] = [this.#reads, this.#watches, this.#locks];
    const verifications = new Verifications({
      clock: platform.clock,
      open: () => supervisor.openVerifier(),
      listSpaces: (after, limit) => supervisor.writer.call('listSpaces', { after, limit }),
      findSpace: async (spaceId) => (await supervisor.writer.call('findSpaceById', { spaceId })) ?? undefined,
    });
    this.#verifications = verifications;
    this.#timers = new Timers({ supervisor, calls, locks, platform }, limits);
    const services: SpaceServices = {
      supervisor,
      calls,
      reads,
      watches,
      subscriptions,
      locks,
      verifications,
      platform,
      limits,
      observation,
      timers: this.#timers,
    };
    this.#reactions = new Reactions(services);
    this.spaces = new Spaces<A>(services, this.#reactions);
    this.reactors = { parked: (options = {}) => listParked(services, 0, options) };
    this.#allSpaces = new AllSpaces(services);
    this.#backups = new Backups(supervisor, calls, limits.longCallTimeoutMs);
    this.#health = new HealthProbe(supervisor, platform.clock, () => this.#timers.health);
  }

  /** Starts a runtime on a foundation; `Ramax.start` does it on Node's. */
  static async startOn<A extends App>(
    foundation: RamaxFoundation,
    options: RamaxOptions,
  ): Promise<RamaxRuntime<A>> {
    const { platform, host, loadAdapter, cores, channels } = foundation;
    const checked = checkedOptions(options, cores);
    const { limits } = checked;
    let runtime: RamaxRuntime<A> | undefined;
    const adapter = await loadAdapter(checked.storage);
    const figures = async (): Promise<RamaxFigures> => {
      if (runtime === undefined) throw new RamaxError('unavailable', 'the runtime has not started yet');
      const [stats, health] = await Promise.all([runtime.stats(), runtime.health()]);
      return { stats, health };
    };
    const observation = new Observation(channels, checked.telemetry?.start(figures));
    const supervisor = await Supervisor.start({
      ...checked,
      adapter,
      platform,
      host,
      observation,
      onGivenUp: (error) => runtime?.fail(error),
    }).catch((error: unknown) => {
      observation.close();
      throw error;
    });
    runtime = new RamaxRuntime<A>(
      supervisor,
      new Calls(platform.clock, limits, checked.overload, checked.spaceLimits),
      checked,
      platform,
      observation,
    );
    try {
      await runtime.#finishDeletions();
      await runtime.#reactions.begin();
    } catch (error) {
      await supervisor.stop();
      observation.close();
      throw error;
    }
    runtime.#timers.start();
    // Behind everything else: nobody waits for it, and spaces that are called before their turn fill their views themselves.
    void runtime.#allSpaces.fillViews();
    return runtime;
  }

  /**
   * The events of all spaces, in commit order, lazily, in bounded batches; ends at the log's end. `from` and `to` are event ids. Backwards, by query, by time
   * and with a limit as `SpaceHandle.streamEvents`.
   *
   * @throws {RamaxError} `invalid_input` at the call; then `aborted`, `corrupt`, `closed`, `unavailable`
   * @example
   * ```ts
   * for await (const event of ramax.streamAllEvents({ query: { types: ['order.paid'] }, since: Date.now() - 86_400_000 })) show(event);
   * ```
   */
  streamAllEvents(options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    return this.#reads.streamAll(options);
  }

  /**
   * The events of all spaces in the order of their event ids, those that are there and those that come. See `SpaceHandle.subscribe`.
   * It waits before the first event of a space that is being imported or cloned. An event of a space whose key is gone comes without
   * its payload (`keyMissing`).
   *
   * @example
   * ```ts
   * for await (const event of ramax.subscribe({ from: 'now', signal })) show(event.spaceId, event.type);
   * ```
   */
  subscribe(options: NamedSubscribeOptions): NamedSubscription;
  subscribe(options?: SubscribeOptions): Subscription;
  subscribe(options: SubscribeOptions | NamedSubscribeOptions = {}): Subscription {
    return this.#subscriptions.subscribe(everySpace, options);
  }

  /** The largest event id ever committed; 0 before the first. */
  async latestEventId(options: WaitOptions = {}): Promise<number> {
    checkWaitOptions(options, 'latestEventId()');
    const ask = (): Promise<number> => this.#reads.latestEventId();
    return this.#calls.read(registryPlace, ask, options);
  }

  /** Figures of all threads. */
  async stats(options: WaitOptions = {}): Promise<RamaxStats> {
    checkWaitOptions(options, 'stats()');
    const ask = (): Promise<[WriterStats, ...ShardStats[]]> =>
      Promise.all([
        this.#supervisor.writer.call('stats', null),
        ...this.#supervisor.shards.map((shard) => shard.call('stats', null).answer),
      ]);
    const [writer, ...shards] = await this.#calls.read(registryPlace, ask, options);
    const { inFlight, inFlightBytes, waiting } = this.#calls;
    const { restarts } = this.#supervisor;
    const { stats: telemetry } = this.#observation;
    const { stats: timers } = this.#timers;
    const subscriptions = await this.#subscriptions.figures();
    return { writer, shards, inFlight, inFlightBytes, waiting, restarts, timers, subscriptions, telemetry };
  }

  /**
   * How the runtime is: whether its threads answer, and which views have stopped. Never rejects, also when it has failed or is
   * closed; takes two seconds at most.
   */
  health(): Promise<RamaxHealth> {
    return this.#health.health(this.#closed);
  }

  /**
   * Rebuilds the views, or one of them, of all spaces: on every shard `limits.buildsAtOnceMax` spaces at once. See
   * `SpaceHandle.rebuild`. The first space that fails ends it; those that are done stay done.
   *
   * @throws {RamaxError} `unknown_view`, `projection_failed`, `aborted`, `closed`, and the codes of a rebuild
   */
  rebuild(options: AllSpacesOptions = {}): Promise<AllSpacesProgress> {
    return this.#allSpaces.run('rebuild', options);
  }

  /**
   * Brings all stored values of all spaces to their present shape: on every shard `limits.buildsAtOnceMax` spaces at once. See
   * `SpaceHandle.migrateAll`.
   *
   * @throws {RamaxError} `unknown_view`, `aborted`, `closed`, and the codes of every wait
   */
  migrateAll(options: AllSpacesOptions = {}): Promise<AllSpacesProgress> {
    return this.#allSpaces.run('migrateAll', options);
  }

  /**
   * Lets go of a key and of everything that was read with it: its spaces are closed, and their next call asks `encryption.keyOf`
   * again. A key that the app has dropped is thereby gone from this process, as it is from every file and every backup.
   *
   * @throws {RamaxError} `invalid_input`
   */
  async forgetKey(keyId: string): Promise<void> {
    checkId(keyId, 'keyId', this.#limits.idBytesMax);
    await this.#locks.forgetKey(keyId);
  }

  /**
   * Looks whether what is stored is what was written: every event against the chain of its space, order and density, the records of
   * commands, the registry, the lookups, and every stored view against a fresh fold of its events. In a thread of its own, in short read
   * transactions, while commands go on. It changes nothing.
   *
   * With storage in memory the log alone is verified, in the main thread.
   *
   * @throws {RamaxError} `aborted`, `not_found` for a space id that there is not, `closed`, `storage`
   * @example
   * ```ts
   * const report = await ramax.verify({ onProgress: ({ itemsDone }) => show(itemsDone), signal });
   * for (const { kind, spaceName, spaceSequence, message } of report.problems) alarm(kind, spaceName, spaceSequence, message);
   * ```
   */
  verify(options: VerifyAllOptions = {}): Promise<VerifyReport> {
    return this.#verifications.all(options);
  }

  /**
   * Copies the log into a directory while the runtime goes on: everything that was acknowledged before this call is in it, and what
   * is committed until the copy ends. Resolves when it is on disk, with its manifest. `restoreBackup` of `ramax/storage/sqlite` makes a
   * data directory of it. Projections and lookups are not in it: they are made again. Nothing remains of one that fails or is
   * aborted.
   *
   * @throws {RamaxError} `unsupported` by storage in memory; `invalid_input` for a directory that has something in it; `overloaded`
   *   while another one is made; `storage`; and the codes of every wait (default deadline: `limits.longCallTimeoutMs`)
   * @example
   * ```ts
   * const { lastEventId, sha256 } = await ramax.backup({ directory: './backups/monday' });
   * ```
   */
  async backup(options: BackupOptions): Promise<BackupManifest> {
    return this.#backups.backup(options);
  }

  /**
   * Imports existing histories: events of any number of spaces, each with the time at which it has happened, in the order in
   * which they come for each space. Spaces that are missing are created. The events go through the shards like those of commands, so that validators
   * see them and all views are right at once; upcasters and commands do not. Given again with the same name and the same items from the first
   * one on, it goes on where it was, and appends nothing twice: after an error, an abort, or the end of the process.
   *
   * Beside the events of each append the space gets one of the type `ramax.import.advanced`, which says how far the import is.
   *
   * @throws {RamaxError} `invalid_input`, `projection_failed` with the `index` and `field` of the item that is refused: everything before it is
   *   in; `aborted`; and the codes of `execute`
   * @example
   * ```ts
   * await ramax.importEvents(readOldEvents(), { name: 'crm-2019', onProgress: ({ itemsRead }) => show(itemsRead) });
   * ```
   */
  async importEvents(
    items: AsyncIterable<HistoryItem> | Iterable<HistoryItem>,
    options: ImportEventsOptions,
  ): Promise<HistoryProgress> {
    const services = {
      supervisor: this.#supervisor,
      calls: this.#calls,
      locks: this.#locks,
      platform: this.#platform,
      limits: this.#limits,
      spaceOf: (spaceName: string) => this.spaces.getOrCreate(spaceName),
    };
    return new HistoryImport(services, options).run(items);
  }

  /** Why the runtime cannot go on, or undefined while it runs. */
  get failure(): RamaxError | undefined {
    return this.#supervisor.failure;
  }

  /**
   * Drains and closes: takes no more calls, waits for those in flight (at most `limits.drainTimeoutMs`), persists every
   * space, and lets the data directory go. A second call waits for the first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Threads cannot be kept alive: every call fails from now on. */
  fail(error: RamaxError): void {
    this.#end(error);
    this.#closing ??= this.#supervisor.stop();
    // Whoever calls close() gets the failure of stopping; nobody else waits for it.
    this.#closing.catch(() => {});
  }

  async #close(): Promise<void> {
    const closed = new RamaxError('closed', 'the runtime is closed');
    this.#closed = closed;
    this.#timers.close();
    this.#allSpaces.close();
    this.#backups.close();
    this.spaces.close();
    this.#watches.close(closed);
    const acknowledged = this.#subscriptions.close(closed);
    this.#reads.close(closed);
    const { clock } = this.#platform;
    // Before the writer closes the log, so that nobody reads it while its write-ahead log is emptied for good.
    const verified = this.#verifications.close();
    const rested = this.#reactions.close();
    const drained = Promise.all([rested, this.#calls.drain(closed), verified, acknowledged]).then(() =>
      this.#supervisor.drain(),
    );
    const timedOut = new Promise<'timeout'>((resolve) => {
      const timer = clock.after(this.#limits.drainTimeoutMs, () => resolve('timeout'));
      drained.finally(() => timer.cancel()).catch(() => {});
    });
    const outcome = await Promise.race([drained, timedOut]);
    if (outcome === 'timeout') await this.#supervisor.stop();
    this.#end(closed);
  }

  #end(error: RamaxError): void {
    this.#observation.close();
    this.#reactions.end();
    void this.#verifications.close();
    this.#timers.close();
    this.#allSpaces.close();
    this.#backups.close();
    this.spaces.close();
    this.#watches.close(error);
    void this.#subscriptions.close(error);
    this.#reads.close(error);
    void this.#calls.drain(error);
    for (const shard of this.#supervisor.shards) shard.fail(error);
    this.#supervisor.writer.fail(error);
    this.#calls.close();
  }

  /** What an earlier runtime has begun to delete. */
  async #finishDeletions(): Promise<void> {
    for (const spaceId of this.#supervisor.deletedSpaces) {
      const deletion = this.spaces.finishDeletion({ spaceId, spaceName: `deleted space ${spaceId}` });
      // Nobody finds the space; a full disk keeps nobody from the others. The next start goes on with it.
      await deletion.catch((error: unknown) => {
        if (!isPassingTrouble(error)) throw error;
      });
    }
  }
}

const optionNames = [
  'app',
  'storage',
  'shards',
  'ownershipWaitMs',
  'overload',
  'limits',
  'encryption',
  'spaceLimits',
  'telemetry',
] as const satisfies readonly (keyof RamaxOptions)[];

interface CheckedOptions {
  readonly app: string;
  readonly storage: StorageRef;
  readonly shards: number;
  readonly ownershipWaitMs: number;
  readonly overload: OverloadPolicy;
  readonly limits: Limits;
  readonly keyOf: EncryptionOptions['keyOf'] | undefined;
  readonly spaceLimits: SpaceLimits;
  readonly telemetry: Telemetry<RamaxFigures> | undefined;
}

function checkedOptions(options: RamaxOptions, cores: number): CheckedOptions {
  checkOptions(options);
  checkOptionNames(options, optionNames, 'Ramax.start()');
  const { app, storage, overload = 'fail', ownershipWaitMs = 0, spaceLimits = {} } = options;
  const { shards = Math.min(partitionCount, Math.max(1, cores - 1)) } = options;
  checkInteger(shards, 'shards', 1, partitionCount);
  checkInteger(ownershipWaitMs, 'ownershipWaitMs', 0);
  checkOverloadPolicy(overload);
  return {
    app: appUrl(app),
    storage: checkedStorage(storage),
    shards,
    ownershipWaitMs,
    overload,
    limits: resolveLimits(options.limits),
    keyOf: checkedKeyOf(options.encryption),
    spaceLimits: checkedSpaceLimits(spaceLimits, 'Ramax.start()', 'spaceLimits'),
    telemetry: checkedTelemetry(options.telemetry),
  };
}

function checkedTelemetry(
  telemetry: Telemetry<RamaxFigures> | undefined,
): Telemetry<RamaxFigures> | undefined {
  if (telemetry === undefined || typeof telemetry?.start === 'function') return telemetry;
  throw invalidInput('telemetry', 'what openTelemetry() returns', telemetry);
}

function checkedKeyOf(encryption: unknown): EncryptionOptions['keyOf'] | undefined {
  if (encryption === undefined) return undefined;
  checkOptions(encryption, 'encryption');
  checkOptionNames(encryption, ['keyOf'], 'Ramax.start()', 'encryption');
  const { keyOf } = encryption as Partial<EncryptionOptions>;
  if (typeof keyOf !== 'function') throw invalidInput('encryption.keyOf', 'a function', keyOf);
  return keyOf;
}

/** A getter or a proxy may throw when it is read: then it is none of ours. */
function checkedStorage(storage: Partial<StorageRef> | null): StorageRef {
  try {
    const { module, options } = storage ?? {};
    const isRef = typeof module === 'string' && typeof options === 'object' && options !== null;
    if (isRef) return { module, options: { ...options } };
  } catch {
    // Refused below.
  }
  throw invalidInput('storage', 'what sqlite() or memory() returns', storage);
}

function isUrl(app: unknown): app is URL {
  try {
    return app instanceof URL;
  } catch {
    return false;
  }
}

function appUrl(app: unknown): string {
  if (isUrl(app)) return app.href;
  if (typeof app === 'string' && URL.canParse(app)) return app;
  throw invalidInput('app', 'a URL, such as new URL("./my.app.js", import.meta.url)', app);
}
