/**
 * The reactors of a shard: a lane for each reactor in each space that has something to react to.
 *
 * Owns: the lanes, and the positions that wait to be written. Called by: the shard (commits wake lanes, deletions end them) and main
 * (`serve-shard.ts`): at a start it names the spaces, one after the other. Calls: the log, and main for the commands.
 *
 * Invariants:
 *   O1  A commit wakes the lanes of its space, and waits for nothing of them.
 *   O2  A lane needs the log, not the views: its space need not be resident. What has nothing to do is forgotten; its position is in
 *       the log.
 *   O3  At most `reactionsAtOnceMax` lanes read or run a handler at once.
 *   O4  Positions are written together, `reactionFlushMs` after the first of them has moved, and when the shard drains.
 */

import { openedForReactors } from '../content-store/open-for-reactors.js';
import type { ReadTurn } from '../content-store/turn.js';
import type { Cipher } from '../core/cipher.js';
import type { Platform, Timer } from '../core/clock.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { Line } from '../core/line.js';
import type { LoadedApp } from '../core/loaded-app.js';
import { Permits } from '../core/permits.js';
import type { ReactionPlace } from '../core/reaction-id.js';
import type { LoadedReactor, StoppedEvent } from '../core/reactor.js';
import type { Value } from '../core/values.js';
import type { Vitals } from '../core/vitals.js';
import type { CursorWrite, LogReader, ParkWrite } from '../event-store/port.js';
import type { ReactReply, ResumeReactorRequest, SpaceAddress } from '../protocol/bodies.js';
import type { ReactorFigures } from '../protocol/stats.js';
import type { Recorder } from '../telemetry/recorder.js';
import { ReactionDesk } from './reaction-desk.js';
import { ReactionJudge, type ReactionVerdicts } from './reaction-judge.js';
import { type LaneGround, ReactorLane, type ReactorLog } from './reactor-lane.js';

export type { ReactionVerdicts } from './reaction-judge.js';

/** What reactors need of the log. */
export interface ReactorLink {
  readonly reader: Pick<LogReader, 'readSpace' | 'spaceHead' | 'cursor' | 'parkedEvents'>;
  /** Rejects when nobody knows whether it was written. */
  writeCursor(write: CursorWrite | ParkWrite): Promise<void>;
}

/** What the reactors of a shard are made of. */
export interface ReactorsOptions {
  readonly app: LoadedApp;
  readonly link: ReactorLink;
  readonly platform: Platform;
  readonly limits: Limits;
  readonly vitals: Vitals;
  readonly recorder?: Recorder | undefined;
  readonly verdicts?: ReactionVerdicts | undefined;
  readonly cipherOf: (spaceId: number) => Cipher | undefined;
  readonly read: (address: SpaceAddress, turn: ReadTurn) => Promise<Value | undefined>;
}

/** Reads by which the place of an event id in a space is found: a history of 2^40 events. */
const searchStepsMax = 40;

/** See the head of this file. */
export class Reactors {
  readonly #options: ReactorsOptions;
  readonly #ground: LaneGround;
  readonly #lanes = new Map<number, readonly ReactorLane[]>();
  /** Where each reactor was born: the event id from which on it reacts in a space that it has no position in. */
  readonly #births = new Map<string, number>();
  readonly #moved = new Set<ReactorLane>();
  /** Suspended: what is loaded or committed of them wakes nobody. */
  readonly #suspended = new Set<number>();
  #flushTimer: Timer | undefined;
  #isStopped = false;
  readonly desk = new ReactionDesk();

