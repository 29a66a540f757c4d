/**
 * An app: the commands, projections, views and queries of one kind of space. Plain functions in one module, which
 * every shard loads; nothing in here knows of threads or disks.
 */

import type { EventSpec, RecordedEvent, SpaceEvent } from './event.js';
import type { ParamsOf } from './params-of.js';
import type { PStateReader, ReaderOf, WriterOf } from './pstate-access.js';
import type { AnyReactor, ReactorContext, ReactorFailurePolicy, ReactorRetry } from './reactor.js';
import type { Rejection } from './rejection.js';
import type { Schema } from './schema/schema.js';
import type { Validator, ValidatorInput, ValidatorOutput } from './schema/validator.js';
import type { TimerEvents, TimerRequest } from './timers.js';
import type { Upcasters } from './upcasters.js';
import type { Value } from './values.js';

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
  /** What `execute` was given as `metadata`; it lies under the metadata of every event of this command. */
  readonly metadata: Readonly<Record<string, Value>>;
}

/** The events to append, with `schedule(…)` and `cancelTimer(…)` among them, all or none, or `reject(…)`. No events is an accepted answer as well. */
export type CommandAnswer = readonly (EventSpec | TimerRequest)[] | Rejection;

/**
 * Decides: a pure, synchronous function of the main view and the parameters. `S` is the schema of the main view, where
 * it has one. (`never` lets each command declare its own parameters.)
 */
export type Command<S = unknown, Params = never> = (
  pstate: ReaderOf<S>,
  params: Params,
  context: CommandContext,
) => CommandAnswer;

/** Commands by name. */
export type Commands = Readonly<Record<string, Command>>;

/** A command on its way to its function. */
export interface MiddlewareCall {
  /** The command's name. */
  readonly command: string;
  /** Its parameters as they came: the command's validator sees them after the last middleware. */
  readonly params: unknown;
  readonly context: CommandContext;
  /** The main view, for reading. */
  readonly pstate: PStateReader;
}

/** Goes on to the next layer, and gives its answer. It may be called again: to decide changes nothing. */
export type NextLayer = (changes?: { readonly params?: unknown }) => CommandAnswer;

/**
 * One layer: answers with `next()`, with something made of that, or with a rejection of its own.
 *
 * @example
 * ```ts
 * const onlyEditors: Middleware = ({ command, context }, next) =>
 *   context.metadata['role'] === 'editor' ? next() : reject('forbidden', { command });
 * ```
 */
export type Middleware = (call: MiddlewareCall, next: NextLayer) => CommandAnswer;

/** Validators by name: of commands' parameters, or of events' payloads. */
export type Validators = Readonly<Record<string, Validator>>;

/** Commands of any app: nobody knows how to call them. */
export type AnyCommands = Readonly<Record<string, (...given: never) => CommandAnswer>>;

/** What commands must be where some have validators: these take what their validator gives. */
export type CommandsWith<S, P> = Readonly<Record<string, Command<S>>> & {
  readonly [Name in keyof P]?: Command<S, ValidatorOutput<P[Name]>>;
};

/** A schema, or unknown for whatever is none. */
type SchemaIn<S> = S extends Schema ? S : unknown;

/** The schema of a view, by the schemas of all views. */
type ViewSchema<V, Name> = Name extends keyof V ? SchemaIn<V[Name]> : unknown;

/** What a query may know besides the main view and its parameters. `V` is the schemas of the views, by name. */
export interface QueryContext<ViewName extends string = string, V = unknown> {
  /** The further views of the app, by name. */
  readonly views: { readonly [Name in ViewName]: ReaderOf<ViewSchema<V, Name>> };
}

/** Reads: a pure, synchronous function of the views and the parameters, whose result is a JSON value or undefined. */
export type Query<ViewName extends string = string, S = unknown, V = unknown> = (
  pstate: ReaderOf<S>,
  params: never,
  context: QueryContext<ViewName, V>,
) => unknown;

/** Queries by name. */
export type Queries<ViewName extends string = string, S = unknown, V = unknown> = Readonly<
  Record<string, Query<ViewName, S, V>>
>;

/** Queries of any app: nobody knows how to call them. */
export type AnyQueries = Readonly<Record<string, (...given: never) => unknown>>;

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

/** The payload of an event: what its validator gives, else what the commands return. */
export type PayloadIn<C, E, Type extends string> = Type extends keyof E
  ? ValidatorOutput<E[Type]>
  : PayloadOf<EventOf<C>, Type>;

