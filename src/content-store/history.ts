/**
 * States as of earlier sequences: the first events of a space folded once more, in memory, beside the live state.
 *
 * Owns: the last few such states of a shard, because whoever asks once asks again. Called by: the live space.
 *
 * Invariants:
 *   - A state of the past never changes: events up to a committed sequence are final.
 *   - At most `historyStatesMax` are kept, and one is folded at a time, from at most `historyEventsMax` events.
 *   - They take nothing from the live states: each has its share of a cache that is theirs, and goes with it.
 */

import type { Clock } from '../core/clock.js';
import { invalidInput } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { Line } from '../core/line.js';
import type { LoadedApp } from '../core/loaded-app.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';
import type { PStateStore } from '../pstate/port.js';
import { ValueCache } from '../pstate/value-cache.js';
import { LiveView, type ViewContext } from './live-view.js';
import type { LogLink } from './log-link.js';
import type { TurnCount } from './pace.js';
import type { ReadFaces } from './turn.js';
import { ViewFill } from './view-fill.js';

/** Of which space, and with what. */
export interface HistoryRequest {
  readonly spaceId: number;
  readonly spaceSequence: number;
  readonly app: LoadedApp;
  readonly log: Pick<LogLink, 'readSpace'>;
  /** Where the skipped events are known. */
  readonly pstates: PStateStore;
  readonly clock: Clock;
}

/** What states of the past have in common with the live ones of their shard. */
export interface HistoryShared extends Pick<ViewContext, 'vitals' | 'poisoned'> {
  /** The turns beside which they are folded. */
  readonly turnCount: Readonly<TurnCount>;
}

/** See the head of this file. */
export class History {
  readonly #limits: Limits;
  readonly #shared: HistoryShared;
  readonly #folds = new Line();
  /** In the order of their last use. */
  readonly #states = new Map<string, Promise<ReadFaces>>();

  constructor(limits: Limits, shared: HistoryShared) {
    this.#limits = limits;
    this.#shared = shared;
  }

  /**
   * What reads get as of a committed sequence.
   *
   * @throws {RamaxError} `invalid_input` when it is later than `historyEventsMax`; `corrupt`, `storage`
   */
  at(request: HistoryRequest): Promise<ReadFaces> {
    const { historyEventsMax } = this.#limits;
    if (request.spaceSequence > historyEventsMax) {
      const expected = `at most ${historyEventsMax} (limits.historyEventsMax)`;
      throw invalidInput('spaceSequence', expected, request.spaceSequence);
    }
    const name = `${request.spaceId}:${request.spaceSequence}`;
    const known = this.#states.get(name) ?? this.#folds.run(() => this.#fold(request));
    this.#keep(name, known);
    return known;
  }

  /** The space is deleted. */
  forget(spaceId: number): void {
    for (const name of this.#states.keys()) {
      if (name.startsWith(`${spaceId}:`)) this.#states.delete(name);
    }
  }

  #keep(name: string, state: Promise<ReadFaces>): void {
    this.#states.delete(name);
    this.#states.set(name, state);
    state.catch(() => {
      // It may have been forgotten meanwhile, and folded anew.
      if (this.#states.get(name) === state) this.#states.delete(name);
    });
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= this.#limits.historyStatesMax) return;
      this.#states.delete(oldest);
    }
  }

  async #fold({ spaceId, spaceSequence, app, log, pstates, clock }: HistoryRequest): Promise<ReadFaces> {
    const store = new MemoryPStateStore();
    const limits = this.#limits;
    const cache = this.#shareOfCache();
    const { turnCount, ...ofThread } = this.#shared;
    const [main, ...further] = app.views.map((definition, place) => {
      const build = { name: definition.name, version: definition.version, build: 1 };
      for (const skipped of pstates.skips(spaceId, build)) store.skip(spaceId, build, skipped);
      const context = { spaceId, store, limits, cache, ...ofThread };
      return new LiveView(context, { definition, place, build, fingerprint: '' });
    });
    if (main === undefined) throw new TypeError('an app has a main view');
    const views = [main, ...further];
    const fill = new ViewFill({
      views,
      log,
      pstates: store,
      clock,
      limits,
      spaceId,
      shapes: app.shapes,
      turnCount,
    });
    const end = { lastEventId: 0, lastSpaceSequence: spaceSequence };
    await fill.fill(() => end);
    await fill.finish(end);
    return {
      app,
      main: main.pstate.reader(),
      views: Object.fromEntries(further.map(({ definition, pstate }) => [definition.name, pstate.reader()])),
    };
  }

  /** All states together hold as much as the live states of the shard may. */
  #shareOfCache(): ValueCache {
    const { cacheEntriesMax, cacheBytesMax, historyStatesMax } = this.#limits;
    return new ValueCache({
      entriesMax: Math.floor(cacheEntriesMax / historyStatesMax),
      bytesMax: Math.floor(cacheBytesMax / historyStatesMax),
    });
  }
}
