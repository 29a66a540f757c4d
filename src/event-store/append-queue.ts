/**
 * Appends of many callers as a few commits: what arrives while one commit is under way is gathered into the next.
 *
 * Owned by `EventStore`. Invariants:
 *   - Appends to one space are sealed and committed in the order of their calls, each chained to the one before it.
 *   - One commit at a time. An append is settled only by what its commit said; when a commit rejects, its appends are
 *     answered with `outcome_unknown` and nobody is told that nothing was written.
 *   - An append is refused with `conflict` only against a head that was read from the log after everything before it
 *     was settled. If somebody else moved the space meanwhile, it is sealed again.
 */

import type { Platform } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import type { CheckedEventQuery } from '../core/event-query.js';
import type { Limits } from '../core/limits.js';
import { type EventShapes, plainShapes } from '../core/upcasters.js';
import { eventsMatch, noSuchSpace, sequenceConflict, spaceIsBehind } from './log-errors.js';
import type { AppendRequest, LogStore, LogWriteOutcome, SpaceHead } from './port.js';
import { askedEventsMax, isMeantNow, storedQuery } from './present-query.js';
import { sealEvents } from './seal.js';

/** What a caller asked for. Its specs are its own copies. */
export interface AppendCall {
  readonly spaceId: number;
  readonly specs: readonly EventSpec[];
  readonly timestamp: number;
  readonly expectedSequence: number | undefined;
  readonly causationId: string | undefined;
  readonly correlationId: string | undefined;
  /** Refused when an event behind a sequence matches. */
  readonly failIfEventsMatch: AppendCondition | undefined;
}

/** What an append is refused for. */
export interface AppendCondition {
  readonly query: CheckedEventQuery;
  readonly after: number;
}

/** What became of it. */
export interface AppendResult {
  /** The ids of the events, in order. */
  readonly eventIds: readonly number[];
  /** The space's latest sequence after them. */
  readonly spaceSequence: number;
}

interface PendingAppend {
  readonly call: AppendCall;
  resolve(result: AppendResult): void;
  reject(error: RamaxError): void;
}

interface SealedAppend {
  readonly pending: PendingAppend;
  readonly request: AppendRequest;
}

/** The appends that wait, and the loop that commits them. */
export class AppendQueue {
  readonly #log: LogStore;
  readonly #platform: Platform;
  readonly #limits: Limits;
  readonly #shapes: EventShapes;
  #waiting: PendingAppend[] = [];
  #running: Promise<void> | undefined;

  constructor(log: LogStore, platform: Platform, limits: Limits, shapes: EventShapes = plainShapes) {
    this.#shapes = shapes;
    this.#log = log;
    this.#platform = platform;
    this.#limits = limits;
  }

  /**
   * Appends as soon as the appends before it are committed.
   *
   * @throws {RamaxError} see `EventStore.append`
   */
  append(call: AppendCall): Promise<AppendResult> {
    if (this.#waiting.length >= this.#limits.totalInFlightMax) {
      const message = `more than ${this.#limits.totalInFlightMax} appends are waiting`;
      return Promise.reject(new RamaxError('overloaded', message));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Callers that append in the same turn of the event loop share the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = await this.#gather();
      if (batch.length > 0) await this.#commit(batch);
    }
    this.#running = undefined;
  }

  /** Seals what waits, up to the bounds of one commit. What is refused here was never written. */
  async #gather(): Promise<readonly SealedAppend[]> {
    const heads = new Map<number, SpaceHead>();
    const batch: SealedAppend[] = [];
    let bytes = 0;
    let taken = 0;
    for (const pending of this.#waiting) {
      // What it is checked against has to be committed first.
      if (pending.call.failIfEventsMatch !== undefined && heads.has(pending.call.spaceId)) break;
      if (batch.length >= this.#limits.commitCommandsMax || bytes >= this.#limits.commitBytesMax) break;
      taken += 1;
      try {
        const request = await this.#seal(pending.call, heads);
        for (const event of request.events) bytes += event.payload.byteLength;
        batch.push({ pending, request });
      } catch (error) {
        pending.reject(asRamaxError(error, 'storage', 'cannot append'));
      }
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  /** @param heads where each space ends after the appends that this batch already holds */
  async #seal(call: AppendCall, heads: Map<number, SpaceHead>): Promise<AppendRequest> {
    const { spaceId, specs, expectedSequence } = call;
    const head = heads.get(spaceId) ?? (await this.#log.spaceHead(spaceId));
    if (head === undefined) throw noSuchSpace(spaceId);
    const actualSequence = head.lastSpaceSequence;
    if (expectedSequence !== undefined && expectedSequence !== actualSequence) {
      throw sequenceConflict(spaceId, expectedSequence, actualSequence);
    }
    await this.#checkCondition(call, actualSequence);
    const invocationId = this.#platform.ids.newId();
    const context = { ...call, invocationId, digest: this.#platform.chainDigest, limits: this.#limits };
    const drafts = sealEvents(specs, { sequence: actualSequence, hash: head.lastHash }, context);
    const events = drafts.map((draft) => draft.sealed);
    heads.set(spaceId, {
      lastSpaceSequence: actualSequence + events.length,
      lastEventId: head.lastEventId,
      lastHash: events.at(-1)?.hash ?? head.lastHash,
    });
    return {
      kind: 'append',
      spaceId,
      previousSequence: actualSequence,
      previousHash: head.lastHash,
      invocationId,
      events,
      command: null,
    };
  }

  /** All of the space is committed up to `head`; who else appends meanwhile has it sealed, and checked, again. */
  async #checkCondition({ spaceId, failIfEventsMatch }: AppendCall, head: number): Promise<void> {
    if (failIfEventsMatch === undefined) return;
    const { query, after } = failIfEventsMatch;
    if (after > head) throw spaceIsBehind(after, head);
    const { readBytesMax, scanEventsMax } = this.#limits;
    const limit = askedEventsMax(this.#shapes.versions);
    const bounds = { limit, bytesMax: readBytesMax, scanEventsMax };
    const asked = storedQuery(query, this.#shapes.versions);
    for (let from = after; ; ) {
      const selection = { spaceId, direction: 'forwards', after: from, upTo: head, query: asked } as const;
      const { events, position, isEnd } = await this.#log.selectEvents(selection, bounds);
      const match = events.find((event) => isMeantNow(query, event, this.#shapes));
      if (match !== undefined) throw eventsMatch(match.spaceSequence, after);
      if (isEnd) return;
      from = position;
    }
  }

  async #commit(batch: readonly SealedAppend[]): Promise<void> {
    try {
      const outcomes = await this.#log.commit(batch.map(({ request }) => request));
      const again = batch.filter((append, index) => !settle(append, outcomes[index]));
      this.#waiting = [...again.map(({ pending }) => pending), ...this.#waiting];
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const error = new RamaxError('outcome_unknown', `the append may have been written: ${message}`, {
        cause,
      });
      for (const { pending } of batch) pending.reject(error);
    }
  }
}

/** Answers the caller, or says false when the append has to be sealed again. */
function settle({ pending, request }: SealedAppend, outcome: LogWriteOutcome | undefined): boolean {
  if (outcome?.kind === 'appended') {
    const eventIds = request.events.map((_event, index) => outcome.firstEventId + index);
    pending.resolve({ eventIds, spaceSequence: outcome.spaceSequence });
    return true;
  }
  if (outcome?.kind === 'refused' && outcome.error.code !== 'conflict') {
    pending.reject(RamaxError.fromData(outcome.error));
    return true;
  }
  return false;
}
