/**
 * Rebuild: the views made anew from the log, beside the old ones, and swapped when they have caught up.
 *
 * Owns: side views in the projection store (named `<view>~rebuild`), which nobody reads. Called by: the live space.
 *
 * Invariants:
 *   R1  Readers see the old state until the swap and the new state from the swap on, never a mixture: the swap is one
 *       transaction, made while no turn runs and nothing is uncommitted.
 *   R2  Only this space's events are read.
 *   R3  A rebuild that ends early leaves the old state in place; what it wrote is cleared by the next one.
 */

import type { Clock } from '../core/clock.js';
import { type Checkpoint, originCheckpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp, LoadedView } from '../core/loaded-app.js';
import { openForProjection } from '../event-store/seal.js';
import type { PStateStore } from '../pstate/port.js';
import { catchUp } from './catch-up.js';
import { persistUpTo } from './load-space.js';
import type { LogLink } from './log-link.js';
import { Views } from './views.js';

/** How far a rebuild has come. */
export interface RebuildProgress {
  /** Events applied so far. */
  readonly eventsApplied: number;
  /** The space's latest committed sequence when this was reported. */
  readonly lastSpaceSequence: number;
}

/** What a rebuild works on. */
export interface RebuildOptions {
  readonly app: LoadedApp;
  readonly log: Pick<LogLink, 'readSpace'>;
  readonly pstates: PStateStore;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly spaceId: number;
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly signal: AbortSignal | undefined;
}

/** One rebuild of one space. */
export class Rebuild {
  readonly #options: RebuildOptions;
  readonly #side: Views;
  #applied = 0;

  constructor(options: RebuildOptions) {
    this.#options = options;
    const { app, pstates, spaceId, limits } = options;
    const [main, ...further] = app.views;
    for (const view of app.views) clearView(pstates, spaceId, sideOf(view));
    this.#side = new Views({
      spaceId,
      app: { ...app, views: [sideOf(main), ...further.map(sideOf)] },
      store: pstates,
      limits,
    });
    this.#side.reset(0);
  }

  /** Applies events until at most one batch is missing, while the space goes on. */
  async fill(committedSequence: () => number): Promise<void> {
    for (;;) {
      const target = committedSequence();
      await this.#applyUpTo(target);
      if (committedSequence() - target <= this.#options.limits.readEventsMax) return;
    }
  }

  /** Applies the rest and swaps; nothing may be uncommitted. */
  async finish(committed: Checkpoint): Promise<RebuildProgress> {
    const { app, pstates, spaceId } = this.#options;
    await this.#applyUpTo(committed.lastSpaceSequence);
    persistUpTo(this.#side, { eventId: committed.lastEventId, spaceSequence: committed.lastSpaceSequence });
    pstates.replaceViews(
      spaceId,
      app.views.map((view) => ({ from: sideOf(view), to: view })),
    );
    return { eventsApplied: this.#applied, lastSpaceSequence: committed.lastSpaceSequence };
  }

  async #applyUpTo(target: number): Promise<void> {
    const { log, clock, limits, spaceId, signal, onProgress } = this.#options;
    await catchUp({
      log,
      clock,
      limits,
      spaceId,
      from: this.#applied,
      to: target,
      signal,
      apply: (stored) => {
        this.#side.catchUp(openForProjection(stored));
        this.#applied = stored.spaceSequence;
      },
      afterBatch: (last) => {
        if (this.#side.dirtyKeys >= limits.dirtyKeysMax) persistUpTo(this.#side, last);
        onProgress({ eventsApplied: this.#applied, lastSpaceSequence: target });
      },
    });
  }
}

function sideOf(view: LoadedView): LoadedView {
  return { ...view, name: `${view.name}~rebuild` };
}

function clearView(pstates: PStateStore, spaceId: number, view: LoadedView): void {
  pstates.flush(spaceId, [{ view, clear: true, puts: [], deletes: [], checkpoint: originCheckpoint }]);
}
