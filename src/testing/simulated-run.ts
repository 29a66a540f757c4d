/**
 * One history of a simulation: a house, a runtime in it, clients and faults, until everything is answered; then the state is held
 * against the log, after a restart and after a rebuild as well.
 *
 *   setup -> clients send, things go wrong -> quiet -> state = fold -> restart -> state = fold -> rebuild -> state = fold
 *                 |                                                                                      -> eventually, at the end
 *                 +-- after every commit: rules of the app;  half way, with everybody waiting: state = fold
 *
 * Invariant: what happens is decided by the app, the plan and the seed alone.
 */

import type { App } from '../core/define-app.js';
import { isPassingTrouble, RamaxError } from '../core/errors.js';
import type { LimitsOptions } from '../core/limits.js';
import { loadApp } from '../core/loaded-app.js';
import { nodePlatform } from '../platform/node-platform.js';
import type { SpaceHandle } from '../supervisor/space-handle.js';
import { FaultInjector } from './fault-injector.js';
import { House } from './house.js';
import { SeededRandom } from './random.js';
import { type Life, SimulatedCalls } from './simulated-calls.js';
import { playClient } from './simulated-client.js';
import { SimulatedConditions } from './simulated-conditions.js';
import { type Broken, brokenRule, SimulatedLog } from './simulated-log.js';
import { SimulatedSubscribers } from './simulated-subscribers.js';
import type { Replay, SimulationReport } from './simulation-failure.js';
import type {
  BuiltInInvariant,
  PlannedRelease,
  SimulatedClient,
  SimulationPlan,
} from './simulation-options.js';
import { everythingQuery, watchedApp } from './watched-app.js';

/** What came of one history. */
export interface RunOutcome {
  readonly broken: Broken | undefined;
  readonly story: readonly string[];
  readonly report: Omit<SimulationReport, 'seeds'>;
  /** Equal histories have equal ones. */
  readonly fingerprint: string;
}

/** Small bounds, so that flushes, full gates and several batches happen in a short history. */
const limits: LimitsOptions = {
  dirtyKeysMax: 3,
  flushDelayMs: 4,
  speculativeTurnsMax: 5,
  commitCommandsMax: 4,
  readEventsMax: 5,
  callTimeoutMs: 60_000,
  restartsMax: 1_000_000,
  cacheEntriesMax: 8,
  openSpacesMax: 2,
  idleSpaceMs: 60,
};

/** Happenings of one history at most: what takes more has come to nothing. */
const happeningsMax = 50_000;
const lookAgainMs = 25;
const looksMax = 200;
const newReleaseOneIn = 2;

/** Ends a history at the first rule that breaks. */
class Stopped extends Error {}

/** Plays the history of a seed. */
export function playRun<A extends App>(plan: SimulationPlan<A>, replay: Replay): Promise<RunOutcome> {
  return new SimulatedRun(plan, replay).play();
}

class SimulatedRun<A extends App> {
  readonly #plan: SimulationPlan<A>;
  readonly #replay: Replay;
  readonly #house: House<A>;
  readonly #log: SimulatedLog<A>;
  readonly #calls: SimulatedCalls<A>;
  readonly #faults: FaultInjector;
  readonly #subscribers: SimulatedSubscribers<A>;
  /** Decides when the next release comes: a randomness of its own, so that all else stays as it is. */
  readonly #releasing: SeededRandom;
  readonly #apps: readonly (() => A)[];
  #release = 0;
  readonly #story: string[] = [];
  readonly #looks = new Map<number, ReadonlyMap<string, string>>();
  readonly #shards: number;
  #life: Life<A> | undefined;
  #kill: (error: RamaxError) => void = () => {};
  #starting: Promise<Life<A>>;
  #gate: Promise<void> | undefined;
  #openGate: () => void = () => {};
  #broken: Broken | undefined;
  #isCalm = true;
  #isOver = false;
  #sent = 0;
  #restarts = 0;
  #happenings = 0;
  #tickets = 0;

