/** Given events, then what views and queries show: projections tested without threads, clocks or disks. */

import type { App, QueriesOf } from '../core/define-app.js';
import type { EventSpec } from '../core/event.js';
import { defaultLimits, type Limits } from '../core/limits.js';
import type { Value } from '../core/values.js';
import { genesisHash, sealEvents } from '../event-store/seal.js';
import { nodePlatform } from '../platform/node-platform.js';
import { FoldedSpace, type SpaceState, type ViewNamesOf } from './folded-space.js';

const givenId = '00000000-0000-4000-8000-000000000000';

/** A history is the work of many commands: it has no bounds of its own. */
const historyLimits: Limits = {
  ...defaultLimits,
  eventsPerCommandMax: Number.MAX_SAFE_INTEGER,
  commandBytesMax: Number.MAX_SAFE_INTEGER,
};

/** How the events came about. */
export interface GivenEventsOptions {
  /** When they happened, in milliseconds since the Unix epoch. Default 0. */
  readonly timestamp?: number;
  /** Default `'given'`. */
  readonly spaceName?: string;
}

/** What the views of a space show. */
export interface GivenEvents<A extends App> {
  /** The entries of a view, by key, in their order. */
  view(name: ViewNamesOf<A> | 'main'): Readonly<Record<string, Value>>;
  /**
   * The result of a query.
   *
   * @throws {RamaxError} what `query` of a space throws
   */
  readonly query: SpaceState<A>['query'];
  /** The state itself: `get`, `has`, `entries`, references resolved, on any view. */
  readonly state: SpaceState<A>;
  /** The same space after these further events. */
  and(events: readonly EventSpec[]): GivenEvents<A>;
}

/**
 * A space of `app` in which `events` have happened, as its views show it.
 *
 * @throws {RamaxError} `invalid_app`; `invalid_input` for an event that the log does not take; `projection_failed`
 * @example
 * ```ts
 * expect(givenEvents(crm, [{ entityId: 'contact:c1', type: 'contact.added', payload: john }]).view('byEmail'))
 *   .toEqual({ 'j@acme.com': 'contact:c1' });
 * ```
 */
export function givenEvents<A extends App>(
  app: A,
  events: readonly EventSpec[],
  options: GivenEventsOptions = {},
): GivenEvents<A> {
  const { timestamp = 0, spaceName = 'given' } = options;
  const state = new FoldedSpace(app, spaceName);
  const versioned = events.map((spec) => ({ ...spec, version: spec.version ?? state.versionOf(spec.type) }));
  const sealed = sealEvents(
    versioned,
    { sequence: 0, hash: genesisHash },
    {
      invocationId: givenId,
      timestamp,
      causationId: undefined,
      correlationId: undefined,
      digest: nodePlatform.chainDigest,
      limits: historyLimits,
    },
  );
  for (const { event } of sealed) {
    state.apply(event, { eventId: event.spaceSequence, spaceId: 1 });
    const failure = state.failures[0];
    if (failure !== undefined) throw failure;
  }
  return {
    view: (name) => Object.fromEntries(state.view(name).entries()),
    query: (name: keyof QueriesOf<A> & string, params?: never) => state.query(name, params) as never,
    state,
    and: (further) => givenEvents(app, [...events, ...further], options),
  };
}
