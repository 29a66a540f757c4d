/**
 * Subscribers of a simulation: consume slowly, leave and come back, die with the runtime and begin again in the next one. Every event that
 * one is given is held against the log as it is folded beside the runtime.
 *
 * Invariants:
 *   - A subscriber of a life that is over does nothing any more.
 *   - Between two events that it is given, there is none that it wants; where it begins is decided by what it keeps.
 */

import type { App } from '../core/define-app.js';
import { RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import { matchesQuery } from '../core/event-query.js';
import type { NamedSubscription, Subscription } from '../supervisor/subscriber.js';
import { SeededRandom } from './random.js';
import type { Life } from './simulated-calls.js';
import type { SimulationPlan } from './simulation-options.js';

const pauseMsMax = 8;
const pauseOneIn = 4;
const leavesOneIn = 30;
const awayMsMax = 20;

/** What subscribers need of their simulation. */
export interface SubscribersContext<A extends App> {
  readonly seed: number;
  readonly plan: SimulationPlan<A>;
  /** The events of a space, or of all: in order, in present shapes, as far as the log is known. */
  readonly eventsOf: (spaceName: string | undefined) => readonly RecordedEvent[];
  readonly isAlive: (life: Life<A>) => boolean;
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  readonly tell: (line: string) => void;
  readonly onMissed: (message: string) => void;
  readonly onFailed: (message: string) => void;
}

type Traffic<A extends App> = SimulationPlan<A>['subscribers'][number][1];

/** See the head of this file. */
export class SimulatedSubscribers<A extends App> {
  readonly #subscribers: readonly SimulatedSubscriber<A>[];

  constructor(context: SubscribersContext<A>) {
    const { subscribers, spaceNames } = context.plan;
    this.#subscribers = subscribers.flatMap(([name, traffic]) =>
      (traffic.of === 'each space' ? spaceNames : [undefined]).map(
        (spaceName, place) => new SimulatedSubscriber(context, name, traffic, spaceName, place),
      ),
    );
  }

  /** A runtime has started. */
  begin(life: Life<A>): void {
    for (const subscriber of this.#subscribers) void subscriber.live(life);
  }

  /** Who has not seen everything yet, in words. */
  get behind(): string | undefined {
    for (const subscriber of this.#subscribers) {
      const { behind } = subscriber;
      if (behind !== undefined) return behind;
    }
    return undefined;
  }
}

class SimulatedSubscriber<A extends App> {
  readonly #context: SubscribersContext<A>;
  readonly #name: string;
  readonly #traffic: Traffic<A>;
  readonly #spaceName: string | undefined;
  readonly #random: SeededRandom;
  /** The last event of which it has handled all that it wants. */
  #handled = 0;
  /** What Ramax has said that it keeps. */
  #durable = 0;
  /** Where the next event is expected, in the log as it is folded; undefined: it has just come. */
  #next: number | undefined;

  constructor(
    context: SubscribersContext<A>,
    name: string,
    traffic: Traffic<A>,
    spaceName: string | undefined,
    place: number,
  ) {
    this.#context = context;
    this.#name = name;
    this.#traffic = traffic;
    this.#spaceName = spaceName;
    const letters = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), place);
    this.#random = new SeededRandom(Math.imul(context.seed + 1, 0x85ebca6b) ^ letters);
  }

  get #who(): string {
    return `subscriber ${this.#name} of ${this.#spaceName ?? 'all spaces'}`;
  }

  /** What it has still to see. */
  get behind(): string | undefined {
    const wanted = this.#wantedFrom(this.#next ?? this.#indexBehind(this.#handled));
    const event = this.#events[wanted];
    return event === undefined ? undefined : `${this.#who} has not been given ${nameOf(event)}`;
  }

  /** Consumes until its runtime is over. */
  async live(life: Life<A>): Promise<void> {
    const { isAlive, clock, onFailed } = this.#context;
    while (isAlive(life)) {
      try {
        await this.#consume(life);
      } catch (error) {
        if (!isAlive(life)) return;
        if (!(error instanceof RamaxError && error.retryable)) {
          onFailed(`${this.#who} failed: ${String(error)}`);
          return;
        }
      }
      await clock.sleep(this.#random.fraction() * awayMsMax);
    }
  }

  /** One subscription, until it leaves. */
  async #consume(life: Life<A>): Promise<void> {
    const { isAlive, clock } = this.#context;
    const { handle } = this.#traffic;
    const subscription = this.#subscribe(life);
    this.#next = undefined;
    for await (const event of subscription) {
      if (!isAlive(life) || !this.#isExpected(event)) return;
      await handle(event, {
        random: this.#random,
        clock,
        space: (spaceName) => {
          const space = life.handles.get(spaceName);
          if (space === undefined) throw new RamaxError('not_found', `the simulation has no '${spaceName}'`);
          return space;
        },
      });
      if (this.#random.oneIn(pauseOneIn)) await clock.sleep(this.#random.fraction() * pauseMsMax);
      if (!isAlive(life)) return;
      this.#hasHandled(event, subscription);
      if (this.#random.oneIn(leavesOneIn)) return;
    }
  }

  #subscribe({ ramax, handles }: Life<A>): Subscription | NamedSubscription {
    const { keeps, query } = this.#traffic;
    const place = this.#spaceName === undefined ? ramax : handles.get(this.#spaceName);
    if (place === undefined) throw new RamaxError('not_found', `the simulation has no '${this.#spaceName}'`);
    const wanted = query === undefined ? {} : { query };
    if (keeps === 'name') return place.subscribe({ ...wanted, name: this.#name });
    return place.subscribe({ ...wanted, from: keeps === 'position' ? this.#handled : 0 });
  }

  #isExpected(event: RecordedEvent): boolean {
    const events = this.#events;
    const { keeps } = this.#traffic;
    let at =
      this.#next === undefined && keeps !== 'nothing'
        ? this.#indexBehind(this.#handled)
        : this.#wantedFrom(this.#next ?? 0);
    // Under a name, what was handled and not acknowledged comes again.
    if (this.#next === undefined && keeps === 'name' && this.#positionOf(event) <= this.#handled) {
      at = this.#indexBehind(this.#positionOf(event) - 1);
      if (this.#positionOf(event) <= this.#durable)
        return this.#misses(`was given ${nameOf(event)} again, which it had acknowledged`);
    }
    const wanted = events[at];
    if (wanted === undefined || !isSame(event, wanted))
      return this.#misses(
        `was given ${nameOf(event)}, and not ${wanted === undefined ? 'nothing' : nameOf(wanted)}`,
      );
    this.#next = this.#wantedFrom(at + 1);
    return true;
  }

  #misses(what: string): false {
    this.#context.onMissed(`${this.#who} ${what}`);
    return false;
  }

  #hasHandled(event: RecordedEvent, subscription: Subscription | NamedSubscription): void {
    const position = this.#positionOf(event);
    const next = this.#events[this.#wantedFrom(this.#next ?? 0)];
    // Of several that were made of one event, the last one counts.
    const isWhole = next === undefined || next.eventId !== event.eventId;
    if (isWhole) this.#handled = Math.max(this.#handled, position);
    if (!('acknowledge' in subscription) || this.#traffic.keeps !== 'name') return;
    subscription.acknowledge(event).then(
      () => {
        if (isWhole) this.#durable = Math.max(this.#durable, position);
      },
      // A full disk, or the end of the runtime: it will come again.
      () => {},
    );
  }

  get #events(): readonly RecordedEvent[] {
    return this.#context.eventsOf(this.#spaceName);
  }

  #positionOf({ eventId, spaceSequence }: RecordedEvent): number {
    return this.#spaceName === undefined ? eventId : spaceSequence;
  }

  /** The index of the first event that it wants, from this one on. */
  #wantedFrom(index: number): number {
    const { checked } = this.#traffic;
    const events = this.#events;
    let at = index;
    for (; at < events.length; at++) {
      const event = events[at];
      if (checked === undefined || (event !== undefined && matchesQuery(checked, event))) break;
    }
    return at;
  }

  /** The same behind a position. */
  #indexBehind(position: number): number {
    const index = this.#events.findIndex((event) => this.#positionOf(event) > position);
    return this.#wantedFrom(index === -1 ? this.#events.length : index);
  }
}

function nameOf({ eventId, spaceSequence, part, type }: RecordedEvent): string {
  return `event ${eventId}${part === undefined ? '' : `, part ${part}`} (${type}, sequence ${spaceSequence})`;
}

function isSame(one: RecordedEvent, other: RecordedEvent): boolean {
  return (
    one.eventId === other.eventId &&
    one.spaceSequence === other.spaceSequence &&
    one.part === other.part &&
    one.type === other.type &&
    JSON.stringify(one.payload) === JSON.stringify(other.payload)
  );
}
