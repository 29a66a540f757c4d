/**
 * The supervisor: main's side of the house. It starts the writer and the shards, connects them, routes calls to the
 * shard that owns a space, starts again what dies, and drains.
 *
 * Owns: the keepers of all threads, the shard handles, the right to the data directory.
 * Called by: the public runtime (`ramax.ts`).
 *
 * Invariants:
 *   U1  One owner: nothing is opened before the directory is owned, and it is let go last.
 *   U2  A shard is used only while it is connected to the current writer, or waits for the next one by itself.
 *   U3  Every shard that is started has a larger fence than any before it, over all runtimes.
 */

import type { PoisonedEvent } from '../content-store/poisoned-events.js';
import type { Platform } from '../core/clock.js';
import { type ErrorCode, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { AppDescription } from '../core/loaded-app.js';
import type { ReactionVerdicts } from '../core/reaction-verdict.js';
import { shardOf } from '../core/routing.js';
import type { Reacting } from '../core/vitals.js';
import type { LogHealth, LogReader, LostTail } from '../event-store/port.js';
import type { Caller } from '../protocol/link.js';
import {
  type ShardCalls,
  type SpaceAddress,
  shardLink,
  type WriterCalls,
  writerLink,
} from '../protocol/links.js';
import { remoteLogReader } from '../protocol/remote-log-reader.js';
import { localVerifier, type Verifier } from '../reader/verifier.js';
import type { BackupTarget, Ownership, StorageAdapter, StorageRef } from '../storage/adapter.js';
import { type Measurements, nothingObserved, type Observed } from '../telemetry/measurements.js';
import type { Observation } from '../telemetry/observation.js';
import { LookupFilling } from './lookup-filling.js';
import { Quarantine } from './quarantine.js';
import { ShardHandle } from './shard-handle.js';
import type { ThreadHost } from './thread-host.js';
import { type Death, ThreadKeeper } from './thread-keeper.js';
import { Upcasts } from './upcasts.js';
import { WriterHandle } from './writer-handle.js';

/** Restarts of shards that one owner generation can count. */
const fencesPerOwner = 2 ** 20;
/**
 * Threads of one shard that may be left behind, stuck in native code, at once: a late write of them is fenced, and what they were
 * stuck in is refused after three of them.
 */
const shardsLeftBehindMax = 4;

/** What a supervisor is made of. */
export interface SupervisorOptions {
  readonly app: string;
  readonly storage: StorageRef;
  readonly adapter: StorageAdapter;
  readonly shards: number;
  readonly ownershipWaitMs: number;
  readonly limits: Limits;
  readonly platform: Platform;
  readonly host: ThreadHost;
  readonly observation: Observation;
  /** The runtime cannot go on. */
  readonly onGivenUp: (error: RamaxError) => void;
}

type WriterReady = WriterCalls['ready']['reply'];

/** Before a writer has told. */
const unknownLog: LogHealth = { durability: 'memory', lost: undefined, witnessFailure: undefined };

/** Another writer would find the same: the log is not what it was, or cannot be opened. */
const hopelessCodes: ReadonlySet<ErrorCode> = new Set([
  'corrupt',
  'witness_missing',
  'format_newer',
  'storage_unsuitable',
]);

/** A shard that is lost meanwhile learns it when it is up again. */
function tellDown(shard: Caller<ShardCalls>, error: RamaxError): void {
  shard.call('writerDown', error.toData()).catch(() => {});
}

/** See `Supervisor.names`. */
interface AppNames {
  readonly commands: ReadonlySet<string>;
  readonly queries: ReadonlySet<string>;
}

function namesOf({ commands, queries }: AppDescription): AppNames {
  return { commands: new Set(commands), queries: new Set(queries) };
}

interface KeptShard {
  readonly keeper: ThreadKeeper<ShardCalls, AppDescription>;
  readonly handle: ShardHandle;
}

/** See the head of this file. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ownership: Ownership;
  readonly #writerKeeper: ThreadKeeper<WriterCalls, WriterReady>;
  readonly #shards: readonly KeptShard[];
  /** Main's calls to the writer. */
  readonly writer = new WriterHandle();
  /** Reads of the log off the hot path. */
  readonly log: LogReader;
  /** Brings what is read of it to its present shape. */
  readonly upcasts: Upcasts;
  /** Fills the lookups of the log. */
  readonly lookups: LookupFilling;
  /** What is refused because shards have died of it. */
  readonly quarantine: Quarantine;
  #writerReady: WriterReady = { logId: '', ownerGeneration: 0, deletedSpaces: [], log: unknownLog };
  /** What was lost before the first writer of this runtime opened the log; a later one knows nothing of it. */
  #lost: LostTail | undefined;
  #app: AppDescription = { name: '', commands: [], queries: [], views: [], reactors: [], viewVersions: {} };
  #names: AppNames = namesOf(this.#app);
  #shardStarts = 0;
  #failure: RamaxError | undefined;
  /** Bounded by what one shard has under way at its death, and by how often shards may die. */
  readonly #suspectedReactions = new Map<string, ReactionVerdicts['suspected'][number]>();
  #onShardUp: (index: number, shard: Caller<ShardCalls>) => void = () => {};

  private constructor(options: SupervisorOptions, ownership: Ownership) {
    const { app, adapter, host, limits, storage, shards, platform } = options;
    this.#options = options;
    this.#ownership = ownership;
    options.observation.onChange = (observed) => void this.#observeAll(observed);
    this.quarantine = new Quarantine(platform.textDigest);
    this.log = adapter.readsBesideWriter
      ? host.openReader(storage)
      : remoteLogReader(() => this.writer.current());
    this.upcasts = new Upcasts(
      () => this.#app,
      () => host.openUpcaster({ app, limits }),
    );
    const filler = adapter.hasLookups ? host.openLookupFiller(storage) : undefined;
    this.lookups = new LookupFilling(filler, platform.clock);
    this.#writerKeeper = this.#keepWriter();
    this.#shards = Array.from({ length: shards }, (_, index) => this.#keepShard(index));
  }

  /** Starts everything, or nothing: what was started before a failure is stopped again. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { adapter, storage, platform, ownershipWaitMs } = options;
    const ownership = await adapter.acquireOwnership(storage, platform, { ownershipWaitMs });
    const supervisor = new Supervisor(options, ownership);
    try {
      await supervisor.#startThreads();
      // A thread may have been given up while others were started.
      if (supervisor.#failure !== undefined) throw supervisor.#failure;
      return supervisor;
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
  }

  /** Opens who verifies what this runtime has stored. */
  openVerifier(): Verifier {
    const { adapter, host, app, storage, limits, platform } = this.#options;
    return adapter.openInspector === undefined
      ? localVerifier(this.log, platform, limits)
      : host.openVerifier({ app, storage, limits });
  }

  /** What the app has. */
  get app(): AppDescription {
    return this.#app;
  }

  /** The names that calls are checked against. */
  get names(): AppNames {
    return this.#names;
  }

  /** Spaces whose deletion an earlier runtime has begun and not finished. */
  get deletedSpaces(): readonly number[] {
    return this.#writerReady.deletedSpaces;
  }

  /** How the log is kept, as the writer has said when it opened it. */
  get logHealth(): LogHealth {
    return { ...this.#writerReady.log, lost: this.#lost };
  }

  /** A place for a backup, where the storage has any. */
  get beginBackup(): ((directory: string) => Promise<BackupTarget>) | undefined {
    const { platform, adapter } = this.#options;
    const { beginBackup } = adapter;
    return beginBackup === undefined ? undefined : (directory) => beginBackup(directory, platform);
  }

  /** Why the runtime cannot go on, when it cannot. */
  get failure(): RamaxError | undefined {
    return this.#failure;
  }

  /** Why nothing can be written at present, while the disk does not let the writer work. */
  get writerTrouble(): RamaxError | undefined {
    return this.#writerKeeper.trouble;
  }

  /** How often threads were started again. */
  get restarts(): { readonly writer: number; readonly shards: readonly number[] } {
    return {
      writer: this.#writerKeeper.restarts,
      shards: this.#shards.map(({ keeper }) => keeper.restarts),
    };
  }

  /** The shard that owns a space. */
  shardOf({ spaceId }: Pick<SpaceAddress, 'spaceId'>): ShardHandle {
    const shard = this.#shards[shardOf(spaceId, this.#shards.length)];
    if (shard === undefined) throw new RangeError('routing stays within the shards');
    return shard.handle;
  }

  /** All shards. */
  get shards(): readonly ShardHandle[] {
    return this.#shards.map(({ handle }) => handle);
  }

  /** Tells of each shard that is up now, and of each that will be. */
  watchShards(onUp: (index: number, shard: Caller<ShardCalls>) => void): void {
    this.#onShardUp = onUp;
    this.#shards.forEach(({ keeper }, index) => {
      if (keeper.nascent !== undefined) onUp(index, keeper.nascent);
    });
  }

  /** Lets all threads finish what they hold, then lets the directory go. Calls must have ended. */
  async drain(): Promise<void> {
    if (this.#options.observation.observed !== undefined) await this.#observeAll(nothingObserved);
    await Promise.all(this.#shards.map(({ keeper }) => keeper.drain()));
    // Before the writer closes the log, so that nobody reads it while its write-ahead log is emptied for good.
    await Promise.all([this.lookups.close(), this.log.close()]);
    await this.#writerKeeper.drain();
    await this.stop();
  }

  /** Ends all threads now and lets the directory go. */
  async stop(): Promise<void> {
    const keepers = [...this.#shards.map(({ keeper }) => keeper), this.#writerKeeper];
    const ended = await Promise.allSettled([
      ...keepers.map((keeper) => keeper.stop()),
      this.lookups.close(),
      this.log.close(),
      this.upcasts.close(),
    ]);
    // Whatever else fails, the directory is let go; but not beside a writer that may be in the middle of a commit.
    if (this.#writerKeeper.isStuck) {
      void this.#writerKeeper.gone().then(() => this.#ownership.release());
      throw stuckWriter();
    }
    await this.#ownership.release();
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  async #startThreads(): Promise<void> {
    await this.#writerKeeper.start();
    await Promise.all(this.#shards.map(({ keeper }) => keeper.start()));
    this.lookups.start();
  }

  #keepWriter(): ThreadKeeper<WriterCalls, WriterReady> {
    const { platform, limits, host, storage } = this.#options;
    return new ThreadKeeper<WriterCalls, WriterReady>({
      name: 'writer',
      onRestart: (restarts, cause) => this.#tellRestart('writer', restarts, cause),
      link: writerLink,
      clock: platform.clock,
      limits,
      start: () => host.startWriter({ storage, limits }),
      onUp: async (writer, ready) => {
        this.#checkLog(ready.logId);
        this.#writerReady = ready;
        this.#lost ??= ready.log.lost;
        const shards = this.#shards.flatMap(({ keeper }) => keeper.nascent ?? []);
        await Promise.all(shards.map((shard) => this.#connect(shard, writer).writer));
        void this.#observe(writer);
        this.writer.up(writer);
      },
      isHopeless: ({ code }) => hopelessCodes.has(code),
      onGivenUp: (error) => this.#giveUp(error),
      onTrouble: (error) => {
        this.writer.down(error);
        for (const { keeper } of this.#shards)
          if (keeper.nascent !== undefined) tellDown(keeper.nascent, error);
      },
    });
  }

  #keepShard(index: number): KeptShard {
    const { platform, limits, host, storage, app } = this.#options;
    const { quarantine } = this;
    const handle = new ShardHandle({
      limits,
      quarantine,
      onCommitted: (eventId) => this.lookups.committed(eventId),
      onAcquitted: (suspect) => keeper.acquitted(suspect),
    });
    const keeper: KeptShard['keeper'] = new ThreadKeeper<ShardCalls, AppDescription>({
      name: `shard ${index}`,
      onRestart: (restarts, cause) => this.#tellRestart(`shard ${index}`, restarts, cause),
      link: shardLink,
      clock: platform.clock,
      limits,
      start: () =>
        host.startShard({
          app,
          storage,
          limits,
          logId: this.#writerReady.logId,
          fence: this.#nextFence(),
          poisonedEvents: this.#poisonedEvents,
          verdicts: this.#reactionVerdicts,
        }),
      onUp: async (shard, description) => {
        this.#app = description;
        this.#names = namesOf(description);
        void this.#observe(shard);
        const { nascent: writer, trouble } = this.#writerKeeper;
        if (writer !== undefined) await this.#connect(shard, writer).shard;
        else if (trouble !== undefined) tellDown(shard, trouble);
        handle.up(shard);
        this.#onShardUp(index, shard);
      },
      onLost: (death) => this.#suspectOf(death, handle),
      onGivenUp: (error) => this.#giveUp(error),
      leftBehindMax: shardsLeftBehindMax,
    });
    return { keeper, handle };
  }

  /** Whom a death of a shard is put down to, by name. */
  #suspectOf(
    { caller, cause, running, reactions }: Death<ShardCalls>,
    handle: ShardHandle,
  ): string | undefined {
    const reaction = this.#suspectReaction({ caller, cause, running, reactions });
    if (reaction !== undefined) return reaction;
    if (running.kind !== 'event') return handle.lost(caller, running, cause);
    const { spaceId, view: place, spaceSequence } = running;
    const view = this.#app.views[place] ?? `view ${place}`;
    const key = `event ${spaceId} ${view} ${spaceSequence}`;
    this.quarantine.accuse({ key, kind: 'event', name: view, spaceId, spaceSequence }, cause);
    return key;
  }

  /**
   * Handlers that wait are not marked: where nothing ran, all that were under way are suspected, and made one at a time from then on, so
   * that at the next death it is one of them.
   */
  #suspectReaction({ running, reactions, cause }: Death<ShardCalls>): string | undefined {
    const isSuspected = (reaction: Reacting): boolean => this.quarantine.isSuspected(this.#keyOf(reaction));
    const known = reactions.filter(isSuspected);
    const nameable = running.kind === 'nothing' ? (known.length > 0 ? known : reactions) : [];
    const suspects = running.kind === 'reaction' ? [running] : nameable;
    for (const reaction of suspects) {
      const { spaceId, spaceSequence } = reaction;
      const [key, name] = [this.#keyOf(reaction), this.#reactorName(reaction)];
      this.#suspectedReactions.set(key, { spaceId, reactor: name, spaceSequence });
      this.quarantine.accuse({ key, kind: 'reaction', name, spaceId, spaceSequence }, cause);
    }
    const [only] = suspects;
    return only === undefined || suspects.length > 1 ? undefined : this.#keyOf(only);
  }

  #keyOf(reaction: Reacting): string {
    return `reaction ${reaction.spaceId} ${this.#reactorName(reaction)} ${reaction.spaceSequence}`;
  }

  #reactorName({ reactor }: Reacting): string {
    return this.#app.reactors[reactor]?.name ?? `reactor ${reactor}`;
  }

  get #reactionVerdicts(): ReactionVerdicts {
    const poisoned = this.quarantine.refused.flatMap(
      ({ kind, name: reactor, spaceId, spaceSequence, kills, cause }) =>
        kind === 'reaction' && spaceSequence !== undefined
          ? { spaceId, reactor, spaceSequence, kills, cause: cause.message }
          : [],
    );
    const suspected = [...this.#suspectedReactions].flatMap(([key, reaction]) =>
      this.quarantine.isSuspected(key) ? reaction : [],
    );
    return { poisoned, suspected };
  }

  get #poisonedEvents(): readonly PoisonedEvent[] {
    return this.quarantine.refused.flatMap(({ kind, name: view, spaceId, spaceSequence, cause }) =>
      kind === 'event' && spaceSequence !== undefined
        ? { spaceId, view, spaceSequence, cause: cause.message }
        : [],
    );
  }

  #nextFence(): number {
    this.#shardStarts++;
    return this.#writerReady.ownerGeneration * fencesPerOwner + this.#shardStarts;
  }

  /**
   * Gives a shard and a writer a channel of their own. An end that is lost meanwhile is connected when it is up again, so
   * only the calls themselves are reported, one for each end.
   */
  #connect(
    shard: Caller<ShardCalls>,
    writer: Caller<WriterCalls>,
  ): { readonly shard: Promise<unknown>; readonly writer: Promise<unknown> } {
    const [shardEnd, writerEnd] = this.#options.host.channel();
    const ends = {
      writer: writer.call('connectShard', null, { ports: [writerEnd] }),
      shard: shard.call('connectWriter', null, { ports: [shardEnd] }),
    };
    // A port that could not be handed over would keep the other end waiting for ever.
    ends.writer.catch(() => writerEnd.close());
    ends.shard.catch(() => shardEnd.close());
    return ends;
  }

  /** Has a thread report what is listened to. It does until it is lost: the next one is asked again. */
  async #observe(
    thread: Caller<ShardCalls> | Caller<WriterCalls>,
    observed = this.#options.observation.observed,
  ): Promise<void> {
    if (observed === undefined) return;
    const onProgress = (batch: Measurements): void => this.#options.observation.measured(batch);
    // Both tables have the call.
    const caller = thread as Caller<Pick<ShardCalls, 'observe'>>;
    await caller.call('observe', observed, { onProgress }).catch(() => {});
  }

  /** Asks all threads. Resolves when those that are to measure nothing have reported what they had. */
  async #observeAll(observed: Observed): Promise<void> {
    const shards = this.#shards.flatMap(({ keeper }) => keeper.nascent ?? []);
    const writer = this.#writerKeeper.nascent;
    const threads = writer === undefined ? shards : [...shards, writer];
    await Promise.all(threads.map((thread) => this.#observe(thread, observed)));
  }

  #tellRestart(thread: string, restarts: number, cause: RamaxError): void {
    const { restart } = this.#options.observation.channels;
    if (restart.hasSubscribers) restart.publish({ thread, restarts, error: cause.toData() });
  }

  /** A restarted writer must find the log that the shards have state of: storage in memory, or a file that was taken away, is gone. */
  #checkLog(logId: string): void {
    const before = this.#writerReady.logId;
    if (before === '' || before === logId) return;
    const error = new RamaxError(
      'storage',
      'the log is gone: the writer was started again and found another one',
      {
        details: { logId: before, found: logId },
      },
    );
    this.#giveUp(error);
    throw error;
  }

  #giveUp(error: RamaxError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { handle } of this.#shards) handle.fail(error);
    this.writer.fail(error);
    this.#options.onGivenUp(error);
  }
}

function stuckWriter(): RamaxError {
  return new RamaxError(
    'unavailable',
    'the thread of the writer is inside native code and does not end: the data directory stays owned until it does',
  );
}
