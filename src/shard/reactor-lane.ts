/**
 * The lane of one reactor in one space: it goes through the log of the space, event by event, behind the commits.
 *
 * Owns: where the reactor stands in this space, and the attempts at the event there. Called by: the reactors of the shard.
 *
 *   resting -> running -> resting              woken by a commit
 *               |  ^ |
 *               v  | +--> stopped              at an event, until an operator decides (`resume`)
 *             waiting                          for the next attempt, or for trouble to pass
 *
 * Invariants:
 *   Y1  One handler of a lane runs at a time, and no event before the one in front of it is done or parked.
 *   Y2  The position is moved when an event is done with, and never past one that is not. It is written later (`takePosition`), so an
 *       event may be handled again after a crash; its commands happen once all the same.
 *   Y3  It holds a page of events only while it has a permit, and none while it waits.
 *   Y4  It never ends by itself: whatever it meets it waits for, or stops at for everybody to see. Who made it ends it (`stop`).
 *   Y5  An event that the app is too old to read is not passed over, whatever the policy: a newer app will read it.
 */

import type { Timer } from '../core/clock.js';
import { asRamaxError, isRamaxError, RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import { Line } from '../core/line.js';
import type { Permits } from '../core/permits.js';
import { type ReactionPlace, wholePart } from '../core/reaction-id.js';
import { fateOf, type LoadedReactor, parkedError, retryDelayMs, type StoppedEvent } from '../core/reactor.js';
import type { ParkWrite, ReadBounds, StoredEvent } from '../event-store/port.js';
import type { SpaceAddress } from '../protocol/bodies.js';
import { Reaction, type ReactionEnd, type ReactionGround } from './reaction.js';

/** A lane that others wait for gives its permit back after so long. */
const sliceMs = 50;
/** A page: handlers are slow beside reading. */
const pageBounds: ReadBounds = { limit: 64, bytesMax: 1024 * 1024 };
/** How long trouble with the log is left to pass: twice as long each time, up to a bound. */
const troubleDelayMs = 500;
const troubleDelayMsMax = 10_000;

/** What a lane does to the log. */
export interface ReactorLog {
  readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]>;
  /** Where the reactor stands in a space. */
  position(reactor: LoadedReactor, spaceId: number): Promise<number>;
  park(write: ParkWrite): Promise<void>;
  isParked(place: ReactionPlace): Promise<boolean>;
}

/** What the lanes of a shard share. */
export interface LaneGround extends ReactionGround {
  readonly log: ReactorLog;
  readonly permits: Permits;
  /** The parts of an event as handlers see them; throws `key_missing` where it is sealed and nobody has the key. */
  readonly open: (stored: StoredEvent) => readonly RecordedEvent[];
  /** It may be of other types in its present shape. */
  readonly mayBeOther: (stored: StoredEvent) => boolean;
  readonly isEncrypted: (spaceId: number) => boolean;
  /** What is known of a reaction from the deaths of earlier shards. */
  readonly verdictOn: (place: ReactionPlace) => RamaxError | 'suspected' | undefined;
  /** Suspects run alone. */
  readonly alone: Line;
  /** A lane has a position to write. */
  readonly onMoved: (lane: ReactorLane) => void;
}

/** Figures of one lane. */
export interface LaneFigures {
  readonly lag: number;
  readonly isWaiting: boolean;
  readonly isStopped: boolean;
}

/** What becomes of an event: the lane goes on, waits, or stops. */
type Step = 'passed' | 'waits' | 'stops';

