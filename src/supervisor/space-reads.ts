/** Reads of one space: as it is now, or as it was at an earlier sequence. */

import type { App, ParamsOf, QueriesOf, ResultOf, SchemaOf } from '../core/define-app.js';
import { invalidInput } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { mainViewName, unknownName } from '../core/loaded-app.js';
import { checkId } from '../core/names.js';
import type { EntityAt, EntityKey, ResolvedAt } from '../core/schema/entity-types.js';
import { valueText } from '../core/value-text.js';
import type { Value } from '../core/values.js';
import type { SentOf } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { CallPlan } from './call-plan.js';
import type { Calls } from './calls.js';
import type { ReadName } from './open-call.js';
import type { SpaceLock } from './space-lock.js';
import type { SpaceLocks } from './space-locks.js';
import type { Supervisor } from './supervisor.js';
import { checkWaitOptions, noOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

/** What a read of one key may be given. */
export interface FetchOptions extends WaitOptions {
  /** The view to read. Default: the main view. */
  readonly view?: string | undefined;
}

/** What `getResolved` may be given. */
export interface GetResolvedOptions extends FetchOptions {
  /** How many references are followed one after the other, from 0. Default: all. */
  readonly depth?: number | undefined;
}

const fetchOptionNames = ['view', ...waitOptionNames] as const satisfies readonly (keyof FetchOptions)[];

const getResolvedOptionNames = [
  'depth',
  ...fetchOptionNames,
] as const satisfies readonly (keyof GetResolvedOptions)[];

/** A query's parameters: absent where it takes none. */
export type QueryArguments<Params> = undefined extends Params
  ? [params?: Params, options?: WaitOptions]
  : [params: Params, options?: WaitOptions];

/** What reads stand on. */
export interface ReadServices {
  readonly supervisor: Supervisor;
  readonly calls: Calls;
  readonly limits: Limits;
  readonly locks: SpaceLocks;
}

/** See the head of this file. */
export class SpaceReads<A extends App = App> {
  readonly #services: ReadServices;
  readonly #address: SpaceAddress;
  readonly #at: number | undefined;
  readonly #lock: SpaceLock | undefined;

  /**
   * @param lock of an encrypted space
   * @param at the sequence of the state to read; undefined: now
   */
  constructor(services: ReadServices, address: SpaceAddress, lock: SpaceLock | undefined, at?: number) {
    this.#services = services;
    this.#address = address;
    this.#lock = lock;
    this.#at = at;
  }

  /**
   * The value at `key` in the main view or another one, or undefined. What is read now sees every command that was issued before it
   * on any handle of this space, and is answered when what it saw is committed. (A view that is not live is not so far: see
   * `SpaceHandle.views`.)
   *
   * @throws {RamaxError} `unknown_view`, `projection_failed` when the view has stopped, `view_building`, `migration_failed`,
   *   `invalid_input`, and the codes of every wait
   */
  fetch<const Key extends EntityKey<SchemaOf<A>>>(
    key: Key,
    options?: WaitOptions,
  ): Promise<EntityAt<SchemaOf<A>, Key> | undefined>;
  fetch<Stored = Value>(key: string, options?: FetchOptions): Promise<Stored | undefined>;
  fetch(key: string, options: FetchOptions = noOptions): Promise<unknown> {
    return this.#make(options, () => {
      const view = this.#checked(key, options, 'fetch()', fetchOptionNames);
      const { spaceId, spaceName } = this.#address;
      return this.#read('fetch', { spaceId, spaceName, key, view, at: this.#at }, 0);
    });
  }

  /**
   * The entity at `key` with what it refers to in place of its references, or undefined. See `PStateReader.getResolved`.
   *
   * @throws {RamaxError} the codes of `fetch`
   */
  getResolved<const Key extends EntityKey<SchemaOf<A>>>(
    key: Key,
    options?: Omit<GetResolvedOptions, 'view'>,
  ): Promise<ResolvedAt<SchemaOf<A>, Key> | undefined>;
  getResolved<Stored = Value>(key: string, options?: GetResolvedOptions): Promise<Stored | undefined>;
  getResolved(key: string, options: GetResolvedOptions = noOptions): Promise<unknown> {
    return this.#make(options, () => {
      const view = this.#checked(key, options, 'getResolved()', getResolvedOptionNames);
      const depth = checkedDepth(options.depth);
      return this.#read('getResolved', { ...this.#address, key, view, at: this.#at, depth }, 0);
    });
  }

  /**
   * Runs a query beside the state, in the space's shard.
   *
   * @throws {RamaxError} `unknown_query`, `command_failed` when the query throws, `projection_failed` and `view_building` when it
   *   reads a view that has stopped or is not there yet, and the codes of every wait
   */
  query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    ...[params, options = noOptions]: QueryArguments<ParamsOf<QueriesOf<A>[Name]>>
  ): Promise<ResultOf<QueriesOf<A>[Name]>> {
    return this.#make(options, () => {
      const { supervisor, limits } = this.#services;
      if (!supervisor.names.queries.has(query)) throw unknownName('query', query, supervisor.app.queries);
      checkWaitOptions(options, 'query()');
      const written = params === undefined ? undefined : valueText(params, 'params', limits);
      const body = { ...this.#address, query, params: written, at: this.#at };
      return this.#read('query', body, written?.bytes ?? 1);
    }) as Promise<ResultOf<QueriesOf<A>[Name]>>;
  }

  #read<Name extends ReadName>(
    name: Name,
    body: SentOf<ShardCalls, Name>,
    bytes: number,
  ): CallPlan<Value | undefined> {
    const { spaceId } = this.#address;
    const plan = this.#services.supervisor.shardOf(this.#address).read(spaceId, name, body, bytes);
    return this.#lock === undefined ? plan : this.#lock.guard(plan);
  }

  /** Checks what a read of a key is given; says which view it is of, when it is not the main one. */
  #checked(key: string, options: FetchOptions, of: string, names: readonly string[]): string | undefined {
    const { supervisor, limits } = this.#services;
    checkId(key, 'key', limits.idBytesMax);
    checkWaitOptions(options, of, names);
    return options.view === undefined ? undefined : checkedView(options.view, supervisor);
  }

  /** What the door throws, its promise rejects with. */
  #make<Result>(options: WaitOptions, plan: () => CallPlan<Result>): Promise<Result> {
    try {
      return this.#services.calls.make(plan(), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** @throws {RamaxError} `unknown_view` */
export function checkedView(view: unknown, { app }: Pick<Supervisor, 'app'>): string {
  const known = app.views;
  if (typeof view === 'string' && known.includes(view)) return view;
  throw unknownName('view', view ?? mainViewName, known);
}

/** All, as JSON says it: nothing. */
function checkedDepth(depth: unknown): number | undefined {
  if (depth === undefined || depth === Number.POSITIVE_INFINITY) return undefined;
  if (typeof depth === 'number' && Number.isSafeInteger(depth) && depth >= 0) return depth;
  throw invalidInput('depth', 'an integer of at least 0, or Infinity', depth);
}
