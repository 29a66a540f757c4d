/** What `simulate` takes, and the plan that a check makes of it. */

import type { CommandResult } from '../content-store/content-store.js';
import type { Clock } from '../core/clock.js';
import type { App, CommandsOf, ParamsOf } from '../core/define-app.js';
import { invalidInput, type RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import {
  type CheckedEventQuery,
  checkEventQuery,
  type EventQuery,
  type FailIfEventsMatch,
} from '../core/event-query.js';
import { defaultLimits, type LimitsOptions } from '../core/limits.js';
import { checkInteger, checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { nodePlatform } from '../platform/node-platform.js';
import type { RamaxRuntime } from '../supervisor/ramax.js';
import type { ExecuteOptions, SpaceHandle } from '../supervisor/space-handle.js';
import type { SpaceState } from './folded-space.js';
import type { SeededRandom } from './random.js';

/** What can go wrong in a simulation; each kind can be turned off. Messages are always delayed at random. */
export const faultKinds = [
  'shardCrashes',
  'writerCrashes',
  'restarts',
  'commitsInDoubt',
  'fullDisks',
  'duplicates',
  'aborts',
] as const;

/**
 * - `shardCrashes`, `writerCrashes`: a thread dies where it stands.
 * - `restarts`: the whole runtime is closed, or killed with everything in flight, and started again on the same disk.
 * - `commitsInDoubt`: the disk fails while it commits, before or after the commit took effect.
 * - `fullDisks`: nothing can be written for a while.
 * - `duplicates`: a command is sent again with the same options, so with the same `commandId` or without one.
 * - `aborts`: a caller gives up early, before or after its command was decided.
 */
export type FaultKind = (typeof faultKinds)[number];

/** Which kinds of faults there are. Those that are not named are on. */
export type FaultsOptions = { readonly [Kind in FaultKind]?: boolean };

/** What is checked in every simulation. */
export const builtInInvariants = [
  'pure',
  'commandsDoNotFail',
  'viewsDoNotStop',
  'denseSequences',
  'onceInTheLog',
  'rejectedAbsent',
  'conditionsHold',
  'timersEndOnce',
  'reactorsDoNotPark',
  'subscribersMissNothing',
  'stateIsFold',
  'sameSeedSameLog',
  'clientsEnd',
] as const;

/**
 * - `pure`: commands give the same answer when they are decided twice; commands, projections and queries read no clock and
 *   no `Math.random()`.
 * - `commandsDoNotFail`: no command throws (a rejection is no failure).
 * - `viewsDoNotStop`: no projection throws.
 * - `denseSequences`: sequences of a space are 1, 2, 3 …; event ids increase.
 * - `onceInTheLog`: every acknowledged command is in the log, where its answer said, once; all copies have one answer.
 * - `rejectedAbsent`: nothing of a command that was only ever rejected is in the log.
 * - `conditionsHold`: nothing is accepted in spite of its `failIfEventsMatch`, and nothing refused for an event that does not match.
 * - `timersEndOnce`: a timer fires once, at its time or later, or is cancelled, and never both; it does not fail.
 * - `reactorsDoNotPark`: no event is parked.
 * - `subscribersMissNothing`: every subscriber is given each event that it wants, in order: once, or with a name at least once.
 * - `stateIsFold`: live state, state after a restart and rebuilt state are the fold of the log.
 * - `sameSeedSameLog`: a seed that is played twice gives the same log (a sample of the seeds).
 * - `clientsEnd`: clients end without an error, and every call is answered.
 */
export type BuiltInInvariant = (typeof builtInInvariants)[number];

/** A command as it was sent, with the copies and retries that had the same `commandId`. */
export interface SentCommand<A extends App = App> {
  readonly spaceName: string;
  readonly command: keyof CommandsOf<A> & string;
  readonly params: unknown;
  readonly commandId: string | undefined;
  /** The condition with which it was sent. */
  readonly failIfEventsMatch: FailIfEventsMatch | undefined;
  /**
   * What it came to: `accepted` when any copy was; else `rejected` when any copy was and none is in doubt; `refused` for any
   * other error that says that nothing happened; `unknown` when nobody was told.
   */
  outcome: 'accepted' | 'rejected' | 'refused' | 'unknown';
  /** The answer, when it was accepted. */
  result: CommandResult | undefined;
  /** The last error, when there was one. */
  error: RamaxError | undefined;
}

/** What has happened in a simulation up to now. */
export interface SimulatedHistory<A extends App = App> {
  readonly seed: number;
  /** In the order in which they were sent. */
  readonly commands: readonly SentCommand<A>[];
  /** All spaces by name, as of the last commit. */
  readonly spaces: ReadonlyMap<string, SpaceState<A>>;
}

/**
 * A rule of the app. It holds unless it returns `false` or a text that says what is wrong, or throws: so `expect(…)` can be used.
 * Whatever else it returns is good. Synchronous: a promise is refused.
 */
export type Invariant<A extends App = App> = (space: SpaceState<A>, history: SimulatedHistory<A>) => unknown;

/** Rules by name: a sentence. */
export type Invariants<A extends App = App> = Readonly<Record<string, Invariant<A>>>;

/** Parameters at random. The state of the space helps to make such as are accepted. */
export type ParamsGenerator<A extends App, Params> = (random: SeededRandom, space: SpaceState<A>) => Params;

/** What else is known where a command is sent. */
export interface SendingContext<A extends App> {
  readonly random: SeededRandom;
  readonly space: SpaceState<A>;
  /** Which release of the app runs: 0 for `app`, then those of `releases`. */
  readonly release: number;
}

/** How a command is sent. */
export interface CommandTraffic<A extends App, Params> {
  readonly params: ParamsGenerator<A, Params>;
  /** How often, beside the weights of the others. Default 1. */
  readonly weight?: number;
  /**
   * The `commandId` that your client gives. Default: one of its own for each command. Undefined: none, and then a retry or a
   * duplicate runs again.
   */
  readonly commandId?: (params: Params) => string | undefined;
  /** Further options of `execute`: a condition, an expected sequence, metadata. They are the same in each copy. */
  readonly options?: (
    params: Params,
    context: SendingContext<A>,
  ) => Omit<ExecuteOptions, 'commandId' | 'signal'>;
}

/**
 * What follows the events. It consumes slowly, leaves and comes back, and is begun again in each life of the runtime; what it is given is
 * held against the log (`subscribersMissNothing`).
 */
export interface SubscriberTraffic<A extends App> {
  /** A subscription of each space, or one over all of them. Default `'each space'`. */
  readonly of?: 'each space' | 'all spaces';
  /**
   * Where it goes on: `'nothing'`: it begins at the first event whenever it comes; `'position'`: behind the last event that it has
   * handled, which it keeps itself; `'name'`: under its name, and it acknowledges what it has handled. Default `'nothing'`.
   */
  readonly keeps?: 'nothing' | 'position' | 'name';
  /** Which events. It should mean the same ones in all releases. Default: all. */
  readonly query?: EventQuery;
  /** What it does with an event, in your application. Spaces are those of the runtime that gave it. */
  readonly handle?: (event: RecordedEvent, context: SubscriberContext<A>) => void | Promise<void>;
}

/** What a subscriber's `handle` gets besides the event. */
export interface SubscriberContext<A extends App> {
  readonly random: SeededRandom;
  /** Virtual time. */
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  space(spaceName: string): SpaceHandle<A>;
}

/** Generators of the app's commands, by name. */
export type CommandGenerators<A extends App> = {
  readonly [Name in keyof CommandsOf<A> & string]?:
    | ParamsGenerator<A, ParamsOf<CommandsOf<A>[Name]>>
    | CommandTraffic<A, ParamsOf<CommandsOf<A>[Name]>>;
};

/** What a client of your own gets. */
export interface SimulatedClient<A extends App = App> {
  /** 1, 2, 3 … */
  readonly client: number;
  readonly random: SeededRandom;
  /** Virtual time: nothing in a simulation waits for a real clock. */
  readonly clock: { now(): number; sleep(ms: number): Promise<void> };
  /**
   * A handle to a space, which goes on over restarts. A call that was in flight when the runtime was killed ends with
   * `outcome_unknown`.
   */
  space(spaceName: string): SpaceHandle<A>;
  readonly spaceNames: readonly string[];
  /** The runtime that runs now. */
  readonly ramax: RamaxRuntime<A>;
}

/** How far a simulation is. */
export interface SimulationProgress {
  readonly seeds: number;
  readonly commands: number;
  readonly crashes: number;
}

/** What `simulate` takes. */
export interface SimulationOptions<A extends App> {
  /**
   * The app as it is, or a function that makes it. A function is called for each shard that starts, as each thread loads the
   * module anew: only so is state that hides in a module lost in a crash.
   */
  readonly app: A | (() => A);
  /**
   * Later releases of the app, in their order: every history begins with `app`, goes on with the next release at some of its restarts, and ends
   * with the last one. What the first has written, the others read.
   */
  readonly releases?: readonly (A | (() => A))[];
  /** Names of the spaces, or how many. Default 2. */
  readonly spaces?: number | readonly string[];
  /** How many seeds, from `firstSeed` on. Default 100. */
  readonly seeds?: number;
  /** Default 1. */
  readonly firstSeed?: number;
  /** This seed alone: to replay it. */
  readonly seed?: number;
  /** Commands in one history, over all clients. Default 20. A client of your own that sends more is not stopped. */
  readonly steps?: number;
  /** Clients that send at once. Default 3. */
  readonly clients?: number;
  /** What clients send: generators of parameters by command. This or `client`. */
  readonly commands?: CommandGenerators<A>;
  /** What a client does, in place of `commands`: the code of your application. */
  readonly client?: (context: SimulatedClient<A>) => Promise<void>;
  /** What follows the events meanwhile, by name. */
  readonly subscribers?: Readonly<Record<string, SubscriberTraffic<A>>>;
  /** Runs before the clients, without faults: what every history begins with. */
  readonly setup?: (context: SimulatedClient<A>) => Promise<void>;
  /** Checked for a space after each of its commits. */
  readonly always?: Invariants<A>;
  /** Checked for every space at the end, while virtual time goes on: at most `settleMs` until it holds. */
  readonly eventually?: Invariants<A>;
  /** Checked for every space at the end. */
  readonly atTheEnd?: Invariants<A>;
  /** Invariants that are not checked. Default: all are. */
  readonly without?: readonly BuiltInInvariant[];
  /** Which faults there are; `false`: none. Default: all kinds. */
  readonly faults?: FaultsOptions | false;
  /** Virtual milliseconds that `eventually` waits. Default 60,000. */
  readonly settleMs?: number;
  /** Shards, 1 to 16. Default: 1 to 3, by the seed. */
  readonly shards?: number;
  /** Bounds in place of those of the simulation, which are small so that flushes and full queues happen. */
  readonly limits?: LimitsOptions;
  /** No seed is begun after so many real milliseconds. Default: no bound. */
  readonly timeBudgetMs?: number;
  /** For `timeBudgetMs`. Default: the real one. */
  readonly clock?: Pick<Clock, 'monotonicMs'>;
  /** Told after each seed. */
  readonly onProgress?: (progress: SimulationProgress) => void;
  /** Look for a smaller history with the same failure. Default true. */
  readonly shrink?: boolean;
}

const optionNames = [
  'app',
  'releases',
  'spaces',
  'seeds',
  'firstSeed',
  'seed',
  'steps',
  'clients',
  'commands',
  'client',
  'subscribers',
  'setup',
  'always',
  'eventually',
  'atTheEnd',
  'without',
  'faults',
  'settleMs',
  'shards',
  'limits',
  'timeBudgetMs',
  'clock',
  'onProgress',
  'shrink',
] as const satisfies readonly (keyof SimulationOptions<App>)[];

/** One command's traffic, checked. */
export interface PlannedTraffic<A extends App> {
  readonly command: keyof CommandsOf<A> & string;
  readonly weight: number;
  readonly params: ParamsGenerator<A, unknown>;
  readonly commandId: ((params: unknown) => string | undefined) | undefined;
  readonly options: (params: unknown, context: SendingContext<A>) => ExecuteOptions;
}

/** A release of the app. */
export interface PlannedRelease<A extends App> {
  readonly makeApp: () => A;
  /** One app for all shards. */
  readonly isShared: boolean;
}

/** The query of a subscriber, as it is given and as it is checked. */
export interface SubscriberQuery {
  readonly query: EventQuery | undefined;
  readonly checked: CheckedEventQuery | undefined;
}

/** Options of a simulation, checked: what all its histories have in common. */
export interface SimulationPlan<A extends App> {
  /** At least one. */
  readonly releases: readonly PlannedRelease<A>[];
  readonly subscribers: readonly (readonly [
    string,
    Required<Omit<SubscriberTraffic<A>, 'query'>> & SubscriberQuery,
  ])[];
  readonly spaceNames: readonly string[];
  readonly firstSeed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly clients: number;
  readonly traffic: readonly PlannedTraffic<A>[];
  readonly client: ((context: SimulatedClient<A>) => Promise<void>) | undefined;
  readonly setup: ((context: SimulatedClient<A>) => Promise<void>) | undefined;
  readonly always: readonly [string, Invariant<A>][];
  readonly eventually: readonly [string, Invariant<A>][];
  readonly atTheEnd: readonly [string, Invariant<A>][];
  readonly checks: ReadonlySet<BuiltInInvariant>;
  readonly faults: ReadonlySet<FaultKind>;
  readonly settleMs: number;
  readonly shards: number | undefined;
  readonly limits: LimitsOptions;
  readonly timeBudgetMs: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onProgress: (progress: SimulationProgress) => void;
  readonly shrink: boolean;
}

/**
 * The plan that `options` make.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function simulationPlan<A extends App>(options: SimulationOptions<A>): SimulationPlan<A> {
  checkOptions(options);
  checkOptionNames(options, optionNames, 'simulate()');
  const { app, seed, seeds = 100, firstSeed = 1, steps = 20, clients = 3, settleMs = 60_000 } = options;
  checkInteger(seeds, 'seeds', 1);
  checkInteger(seed ?? firstSeed, seed === undefined ? 'firstSeed' : 'seed', 0);
  checkInteger(steps, 'steps', 1);
  checkInteger(clients, 'clients', 1, 1_000);
  checkInteger(settleMs, 'settleMs', 0);
  const { client, setup, always = {}, eventually = {}, atTheEnd = {}, without = [], commands = {} } = options;
  if ((client === undefined) === (options.commands === undefined)) {
    throw invalidInput('commands', 'there, or client in its place', options.commands);
  }
  const traffic = trafficOf<A>(commands);
  if (client === undefined && traffic.length === 0) throw invalidInput('commands', 'one command or more', {});
  checkKnown(without, builtInInvariants, 'without');
  const faults = options.faults === false ? noFaults : (options.faults ?? {});
  checkKnown(Object.keys(faults), faultKinds, 'faults');
  return {
    releases: [app, ...(options.releases ?? [])].map(plannedRelease),
    subscribers: subscribersOf<A>(options.subscribers ?? {}),
    spaceNames: spaceNamesOf(options.spaces ?? 2),
    firstSeed: seed ?? firstSeed,
    seeds: seed === undefined ? seeds : 1,
    steps,
    clients,
    traffic,
    client,
    setup,
    always: Object.entries(always),
    eventually: Object.entries(eventually),
    atTheEnd: Object.entries(atTheEnd),
    checks: new Set(builtInInvariants.filter((name) => !without.includes(name))),
    faults: new Set(faultKinds.filter((kind) => faults[kind] !== false)),
    settleMs,
    shards: options.shards,
    limits: options.limits ?? {},
    timeBudgetMs: options.timeBudgetMs ?? Number.POSITIVE_INFINITY,
    clock: options.clock ?? nodePlatform.clock,
    onProgress: options.onProgress ?? (() => {}),
    shrink: options.shrink ?? true,
  };
}

const noFaults = Object.fromEntries(faultKinds.map((kind) => [kind, false])) as FaultsOptions;

function checkKnown(names: readonly string[], known: readonly string[], field: string): void {
  for (const name of names) {
    if (!known.includes(name)) throw invalidInput(field, `of ${known.join(', ')}`, name);
  }
}

function spaceNamesOf(spaces: number | readonly string[]): readonly string[] {
  if (typeof spaces !== 'number') return spaces;
  checkInteger(spaces, 'spaces', 1, 1_000);
  return Array.from({ length: spaces }, (_, index) => `space-${index + 1}`);
}

function plannedRelease<A extends App>(app: A | (() => A)): PlannedRelease<A> {
  return typeof app === 'function'
    ? { makeApp: app, isShared: false }
    : { makeApp: () => app, isShared: true };
}

const subscriberOptionNames = ['of', 'keeps', 'query', 'handle'] as const;
const placesOf = ['each space', 'all spaces'];
const keeping = ['nothing', 'position', 'name'];

function subscribersOf<A extends App>(
  subscribers: Readonly<Record<string, SubscriberTraffic<A>>>,
): SimulationPlan<A>['subscribers'] {
  return Object.entries(subscribers).map(([name, given]) => {
    const field = `subscribers.${name}`;
    checkOptions(given, field);
    checkOptionNames(given, subscriberOptionNames, field, field);
    const { of = 'each space', keeps = 'nothing', query, handle = () => {} } = given;
    checkKnown([of], placesOf, `${field}.of`);
    checkKnown([keeps], keeping, `${field}.keeps`);
    const checked = query === undefined ? undefined : checkEventQuery(query, `${field}.query`, defaultLimits);
    return [name, { of, keeps, handle, query, checked }] as const;
  });
}

function trafficOf<A extends App>(commands: CommandGenerators<A>): readonly PlannedTraffic<A>[] {
  return Object.entries<unknown>(commands).map(([command, given]) => {
    const name = command as keyof CommandsOf<A> & string;
    if (typeof given === 'function') {
      return {
        command: name,
        weight: 1,
        params: given as ParamsGenerator<A, unknown>,
        commandId: undefined,
        options: () => ({}),
      };
    }
    const { params, weight = 1, commandId, options = () => ({}) } = given as CommandTraffic<A, unknown>;
    if (typeof params !== 'function') throw invalidInput(`commands.${command}.params`, 'a function', params);
    if (!(weight > 0)) throw invalidInput(`commands.${command}.weight`, 'more than 0', weight);
    return { command: name, weight, params, commandId, options };
  });
}