/** See the head of this file. */
export class ReactorLane {
  readonly #ground: LaneGround;
  readonly #stop = new AbortController();
  /** Attempts, one after the other: those at the event in front, and at parked ones. */
  readonly #attempting = new Line();
  /** What operators decide about the event that it has stopped at, one after the other. */
  readonly #decisions = new Line();
  readonly #underWayWaiters: (() => void)[] = [];
  readonly address: SpaceAddress;
  readonly reactor: LoadedReactor;
  readonly reactorIndex: number;
  #position: number | undefined;
  /** The last position that is written, or is being written. */
  #written = 0;
  #head = 0;
  #isRunning = false;
  #isHandling = false;
  #stopped: StoppedEvent | undefined;
  /** Times that it was kept from going on, since it last did. */
  #troubles = 0;
  /** Some parts of the event in front may be parked: a lane before this one came so far. */
  #isFirst = true;
  #timer: Timer | undefined;
  /** Of the event in front. */
  #attempts = 0;
  #nextPart = 0;
  #needsKey = false;

  constructor(ground: LaneGround, address: SpaceAddress, reactor: LoadedReactor, reactorIndex: number) {
    this.#ground = ground;
    this.address = address;
    this.reactor = reactor;
    this.reactorIndex = reactorIndex;
  }

  get figures(): LaneFigures {
    const lag = this.#position === undefined ? 0 : Math.max(0, this.#head - this.#position);
    return { lag, isWaiting: this.#timer !== undefined, isStopped: this.#stopped !== undefined };
  }

  /** The event that it has stopped at. */
  get stoppedAt(): StoppedEvent | undefined {
    return this.#stopped;
  }

  /** It has stopped for want of the space's key. */
  get needsKey(): boolean {
    return this.#needsKey;
  }

  /** Nothing to do, nothing to write: it may be forgotten. */
  get isIdle(): boolean {
    const { lag, isWaiting } = this.figures;
    return !this.#isRunning && !isWaiting && lag === 0 && this.#position === this.#written;
  }

  /** The space has come to this sequence. */
  wake(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#needsKey = false;
    this.#begin();
  }

  /** Resolves when it has nothing to do, waits, or has stopped; or when a handler runs, which may take its time. */
  underWay(): Promise<void> {
    if (!this.#isRunning || this.#isHandling) return Promise.resolve();
    return new Promise((resolve) => this.#underWayWaiters.push(resolve));
  }

  /** Stops for good: the handler that runs is aborted and no longer waited for. */
  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The position that is to be written; undefined when it is written already. */
  takePosition(): number | undefined {
    if (this.#position === undefined || this.#position <= this.#written) return undefined;
    this.#written = this.#position;
    return this.#position;
  }

  /** It could not be written. */
  positionLost(): void {
    this.#written = 0;
  }

  /**
   * Handles a parked event once more.
   *
   * @throws {RamaxError} what the handler fails of; the event stays parked then
   */
  retry(place: ReactionPlace): Promise<void> {
    return this.#withPermit(async () => {
      await this.#handle(place);
      await this.#ground.log.park({ kind: 'unparkEvent', place });
    });
  }

  /**
   * Handles the event that it has stopped at once more, or passes it over, and goes on behind it.
   *
   * @throws {RamaxError} `not_found` when it has not stopped there; what the handler fails of, and then it stays
   */
  resume(place: ReactionPlace, isSkipped: boolean): Promise<void> {
    return this.#decisions.run(async () => {
      this.#assertStoppedAt(place);
      if (!isSkipped) await this.#withPermit(() => this.#handle(place));
      if (this.#stop.signal.aborted) throw new RamaxError('aborted', 'the reactor rests');
      this.#stopped = undefined;
      this.#attempts = 0;
      if (place.part === wholePart) this.#moveOver(place);
      else this.#nextPart++;
      this.#begin();
    });
  }

  #assertStoppedAt({ spaceSequence, part }: ReactionPlace): void {
    if (this.#stopped?.spaceSequence === spaceSequence && this.#stopped.part === part) return;
    throw new RamaxError('not_found', 'the reactor has not stopped at this event');
  }

  /** One attempt at one part, or at all parts that it has a handler of. */
  async #handle(place: ReactionPlace): Promise<void> {
    const { log } = this.#ground;
    const [stored] = await log.readSpace(place.spaceId, place.spaceSequence - 1, {
      ...pageBounds,
      limit: 1,
    });
    const events = stored === undefined ? [] : this.#ground.open(stored);
    const isWhole = place.part === wholePart;
    if (stored === undefined || (!isWhole && events[place.part] === undefined))
      throw new RamaxError('not_found', 'the event is not there');
    for (const [part, event] of events.entries()) {
      const isIts = isWhole ? this.reactor.handlers.has(event.type) : part === place.part;
      if (!isIts) continue;
      const end = await this.#attempt(stored, event, { ...place, part }, 1);
      if (end.kind === 'stopped') throw new RamaxError('aborted', 'the reactor rests');
      if (end.kind === 'failed') throw end.error;
    }
  }

