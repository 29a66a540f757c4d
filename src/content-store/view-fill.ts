/**
 * Filling: views brought from their checkpoints to the head from the log, beside what readers get, while turns go on.
 *
 * Owned by: the upkeep of a live space.
 *
 * Invariants:
 *   R1  Nothing here is seen by readers before it has caught up: `finish` runs while no turn does and nothing is uncommitted.
 *   R2  Only this space's events are read.
 *   R3  What was filled is persisted with its checkpoint now and then, so that a fill goes on where it was after a crash.
 *   R4  Once aborted it writes nothing more: another fill may have begun to write the same build.
 *   R5  It catches up: each round is over what was committed when it began; when rounds get no shorter, it goes on in steps
 *       of a bounded size in which nothing is added.
 */

import type { Clock } from '../core/clock.js';
import type { RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { EventShapes } from '../core/upcasters.js';
import type { StoredEvent } from '../event-store/port.js';
import { openForViews } from '../event-store/seal.js';
import type { PStateStore } from '../pstate/port.js';
import { assertGoingOn, catchUp } from './catch-up.js';
import { flushViews, type LiveView } from './live-view.js';
import type { LogLink } from './log-link.js';
import { Pace, type TurnCount } from './pace.js';

/** How far a rebuild has come. */
export interface RebuildProgress {
  /** Events applied so far, those before a crash included. */
  readonly eventsApplied: number;
  /** The space's latest committed sequence when this was reported. */
  readonly lastSpaceSequence: number;
}

/** What filling works on. */
export interface ViewFillOptions {
  readonly views: readonly LiveView[];
  readonly log: Pick<LogLink, 'readSpace'>;
  readonly pstates: PStateStore;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly spaceId: number;
  /** Of the app. */
  readonly shapes: EventShapes;
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The turns beside which it goes on. */
  readonly turnCount?: Readonly<TurnCount> | undefined;
}

/** Events between two yields while turns wait. */
const eventsAtOnceMax = 128;
/** Events left for `finish`, during which turns wait. */
const restEventsMax = 128;
/** Events of one step, during which turns wait: more than can be decided between two of them. */
const stepEventsMax = 1_024;
/** Events between two checkpoints where few keys change. */
const checkpointEventsMax = 8_192;
/** Payload bytes between two checkpoints: bounds the memory where few keys have large values. */
const checkpointBytesMax = 8 * 1024 * 1024;

/** See the head of this file. */
export class ViewFill {
  readonly #options: ViewFillOptions;
  #persistedAt: number;
  #bytesSince = 0;

  constructor(options: ViewFillOptions) {
    this.#options = options;
    this.#persistedAt = this.#applied;
  }

  /** Why a view could not be filled, the first one. */
  get failure(): RamaxError | undefined {
    return this.#options.views.find(({ failure }) => failure !== undefined)?.failure;
  }

  /** The views that came through. */
  get filled(): readonly LiveView[] {
    return this.#options.views.filter(({ failure }) => failure === undefined);
  }

  /** Applies events until few are missing, or until it gets no nearer, while the space goes on. */
  async fill(committed: () => Checkpoint): Promise<void> {
    const { clock, turnCount } = this.#options;
    const pace = turnCount && new Pace(clock, turnCount);
    let before = Number.POSITIVE_INFINITY;
    for (;;) {
      const missing = committed().lastSpaceSequence - this.#applied;
      if (this.filled.length === 0 || missing <= restEventsMax || missing >= before) return;
      before = missing;
      await this.#applyUpTo(committed().lastSpaceSequence, pace);
    }
  }

  /** Whether so few events are missing that turns can wait for the rest. */
  isNear({ lastSpaceSequence }: Checkpoint): boolean {
    return this.filled.length === 0 || lastSpaceSequence - this.#applied <= restEventsMax;
  }

  /** Applies some events, while nothing is added: a step that comes nearer whatever the load. */
  async step({ lastSpaceSequence }: Checkpoint): Promise<void> {
    await this.#applyUpTo(Math.min(lastSpaceSequence, this.#applied + stepEventsMax));
  }

  /** Applies the rest and persists; nothing may be uncommitted. */
  async finish(committed: Checkpoint): Promise<RebuildProgress> {
    if (this.filled.length > 0) {
      await this.#applyUpTo(committed.lastSpaceSequence);
      this.#persist(committed);
    }
    return { eventsApplied: this.#applied, lastSpaceSequence: committed.lastSpaceSequence };
  }

  get #applied(): number {
    return Math.min(...this.filled.map(({ applied }) => applied));
  }

  async #applyUpTo(target: number, pace?: Pace): Promise<void> {
    const { log, clock, limits, spaceId, signal, onProgress, views, shapes } = this.#options;
    await catchUp({
      log,
      clock,
      limits,
      spaceId,
      from: this.#applied,
      to: target,
      signal,
      batchEvents: () => pace?.stepEvents ?? eventsAtOnceMax,
      rest: pace && (() => pace.rest()),
      apply: (stored) => {
        const event = openForViews(stored, shapes);
        this.#bytesSince += stored.payload.length;
        for (const view of views) view.catchUp(event);
      },
      afterBatch: (last) => {
        this.#persistWhenMuch(last);
        onProgress?.({ eventsApplied: last.spaceSequence, lastSpaceSequence: target });
      },
    });
  }

  #persistWhenMuch({ eventId, spaceSequence }: StoredEvent): void {
    let dirtyKeys = 0;
    for (const { pstate } of this.filled) dirtyKeys += pstate.dirtyKeys;
    const isMuch = dirtyKeys >= this.#options.limits.fillKeysMax || this.#bytesSince >= checkpointBytesMax;
    if (!isMuch && spaceSequence - this.#persistedAt < checkpointEventsMax) return;
    this.#persist({ lastEventId: eventId, lastSpaceSequence: spaceSequence });
  }

  #persist(checkpoint: Checkpoint): void {
    const { pstates, spaceId, signal } = this.#options;
    const { filled } = this;
    assertGoingOn(signal);
    for (const view of filled) view.freeze();
    try {
      flushViews({ store: pstates, spaceId }, filled, checkpoint);
    } catch (error) {
      // The next try begins where the store has them: what stays frozen could not be frozen again.
      for (const view of filled) view.rewind();
      throw error;
    }
    this.#persistedAt = checkpoint.lastSpaceSequence;
    this.#bytesSince = 0;
  }
}