/**
 * What a function takes that is given beside the commands. Commands whose parameters have no types of their own are looked at last while an
 * app is compiled: functions that have (those of a decider, or of another module) are first held against commands that nobody knows, and
 * then every one must fit. Asked here, in the parameter: a conditional type around the functions would be answered too early.
 */
type KnownWith<C, Given> = string extends keyof C ? never : Given;

/**
 * Applies one event to a view. The payload's type is that of the event's validator, where it has one, else inferred from
 * the commands that return such events. `S` is the schema of the view, `E` the validators of events.
 */
export type Projections<C, S = unknown, E = Record<never, never>> = {
  readonly [Type in TypeOf<EventOf<C>> | (keyof E & string)]?: (
    pstate: WriterOf<S>,
    event: KnownWith<C, SpaceEvent<Type, PayloadIn<C, E, Type>>>,
  ) => void;
} & {
  readonly [Type in keyof TimerEvents]?: (
    pstate: WriterOf<S>,
    event: SpaceEvent<Type, TimerEvents[Type]>,
  ) => void;
};

/** Projections of any app: nobody knows what they take. */
type AnyProjections = Readonly<Record<string, ((...given: never) => void) | undefined>>;

/** Projections for these commands; any, where the commands are not known. */
type ProjectionsFor<C, S, E> = string extends keyof C ? AnyProjections : Projections<C, S, E>;

/** A further view of the same events. */
export interface ViewDefinition<C, S = unknown, E = Record<never, never>> {
  /** An integer from 1. Raise it when `on` changes: the view is then rebuilt from the log. */
  readonly version: number;
  /** What lies in this view. Default: any value at any key. */
  readonly schema?: S;
  readonly on: ProjectionsFor<C, S, E>;
}

/** A reactor of an app with these commands and validators. */
export interface Reactor<C, E = Record<never, never>, P = Record<never, never>> {
  /** Handlers by event type. Events of other types are passed over. */
  readonly on: {
    readonly [Type in TypeOf<EventOf<C>> | (keyof E & string)]?: (
      event: KnownWith<C, RecordedEvent<Type, PayloadIn<C, E, Type>>>,
      context: KnownWith<C, ReactorContext<C, P>>,
    ) => unknown;
  };
  /**
   * Where a reactor begins that this data has not met before: at events that are committed from then on, or at the first event of every
   * space. Default `'now'`.
   */
  readonly from?: 'start' | 'now';
  readonly retry?: ReactorRetry;
  /** What becomes of an event after its last attempt. Default `park`: it is passed over, and kept for operators. */
  readonly onFailure?: ReactorFailurePolicy;
}

/** Reactors for these commands; any, where the commands are not known. */
export type ReactorsFor<C, E, P> = string extends keyof C
  ? Readonly<Record<string, AnyReactor>>
  : Readonly<Record<string, Reactor<C, E, P>>>;

/** What `defineApp` returns. */
export interface App<
  C extends AnyCommands = AnyCommands,
  ViewName extends string = string,
  Q = AnyQueries,
  S = unknown,
  P = Validators,
  E = Validators,
  V = unknown,
> {
  /** The app's name, for messages. */
  readonly name: string;
  /** The version of the main view: an integer from 1, default 1. Raise it when `projections` change. */
  readonly version?: number;
  /** What lies in the main view. Default: any value at any key. */
  readonly schema?: S;
  /**
   * Validators of parameters, by command: such a command gets what its validator gives, and `execute` takes what it
   * takes. A command without one gets its parameters as they came.
   */
  readonly params?: P;
  /** Validators of payloads, by event type: they check what commands return before it is appended. */
  readonly events?: E;
  /**
   * What brings events of older versions to the present one when they are read, by event type and version. With it, `{}` included, an event
   * of a version that the app does not have stops the views that it concerns. Default: versions are looked after by the projections.
   */
  readonly upcasters?: Upcasters;
  /** What every command passes on its way to its function, the first one outermost. */
  readonly middleware?: readonly Middleware[];
  readonly commands: C;
  /** The main view: what commands read. An event type without a projection is allowed and changes nothing. */
  readonly projections: ProjectionsFor<NoInfer<C>, SchemaIn<NoInfer<S>>, NoInfer<E>>;
  readonly views?: {
    readonly [Name in ViewName]: ViewDefinition<NoInfer<C>, ViewSchema<V, Name>, NoInfer<E>>;
  };
  readonly queries?: Q;
  /** What is done about events behind their commits: see `Reactor`. */
  readonly reactors?: ReactorsFor<NoInfer<C>, NoInfer<E>, NoInfer<P>>;
}

/** Refuses, while an app is compiled, names that are not those of commands. */
type NamesIn<P, C> = { readonly [Name in keyof P]: Name extends keyof C ? unknown : never };

