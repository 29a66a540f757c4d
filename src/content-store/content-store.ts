/**
 * The content store: one space's life, usable alone in one thread. A friendly face over `LiveSpace`, which the
 * runtime's shards use directly.
 */

import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf } from '../core/define-app.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { FailIfEventsMatch } from '../core/event-query.js';
import { type Limits, type LimitsOptions, resolveLimits } from '../core/limits.js';
import { Line } from '../core/line.js';
import { type LoadedApp, loadApp, mainViewName, unknownName } from '../core/loaded-app.js';
import { checkId, checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { ProgressGuard } from '../core/progress-guard.js';
import { freezeValue, type Value } from '../core/values.js';
import type { LogStore, SpaceRow } from '../event-store/port.js';
import type { PStateStore } from '../pstate/port.js';
import { invocationOf, keptInvocation } from './invocation.js';
import { LiveSpace } from './live-space.js';
import { localLog } from './local-log.js';
import { fetchTurn, queryTurn, resolvedTurn } from './reads.js';
import { type Accepted, type AnyTurn, CommandTurn, ReadTurn } from './turn.js';
import type { MigrationProgress, SkippedEvent } from './upkeep.js';
import type { RebuildProgress } from './view-fill.js';
import type { ViewStatus } from './view-status.js';

/** What may be given to a command besides its parameters. */
export interface ExecuteOptions {
  /** Makes a retry safe: the same id gives the first answer and runs nothing. 1 to 512 bytes of text. */
  readonly commandId?: string;
  /** What caused the command; its events inherit it. */
  readonly causationId?: string;
  /** What the command belongs to; its events inherit it. */
  readonly correlationId?: string;
  /** The space's latest sequence as the caller knows it; a `conflict` when it has moved on. */
  readonly expectedSequence?: number;
  /** How many events the command's entity has, as the caller knows it; a `conflict` when it has others. For commands of deciders. */
  readonly expectedVersion?: number;
  /** Facts about the call: a JSON object of at most 16 KiB. Commands see it; it lies under the metadata of each event. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /**
   * Refuses the command with `conflict` when an event of the space behind `after` matches, those decided and not yet committed included.
   * `after` is the latest sequence that the caller has seen; default 0: no event may match at all. An id that was accepted before gets
   * its first answer, whatever matches now.
   */
  readonly failIfEventsMatch?: FailIfEventsMatch;
}

/** A misspelt `commandId` would silently lose the promise "once". */
export const commandOptionNames = [
  'commandId',
  'causationId',
  'correlationId',
  'expectedSequence',
  'expectedVersion',
  'metadata',
  'failIfEventsMatch',
] as const satisfies readonly (keyof ExecuteOptions)[];

/** A misspelt `view` would mean the main one. */
export const skippedEventNames = ['view', 'spaceSequence'] as const satisfies readonly (keyof SkippedEvent)[];

/** The answer to an accepted command. */
export interface CommandResult {
  /** The ids of its events, in order; empty when it made none. */
  readonly eventIds: readonly number[];
  /** The space's latest sequence after it. */
  readonly spaceSequence: number;
}

/** What a content store is made of. */
export interface ContentStoreOptions<A extends App> {
  readonly space: Pick<SpaceRow, 'spaceId' | 'spaceName'>;
  readonly app: A;
  readonly log: LogStore;
  readonly pstates: PStateStore;
  readonly platform: Platform;
  readonly limits?: LimitsOptions;
  /** Of an encrypted space: `platform.cipherOf(key)`. */
  readonly cipher?: Cipher | undefined;
  /** Told of errors that no caller waits for, such as a failed flush. Default: nobody. */
  readonly onError?: (error: RamaxError) => void;
}

/** What a task over all values or events may be given. */
export interface OverViewsOptions<Progress> {
  /** Default: all views. */
  readonly view?: string | undefined;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

const overViewsOptionNames = [
  'view',
  'onProgress',
  'signal',
] as const satisfies readonly (keyof OverViewsOptions<unknown>)[];

/**
 * One space: execute, fetch, query, rebuild, catch up, checkpoint.
 *
 * @example
 * ```ts
 * const store = await ContentStore.open({ space, app, log, pstates, platform });
 * const { eventIds } = await store.execute('addContact', { id: 'c1', name: 'John', email: 'j@acme.com' });
 * await store.fetch('contact:c1');
 * await store.close();
 * ```
 */
export class ContentStore<A extends App = App> {
  readonly #options: ContentStoreOptions<A>;
  readonly #limits: Limits;
  readonly #app: LoadedApp;
  #live: LiveSpace;
  #isClosed = false;
  /** Turns are prepared and taken one at a time, in the order of the calls. */
  readonly #turns = new Line();

  private constructor(options: ContentStoreOptions<A>, limits: Limits, app: LoadedApp, live: LiveSpace) {
    this.#options = options;
    this.#app = app;
    this.#limits = limits;
    this.#live = live;
  }

  /**
   * Opens a space whose state is then caught up with the log.
   *
   * @throws {RamaxError} `not_found`, `invalid_app`, `corrupt`, `storage`
   */
  static async open<A extends App>(options: ContentStoreOptions<A>): Promise<ContentStore<A>> {
    const limits = resolveLimits(options.limits);
    const app = loadApp(options.app);
    return new ContentStore(options, limits, app, await openLive(options, limits, app));
  }

  /**
   * Decides a command, appends its events and applies them; resolves when they are durable.
   *
   * @throws {RamaxError} `command_rejected`, `conflict`, `unknown_command`, `invalid_input`, `command_failed`,
   *   `projection_failed`, `outcome_unknown`, `not_found`, `storage`, `closed`
   */
  async execute<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    params: ParamsOf<CommandsOf<A>[Name]>,
    options: ExecuteOptions = {},
  ): Promise<CommandResult> {
    checkNamed(options, commandOptionNames, 'execute()');
    const { platform, cipher } = this.#options;
    const invocation = invocationOf(command, params, options, platform, this.#limits);
    return commandResult(await this.#run(new CommandTurn(keptInvocation(invocation, cipher))));
  }

  /** The value at `key` in the main view or another one, or undefined. */
  async fetch<Stored = Value>(
    key: string,
    options: { readonly view?: string } = {},
  ): Promise<Stored | undefined> {
    checkId(key, 'key', this.#limits.idBytesMax);
    checkNamed(options, ['view'], 'fetch()');
    return (await this.#run(fetchTurn(key, options.view))) as Stored | undefined;
  }

  /** The entity at `key` with what it refers to; see `PStateReader.getResolved`. */
  async getResolved<Stored = Value>(
    key: string,
    options: { readonly view?: string; readonly depth?: number } = {},
  ): Promise<Stored | undefined> {
    checkId(key, 'key', this.#limits.idBytesMax);
    checkNamed(options, ['view', 'depth'], 'getResolved()');
    return (await this.#run(resolvedTurn(key, options.view, options.depth))) as Stored | undefined;
  }

  /** The result of a query. */
  async query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    params?: ParamsOf<QueriesOf<A>[Name]>,
  ): Promise<ResultOf<QueriesOf<A>[Name]>> {
    const frozen = params === undefined ? undefined : freezeValue(params, 'params', this.#limits);
    return (await this.#run(queryTurn(query, frozen, this.#limits))) as ResultOf<QueriesOf<A>[Name]>;
  }

  /**
   * Makes the views, or one of them, anew from the log, beside the old ones. Resolves with the number of events applied.
   *
   * @throws {RamaxError} `unknown_view`, `projection_failed`, `aborted`, `corrupt`, `storage`, `closed`
   */
  async rebuildPState(options: OverViewsOptions<RebuildProgress> = {}): Promise<RebuildProgress> {
    return this.#overViews('rebuildPState()', options, (live, ...task) => live.rebuild(...task));
  }

  /** Brings every stored value of the views, or of one of them, to its present shape. */
  async migrateAll(options: OverViewsOptions<MigrationProgress> = {}): Promise<MigrationProgress> {
    return this.#overViews('migrateAll()', options, (live, ...task) => live.migrateAll(...task));
  }

  /** How each view stands. */
  async views(): Promise<readonly ViewStatus[]> {
    const turn = new ReadTurn(() => this.#live.viewStatuses as unknown as Value);
    return (await this.#run(turn)) as unknown as readonly ViewStatus[];
  }

  /** Lets a view that has stopped pass over the event at which it has stopped. */
  async skipEvent(event: SkippedEvent): Promise<void> {
    checkOptions(event, 'event');
    checkOptionNames(event, skippedEventNames, 'skipEvent()', 'event');
    const { view = mainViewName, spaceSequence } = event;
    checkInteger(spaceSequence, 'spaceSequence', 1);
    const live = await this.#turns.run(() => this.#usable());
    this.#checkView(view);
    await live.skip(view, spaceSequence);
  }

  /** Applies what others have appended to the log since; resolves with the number of events. */
  async catchupPState(): Promise<number> {
    const live = await this.#turns.run(() => this.#usable());
    return live.catchUp();
  }

  /** Persists the views and says how far they are. */
  async checkpoint(): Promise<Checkpoint> {
    const live = await this.#turns.run(() => this.#usable());
    return live.checkpoint();
  }

  /** Persists the views and lets go. The log and the projection store stay open: they belong to the caller. */
  async close(): Promise<void> {
    await this.#turns.run(async () => {
      this.#isClosed = true;
    });
    await this.#live.close();
  }

  /** Ends with what the listener throws. */
  async #overViews<Progress>(
    of: string,
    options: OverViewsOptions<Progress>,
    task: (
      live: LiveSpace,
      views: readonly string[],
      onProgress: (progress: Progress) => void,
      signal: AbortSignal,
    ) => Promise<Progress>,
  ): Promise<Progress> {
    checkNamed(options, overViewsOptionNames, of);
    const { view, onProgress, signal } = options;
    checkSignal(signal);
    const guard = new ProgressGuard(onProgress);
    const views = this.#views(view);
    const ownEnd = new AbortController();
    const ends = AbortSignal.any([ownEnd.signal, ...(signal === undefined ? [] : [signal])]);
    const live = await this.#turns.run(() => this.#usable());
    const answer = task(live, views, guard.report, ends);
    return guard.settled(guard.watch({ answer, cancel: () => ownEnd.abort() }).answer);
  }

  /** The views of this name, or all. */
  #views(name: string | undefined): readonly string[] {
    if (name === undefined) return this.#viewNames;
    this.#checkView(name);
    return [name];
  }

  #checkView(name: string): void {
    const names = this.#viewNames;
    if (!names.includes(name)) throw unknownName('view', name, names);
  }

  get #viewNames(): readonly string[] {
    return this.#app.views.map((view) => view.name);
  }

  #run(turn: CommandTurn): Promise<Accepted>;
  #run(turn: ReadTurn): Promise<Value | undefined>;
  #run(turn: AnyTurn): Promise<unknown> {
    void this.#turns.run(async () => {
      try {
        const live = await this.#usable();
        do await live.prepare([turn]);
        while (!live.hasRoom);
        live.take(turn);
      } catch (error) {
        turn.refuse(asRamaxError(error, 'storage', 'the space cannot be used'));
      }
    });
    return turn.answer;
  }

  /** The live space; opened anew when a commit in doubt has ended the one before. */
  async #usable(): Promise<LiveSpace> {
    if (this.#isClosed) throw new RamaxError('closed', 'the content store is closed');
    if (this.#live.ended !== undefined) this.#live = await openLive(this.#options, this.#limits, this.#app);
    return this.#live;
  }
}

function checkNamed(options: unknown, known: readonly string[], of: string): void {
  checkOptions(options);
  checkOptionNames(options, known, of);
}

/** The answer as a caller gets it. */
export function commandResult({ firstEventId, eventCount, spaceSequence }: Accepted): CommandResult {
  // Nearly always one; an array that grows takes room for seventeen.
  if (eventCount === 1) return { eventIds: [firstEventId], spaceSequence };
  const eventIds = Array.from({ length: eventCount }, (_, index) => firstEventId + index);
  return { eventIds, spaceSequence };
}

function openLive<A extends App>(
  options: ContentStoreOptions<A>,
  limits: Limits,
  app: LoadedApp,
): Promise<LiveSpace> {
  checkInteger(options.space.spaceId, 'space.spaceId', 1);
  return LiveSpace.open({
    spaceId: options.space.spaceId,
    spaceName: options.space.spaceName,
    app,
    log: localLog(options.log),
    pstates: options.pstates,
    platform: options.platform,
    limits,
    cipher: options.cipher,
    onError: options.onError ?? (() => {}),
  });
}
