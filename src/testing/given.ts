/**
 * Given events, when a command, then events or a rejection; when an event, then the commands of a reactor: an app's rules tested without
 * threads, clocks or disks.
 */

import { noBuiltInState } from '../content-store/built-in-state.js';
import { checkedEvents, decide } from '../content-store/decide.js';
import { queryTurn } from '../content-store/reads.js';
import { withTimerEvents } from '../content-store/timer-requests.js';
import type { ReadTurn } from '../content-store/turn.js';
import { Views } from '../content-store/views.js';
import type { Decider, DeciderCommand, DeciderEvent, EntityState } from '../core/decider.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf, SchemaOf } from '../core/define-app.js';
import { invalidInput } from '../core/errors.js';
import { type EventSpec, originCheckpoint, type SpaceEvent } from '../core/event.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import { type LoadedApp, loadApp } from '../core/loaded-app.js';
import type { ReaderOf } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { EarlierEvent, foldedEvent } from '../core/upcasters.js';
import { freezeValue, type Value } from '../core/values.js';
import {
  checkMetadata,
  type DraftEvent,
  genesisHash,
  type SealContext,
  sealEvents,
} from '../event-store/seal.js';
import { nodePlatform } from '../platform/node-platform.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';
import { type ReactOptions, reactionTo, type ThenReaction } from './given-reaction.js';

const givenId = '00000000-0000-4000-8000-000000000000';

/** A history is the work of many commands: it has no bounds of its own. */
const historyLimits: Limits = {
  ...defaultLimits,
  eventsPerCommandMax: Number.MAX_SAFE_INTEGER,
  commandBytesMax: Number.MAX_SAFE_INTEGER,
};

/** What a command answered. */
export type ThenAnswer =
  | { readonly kind: 'accepted'; readonly events: readonly EventSpec[] }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** What a command may be given besides its parameters. */
export interface WhenOptions {
  /** The time of the turn. Default 0. */
  readonly now?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Of the entity of a decider's command. */
  readonly expectedVersion?: number;
}

/** A space with a history. */
export interface GivenState<A extends App> {
  /** The main view. */
  readonly pstate: ReaderOf<SchemaOf<A>>;
  /** The history as views and readers see it: in present shapes. */
  readonly events: readonly SpaceEvent[];
  /**
   * Decides a command against the state, behind the app's middleware. Nothing is appended.
   *
   * @throws {RamaxError} what `execute` throws besides a rejection, such as `invalid_input` for an event that the log
   *   does not take
   */
  when<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    params: ParamsOf<CommandsOf<A>[Name]>,
    options?: WhenOptions,
  ): ThenAnswer;
  /**
   * Runs a query against the state.
   *
   * @throws {RamaxError} what `query` of a space throws, such as `invalid_input` for a result that is no JSON
   */
  query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    params?: ParamsOf<QueriesOf<A>[Name]>,
  ): ResultOf<QueriesOf<A>[Name]>;
  /**
   * Has a reactor handle one more event: one attempt, behind the event, whose commands are noted and not executed.
   *
   * @throws {RamaxError} `invalid_input` for a reactor that the app does not have, and what `given` throws for the event
   * @example
   * ```ts
   * const { kind, commands } = await given(shop).react('fulfil', { entityId: 'o1', type: 'order.placed', payload: { id: 'o1' } });
   * expect(commands).toMatchObject([{ command: 'reserve', params: { id: 'o1' }, spaceName: 'warehouse' }]);
   * ```
   */
  react(reactor: string, event: EventSpec, options?: ReactOptions): Promise<ThenReaction>;
  /** The same space after these further events. */
  and(events: readonly EventSpec[]): GivenState<A>;
}

/**
 * A space of `app` in which `events` have happened. An event without a version is a present one, which its validator checks. One
 * that says its version is what lies in the log: it goes through the upcasters, and nobody checks it.
 *
 * @throws {RamaxError} `invalid_app`, `invalid_input`, `projection_failed`, `upcast_failed`, `event_newer`
 * @example
 * ```ts
 * const answer = given(crm, [{ entityId: 'contact:c1', type: 'contact.added', payload: john }])
 *   .when('addContact', john);
 * expect(answer).toMatchObject({ kind: 'rejected', reason: 'contact_exists' });
 * ```
 */
