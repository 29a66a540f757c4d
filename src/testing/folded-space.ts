/**
 * A space as the fold of its events: all views of an app, made in memory, event by event. Synchronous, without threads or
 * clocks. Used by `givenEvents`, and by the simulation, which holds it against the state of the running house.
 *
 * Invariant: what it shows is a function of the app and the events that it was given, in their order.
 */

import { queryTurn } from '../content-store/reads.js';
import { Views } from '../content-store/views.js';
import type { App, ParamsOf, QueriesOf, ResultOf, SchemaOf } from '../core/define-app.js';
import { originCheckpoint, type RecordedEvent, type SpaceEvent } from '../core/event.js';
import { defaultLimits } from '../core/limits.js';
import { type LoadedApp, loadApp, mainViewName, unknownName } from '../core/loaded-app.js';
import type { PStateReader, ReaderOf } from '../core/pstate-access.js';
import { EarlierEvent, foldedEvent } from '../core/upcasters.js';
import { canonicalJson, freezeValue, type Value } from '../core/values.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';

/** The names of an app's further views. */
export type ViewNamesOf<A> = A extends { readonly views?: infer V } ? keyof NonNullable<V> & string : string;

/** The state of a space at one of its events, to be read synchronously. */
export interface SpaceState<A extends App = App> {
  readonly spaceName: string;
  /** The space's latest sequence; 0 before its first event. */
  readonly sequence: number;
  /** The space's events, in order, in present shapes. */
  readonly events: readonly RecordedEvent[];
  /** The main view. */
  readonly pstate: ReaderOf<SchemaOf<A>>;
  /**
   * A further view, or `'main'`.
   *
   * @throws {RamaxError} `unknown_view`, and why the view has stopped
   */
  view(name: ViewNamesOf<A> | 'main'): PStateReader;
  /**
   * Runs a query.
   *
   * @throws {RamaxError} what `query` of a space throws
   */
  query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    params?: ParamsOf<QueriesOf<A>[Name]>,
  ): ResultOf<QueriesOf<A>[Name]>;
}

/** See the head of this file. */
export class FoldedSpace<A extends App = App> implements SpaceState<A> {
  readonly #app: LoadedApp;
  readonly #views: Views;
  readonly #events: RecordedEvent[] = [];
  #sequence = 0;
  readonly spaceName: string;

  /** @throws {RamaxError} `invalid_app` */
  constructor(app: A, spaceName: string) {
    this.#app = loadApp(app);
    this.spaceName = spaceName;
    this.#views = new Views({
      spaceId: 1,
      app: this.#app,
      store: new MemoryPStateStore(),
      limits: defaultLimits,
      fingerprintOf: () => '',
    });
    this.#views.load(0);
    this.#views.settle(originCheckpoint);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** The version that events of this type have at present. */
  versionOf(type: string): number {
    return this.#app.shapes.versionOf(type);
  }

  get events(): readonly RecordedEvent[] {
    return this.#events;
  }

  get pstate(): ReaderOf<SchemaOf<A>> {
    return this.#views.main as never;
  }

  /** Why views have stopped. */
  get failures(): Views['failures'] {
    return this.#views.failures;
  }

  /** Applies the next event, as a projection gets it. */
  apply(event: SpaceEvent, { eventId, spaceId }: Pick<RecordedEvent, 'eventId' | 'spaceId'>): void {
    const folded = foldedEvent(event, this.#app.shapes);
    this.#sequence = event.spaceSequence;
    this.#views.catchUp(folded);
    if (this.failures.length > 0) return;
    const present = folded instanceof EarlierEvent ? folded.events : [folded];
    for (const one of present) this.#events.push(Object.freeze({ ...one, eventId, spaceId }));
  }

  view(name: ViewNamesOf<A> | 'main'): PStateReader {
    const { main, views } = this.#views.faces;
    if (name === mainViewName) return main;
    const view = Object.hasOwn(views, name) ? views[name] : undefined;
    if (view !== undefined) return view;
    const known = this.#app.views.map((definition) => definition.name);
    throw unknownName('view', name, known);
  }

  query<Name extends keyof QueriesOf<A> & string>(
    query: Name,
    params?: ParamsOf<QueriesOf<A>[Name]>,
  ): ResultOf<QueriesOf<A>[Name]> {
    const frozen = params === undefined ? undefined : freezeValue(params, 'params', defaultLimits);
    return queryTurn(query, frozen, defaultLimits).read(this.#views.faces) as never;
  }

  /** Every view as text, by name: equal texts are equal states. */
  texts(): ReadonlyMap<string, string> {
    return new Map(this.#app.views.map(({ name }) => [name, stateText(this.view(name as 'main'))]));
  }
}

/** Everything in a view as text, an entry a line. */
export function stateText(view: PStateReader): string {
  const lines: string[] = [];
  for (const [key, value] of view.entries())
    lines.push(`${JSON.stringify(key)}: ${canonicalJson(value as Value)}`);
  return lines.join('\n');
}