  #begin(): void {
    if (this.#isRunning || this.#timer !== undefined || this.#stop.signal.aborted) return;
    if (this.#stopped !== undefined) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      let step: Step = 'passed';
      if (this.#position === undefined) await this.#load();
      while (step === 'passed' && this.#isBehind) {
        step = await this.#withPermit(() => this.#slice());
        this.#troubles = 0;
      }
    } catch (error) {
      this.#trouble(error);
    }
    this.#isRunning = false;
    this.#tellUnderWay();
    // A commit may have come meanwhile; not where it stops, or waits.
    if (this.#isBehind && !this.#needsKey) this.#begin();
  }

  #tellUnderWay(): void {
    for (const wake of this.#underWayWaiters.splice(0)) wake();
  }

  get #isBehind(): boolean {
    return !this.#stop.signal.aborted && (this.#position ?? 0) < this.#head;
  }

  async #load(): Promise<void> {
    const position = await this.#ground.log.position(this.reactor, this.address.spaceId);
    this.#position = position;
    this.#written = position;
  }

  async #withPermit<Result>(work: () => Promise<Result>): Promise<Result> {
    const { permits } = this.#ground;
    await permits.acquire();
    try {
      return await work();
    } finally {
      permits.release();
    }
  }

  /** Goes through one page, or a part of it where others wait. */
  async #slice(): Promise<Step> {
    const { log, permits, platform } = this.#ground;
    const endMs = platform.clock.monotonicMs() + sliceMs;
    const events = await log.readSpace(this.address.spaceId, this.#position ?? 0, pageBounds);
    if (events.length === 0) this.#head = this.#position ?? 0;
    for (const stored of events) {
      if (this.#stop.signal.aborted) return 'stops';
      const step = this.#mayConcern(stored) ? await this.#pass(stored) : this.#moveOver(stored);
      if (step !== 'passed') return step;
      if (permits.areWanted && platform.clock.monotonicMs() >= endMs) break;
    }
    return 'passed';
  }

  #mayConcern(stored: StoredEvent): boolean {
    return this.reactor.handlers.has(stored.type) || this.#ground.mayBeOther(stored);
  }

  /** What no upcaster can bring to its present shape is parked as a whole; undefined: it stops there. */
  async #parts(stored: StoredEvent): Promise<readonly RecordedEvent[] | undefined> {
    try {
      return this.#ground.open(stored);
    } catch (error) {
      if (!isRamaxError(error, 'upcast_failed') && !isRamaxError(error, 'event_newer')) throw error;
      const { spaceId, spaceSequence } = stored;
      const place = { spaceId, reactor: this.reactor.name, spaceSequence, part: wholePart };
      if (isRamaxError(error, 'event_newer') || this.reactor.onFailure === 'stop') {
        this.#stopAt(place, error);
        return undefined;
      }
      await this.#park(place, error, true);
      return [];
    }
  }

  #moveOver({ spaceSequence }: Pick<StoredEvent, 'spaceSequence'>): Step {
    this.#position = spaceSequence;
    this.#isFirst = false;
    this.#attempts = 0;
    this.#nextPart = 0;
    this.#ground.onMoved(this);
    return 'passed';
  }

  async #pass(stored: StoredEvent): Promise<Step> {
    const parts = await this.#parts(stored);
    if (parts === undefined) return 'stops';
    for (; this.#nextPart < parts.length; this.#nextPart++, this.#attempts = 0) {
      const event = parts[this.#nextPart];
      if (event === undefined || !this.reactor.handlers.has(event.type)) continue;
      const isLast = this.#nextPart === parts.length - 1;
      if (this.#isFirst && !isLast && (await this.#ground.log.isParked(this.#placeOf(stored)))) continue;
      const step = await this.#react(stored, event, isLast);
      if (step !== 'passed') return step;
    }
    return this.#moveOver(stored);
  }

  #placeOf({ spaceId, spaceSequence }: StoredEvent): ReactionPlace {
    return { spaceId, reactor: this.reactor.name, spaceSequence, part: this.#nextPart };
  }

  async #react(stored: StoredEvent, event: RecordedEvent, isLast: boolean): Promise<Step> {
    const place = this.#placeOf(stored);
    this.#attempts++;
    this.#isHandling = true;
    this.#tellUnderWay();
    const end = await this.#attempt(stored, event, place, this.#attempts);
    this.#isHandling = false;
    if (end.kind === 'done') return 'passed';
    if (end.kind === 'stopped') return 'stops';
    const { retry } = this.reactor;
    const fate = fateOf(end.error, this.#attempts, retry);
    if (fate === 'parked' && this.reactor.onFailure === 'stop') return this.#stopAt(place, end.error);
    if (fate === 'parked') {
      await this.#park(place, end.error, isLast);
      return 'passed';
    }
    const delayMs = retryDelayMs(retry, this.#attempts);
    // A disk that is full counts as no attempt.
    if (fate === 'retriedForEver') this.#attempts = Math.min(this.#attempts, retry.attemptsMax - 1);
    this.#wait(delayMs);
    return 'waits';
  }

  async #attempt(
    { invocationId }: StoredEvent,
    event: RecordedEvent,
    place: ReactionPlace,
    attempt: number,
  ): Promise<ReactionEnd> {
    const { address, reactorIndex } = this;
    const verdict = this.#ground.verdictOn(place);
    if (verdict instanceof RamaxError) return { kind: 'failed', error: verdict };
    const handler = this.reactor.handlers.get(event.type);
    if (handler === undefined)
      throw new RamaxError('not_found', `the reactor has no handler of '${event.type}'`);
    const stopped = this.#stop.signal;
    const options = { ...this.#ground, address, place, reactorIndex, invocationId, event, attempt, stopped };
    const run = (): Promise<ReactionEnd> => new Reaction(options).run(handler);
    return this.#attempting.run(() => (verdict === 'suspected' ? this.#ground.alone.run(run) : run()));
  }

  async #park(place: ReactionPlace, error: RamaxError, isLast: boolean): Promise<void> {
    const { log, isEncrypted } = this.#ground;
    const parked = parkedError(error, isEncrypted(place.spaceId));
    const position = isLast ? place.spaceSequence : undefined;
    const event = { ...place, attempts: this.#attempts, error: parked };
    await log.park({ kind: 'parkEvent', event, position });
    if (position !== undefined) this.#written = position;
  }

  #stopAt(place: ReactionPlace, error: RamaxError): Step {
    const kept = parkedError(error, this.#ground.isEncrypted(place.spaceId));
    this.#stopped = { ...place, attempts: this.#attempts, error: kept };
    return 'stops';
  }

  #wait(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = this.#ground.platform.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#begin();
    });
  }

  /** The log cannot be read or written now: that is no fault of the event. */
  #trouble(thrown: unknown): void {
    const error = asRamaxError(thrown, 'storage', 'the reactor could not go on');
    if (isRamaxError(error, 'key_missing')) this.#needsKey = true;
    else this.#wait(Math.min(troubleDelayMsMax, troubleDelayMs * 2 ** Math.min(this.#troubles++, 40)));
  }
}
