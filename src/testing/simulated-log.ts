/**
 * The log of a simulation as it grows: every space folded commit by commit, the app's own rules checked after each, and what was
 * answered held against what is there.
 *
 * Invariant: it reads the disk of the house and nothing else; it never asks the runtime that it checks.
 */

import type { App } from '../core/define-app.js';
import type { RecordedEvent } from '../core/event.js';
import { isReserved } from '../core/reserved.js';
import { isThenable } from '../core/thenable.js';
import type { StoredEvent } from '../event-store/port.js';
import { openForProjection } from '../event-store/seal.js';
import { FoldedSpace } from './folded-space.js';
import type { HouseDisk } from './house-disk.js';
import { SimulatedTimers } from './simulated-timers.js';
import type { BuiltInInvariant, Invariant, SentCommand, SimulatedHistory } from './simulation-options.js';

/** A rule that broke. */
export interface Broken {
  readonly invariant: string;
  readonly message: string;
}

/** Why a rule does not hold for a space, or undefined. */
export function brokenRule<A extends App>(
  [name, rule]: readonly [string, Invariant<A>],
  space: FoldedSpace<A>,
  history: SimulatedHistory<A>,
): Broken | undefined {
  const where = `${space.spaceName} at sequence ${space.sequence}`;
  try {
    const verdict = rule(space, history);
    if (verdict === false) return { invariant: name, message: `it does not hold for ${where}` };
    if (isThenable(verdict)) return { invariant: name, message: 'a rule must be synchronous' };
    if (typeof verdict === 'string') return { invariant: name, message: `${where}: ${verdict}` };
    return undefined;
  } catch (error) {
    return {
      invariant: name,
      message: `${where}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** See the head of this file. */
export class SimulatedLog<A extends App> {
  readonly #disk: HouseDisk;
  #makeApp: () => A;
  readonly #byId = new Map<number, FoldedSpace<A>>();
  readonly spaces = new Map<string, FoldedSpace<A>>();
  readonly #always: readonly (readonly [string, Invariant<A>])[];
  readonly #history: SimulatedHistory<A>;
  readonly #hasStrays: boolean;
  #lastEventId = 0;
  /** The events of all spaces, in present shapes. */
  #events: RecordedEvent[] = [];
  readonly timers = new SimulatedTimers();

  /** @param hasStrays there may be events that no command of a client has made */
  constructor(
    disk: HouseDisk,
    makeApp: () => A,
    always: readonly (readonly [string, Invariant<A>])[],
    hasStrays: boolean,
    history: Omit<SimulatedHistory<A>, 'spaces'>,
  ) {
    this.#disk = disk;
    this.#makeApp = makeApp;
    this.#always = always;
    this.#hasStrays = hasStrays;
    this.#history = { ...history, spaces: this.spaces };
  }

  get history(): SimulatedHistory<A> {
    return this.#history;
  }

  /** The events of all spaces in the order of their ids, in present shapes, as far as `follow` has come. */
  get events(): readonly RecordedEvent[] {
    return this.#events;
  }

  /** Whether there is something that `follow` has not seen. */
  get hasGrown(): boolean {
    return this.#disk.log.eventCounter > this.#lastEventId;
  }

  /** Makes a space known. */
  known(spaceId: number, spaceName: string): FoldedSpace<A> {
    const space = this.#byId.get(spaceId) ?? new FoldedSpace(this.#makeApp(), spaceName);
    this.#byId.set(spaceId, space);
    this.spaces.set(spaceName, space);
    return space;
  }

  /** Goes on to the end of the log; gives the first rule that breaks on the way. */
  follow(checks: ReadonlySet<BuiltInInvariant>): Broken | undefined {
    const { events } = this.#disk.log;
    let at = events.length;
    while (at > 0 && (events[at - 1]?.eventId ?? 0) > this.#lastEventId) at--;
    for (; at < events.length; at++) {
      const stored = events[at] as StoredEvent;
      const space = this.#spaceOf(stored);
      if (space === undefined) continue;
      if (checks.has('denseSequences')) {
        if (stored.spaceSequence !== space.sequence + 1 || stored.eventId <= this.#lastEventId) {
          const message = `${space.spaceName}: event ${stored.eventId}, sequence ${stored.spaceSequence}, follows event ${this.#lastEventId}, sequence ${space.sequence}`;
          return { invariant: 'denseSequences', message };
        }
      }
      this.#lastEventId = stored.eventId;
      const wrong = this.#fold(space, stored, true);
      if (wrong !== undefined && checks.has('timersEndOnce'))
        return { invariant: 'timersEndOnce', message: wrong };
      const failure = space.failures[0];
      if (failure !== undefined && checks.has('viewsDoNotStop')) {
        return { invariant: 'viewsDoNotStop', message: failure.message };
      }
      if (events[at + 1]?.invocationId === stored.invocationId) continue;
      for (const rule of this.#always) {
        const broken = brokenRule(rule, space, this.#history);
        if (broken !== undefined) return broken;
      }
    }
    return undefined;
  }

  /** Another release of the app runs from now on: all spaces are folded anew. Gives why a view of it stops at what is there. */
  upgrade(makeApp: () => A, checks: ReadonlySet<BuiltInInvariant>): Broken | undefined {
    this.#makeApp = makeApp;
    this.#events = [];
    for (const [spaceId, { spaceName }] of [...this.#byId]) {
      this.#byId.delete(spaceId);
      this.known(spaceId, spaceName);
    }
    for (const stored of this.#disk.log.events) {
      const space = stored.eventId <= this.#lastEventId ? this.#spaceOf(stored) : undefined;
      if (space !== undefined) this.#fold(space, stored, false);
    }
    const [failure] = [...this.#byId.values()].flatMap(({ failures }) => failures);
    if (failure === undefined || !checks.has('viewsDoNotStop')) return undefined;
    return { invariant: 'viewsDoNotStop', message: failure.message };
  }

  #fold(space: FoldedSpace<A>, stored: StoredEvent, isNew: boolean): string | undefined {
    const event = openForProjection(stored);
    const before = space.events.length;
    space.apply(event, stored);
    for (let at = before; at < space.events.length; at++)
      this.#events.push(space.events[at] as RecordedEvent);
    return isNew ? this.timers.take(space.spaceName, event) : undefined;
  }

  #spaceOf({ spaceId }: StoredEvent): FoldedSpace<A> | undefined {
    const known = this.#byId.get(spaceId);
    if (known !== undefined) return known;
    const row = this.#disk.log.liveSpace(spaceId);
    return row === undefined ? undefined : this.known(spaceId, row.spaceName);
  }

  /** The hashes at which the spaces end: equal ones mean equal logs. */
  get fingerprint(): string {
    const heads = [...this.#disk.log.spaceSequences].map(
      ([spaceId, head]) =>
        `${spaceId}:${head.lastSpaceSequence}:${Buffer.from(head.lastHash).toString('hex')}`,
    );
    return heads.join(' ');
  }

  /** Holds what was answered against what is there. */
  checkAnswers(checks: ReadonlySet<BuiltInInvariant>): Broken | undefined {
    for (const [spaceId, space] of this.#byId) {
      if (this.#disk.log.liveSpace(spaceId) === undefined) continue;
      const sent = this.#history.commands.filter(({ spaceName }) => spaceName === space.spaceName);
      const broken =
        (checks.has('onceInTheLog') ? this.#onceInTheLog(spaceId, sent) : undefined) ??
        (checks.has('rejectedAbsent') ? this.#rejectedAbsent(spaceId, sent) : undefined);
      if (broken !== undefined) return broken;
    }
    return undefined;
  }

  #onceInTheLog(spaceId: number, sent: readonly SentCommand<A>[]): Broken | undefined {
    const invocations = new Map<number, string>();
    for (const event of this.#disk.log.spaceIndex.get(spaceId) ?? []) {
      invocations.set(event.eventId, event.invocationId);
    }
    const takenBy = new Map<string, SentCommand<A>>();
    for (const command of sent) {
      const { result, commandId } = command;
      if (command.outcome !== 'accepted' || result === undefined) continue;
      const what = `${command.spaceName}: '${command.command}'${commandId === undefined ? '' : ` (${commandId})`}`;
      const ids = new Set(result.eventIds.map((eventId) => invocations.get(eventId)));
      if (ids.has(undefined))
        return once(`${what} was acknowledged with ${result.eventIds.join()}, which the log has not`);
      if (ids.size > 1) return once(`${what} was acknowledged with events of ${ids.size} commands`);
      if (commandId !== undefined && !this.#record(spaceId, commandId)) {
        return once(`${what} was acknowledged, and the log has no record of it`);
      }
      for (const invocationId of ids) {
        if (invocationId === undefined) continue;
        const other = takenBy.get(invocationId);
        takenBy.set(invocationId, command);
        if (other !== undefined) return once(`${what} has the events of another command as its answer`);
      }
    }
    if (sent.some(({ commandId }) => commandId === undefined)) return undefined;
    const recorded = [...(this.#disk.log.commands.get(spaceId)?.values() ?? [])];
    const fired = (this.#disk.log.spaceIndex.get(spaceId) ?? []).filter(({ type }) => isReserved(type));
    const known = new Set([
      ...takenBy.keys(),
      ...recorded.map(({ record }) => record.invocationId),
      ...fired.map(({ invocationId }) => invocationId),
    ]);
    const stray = [...invocations].find(([, invocationId]) => !known.has(invocationId));
    return this.#hasStrays || stray === undefined
      ? undefined
      : once(`event ${stray[0]} is of no command that was sent`);
  }

  #rejectedAbsent(spaceId: number, sent: readonly SentCommand<A>[]): Broken | undefined {
    for (const { outcome, commandId, command, spaceName } of sent) {
      if (outcome !== 'rejected' || commandId === undefined) continue;
      if (this.#record(spaceId, commandId)) {
        const message = `${spaceName}: '${command}' (${commandId}) was rejected, and is in the log`;
        return { invariant: 'rejectedAbsent', message };
      }
    }
    return undefined;
  }

  #record(spaceId: number, commandId: string): boolean {
    return this.#disk.log.commands.get(spaceId)?.has(commandId) === true;
  }
}

function once(message: string): Broken {
  return { invariant: 'onceInTheLog', message };
}
