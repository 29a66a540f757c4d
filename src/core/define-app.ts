/**
 * An app: the commands, projections, views and queries of one kind of space. Plain functions in one module, which
 * every shard loads; nothing in here knows of threads or disks.
 */

import type { EventSpec, SpaceEvent } from './event.js';
import type { PStateReader, PStateWriter } from './pstate-access.js';
import type { Rejection } from './rejection.js';

/** What a command may know besides the state and its parameters: it reads no clock and no randomness of its own. */
export interface CommandContext {
  /** The time of this turn, in milliseconds since the Unix epoch; also the `timestamp` of its events. */
  readonly now: number;
  /** A new UUID. */
  newId(): string;
  readonly spaceName: string;
  readonly commandId: string | undefined;
  readonly causationId: string | undefined;
  readonly correlationId: string | undefined;
}

/** The events to append, all or none, or `reject(…)`. No events is an accepted answer as well. */
export type CommandAnswer = readonly EventSpec[] | Rejection;

/**
 * Decides: a pure, synchronous function of the main view and the parameters.
 * (`never` lets each command declare its own parameters.)
 */
export type Command = (pstate: PStateReader, params: never, context: CommandContext) => CommandAnswer;

/** Commands by name. */
export type Commands = Readonly<Record<string, Command>>;

/** What a query may know besides the main view and its parameters. */
export interface QueryContext<ViewName extends string = string> {
  /** The further views of the app, by name. */
  readonly views: { readonly [Name in ViewName]: PStateReader };
}

/** Reads: a pure, synchronous function of the views and the parameters, whose result is a JSON value or undefined. */
export type Query<ViewName extends string = string> = (
  pstate: PStateReader,
  params: never,
  context: QueryContext<ViewName>,
) => unknown;

/** Queries by name. */
export type Queries<ViewName extends string = string> = Readonly<Record<string, Query<ViewName>>>;

type EventIn<Answer> = Answer extends readonly (infer Spec)[] ? Spec : never;

/** Every event that these commands can return. */
export type EventOf<C> = {
  [Name in keyof C]: C[Name] extends (...args: never[]) => infer Answer ? EventIn<Answer> : never;
}[keyof C];

type TypeOf<Spec> = Spec extends { readonly type: infer Type extends string } ? Type : never;

type PayloadOf<Spec, Type extends string> = Spec extends { readonly type: infer T; readonly payload: infer P }
  ? Type extends T
    ? P
    : never
  : never;

/** Applies one event to a view. The payload's type is inferred from the commands that return such events. */
export type Projections<C> = {
  readonly [Type in TypeOf<EventOf<C>>]?: (
    pstate: PStateWriter,
    event: SpaceEvent<Type, PayloadOf<EventOf<C>, Type>>,
  ) => void;
};

/** A further view of the same events. */
export interface ViewDefinition<C> {
  /** An integer from 1. Raise it when `on` changes: the view is then rebuilt from the log. */
  readonly version: number;
  readonly on: Projections<C>;
}

/** What `defineApp` takes and returns. */
export interface App<
  C extends Commands = Commands,
  ViewName extends string = string,
  Q extends Queries<ViewName> = Queries<ViewName>,
> {
  /** The app's name, for messages. */
  readonly name: string;
  /** The version of the main view: an integer from 1, default 1. Raise it when `projections` change. */
  readonly version?: number;
  readonly commands: C;
  /** The main view: what commands read. An event type without a projection is allowed and changes nothing. */
  readonly projections: Projections<NoInfer<C>>;
  readonly views?: Readonly<Record<ViewName, ViewDefinition<NoInfer<C>>>>;
  readonly queries?: Q;
}

/**
 * Declares an app. It only types: the definition comes back as it is, and is checked when a shard loads it.
 *
 * @example
 * ```ts
 * export default defineApp({
 *   name: 'counter',
 *   commands: { add: (_pstate, by: number) => [{ entityId: 'counter', type: 'added', payload: { by } }] },
 *   projections: {
 *     added(pstate, event) {
 *       pstate.update<number>('total', (total = 0) => total + event.payload.by);
 *     },
 *   },
 *   queries: { total: (pstate) => pstate.get<number>('total') ?? 0 },
 * });
 * ```
 */
export function defineApp<
  C extends Commands,
  ViewName extends string = never,
  Q extends Queries<ViewName> = Queries<ViewName>,
>(app: App<C, ViewName, Q>): App<C, ViewName, Q> {
  return app;
}

/**
 * The parameters of a command or query: `undefined` where it takes none, `unknown` where it does not say what it takes
 * (its parameter has no type of its own, or the app's type is not known).
 */
export type ParamsOf<F> = F extends (...given: infer Given) => unknown
  ? Given['length'] extends 0 | 1
    ? undefined
    : [Given[1]] extends [never]
      ? unknown
      : Given[1]
  : never;

/** The result of a query. */
export type ResultOf<F> = F extends (...args: never[]) => infer Result ? Result : never;

/** The queries of an app. */
export type QueriesOf<A> = A extends { readonly queries?: infer Q } ? NonNullable<Q> : Queries;

/** The commands of an app. */
export type CommandsOf<A> = A extends { readonly commands: infer C } ? C : Commands;