  constructor(plan: SimulationPlan<A>, replay: Replay) {
    this.#plan = plan;
    this.#replay = replay;
    const { seed } = replay;
    this.#apps = plan.releases.map((release) => this.#watched(release));
    const [app] = this.#apps as [() => A];
    this.#releasing = new SeededRandom(seed ^ 0x165667b1);
    this.#house = new House<A>({ app, seed });
    const random = new SeededRandom(seed ^ 0x5f3759df);
    this.#shards = plan.shards ?? 1 + random.below(3);
    const context = {
      kinds: replay.faults,
      random: new SeededRandom(seed ^ 0x2545f491),
      tell: (line: string) => this.#tell(line),
      isUp: () => this.#life !== undefined,
      restart: (how: 'killed' | 'closed') => void this.#restart(how),
    };
    this.#faults = new FaultInjector(this.#house as never, context);
    this.#calls = new SimulatedCalls<A>({
      alive: () => this.#starting,
      now: () => this.#alive(),
      tell: (line) => this.#tell(line),
      releaseNow: () => this.#release,
      conditions: this.#conditions(),
      onBrokenCondition: (message) => this.#breaks('conditionsHold', message),
      onFailed: (error, command) => {
        const rule = error.code === 'conflict' ? 'onceInTheLog' : 'commandsDoNotFail';
        this.#breaks(rule, error.code === 'conflict' ? error.message : `'${command}': ${error.message}`);
      },
      faults: replay.faults,
      random,
      isCalm: () => this.#isCalm,
      gate: () => this.#passGate(),
      sleep: (ms) => this.#sleep(ms),
    });
    const history = { seed, commands: this.#calls.commands };
    const hasStrays = [plan.client, plan.setup, plan.subscribers[0]].some((own) => own !== undefined);
    this.#log = new SimulatedLog<A>(this.#house.disk, app, plan.always, hasStrays, history);
    this.#subscribers = new SimulatedSubscribers<A>({
      seed,
      plan,
      eventsOf: (spaceName) => (spaceName === undefined ? this.#log : this.#foldOf(spaceName)).events,
      isAlive: (life) => this.#life === life && !this.#isOver,
      clock: this.#clock,
      tell: (line) => this.#tell(line),
      onMissed: (message) => this.#breaks('subscribersMissNothing', message),
      onFailed: (message) => this.#breaks('clientsEnd', message),
    });
    this.#starting = this.#start();
  }

  #watched({ makeApp, isShared }: PlannedRelease<A>): () => A {
    const watched = (): A =>
      watchedApp(makeApp(), {
        onImpure: (message) => this.#breaks('pure', message),
        onState: (ticket, texts) => this.#looks.set(ticket, texts),
      });
    if (!isShared) return watched;
    const app = watched();
    return () => app;
  }

  #conditions(): SimulatedConditions {
    const shapes = this.#apps.map((app) => loadApp(app()).shapes);
    const { log } = this.#house.disk;
    return new SimulatedConditions(
      shapes,
      (spaceName) => log.spaceIndex.get(log.liveNames.get(spaceName) ?? 0) ?? [],
    );
  }

  get #clock(): { now(): number; sleep(ms: number): Promise<void> } {
    return { now: () => this.#house.scheduler.wallMs, sleep: (ms) => this.#sleep(ms) };
  }

  async play(): Promise<RunOutcome> {
    try {
      await this.#playAll();
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    this.#isOver = true;
    this.#house.killAll();
    const { commands, duplicates } = this.#calls;
    const story = this.#story;
    return {
      broken: this.#broken,
      story,
      report: {
        commands: commands.length,
        accepted: commands.filter(({ outcome }) => outcome === 'accepted').length,
        rejected: commands.filter(({ outcome }) => outcome === 'rejected').length,
        duplicates,
        crashes: this.#faults.crashes,
        restarts: this.#restarts,
      },
      fingerprint: `${this.#log.fingerprint} ${nodePlatform.textDigest(story.join('\n'))}`,
    };
  }

  async #playAll(): Promise<void> {
    const { setup, clients } = this.#plan;
    await this.#until(this.#starting);
    if (setup !== undefined) await this.#until(this.#client('setup', 0, setup));
    this.#isCalm = false;
    this.#faults.begin();
    const all = Array.from({ length: clients }, (_, index) => this.#playClient(index + 1));
    await this.#until(Promise.all(all));
    this.#faults.stop();
    this.#isCalm = true;
    await this.#becomeQuiet();
    this.#stopsAt(this.#log.checkAnswers(this.#plan.checks));
    await this.#checkState('at the end');
    // Those who have followed all the while: in the next runtime they begin anew, and what has woken them is forgotten.
    await this.#checkSubscribers();
    await this.#until(this.#restart('closed', true));
    await this.#checkState('after a restart');
    const rebuilding = [...this.#alive().handles.values()].map((space) => space.rebuild());
    await this.#until(Promise.all(rebuilding));
    await this.#checkState('after a rebuild');
    await this.#checkEventually();
    for (const space of this.#log.spaces.values()) {
      for (const rule of this.#plan.atTheEnd) this.#stopsAt(brokenRule(rule, space, this.#log.history));
    }
  }

  #playClient(client: number): Promise<void> {
    const { traffic, clients } = this.#plan;
    const { steps } = this.#replay;
    const own = this.#plan.client;
    if (own !== undefined) return this.#client(`client ${client}`, client, own);
    const share = Math.floor(steps / clients) + (client <= steps % clients ? 1 : 0);
    return this.#client(`client ${client}`, client, (context) =>
      playClient(
        context,
        traffic,
        share,
        (spaceName) => this.#foldOf(spaceName),
        () => this.#release,
      ),
    );
  }

  async #client(
    name: string,
    client: number,
    body: (context: SimulatedClient<A>) => Promise<void>,
  ): Promise<void> {
    const current = (): Life<A> => this.#alive();
    const handles = new Map<string, SpaceHandle<A>>();
    try {
      await body({
        client,
        random: new SeededRandom(Math.imul(this.#replay.seed + 1, 0x9e3779b1) ^ client),
        clock: this.#clock,
        spaceNames: this.#plan.spaceNames,
        space: (spaceName) => {
          const handle = handles.get(spaceName) ?? this.#calls.handle(name, spaceName);
          handles.set(spaceName, handle);
          return handle;
        },
        get ramax() {
          return current().ramax;
        },
      });
    } catch (error) {
      if (!(error instanceof Stopped)) this.#breaks('clientsEnd', `${name} failed: ${String(error)}`);
    }
  }

  #foldOf(spaceName: string) {
    const space = this.#log.spaces.get(spaceName);
    if (space === undefined) throw new RamaxError('not_found', `the simulation has no space '${spaceName}'`);
    return space;
  }

  // A runtime after the other.

  async #start(): Promise<Life<A>> {
    let kill: (error: RamaxError) => void = () => {};
    const death = new Promise<never>((_resolve, reject) => {
      kill = reject;
    });
    death.catch(() => {});
    this.#kill = kill;
    const shards = this.#shards;
    const app = this.#apps[this.#release] as () => A;
    const ramax = await this.#house.begin({ app, shards, limits: { ...limits, ...this.#plan.limits } });
    const handles = new Map<string, SpaceHandle<A>>();
    for (const spaceName of this.#plan.spaceNames) {
      const handle = await this.#created(ramax, spaceName);
      handles.set(spaceName, handle);
      this.#log.known(handle.spaceId, spaceName);
    }
    const life = { ramax, handles, death };
    this.#life = life;
    this.#subscribers.begin(life);
    return life;
  }

  /** The space, also while the disk is full for a moment. */
  async #created(ramax: Life<A>['ramax'], spaceName: string): Promise<SpaceHandle<A>> {
    for (;;) {
      try {
        return await ramax.spaces.getOrCreate(spaceName);
      } catch (error) {
        if (!isPassingTrouble(error)) throw error;
        await this.#sleep(lookAgainMs);
      }
    }
  }

  async #restart(how: 'killed' | 'closed', isLast = false): Promise<void> {
    const life = this.#life;
    // One that is just starting is left alone.
    if (life === undefined) return;
    this.#life = undefined;
    this.#restarts++;
    this.#tell(how === 'killed' ? 'the process is killed, with everything in flight' : 'the runtime closes');
    const kill = this.#kill;
    this.#starting = (async () => {
      if (how === 'closed') await life.ramax.close();
      else {
        this.#house.killAll();
        kill(new RamaxError('outcome_unknown', 'the process was killed before it answered'));
      }
      const isNewer = this.#goOnTo(isLast);
      const next = await this.#start();
      this.#tell(
        `the runtime has started again${isNewer ? `, with release ${this.#release + 1} of the app` : ''}`,
      );
      return next;
    })();
    this.#starting.catch((error: unknown) => {
      this.#breaks('clientsEnd', `the runtime does not start again: ${String(error)}`);
    });
    await this.#starting.catch(() => {});
  }

  /** The next release, perhaps; at last the last one. Says whether it is another one. */
  #goOnTo(isLast: boolean): boolean {
    const last = this.#apps.length - 1;
    const comes = this.#release < last && (isLast || this.#releasing.oneIn(newReleaseOneIn));
    if (!comes) return false;
    this.#release = isLast ? last : this.#release + 1;
    const { checks } = this.#plan;
    if (this.#log.hasGrown) this.#broken ??= this.#log.follow(checks);
    this.#broken ??= this.#log.upgrade(this.#apps[this.#release] as () => A, checks);
    return true;
  }

  #alive(): Life<A> {
    if (this.#life === undefined) throw new RamaxError('unavailable', 'the runtime is being started again');
    return this.#life;
  }

  // Time.

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#house.scheduler.plan(ms, resolve));
  }

  /** Steps until `promise` has settled, and looks at the log after each. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.#house.scheduler.settled();
    while (!isSettled) await this.#step();
    this.#stops();
    return promise;
  }

  async #step(): Promise<void> {
    const { scheduler } = this.#house;
    if (!(await scheduler.step())) {
      this.#breaks(
        'clientsEnd',
        `nothing happens any more at ${scheduler.nowMs.toFixed(0)} ms, and somebody waits`,
      );
    } else if (++this.#happenings > happeningsMax) {
      this.#breaks('clientsEnd', `there is no end: ${happeningsMax} things have happened`);
    }
    if (this.#log.hasGrown) this.#stopsAt(this.#log.follow(this.#plan.checks));
    this.#stops();
  }

  /** Nothing is in flight, and every message has been dealt with. */
  async #becomeQuiet(): Promise<void> {
    const { scheduler } = this.#house;
    await scheduler.settled();
    while (this.#calls.inFlight > 0 || scheduler.workUnderWay > 0 || this.#life === undefined)
      await this.#step();
  }

  // What is checked.

  /** Half way, everybody waits at the gate until the state has been looked at. */
  #passGate(): Promise<void> | undefined {
    if (!this.#isCalm && ++this.#sent === Math.max(2, this.#replay.steps >> 1)) {
      this.#gate = new Promise((resolve) => {
        this.#openGate = resolve;
      });
      void this.#checkHalfWay();
    }
    return this.#gate;
  }

  async #checkHalfWay(): Promise<void> {
    for (let look = 0; look < looksMax; look++) {
      const isQuiet = this.#calls.inFlight === 0 && this.#life !== undefined && !this.#house.disk.isFull;
      if (isQuiet && (await this.#look('half way').catch(() => false))) break;
      await this.#sleep(1);
    }
    this.#gate = undefined;
    this.#openGate();
  }

  async #checkState(when: string): Promise<void> {
    for (let look = 0; look < looksMax; look++) {
      const looking = this.#look(when);
      const isSeen = await this.#until(looking).catch((error: unknown) => {
        if (error instanceof Stopped || look + 1 === looksMax) throw error;
        return false;
      });
      if (isSeen) return;
      await this.#until(this.#sleep(lookAgainMs));
    }
    this.#breaks('stateIsFold', `the log goes on growing ${when}, so that no state can be looked at`);
  }

  /** Holds live state against the fold; says false when the log has grown meanwhile. */
  async #look(when: string): Promise<boolean> {
    const before = this.#house.disk.log.eventCounter;
    const seen: [string, ReadonlyMap<string, string>][] = [];
    const { handles, death } = this.#alive();
    for (const [spaceName, space] of handles) {
      const ticket = this.#tickets++;
      const query = space.query.bind(space) as unknown as (name: string, ticket: number) => Promise<unknown>;
      await Promise.race([query(everythingQuery, ticket), death]);
      const texts = this.#looks.get(ticket);
      if (texts !== undefined) seen.push([spaceName, texts]);
    }
    if (this.#house.disk.log.eventCounter !== before) return false;
    if (this.#log.hasGrown) this.#stopsAt(this.#log.follow(this.#plan.checks));
    for (const [spaceName, texts] of seen) this.#compare(when, spaceName, texts);
    return true;
  }

  #compare(when: string, spaceName: string, texts: ReadonlyMap<string, string>): void {
    const fold = this.#foldOf(spaceName);
    for (const [view, expected] of fold.texts()) {
      const actual = texts.get(view) ?? '';
      if (actual === expected) continue;
      const message = `${spaceName}: view '${view}' ${when} is not the fold of the ${fold.sequence} events: ${difference(actual, expected)}`;
      this.#breaks('stateIsFold', message);
    }
  }

  async #checkEventually(): Promise<void> {
    const endMs = this.#house.scheduler.nowMs + this.#plan.settleMs;
    for (const rule of this.#plan.eventually) {
      await this.#comesTrue(endMs, () => {
        const spaces = [...this.#log.spaces.values()];
        for (const space of spaces) {
          const broken = brokenRule(rule, space, this.#log.history);
          if (broken !== undefined) return broken;
        }
        return undefined;
      });
    }
    const { timers } = this.#log;
    const begunAt = this.#house.scheduler.wallMs;
    await this.#comesTrue(endMs, () => this.#rule('timersEndOnce', timers.overdue(begunAt)));
    await this.#checkSubscribers();
    this.#checkParked();
  }

  async #checkSubscribers(): Promise<void> {
    const endMs = this.#house.scheduler.nowMs + this.#plan.settleMs;
    await this.#comesTrue(endMs, () => this.#rule('subscribersMissNothing', this.#subscribers.behind));
  }

  /** Waits until nothing is broken any more. */
  async #comesTrue(endMs: number, brokenNow: () => Broken | undefined): Promise<void> {
    for (;;) {
      const broken = brokenNow();
      if (broken === undefined) return;
      this.#checkParked();
      if (this.#house.scheduler.nowMs >= endMs) this.#stopsAt(broken);
      await this.#until(this.#sleep(lookAgainMs));
    }
  }

  #checkParked(): void {
    const [parked] = this.#house.disk.log.parked.values();
    if (parked === undefined) return;
    const { reactor, spaceSequence, error } = parked;
    const message = `reactor '${reactor}' has parked the event at sequence ${spaceSequence}: ${error.code}: ${error.message}`;
    this.#stopsAt(this.#rule('reactorsDoNotPark', message));
  }

  /** A built-in rule that breaks for a reason, if it is checked. */
  #rule(invariant: BuiltInInvariant, message: string | undefined): Broken | undefined {
    return message !== undefined && this.#plan.checks.has(invariant) ? { invariant, message } : undefined;
  }

  #tell(line: string): void {
    if (this.#isOver) return;
    this.#story.push(`${this.#house.scheduler.nowMs.toFixed(1).padStart(7)} ms  ${line}`);
  }

  /** The first rule that breaks is the one that is told of. */
  #breaks(invariant: string, message: string): void {
    if ((this.#plan.checks as ReadonlySet<string>).has(invariant)) this.#broken ??= { invariant, message };
  }

  #stopsAt(broken: Broken | undefined): void {
    this.#broken ??= broken;
    this.#stops();
  }

  #stops(): void {
    if (this.#broken !== undefined) throw new Stopped();
  }
}

/** The first line in which two states differ. */
function difference(actual: string, expected: string): string {
  const [left, right] = [actual.split('\n'), expected.split('\n')];
  const at = left.findIndex((line, index) => line !== right[index]);
  const place = at === -1 ? left.length : at;
  return `it has ${left[place] ?? 'nothing'} where the fold has ${right[place] ?? 'nothing'}`;
}
