/** A handle to one space: the short way to everything that a space can do. */

import type { ExecuteOptions as CommandOptions, CommandResult } from '../content-store/content-store.js';
import { commandResult } from '../content-store/content-store.js';
import { invocationOf } from '../content-store/invocation.js';
import type { RebuildProgress } from '../content-store/rebuild.js';
import type { Platform } from '../core/clock.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf } from '../core/define-app.js';
import { invalidInput } from '../core/errors.js';
import type { Checkpoint, RecordedEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { unknownName } from '../core/loaded-app.js';
import { checkId, checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { freezeValue, type Value, valueBytes } from '../core/values.js';
import type { SpaceRow } from '../event-store/port.js';
import type { SpaceAddress } from '../protocol/links.js';
import type { Calls, WaitOptions } from './calls.js';
import type { EventReads, StreamOptions } from './event-reads.js';
import type { Supervisor } from './supervisor.js';

/** What may be given to a command besides its parameters. */
export interface ExecuteOptions extends CommandOptions, WaitOptions {}

/** A misspelt `commandId` would silently lose the promise "once". */
const executeOptionNames = [
  'commandId',
  'causationId',
  'correlationId',
  'expectedSequence',
  'signal',
  'timeoutMs',
  'overload',
] as const satisfies readonly (keyof ExecuteOptions)[];

/** What a rebuild may be given. */
export interface RebuildOptions extends WaitOptions {
  /** Told after each batch of events. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

/** What handles of a runtime share. */
export interface SpaceServices {
  readonly supervisor: Supervisor;
  readonly calls: Calls;
  readonly reads: EventReads;
  readonly platform: Platform;
  readonly limits: Limits;
}

/** A query's parameters: absent where it takes none. */
type QueryArguments<Params> = undefined extends Params
  ? [params?: Params, options?: WaitOptions]
  : [params: Params, options?: WaitOptions];

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
export class SpaceHandle<A extends App = App> {
  readonly #services: SpaceServices;
  readonly #address: SpaceAddress;
  /** The space's id: assigned once, never reused. */
  readonly spaceId: number;
  /** The space's name. */
  readonly spaceName: string;
  /** The space's metadata, as it was when this handle was made. */
  readonly metadata: Readonly<Record<string, Value>>;
  /** When the space was created: milliseconds since the Unix epoch. */
  readonly createdAt: number;

  constructor(services: SpaceServices, row: SpaceRow) {
    this.#services = services;
    this.#address = { spaceId: row.spaceId, spaceName: row.spaceName };
    this.spaceId = row.spaceId;
    this.spaceName = row.spaceName;
    this.metadata = row.metadata;
    this.createdAt = row.createdAt;
  }

  /**
   * Executes a command: decides it in memory, commits its events in a group, and resolves when they are on disk. Calls
   * made in order on one handle are decided in that order.
   *
   * @throws {RamaxError} `command_rejected` with `reason` and `details`; `conflict`; `unknown_command`; `invalid_input`;
   *   `command_failed`; `projection_failed`; `overloaded`; `aborted`; `timeout`; `outcome_unknown` (the same `commandId`
   *   gives the definite answer); `not_found`; `unavailable`; `closed`
   */
  execute<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    ...[params, options = {}]: CommandArguments<ParamsOf<CommandsOf<A>[Name]>>
  ): Promise<CommandResult> {
    const { supervisor, platform, limits, calls } = this.#services;
    try {
      const { commands } = supervisor.app;
      if (!commands.includes(command)) throw unknownName('command', command, commands);
      checkOptions(options);
      checkOptionNames(options, executeOptionNames, 'execute()');
      const invocation = invocationOf(command, params, options, platform, limits);
      const plan = {
        spaceId: this.spaceId,
        bytes: valueBytes(invocation.params ?? null),
        isCommand: true,
        isCancellable: true,
        begin: () => supervisor.shardOf(this).execute(this.#address, invocation),
      };
      return calls.make(plan, options).then(commandResult);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The value at `key` in the main view, or undefined. Sees every command that was issued before it on any handle of
   * this space, and answers when what it saw is committed.
   */
  async fetch<Stored = Value>(key: string, options: WaitOptions = {}): Promise<Stored | undefined> {
    const { supervisor, limits } = this.#services;
    checkId(key, 'key', limits.idBytesMax);
    const read = () => supervisor.shardOf(this).call('fetch', { ...this.#address, key });
    return (await this.#read(read, 0, options)).value as Stored | undefined;
  }

  /**
   * Runs a query beside the state, in the space's shard.
   *
   * @throws {RamaxError} `unknown_query`, `command_failed` when the query throws, and the codes of every wait
   */
  async query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    ...[params, options = {}]: QueryArguments<ParamsOf<QueriesOf<A>[Name]>>
  ): Promise<ResultOf<QueriesOf<A>[Name]>> {
    const { supervisor, limits } = this.#services;
    const { queries } = supervisor.app;
    if (!queries.includes(query)) throw unknownName('query', query, queries);
    const frozen = params === undefined ? undefined : freezeValue(params, 'params', limits);
    const read = () => supervisor.shardOf(this).call('query', { ...this.#address, query, params: frozen });
    const { value } = await this.#read(read, valueBytes(frozen ?? null), options);
    return value as ResultOf<QueriesOf<A>[Name]>;
  }

  /** The space's events with `spaceSequence > from`, in order, lazily, in bounded batches; ends at the space's end. */
  streamEvents(options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    return this.#services.reads.streamSpace(this.spaceId, options);
  }

  /** The events of one entity of this space with `spaceSequence > from`, in order, lazily, in bounded batches. */
  streamEntityEvents(entityId: string, options: StreamOptions = {}): AsyncIterableIterator<RecordedEvent> {
    return this.#services.reads.streamEntity(this.spaceId, entityId, options);
  }

  /** One event by its id, or undefined when this space has none of this id. */
  readEvent(eventId: number, options: WaitOptions = {}): Promise<RecordedEvent | undefined> {
    const { calls, reads } = this.#services;
    return calls.read(this.spaceId, () => reads.readEvent(this.spaceId, eventId), options);
  }

  /** The space's latest committed sequence; 0 before its first event. */
  latestSequence(options: WaitOptions = {}): Promise<number> {
    const { calls, reads } = this.#services;
    return calls.read(this.spaceId, () => reads.latestSequence(this.spaceId), options);
  }

  /**
   * Makes all views of the space anew from its events, beside the old ones, and swaps them in one turn. Readers see the
   * old state until then. Resolves with the number of events applied; rejects with what `onProgress` throws.
   */
  async rebuild(options: RebuildOptions = {}): Promise<RebuildProgress> {
    checkOptions(options);
    const { onProgress = () => {}, timeoutMs = this.#services.limits.longCallTimeoutMs } = options;
    if (typeof onProgress !== 'function') throw invalidInput('onProgress', 'a function', onProgress);
    const thrown: unknown[] = [];
    const begin = () => {
      const report = (progress: RebuildProgress): void => {
        try {
          onProgress(progress);
        } catch (error) {
          // Here it would end the process, and other answers would be lost with the message that brought this one.
          thrown.push(error);
          pending.cancel();
        }
      };
      const pending = this.#services.supervisor.shardOf(this).call('rebuild', this.#address, report);
      return pending;
    };
    const made = this.#services.calls.make(this.#plan(begin, 0), { ...options, timeoutMs });
    return made.finally(() => {
      if (thrown.length > 0) throw thrown[0];
    });
  }

  /** Persists the views and says how far they are. */
  checkpoint(options: WaitOptions = {}): Promise<Checkpoint> {
    return this.#read(
      () => this.#services.supervisor.shardOf(this).call('checkpoint', this.#address),
      0,
      options,
    );
  }

  #read<Reply>(
    begin: () => { readonly answer: Promise<Reply>; cancel(): void },
    bytes: number,
    options: WaitOptions,
  ): Promise<Reply> {
    return this.#services.calls.make(this.#plan(begin, bytes), options);
  }

  #plan<Reply>(begin: () => { readonly answer: Promise<Reply>; cancel(): void }, bytes: number) {
    return { spaceId: this.spaceId, bytes, isCommand: false, isCancellable: true, begin };
  }
}