export function given<A extends App>(app: A, events: readonly EventSpec[] = []): GivenState<A> {
  const loaded = loadApp(app);
  const { views, folded } = foldOf(loaded, events);
  return {
    pstate: views.main as never,
    events: folded.flatMap(partsOf),
    when(command, params, { now = 0, metadata, expectedVersion } = {}) {
      const frozen = params === undefined ? undefined : freezeValue(params, 'params', defaultLimits);
      const invocation = { invocationId: givenId, command, params: frozen, expectedVersion };
      const ofCommand = checkMetadata(metadata, 'metadata', defaultLimits);
      const answer = decide(loaded, views.main, invocation, {
        now,
        newId: () => nodePlatform.ids.newId(),
        spaceName: 'given',
        commandId: undefined,
        causationId: undefined,
        correlationId: undefined,
        metadata: ofCommand,
      });
      if (Rejection.is(answer)) return { kind: 'rejected', reason: answer.reason, details: answer.details };
      const { shapes } = loaded;
      const state = noBuiltInState;
      const all = withTimerEvents(answer, { app: loaded, limits: defaultLimits, state, now });
      sealed(all, events.length, { limits: defaultLimits, metadata: ofCommand, shapes });
      return { kind: 'accepted', events: all };
    },
    query(query, params) {
      const frozen = params === undefined ? undefined : freezeValue(params, 'params', defaultLimits);
      return queryTurn(query, frozen, defaultLimits).read(views.faces) as never;
    },
    async react(reactor, event, options = {}) {
      const after = foldOf(loaded, [...events, event]);
      const parts = after.folded.slice(-1).flatMap(partsOf);
      const read = (turn: ReadTurn): Value | undefined => turn.read(after.views.faces);
      return reactionTo({ app: loaded, parts, read, invocationId: givenId }, reactor, options);
    },
    and: (further) => given(app, [...events, ...further]),
  };
}

/** The views of a space in which `events` have happened, and the events as they were applied. */
function foldOf(app: LoadedApp, events: readonly EventSpec[]) {
  const views = new Views({
    spaceId: 1,
    app,
    store: new MemoryPStateStore(),
    limits: defaultLimits,
    fingerprintOf: () => '',
  });
  views.load(0);
  views.settle(originCheckpoint);
  const folded = historyOf(app, events).map(({ event }) => foldedEvent(event, app.shapes));
  for (const event of folded) views.catchUp(event);
  const failure = views.failures[0];
  if (failure !== undefined) throw failure;
  return { views, folded };
}

function partsOf(event: SpaceEvent | EarlierEvent): readonly SpaceEvent[] {
  return event instanceof EarlierEvent ? event.events : [event];
}

/** Events as they lie in the log. */
function historyOf(app: LoadedApp, events: readonly EventSpec[]): readonly DraftEvent[] {
  const versioned = events.map((event) => {
    if (typeof event !== 'object' || event === null || event.version !== undefined) return event;
    const [checked = event] = checkedEvents(app, [event]);
    return { ...checked, version: app.shapes.versionOf(checked.type) };
  });
  return sealed(versioned, 0, { limits: historyLimits });
}

/** Checks events as the log does, and chains them. */
function sealed(
  events: readonly EventSpec[],
  sequence: number,
  context: Pick<SealContext, 'limits' | 'metadata' | 'shapes'>,
): readonly DraftEvent[] {
  return sealEvents(
    events,
    { sequence, hash: genesisHash },
    {
      invocationId: givenId,
      timestamp: 0,
      causationId: undefined,
      correlationId: undefined,
      digest: nodePlatform.chainDigest,
      ...context,
    },
  );
}

/** An entity of a decider with a history. */
export interface GivenEntity<C extends DeciderCommand, E extends DeciderEvent, State>
  extends EntityState<State> {
  /** Decides a command for the entity: its data without the id. */
  when<Type extends C['type']>(
    command: Type,
    data: Omit<Extract<C, { readonly type: Type }>['data'], 'id'>,
    options?: WhenOptions,
  ): ThenAnswer;
  /** The same entity after these further events. */
  and(events: readonly E[]): GivenEntity<C, E, State>;
}

const givenEntityId = 'given';

/**
 * An entity of `decider` that has had `events`.
 *
 * @throws {RamaxError} `invalid_input`, `projection_failed`
 * @example
 * ```ts
 * expect(givenEntity(order, [{ type: 'order.placed', payload: { total: 5 } }]).when('payOrder', { amount: 7 }))
 *   .toMatchObject({ kind: 'rejected', reason: 'too_much' });
 * ```
 */
export function givenEntity<C extends DeciderCommand, E extends DeciderEvent, State>(
  decider: Decider<C, E, State>,
  // What has happened says nothing about what may happen.
  events: readonly NoInfer<E>[] = [],
): GivenEntity<C, E, State> {
  const { commands, projections } = decider;
  const app: App = { name: 'given', commands, projections };
  const entityId = decider.entityId(givenEntityId);
  for (const { type } of events) {
    if (!Object.hasOwn(projections, type)) throw invalidInput('events', 'events of the decider', type);
  }
  const state = given(
    app,
    events.map(({ type, payload }) => ({ entityId, type, payload })),
  );
  return {
    ...decider.read(state.pstate, givenEntityId),
    when: (command, data, options) =>
      state.when(command as never, { ...data, id: givenEntityId } as never, options),
    and: (further) => givenEntity(decider, [...events, ...further]),
  };
}
