/** A handle to one space: the short way to everything that a space can do. */

import type { ExecuteOptions as CommandOptions, CommandResult } from '../content-store/content-store.js';
import { commandOptionNames, skippedEventNames } from '../content-store/content-store.js';
import { writtenInvocationOf } from '../content-store/invocation.js';
import type { MigrationProgress, SkippedEvent } from '../content-store/upkeep.js';
import type { RebuildProgress } from '../content-store/view-fill.js';
import type { ViewStatus } from '../content-store/view-status.js';
import type { Platform } from '../core/clock.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf, SchemaOf } from '../core/define-app.js';
import type { Checkpoint, RecordedEvent } from '../core/event.js';
import { mainViewName, unknownName } from '../core/loaded-app.js';
import { checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { ProgressGuard } from '../core/progress-guard.js';
import type { EntityAt, EntityKey } from '../core/schema/entity-types.js';
import type { Value } from '../core/values.js';
import type { SpaceRow } from '../event-store/port.js';
import type { SpaceSettings } from '../event-store/space-settings.js';
import type { StreamOptions } from '../event-store/stream-options.js';
import type { ProgressOf, ReplyOf, SentOf } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { VerifyReport } from '../reader/report.js';
import type { Observation } from '../telemetry/observation.js';
import type { CallPlan } from './call-plan.js';
import { type EventReads, type ExportOptions, exportOptionNames } from './event-reads.js';
import { SpaceReactors } from './parked-events.js';
import type { ShardHandle } from './shard-handle.js';
import type { SpaceLock } from './space-lock.js';
import { SpaceMoment } from './space-moment.js';
import { checkedView, type ReadServices, SpaceReads } from './space-reads.js';
import { SpaceTimers } from './space-timers.js';
import type { NamedSubscription, Subscription } from './subscriber.js';
import type { NamedSubscribeOptions, SubscribeOptions, Subscriptions } from './subscriptions.js';
import type { Timers } from './timers.js';
import type { Verifications, VerifyOptions } from './verifications.js';
import { checkWaitOptions, noOptions, type WaitOptions, waitOptionNames } from './wait-options.js';
import {
  type WatchKeyOptions,
  type WatchPrefix,
  type WatchQuery,
  type WatchWhat,
  watchTarget,
} from './watch-target.js';
import type { Watches } from './watches.js';

/** What may be given to a command besides its parameters. */
export interface ExecuteOptions extends CommandOptions, WaitOptions {}

const executeOptionNames = [
  ...commandOptionNames,
  ...waitOptionNames,
] as const satisfies readonly (keyof ExecuteOptions)[];

/** What `readEvent` may be given. */
export interface ReadEventOptions extends WaitOptions {
  /** Which of the events that an upcaster has made of it, from 0. Default 0. */
  readonly part?: number;
}

const readEventOptionNames = [
  'part',
  ...waitOptionNames,
] as const satisfies readonly (keyof ReadEventOptions)[];

/** What a call that reports its progress may be given. */
interface ProgressOptions<Progress> {
  /** The view; default: all of them. */
  readonly view?: string | undefined;
  /** Told after each batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What a rebuild may be given. */
export interface RebuildOptions extends WaitOptions, ProgressOptions<RebuildProgress> {}

/** What `migrateAll` may be given. */
export interface MigrateOptions extends WaitOptions, ProgressOptions<MigrationProgress> {}

const progressOptionNames = [
  'view',
  'onProgress',
  ...waitOptionNames,
] as const satisfies readonly (keyof RebuildOptions)[];

/** What handles of a runtime share. */
export interface SpaceServices extends ReadServices {
  readonly reads: EventReads;
  readonly watches: Watches;
  readonly subscriptions: Subscriptions;
  readonly verifications: Verifications;
  readonly platform: Platform;
  readonly observation: Observation;
  readonly timers: Timers;
}

/** A command's parameters: absent where it takes none. */
type CommandArguments<Params> = undefined extends Params
  ? [params?: Params, options?: ExecuteOptions]
  : [params: Params, options?: ExecuteOptions];

/**
 * One space of a running runtime. Plain to hold and to share; it owns nothing.
 *
 * @example
 * ```ts
 * const acme = await ramax.spaces.getOrCreate('crm_acme');
 * await acme.execute('addContact', { id: 'c1', name: 'John', email: 'j@acme.com' }, { commandId: 'signup-17' });
 * await acme.fetch('contact:c1');
 * ```
 */
export class SpaceHandle<A extends App = App> extends SpaceReads<A> {
  readonly #services: SpaceServices;
  readonly #address: SpaceAddress;
  readonly #shard: ShardHandle;
  readonly #lock: SpaceLock | undefined;
  /** What reactors could not handle in this space. */
  readonly reactors: SpaceReactors;
  /** The space's id: assigned once, never reused. */
  readonly spaceId: number;
  /** The space's name. */
  readonly spaceName: string;
  /** The space's metadata, as it was when this handle was made. */
  readonly metadata: Readonly<Record<string, Value>>;
  /** Whether the space is suspended, and its own limits, as they were when this handle was made. */
  readonly settings: SpaceSettings;
  /** When the space was created: milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** The timers of the space that are pending: list, cancel. */
  readonly timers: SpaceTimers;

  constructor(services: SpaceServices, row: SpaceRow) {
    const address = { spaceId: row.spaceId, spaceName: row.spaceName };
    const lock = services.locks.of(row);
    super(services, address, lock);
    this.#lock = lock;
    this.reactors = new SpaceReactors(services, address, lock);
    this.#services = services;
    this.#address = address;
    this.#shard = services.supervisor.shardOf(address);
    this.spaceId = row.spaceId;
    this.spaceName = row.spaceName;
    this.metadata = row.metadata;
    this.settings = row.settings;
    this.createdAt = row.createdAt;
    this.timers = new SpaceTimers(services, row);
    services.calls.met(row);
  }

  /**
   * Executes a command: decides it in memory, commits its events in a group, and resolves when they are on disk. Calls
   * made in order on one handle are decided in that order.
   *
   * @throws {RamaxError} `command_rejected` with `reason` and `details`; `conflict`; `unknown_command`; `invalid_input`;
   *   `command_failed`; `projection_failed`; `overloaded`; `suspended`; `aborted`; `timeout`; `outcome_unknown` (the same `commandId`
   *   gives the definite answer); `not_found`; `unavailable`; `closed`
   */
  execute<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    ...[params, options = noOptions]: CommandArguments<ParamsOf<CommandsOf<A>[Name]>>
  ): Promise<CommandResult> {
    const { observation, supervisor } = this.#services;
    // A name that the app does not have is no name for a metric.
    if (!observation.observesCommands || !supervisor.names.commands.has(command))
      return this.#execute(command, params, options);
    const { spaceId, spaceName } = this.#address;
    return observation.command({ spaceId, spaceName, command }, (traceparent) =>
      this.#execute(command, params, options, traceparent),
    );
  }

  #execute(
    command: string,
    params: unknown,
    options: ExecuteOptions,
    traceparent?: string,
  ): Promise<CommandResult> {
    const { supervisor, platform, limits, calls } = this.#services;
    try {
      if (!supervisor.names.commands.has(command)) {
        throw unknownName('command', command, supervisor.app.commands);
      }
      checkWaitOptions(options, 'execute()', executeOptionNames);
      const invocation = writtenInvocationOf(command, params, options, platform, limits, traceparent);
      const plan = this.#shard.command(this.#address, invocation);
      return calls.make(this.#lock === undefined ? plan : this.#lock.guard(plan), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Watches a key, the entries under a prefix, or the result of a query: yields what it shows now, and the newest committed
   * value after changes. Values in between may be left out when changes are faster than their consumer; their order never changes,
   * and the last one always arrives. A value is yielded when it is not equal to the one before. Ends when the
   * loop ends, or with `return()` also while it waits; throws when the signal is aborted, the space is deleted or the runtime is
   * closed. A view that is built for the first time is waited for.
   *
   * @throws {RamaxError} `invalid_input`, `unknown_view`, `unknown_query` at the call; then `aborted`, `overloaded` (over
   *   `limits.watchersMax` or `limits.totalWatchersMax`), `not_found`, `closed`, `unavailable`, and what the read throws
   * @example
   * ```ts
   * for await (const contact of acme.watch('contact:c1', { signal })) render(contact);
   * for await (const entries of acme.watch({ prefix: 'contact:' })) renderList(entries);
   * for await (const count of acme.watch({ query: 'contactCount' })) renderCount(count);
   * ```
   */
  watch<const Key extends EntityKey<SchemaOf<A>>>(
    key: Key,
    options?: Pick<WaitOptions, 'signal'>,
  ): AsyncIterableIterator<EntityAt<SchemaOf<A>, Key> | undefined>;
  watch<Name extends keyof QueriesOf<A> & string>(
    query: WatchQuery<Name, ParamsOf<QueriesOf<A>[Name]>>,
    options?: Pick<WaitOptions, 'signal'>,
  ): AsyncIterableIterator<ResultOf<QueriesOf<A>[Name]>>;
  watch<Stored = Value>(
    prefix: WatchPrefix,
    options?: Pick<WaitOptions, 'signal'>,
  ): AsyncIterableIterator<readonly (readonly [key: string, value: Stored])[]>;
  watch<Stored = Value>(key: string, options?: WatchKeyOptions): AsyncIterableIterator<Stored | undefined>;
  watch(what: WatchWhat, options: WatchKeyOptions = {}): AsyncIterableIterator<unknown> {
    const { supervisor, watches, limits } = this.#services;
    const target = watchTarget(what, options, supervisor.app, limits);
    checkSignal(options.signal);
    const [shard, address, lock] = [this.#shard, this.#address, this.#lock];
    return watches.watch({ shard, address, lock, target, signal: options.signal });
  }

  /**
   * The space as it was after its event of this sequence, for reading.
   *
   * @throws {RamaxError} `invalid_input` for what is no sequence; a read throws it for one that the space has not reached, or
   *   that is over `limits.historyEventsMax`
   */
  at(spaceSequence: number): SpaceMoment<A> {
    checkInteger(spaceSequence, 'spaceSequence', 0);
    return new SpaceMoment<A>(this.#services, this.#address, this.#lock, spaceSequence);
  }

  /**
   * The space's events, in order, lazily, in bounded batches; ends at the space's end. `from` (not included) and `to` (included) are places in it;
   * `query` says which types, tags and entities; `since` and `until` bound timestamps; `direction: 'backwards'` gives the same events, the newest first;
   * `limit` says how many at most. A query looks at every event between `from` and `to`.
   *
   * @throws {RamaxError} `invalid_input` at the call; then `aborted`, `not_found`, `key_missing`, `upcast_failed`, `corrupt`, `closed`, `unavailable`
   * @example
   * ```ts
   * for await (const event of acme.streamEvents({ query: { types: ['contact.added'], tags: ['vip'] } })) show(event);
   * for await (const event of acme.streamEvents({ direction: 'backwards', limit: 20 })) show(event);
   * ```
   */
  streamEvents(options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    return this.#services.reads.streamSpace(this.spaceId, options);
  }

  /**
   * The space's events, those that are there and those that come: from a position, in order, each once. It does not end by itself. A slow
   * consumer holds one page and reads the log later. It goes on through restarts of threads; it throws when the signal is aborted,
   * the space is deleted or restored, or the runtime is closed.
   *
   * With a `name`, the position is kept: what is not acknowledged comes again after a crash, in order (at least once). One
   * consumer at a time.
   *
   * @throws {RamaxError} `invalid_input` at the call; then `overloaded` (over `limits.subscriptionsMax`), `conflict` when the name has a
   *   consumer already, `aborted`, `not_found`, `key_missing`, `corrupt`, `closed`, `unavailable`
   * @example
   * ```ts
   * const mailer = acme.subscribe({ name: 'mailer', query: { types: ['contact.added'] } });
   * for await (const event of mailer) {
   *   await sendMail(event.payload);
   *   mailer.acknowledge(event);
   * }
   * ```
   */
  subscribe(options: NamedSubscribeOptions): NamedSubscription;
  subscribe(options?: SubscribeOptions): Subscription;
  subscribe(options: SubscribeOptions | NamedSubscribeOptions = {}): Subscription {
    return this.#services.subscriptions.subscribe(this.spaceId, options);
  }

  /**
   * The events of one entity of this space, in order, lazily, in bounded batches, with the options of `streamEvents`. Without others than
   * `from` and `signal` they are found by a lookup, else by going through the space.
   *
   * @throws {RamaxError} as `streamEvents`
   */
  streamEntityEvents(entityId: string, options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    return this.#services.reads.streamEntity(this.spaceId, entityId, options);
  }

  /**
   * The space as a file, in chunks that are read as they are asked for: its events up to its latest sequence, the records of its
   * accepted commands, its metadata and settings. `spaces.import` makes the same space of it, here or elsewhere. The file has
   * checksums, and the same space always gives the same bytes. Commands go on meanwhile, however slowly it is consumed.
   *
   * @throws {RamaxError} `invalid_input` at the call; then `not_found`, also when the space is deleted meanwhile, `corrupt` when the
   *   log is damaged, `aborted`, `closed`
   * @example
   * ```ts
   * await pipeline(acme.export(), createWriteStream('./acme.ramax'));
   * ```
   */
  export(options: ExportOptions = {}): AsyncGenerator<Uint8Array, void, void> {
    checkOptions(options);
    checkOptionNames(options, exportOptionNames, 'export()');
    if (options.upTo !== undefined) checkInteger(options.upTo, 'upTo', 0);
    checkSignal(options.signal);
    return this.#services.reads.exportSpace(this.spaceId, options);
  }

  /**
   * One event by its id, or undefined when this space has none of this id, or the app's upcasters have made nothing of it. Where they have
   * made several of it, the one that `part` says.
   */
  async readEvent(
    eventId: number,
    options: ReadEventOptions = noOptions,
  ): Promise<RecordedEvent | undefined> {
    checkWaitOptions(options, 'readEvent()', readEventOptionNames);
    checkInteger(eventId, 'eventId', 1);
    const { part = 0 } = options;
    checkInteger(part, 'part', 0);
    const { calls, reads } = this.#services;
    return calls.read(this.spaceId, () => reads.readEvent(this.spaceId, eventId, part), options);
  }

  /** The space's latest committed sequence; 0 before its first event. */
  async latestSequence(options: WaitOptions = {}): Promise<number> {
    checkWaitOptions(options, 'latestSequence()');
    const { calls, reads } = this.#services;
    return calls.read(this.spaceId, () => reads.latestSequence(this.spaceId), options);
  }

  /**
   * Makes the views of the space, or one of them, anew from its events, beside the old ones, and swaps them in one turn. Readers see
   * the old state until then, and writes go on. It goes on where it was when the shard is lost meanwhile or the process is started
   * again. Aborted, it leaves the old state. Resolves with the number of events applied; rejects with what `onProgress` throws.
   *
   * @throws {RamaxError} `unknown_view`, `projection_failed` (the old state stays), and the codes of every wait (default
   *   deadline: `limits.longCallTimeoutMs`)
   */
  async rebuild(options: RebuildOptions = {}): Promise<RebuildProgress> {
    return this.#long('rebuild', options);
  }

  /**
   * Brings every stored value of the views, or of one of them, to its present shape, as a read would do it one by one. Values
   * whose migration fails are left as they are and named.
   *
   * @throws {RamaxError} `unknown_view`, and the codes of every wait (default deadline: `limits.longCallTimeoutMs`)
   */
  async migrateAll(options: MigrateOptions = {}): Promise<MigrationProgress> {
    return this.#long('migrateAll', options);
  }

  /**
   * Looks whether what is stored of this space is what was written. See `Ramax.verify`.
   *
   * @throws {RamaxError} `aborted`, `closed`, `storage`
   * @example
   * ```ts
   * const { isSound, problems } = await acme.verify();
   * ```
   */
  verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { spaceId, spaceName } = this.#address;
    return this.#services.verifications.space({ spaceId, spaceName }, options);
  }

  /** How each view of the space stands: its version, how far it is, and why it has stopped when it has. */
  async views(options: WaitOptions = {}): Promise<readonly ViewStatus[]> {
    checkWaitOptions(options, 'views()');
    return this.#make(this.#shard.request(this.spaceId, 'views', this.#address), options);
  }

  /**
   * Lets a view that has stopped pass over the event at which it has stopped, for good: also when it is rebuilt, for this version of
   * the view. Where the files of projections are lost, it stops there again. Resolves when the view has gone on from there:
   * `views()` tells how far, for it may have stopped again at a later event.
   *
   * @throws {RamaxError} `invalid_input` when the view has not stopped at this event, `unknown_view`, and the codes of every
   *   wait (default deadline: `limits.longCallTimeoutMs`)
   */
  async skipEvent(event: SkippedEvent, options: WaitOptions = {}): Promise<void> {
    const { supervisor, limits } = this.#services;
    checkOptions(event, 'event');
    checkOptionNames(event, skippedEventNames, 'skipEvent()', 'event');
    checkWaitOptions(options, 'skipEvent()');
    const view = event.view === undefined ? mainViewName : checkedView(event.view, supervisor);
    const { spaceSequence } = event;
    checkInteger(spaceSequence, 'spaceSequence', 1);
    const body = { ...this.#address, view, spaceSequence };
    const { timeoutMs = limits.longCallTimeoutMs } = options;
    await this.#make(this.#shard.request(this.spaceId, 'skipEvent', body), { ...options, timeoutMs });
  }

  /** Persists the views and says how far they are. */
  async checkpoint(options: WaitOptions = {}): Promise<Checkpoint> {
    checkWaitOptions(options, 'checkpoint()');
    return this.#make(this.#shard.request(this.spaceId, 'checkpoint', this.#address), options);
  }

  /** A call that goes over much and reports its progress. */
  #long<Name extends 'rebuild' | 'migrateAll'>(
    name: Name,
    options: WaitOptions & ProgressOptions<ProgressOf<ShardCalls, Name>>,
  ): Promise<ReplyOf<ShardCalls, Name>> {
    const { supervisor, limits, observation } = this.#services;
    checkWaitOptions(options, `${name}()`, progressOptionNames);
    const { onProgress, timeoutMs = limits.longCallTimeoutMs, view } = options;
    const views = view === undefined ? undefined : [checkedView(view, supervisor)];
    const guard = new ProgressGuard(onProgress);
    const body = { ...this.#address, views } as SentOf<ShardCalls, Name>;
    const report = (progress: ProgressOf<ShardCalls, Name>): void => {
      if (name === 'rebuild') this.#publishProgress(view, progress as RebuildProgress);
      guard.report(progress);
    };
    const plan = guard.watch(this.#shard.request(this.spaceId, name, body, report));
    const kind = name === 'rebuild' ? 'rebuild' : 'migration';
    return observation.upkeep({ kind, ...this.#address, view }, () =>
      guard.settled(this.#make(plan, { ...options, timeoutMs })),
    );
  }

  #publishProgress(view: string | undefined, progress: RebuildProgress): void {
    const { rebuildProgress } = this.#services.observation.channels;
    if (rebuildProgress.hasSubscribers) rebuildProgress.publish({ ...this.#address, view, ...progress });
  }

  #make<Result>(plan: CallPlan<Result>, options: WaitOptions): Promise<Result> {
    const guarded = this.#lock === undefined ? plan : this.#lock.guard(plan);
    return this.#services.calls.make(guarded, options);
  }
}
