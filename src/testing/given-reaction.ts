/**
 * Given events, when one more comes, then what a reactor does about it: one attempt of its handler, alone.
 *
 * The attempt is that of production (`shard/reaction.ts`), so ids, freezing and the end of an attempt are the same; what is false is around
 * it: nobody executes the commands that it issues, they are noted and answered as the test says, and time stands still.
 */

import type { ReadTurn } from '../content-store/turn.js';
import type { Clock } from '../core/clock.js';
import { invalidInput, RamaxError } from '../core/errors.js';
import type { RecordedEvent, SpaceEvent } from '../core/event.js';
import { defaultLimits } from '../core/limits.js';
import { type LoadedApp, unknownName } from '../core/loaded-app.js';
import { fateOf, type LoadedReactor, type ReactionResult } from '../core/reactor.js';
import { Rejection } from '../core/rejection.js';
import { checkWith } from '../core/schema/validator.js';
import type { Value } from '../core/values.js';
import { Vitals } from '../core/vitals.js';
import { nodePlatform } from '../platform/node-platform.js';
import { Reaction, type ReactionOptions } from '../shard/reaction.js';

/** A command that a handler has issued. */
export interface IssuedCommand {
  readonly command: string;
  readonly params: unknown;
  /** Where it is to be executed. */
  readonly spaceName: string;
  /** Derived from the event, as in production: the same at each attempt. */
  readonly commandId: string;
}

/** What a reaction may be given besides its event. */
export interface ReactOptions {
  /**
   * What becomes of a command: `reject(…)` rejects it, a result is its answer, and what is thrown `execute` throws. Default: each is accepted.
   * Nothing is decided or appended. (A command that the app does not have, and parameters that its validator refuses, are refused before.)
   */
  readonly answer?: (
    issued: IssuedCommand,
    // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing accepts the command
  ) => Rejection | ReactionResult | undefined | void | Promise<Rejection | ReactionResult | undefined | void>;
  /** Which attempt it is. Default 1. */
  readonly attempt?: number;
  /** The time of the attempt. Default 0. */
  readonly now?: number;
  /** The space of the event. Default `'given'`. */
  readonly spaceName?: string;
}

/** What a reactor did about an event. */
export type ThenReaction =
  | {
      readonly kind: 'handled';
      /** In the order in which they were issued. */
      readonly commands: readonly IssuedCommand[];
    }
  | {
      readonly kind: 'failed';
      readonly commands: readonly IssuedCommand[];
      readonly error: RamaxError;
      /** What the runtime does about it at this attempt. */
      readonly fate: 'retried' | 'parked';
    }
  | {
      /** It has no handler for such events. */
      readonly kind: 'passedOver';
      readonly commands: readonly [];
    };

/** A space, behind the event. */
export interface ReactionScene {
  readonly app: LoadedApp;
  /** The event in its present shape: several, where an upcaster makes several of it. */
  readonly parts: readonly SpaceEvent[];
  readonly read: (turn: ReadTurn) => Value | undefined;
  readonly invocationId: string;
}

/** Time of a test: it stands still, and no time is ever up. */
function stillClock(now: number): Clock {
  return {
    now: () => now,
    monotonicMs: () => now,
    after: () => ({ cancel: () => {} }),
    soon: (task) => nodePlatform.clock.soon(task),
  };
}

/**
 * Runs the reactor's handlers of an event, part by part, up to one that fails.
 *
 * @throws {RamaxError} `invalid_input` for a reactor that the app does not have
 */
export async function reactionTo(
  scene: ReactionScene,
  reactorName: string,
  { answer = () => {}, attempt = 1, now = 0, spaceName = 'given' }: ReactOptions,
): Promise<ThenReaction> {
  const { app, parts } = scene;
  const reactor = reactorOf(app, reactorName);
  const handled = parts.filter(({ type }) => reactor.handlers.has(type));
  if (handled.length === 0) return { kind: 'passedOver', commands: [] };
  const commands: IssuedCommand[] = [];
  const desk: ReactionOptions['desk'] = {
    async execute({ command, params, spaceName: other = spaceName, commandId }) {
      const issued = Object.freeze({ command, params, spaceName: other, commandId });
      commands.push(issued);
      checkIssued(app, issued);
      const given = await answer(issued);
      if (Rejection.is(given)) throw rejected(command, given);
      return given ?? { eventIds: [], spaceSequence: 0 };
    },
  };
  const ground = {
    desk,
    platform: { clock: stillClock(now), textDigest: nodePlatform.textDigest },
    limits: defaultLimits,
    vitals: new Vitals(),
    read: async (_address: unknown, turn: ReadTurn) => scene.read(turn),
    invocationId: scene.invocationId,
    reactorIndex: 0,
    attempt,
    stopped: new AbortController().signal,
  };
  for (const event of handled) {
    const handler = reactor.handlers.get(event.type);
    if (handler === undefined) continue;
    const recorded = recordedOf(event);
    const { spaceId, spaceSequence } = recorded;
    const place = { spaceId, reactor: reactor.name, spaceSequence, part: event.part ?? 0 };
    const address = { spaceId, spaceName };
    const end = await new Reaction({ ...ground, address, place, event: recorded }).run(handler);
    if (end.kind !== 'failed') continue;
    const fate = fateOf(end.error, attempt, reactor.retry) === 'parked' ? 'parked' : 'retried';
    return { kind: 'failed', commands, error: end.error, fate };
  }
  return { kind: 'handled', commands };
}

function reactorOf({ reactors }: LoadedApp, name: string): LoadedReactor {
  const reactor = reactors.find((known) => known.name === name);
  if (reactor !== undefined) return reactor;
  const known = reactors.map((one) => `'${one.name}'`).join(', ');
  throw invalidInput('reactor', `a reactor of the app (${known === '' ? 'it has none' : known})`, name);
}

/** The only space in its log: event ids are sequences. */
function recordedOf(event: SpaceEvent): RecordedEvent {
  return Object.freeze({ ...event, eventId: event.spaceSequence, spaceId: 1 });
}

/** What would be refused whatever the space is like. Middleware may give a command other parameters than came. */
function checkIssued(app: LoadedApp, { command, params }: IssuedCommand): void {
  if (!app.commands.has(command)) throw unknownName('command', command, [...app.commands.keys()]);
  const validator = app.params.get(command);
  if (validator !== undefined && app.middleware.length === 0) checkWith(validator, params, 'params');
}

function rejected(command: string, { reason, details }: Rejection): RamaxError {
  return new RamaxError('command_rejected', `the command '${command}' was rejected: ${reason}`, {
    reason,
    details,
  });
}
