/** Given events, when a command, then events or a rejection: an app's rules tested without threads, clocks or disks. */

import { decide } from '../content-store/decide.js';
import { queryTurn } from '../content-store/reads.js';
import { Views } from '../content-store/views.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf, SchemaOf } from '../core/define-app.js';
import { type EventSpec, originCheckpoint } from '../core/event.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import { loadApp } from '../core/loaded-app.js';
import type { ReaderOf } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { freezeValue } from '../core/values.js';
import { type DraftEvent, genesisHash, sealEvents } from '../event-store/seal.js';
import { nodePlatform } from '../platform/node-platform.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';

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

/** A space with a history. */
export interface GivenState<A extends App> {
  /** The main view. */
  readonly pstate: ReaderOf<SchemaOf<A>>;
  /**
   * Decides a command against the state. Nothing is appended.
   *
   * @throws {RamaxError} what `execute` throws besides a rejection, such as `invalid_input` for an event that the log
   *   does not take
   */
  when<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    params: ParamsOf<CommandsOf<A>[Name]>,
    context?: { readonly now?: number },
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
  /** The same space after these further events. */
  and(events: readonly EventSpec[]): GivenState<A>;
}

/**
 * A space of `app` in which `events` have happened.
 *
 * @throws {RamaxError} `invalid_app`, `invalid_input`, `projection_failed`
 * @example
 * ```ts
 * const answer = given(crm, [{ entityId: 'contact:c1', type: 'contact.added', payload: john }])
 *   .when('addContact', john);
 * expect(answer).toMatchObject({ kind: 'rejected', reason: 'contact_exists' });
 * ```
 */
export function given<A extends App>(app: A, events: readonly EventSpec[] = []): GivenState<A> {
  const loaded = loadApp(app);
  const views = new Views({
    spaceId: 1,
    app: loaded,
    store: new MemoryPStateStore(),
    limits: defaultLimits,
    fingerprintOf: () => '',
  });
  views.load(0);
  views.settle(originCheckpoint);
  views.apply(sealed(events, 0, historyLimits).map(({ event }) => event));
  const failure = views.failures[0];
  if (failure !== undefined) throw failure;
  return {
    pstate: views.main as never,
    when(command, params, { now = 0 } = {}) {
      const frozen = params === undefined ? undefined : freezeValue(params, 'params', defaultLimits);
      const invocation = { invocationId: givenId, command, params: frozen };
      const answer = decide(loaded, views.main, invocation, {
        now,
        newId: () => nodePlatform.ids.newId(),
        spaceName: 'given',
        commandId: undefined,
        causationId: undefined,
        correlationId: undefined,
      });
      if (Rejection.is(answer)) return { kind: 'rejected', reason: answer.reason, details: answer.details };
      sealed(answer, events.length, defaultLimits);
      return { kind: 'accepted', events: answer };
    },
    query(query, params) {
      const frozen = params === undefined ? undefined : freezeValue(params, 'params', defaultLimits);
      return queryTurn(query, frozen, defaultLimits).read(views.faces) as never;
    },
    and: (further) => given(app, [...events, ...further]),
  };
}

/** Checks events as the log does, and chains them. */
function sealed(events: readonly EventSpec[], sequence: number, limits: Limits): readonly DraftEvent[] {
  return sealEvents(
    events,
    { sequence, hash: genesisHash },
    {
      invocationId: givenId,
      timestamp: 0,
      causationId: undefined,
      correlationId: undefined,
      digest: nodePlatform.chainDigest,
      limits,
    },
  );
}