/** Refuses, while an app is compiled, commands whose events do not fit their validators. */
type Answering<C, E> = {
  readonly [Name in keyof C]: C[Name] extends (...given: never) => infer Answer
    ? MisfitIn<EventIn<Answer>, E> extends never
      ? unknown
      : (...given: never) => readonly MisfitIn<EventIn<Answer>, E>[] | Rejection
    : unknown;
};

/** What an event should be whose payload its validator does not take. */
type MisfitIn<Spec, E> = Spec extends { readonly type: infer Type extends keyof E & string }
  ? [GivenPayload<Spec>] extends [ValidatorInput<E[Type]>]
    ? never
    : EventSpec<Type> & { readonly payload: ValidatorInput<E[Type]> }
  : never;

/** An absent payload is null. */
type GivenPayload<Spec> = Spec extends { readonly payload?: infer Payload }
  ? 'payload' extends keyof Spec
    ? undefined extends Payload
      ? Exclude<Payload, undefined> | null
      : Payload
    : null
  : null;

/** What `defineApp` takes: an app, spelt so that the schema of a view is inferred from that view. */
interface AppDefinition<C extends AnyCommands, S, P, E, V, Q>
  extends Omit<
    App<C, never, Q, S, P, E>,
    'schema' | 'params' | 'commands' | 'projections' | 'views' | 'reactors'
  > {
  readonly schema?: S & Schema;
  readonly params?: P & NamesIn<P, NoInfer<C>>;
  readonly commands: C & Answering<NoInfer<C>, NoInfer<E>>;
  readonly projections: Projections<NoInfer<C>, NoInfer<S>, NoInfer<E>>;
  readonly reactors?: Readonly<Record<string, Reactor<NoInfer<C>, NoInfer<E>, NoInfer<P>>>>;
  readonly views?: {
    readonly [Name in keyof V]: {
      readonly version: number;
      readonly schema?: V[Name];
      readonly on: Projections<NoInfer<C>, SchemaIn<NoInfer<V[Name]>>, NoInfer<E>>;
    };
  };
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
 *
 * @example With a schema, and validators of any Standard Schema library: parameters, payloads and entities have types.
 * ```ts
 * export default defineApp({
 *   name: 'crm',
 *   schema: defineSchema({ contact: entity({ name: field.string(), email: field(z.email()) }) }),
 *   params: { addContact: z.object({ id: z.string(), name: z.string().trim(), email: z.email() }) },
 *   events: { 'contact.added': z.object({ name: z.string(), email: z.email() }) },
 *   commands: {
 *     addContact(pstate, { id, name, email }) {
 *       if (pstate.has(`contact:${id}`)) return reject('contact_exists');
 *       return [{ entityId: `contact:${id}`, type: 'contact.added', payload: { name, email } }];
 *     },
 *   },
 *   projections: {
 *     'contact.added': (pstate, { entityId, payload }) => pstate.put(entityId, payload),
 *   },
 *   queries: { emailOf: (pstate, id: string) => pstate.get(`contact:${id}`)?.email },
 * });
 * ```
 */
export function defineApp<
  C extends CommandsWith<S, P>,
  S = unknown,
  P extends Validators = Record<never, never>,
  E extends Validators = Record<never, never>,
  V = Record<never, never>,
  Q extends Queries<keyof V & string, S, V> = Queries<keyof V & string, S, V>,
>(app: AppDefinition<C, S, P, E, V, Q>): App<C, keyof V & string, Q, S, P, E, V> {
  return app as never;
}

export type { ParamsOf };

/** The result of a query. */
export type ResultOf<F> = F extends (...args: never[]) => infer Result ? Result : never;

/** The queries of an app. */
export type QueriesOf<A> = A extends { readonly queries?: infer Q }
  ? string extends keyof Q
    ? Queries
    : NonNullable<Q>
  : Queries;

/** The commands of an app as they are called: where parameters have a validator, with what that takes. */
export type CommandsOf<A> = A extends { readonly commands: infer C; readonly params?: infer P }
  ? string extends keyof C
    ? Commands
    : {
        readonly [Name in keyof C]: Name extends keyof NonNullable<P>
          ? Called<C[Name], ValidatorInput<NonNullable<P>[Name]>>
          : C[Name];
      }
  : Commands;

type Called<F, Params> = F extends (...given: never) => infer Answer
  ? (pstate: never, params: Params, context: CommandContext) => Answer
  : never;

/** The schema of an app's main view; unknown where it has none. */
export type SchemaOf<A> = A extends { readonly schema?: infer S } ? SchemaIn<S> : unknown;