  constructor(options: ReactorsOptions) {
    this.#options = options;
    const { platform, limits, vitals, recorder, read, cipherOf, verdicts } = options;
    const { shapes } = options.app;
    const judge = new ReactionJudge(verdicts);
    this.#ground = {
      desk: this.desk,
      platform,
      limits,
      vitals,
      recorder,
      read,
      log: this.#log(),
      permits: new Permits(limits.reactionsAtOnceMax),
      open: (stored) => openedForReactors(stored, cipherOf(stored.spaceId), shapes),
      mayBeOther: (stored) => shapes.hasUpcasters(stored.type) && !shapes.isPresent(stored),
      isEncrypted: (spaceId) => cipherOf(spaceId) !== undefined,
      verdictOn: (place) => judge.verdictOn(place),
      alone: new Line(),
      onMoved: (lane) => this.#laneMoved(lane),
    };
  }

  /** A space has come to this sequence. */
  committed(address: SpaceAddress, spaceSequence: number): void {
    if (this.#suspended.has(address.spaceId)) return;
    for (const lane of this.#lanesOf(address)) lane.wake(spaceSequence);
  }

  /** Lets the lanes of a space go on from where they stand; resolves when a handler of each runs, or they have nothing to do, or wait. */
  async react(address: SpaceAddress): Promise<ReactReply> {
    const { reader } = this.#options.link;
    this.#suspended.delete(address.spaceId);
    const head = await reader.spaceHead(address.spaceId);
    if (head === undefined) return { needsKey: false };
    const lanes = this.#lanesOf(address);
    for (const lane of lanes) lane.wake(head.lastSpaceSequence);
    await Promise.all(lanes.map((lane) => lane.underWay()));
    this.#forgetIdle(address.spaceId);
    return { needsKey: lanes.some((lane) => lane.needsKey) };
  }

  /** The lanes of a space do nothing more, and nothing but `react` wakes them. */
  suspend(spaceId: number): Promise<void> {
    this.#suspended.add(spaceId);
    return this.rest(spaceId);
  }

  /** The lanes of a space do nothing more: it is suspended, locked, or deleted. What they have done is written. */
  async rest(spaceId: number): Promise<void> {
    const lanes = this.#lanes.get(spaceId) ?? [];
    this.#lanes.delete(spaceId);
    for (const lane of lanes) lane.stop();
    await this.#write(lanes);
  }

  /** See `ReactorLane.retry`. */
  async retry(address: SpaceAddress, place: ReactionPlace): Promise<void> {
    const lane = this.#lanesOf(address).find(({ reactor }) => reactor.name === place.reactor);
    if (lane === undefined) throw new RamaxError('not_found', `the app has no reactor '${place.reactor}'`);
    await lane.retry(place);
  }

  /** Where the reactors of a space have stopped. */
  stoppedIn(spaceId: number): readonly StoppedEvent[] {
    return (this.#lanes.get(spaceId) ?? []).flatMap(({ stoppedAt }) => stoppedAt ?? []);
  }

  /** See `ReactorLane.resume`. */
  async resume({ isSkipped, ...place }: ResumeReactorRequest): Promise<void> {
    const lane = this.#lanes.get(place.spaceId)?.find(({ reactor }) => reactor.name === place.reactor);
    if (lane === undefined) throw new RamaxError('not_found', 'the reactor has not stopped at this event');
    await lane.resume(place, isSkipped);
  }

  /** Ends every handler and writes all positions. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#flushTimer?.cancel();
    const lanes = [...this.#lanes.values()].flat();
    for (const lane of lanes) lane.stop();
    this.#lanes.clear();
    await this.#write(lanes);
  }

  /** Of each reactor over the spaces that it has something to do in. */
  get figures(): readonly ReactorFigures[] {
    const figures = this.#options.app.reactors.map(({ name }) => ({
      reactor: name,
      spaces: 0,
      waiting: 0,
      stopped: 0,
      lagMax: 0,
    }));
    for (const lane of [...this.#lanes.values()].flat()) {
      const of = figures[lane.reactorIndex];
      const { lag, isWaiting, isStopped } = lane.figures;
      if (of === undefined || (lag === 0 && !isWaiting)) continue;
      of.spaces++;
      if (isWaiting) of.waiting++;
      if (isStopped) of.stopped++;
      of.lagMax = Math.max(of.lagMax, lag);
    }
    return figures;
  }

  #lanesOf(address: SpaceAddress): readonly ReactorLane[] {
    if (this.#isStopped) return [];
    const known = this.#lanes.get(address.spaceId);
    if (known !== undefined) return known;
    const { reactors } = this.#options.app;
    const lanes = reactors.map((reactor, index) => new ReactorLane(this.#ground, address, reactor, index));
    this.#lanes.set(address.spaceId, lanes);
    return lanes;
  }

  #laneMoved(lane: ReactorLane): void {
    this.#moved.add(lane);
    if (this.#isStopped) return;
    const { platform, limits } = this.#options;
    this.#flushTimer ??= platform.clock.after(limits.reactionFlushMs, () => {
      this.#flushTimer = undefined;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const moved = [...this.#moved];
    this.#moved.clear();
    await this.#write(moved);
    for (const { address } of moved) this.#forgetIdle(address.spaceId);
  }

  async #write(lanes: readonly ReactorLane[]): Promise<void> {
    await Promise.all(
      lanes.map(async (lane) => {
        const position = lane.takePosition();
        if (position === undefined) return;
        const { reactor, address } = lane;
        const cursor = { kind: 'reactor', name: reactor.name, spaceId: address.spaceId, position } as const;
        try {
          await this.#options.link.writeCursor({ kind: 'moveCursor', cursor });
        } catch (error) {
          if (isRamaxError(error, 'not_found')) return;
          lane.positionLost();
          this.#laneMoved(lane);
        }
      }),
    );
  }

  #forgetIdle(spaceId: number): void {
    const lanes = this.#lanes.get(spaceId);
    if (lanes?.every((lane) => lane.isIdle) === true) this.#lanes.delete(spaceId);
  }

  #log(): ReactorLog {
    const { link } = this.#options;
    return {
      readSpace: (spaceId, after, bounds) => link.reader.readSpace(spaceId, after, bounds),
      position: (reactor, spaceId) => this.#position(reactor, spaceId),
      park: (write) => link.writeCursor(write),
      isParked: async (place) => {
        const after = { ...place, part: place.part - 1 };
        const [next] = await link.reader.parkedEvents({ spaceId: place.spaceId, after, limit: 1 });
        const isIt = next?.reactor === place.reactor && next.spaceSequence === place.spaceSequence;
        return isIt && next.part === place.part;
      },
    };
  }

  async #position({ name }: LoadedReactor, spaceId: number): Promise<number> {
    const { reader } = this.#options.link;
    const cursor = await reader.cursor('reactor', name, spaceId);
    if (cursor !== undefined) return cursor.position;
    const birth = this.#births.get(name) ?? (await reader.cursor('reactor', name, 0))?.position;
    // Main writes it before anybody can call.
    if (birth === undefined)
      throw new RamaxError('unavailable', `nobody knows when the reactor '${name}' was born`);
    this.#births.set(name, birth);
    return birth === 0 ? 0 : this.#sequenceUpTo(spaceId, birth);
  }

  /** The last sequence of a space whose event id is not over this one. */
  async #sequenceUpTo(spaceId: number, eventId: number): Promise<number> {
    const { reader } = this.#options.link;
    let low = 0;
    let high = (await reader.spaceHead(spaceId))?.lastSpaceSequence ?? 0;
    for (let step = 0; low < high && step < searchStepsMax; step++) {
      const middle = Math.ceil((low + high) / 2);
      const [event] = await reader.readSpace(spaceId, middle - 1, { limit: 1, bytesMax: 1 });
      if (event === undefined || event.eventId > eventId) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}
