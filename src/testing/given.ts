/** Given events, when a command, then events or a rejection: an app's rules tested without threads, clocks or disks. */

import { decide } from '../content-store/decide.js';
import { Views } from '../content-store/views.js';
import type { App, CommandsOf, ParamsOf, QueriesOf, ResultOf } from '../core/define-app.js';
import type { EventSpec } from '../core/event.js';
import { defaultLimits } from '../core/limits.js';
import { loadApp, unknownName } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { freezeValue } from '../core/values.js';
import { genesisHash, sealEvents } from '../event-store/seal.js';
import { nodePlatform } from '../platform/node-platform.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';

const givenId = '00000000-0000-4000-8000-000000000000';

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
  readonly pstate: PStateReader;
  /** Decides a command against the state. Nothing is appended. */
  when<Name extends keyof CommandsOf<A> & string>(
    command: Name,
    params: ParamsOf<CommandsOf<A>[Name]>,
    context?: { readonly now?: number },
  ): ThenAnswer;
  /** Runs a query against the state. */
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
  const views = new Views({ spaceId: 1, app: loaded, store: new MemoryPStateStore(), limits: defaultLimits });
  views.reset(0);
  const drafts = sealEvents(
    events,
    { sequence: 0, hash: genesisHash },
    {
      invocationId: givenId,
      timestamp: 0,
      causationId: undefined,
      correlationId: undefined,
      digest: nodePlatform.chainDigest,
      limits: defaultLimits,
    },
  );
  views.apply(drafts.map(({ event }) => event));
  return {
    pstate: views.main,
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
      return { kind: 'accepted', events: answer };
    },
    query(query, params) {
      const run = loaded.queries.get(query);
      if (run === undefined) throw unknownName('query', query, [...loaded.queries.keys()]);
      return run(views.main, params as never, { views: views.faces.views }) as never;
    },
    and: (further) => given(app, [...events, ...further]),
  };
}
