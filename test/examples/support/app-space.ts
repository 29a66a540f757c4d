/**
 * One space of an app in memory, for given/when/then: commands are decided and their events applied to all views at
 * once. No log, no threads, no disk; what is tested is the app alone.
 */

import type { SpaceEvent } from '../../../src/core/event.js';
import { defaultLimits } from '../../../src/core/limits.js';
import type { PStateReader, PStateWriter } from '../../../src/core/pstate-access.js';
import { canonicalJson, freezeValue, type Value } from '../../../src/core/values.js';
import type { PState } from '../../../src/pstate/pstate.js';
import { newPState } from './new-pstate.js';

interface AnyEventSpec {
  readonly entityId: string;
  readonly type: string;
  readonly payload?: unknown;
}

type AnyCommand = (pstate: PStateReader, params: unknown, context: unknown) => unknown;
type AnyProjections = Readonly<Record<string, (view: PStateWriter, event: SpaceEvent) => void>>;
type AnyQuery = (pstate: PStateReader, params: unknown, context: unknown) => unknown;

interface AnyApp {
  readonly commands: Readonly<Record<string, unknown>>;
  readonly schema?: unknown;
  readonly projections: unknown;
  readonly views?: Readonly<Record<string, { readonly schema?: unknown; readonly on: unknown }>>;
  readonly queries?: unknown;
}

/** What became of a command. */
export type Outcome =
  | { readonly events: readonly SpaceEvent[] }
  | { readonly rejected: string; readonly details: unknown };

export class AppSpace {
  readonly main: PState;
  readonly views = new Map<string, PState>();
  readonly events: SpaceEvent[] = [];
  readonly #app: AnyApp;
  readonly #accepted = new Map<string, readonly SpaceEvent[]>();

  constructor(app: AnyApp) {
    this.#app = app;
    this.main = newPState('main', app.schema);
    for (const [name, { schema }] of Object.entries(app.views ?? {})) {
      this.views.set(name, newPState(name, schema));
    }
  }

  /** Decides one command; with a `commandId` that was accepted before, gives the first answer again. */
  execute(name: string, params: unknown, options: { commandId?: string } = {}): Outcome {
    const earlier = options.commandId === undefined ? undefined : this.#accepted.get(options.commandId);
    if (earlier !== undefined) return { events: earlier };
    const command = this.#app.commands[name] as AnyCommand;
    const answer = command(this.main.reader(), freezeValue(params, 'params', defaultLimits), {});
    if (isRejection(answer)) return { rejected: answer.reason, details: answer.details };
    const events = (answer as readonly AnyEventSpec[]).map((spec) => this.#apply(spec));
    if (options.commandId !== undefined) this.#accepted.set(options.commandId, events);
    return { events };
  }

  /** The result of a query. */
  query<Result>(name: string, params?: unknown): Result {
    const query = (this.#app.queries as Readonly<Record<string, AnyQuery>>)[name]!;
    const views = Object.fromEntries([...this.views].map(([of, view]) => [of, view.reader()]));
    return query(this.main.reader(), params, { views }) as Result;
  }

  /** Every entry of every view, as text: equal texts are equal states. */
  stateText(): string {
    const views = Object.fromEntries([...this.views].map(([name, view]) => [name, entriesOf(view)]));
    return canonicalJson({ main: entriesOf(this.main), views });
  }

  /** Another space that has seen only the events of this one. */
  rebuilt(): AppSpace {
    const space = new AppSpace(this.#app);
    for (const event of this.events) space.#apply(event);
    return space;
  }

  #apply(spec: AnyEventSpec): SpaceEvent {
    const event: SpaceEvent = {
      spaceSequence: this.events.length + 1,
      entityId: spec.entityId,
      type: spec.type,
      version: 1,
      payload: freezeValue(spec.payload ?? null, 'payload', defaultLimits),
      timestamp: 0,
      causationId: 'cause',
      correlationId: 'correlation',
      tags: [],
      metadata: {},
    };
    this.events.push(event);
    (this.#app.projections as AnyProjections)[spec.type]?.(this.main.writer(), event);
    for (const [name, { on }] of Object.entries(this.#app.views ?? {})) {
      (on as AnyProjections)[spec.type]?.(this.views.get(name)!.writer(), event);
    }
    return event;
  }
}

/** Told by its shape: the class belongs to the build that the app imports, not to the sources that the tests import. */
function isRejection(answer: unknown): answer is { reason: string; details: unknown } {
  return typeof answer === 'object' && answer !== null && 'reason' in answer;
}

function entriesOf(view: PState): readonly Value[] {
  return [...view.entries()];
}
