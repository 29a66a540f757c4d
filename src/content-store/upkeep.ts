/**
 * The upkeep of a live space: what is done to its views beside the turns.
 *
 *   - views that are of an older version, new, or far behind are filled and adopted as soon as the shard allows it;
 *   - a rebuild fills new builds and adopts them;
 *   - an event that a view cannot apply is skipped;
 *   - migrated values are written back, and all values are migrated when asked;
 *   - retired builds are swept away.
 *
 * Owns: the line in which these run, one at a time. Called by: the live space.
 *
 * Invariants:
 *   J1  A view is adopted inside an exclusive section: no turn runs, nothing is uncommitted, everything else is flushed.
 *   J2  Whatever ends early leaves the views that readers get as they were.
 */

import { type Clock, type Timer, yieldToPorts } from '../core/clock.js';
import { asRamaxError, invalidInput, isRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { Line } from '../core/line.js';
import type { Permits } from '../core/permits.js';
import type { EventShapes } from '../core/upcasters.js';
import type { Vitals } from '../core/vitals.js';
import type { MigrationPage } from '../pstate/migrate-page.js';
import type { PStateStore } from '../pstate/port.js';
import type { LiveView } from './live-view.js';
import type { LogLink } from './log-link.js';
import { Pace, type TurnCount } from './pace.js';
import { type RebuildProgress, ViewFill } from './view-fill.js';
import type { Views } from './views.js';

/** How far the migration of all values has come. */
export interface MigrationProgress {
  /** Values looked at. */
  readonly entriesRead: number;
  /** Values that had an older shape. */
  readonly entriesMigrated: number;
  /** Values whose migration failed, at most 100 of them, and their number. */
  readonly failures: readonly { readonly view: string; readonly key: string; readonly message: string }[];
  readonly failed: number;
}

/** Which event a view passes over. */
export interface SkippedEvent {
  /** Default: the main view. */
  readonly view?: string | undefined;
  /** The event at which the view has stopped. */
  readonly spaceSequence: number;
}

/** What upkeep works on. */
export interface UpkeepOptions {
  readonly spaceId: number;
  readonly log: Pick<LogLink, 'readSpace'>;
  readonly pstates: PStateStore;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Of the app. */
  readonly shapes: EventShapes;
  readonly views: Views;
  /** Bounds the spaces of a shard whose views are filled at once. */
  readonly fills: Permits;
  /** Where it is marked that values are migrated. */
  readonly vitals?: Vitals | undefined;
  readonly space: UpkeptSpace;
  /** The turns of the shard. */
  readonly turnCount: Readonly<TurnCount>;
  readonly onError: (error: RamaxError) => void;
}

/** What upkeep asks of its space. */
export interface UpkeptSpace {
  readonly committed: Checkpoint;
  readonly ended: RamaxError | undefined;
  /** Waits until turns may be taken, and throws why none ever will. */
  ready(): Promise<void>;
  /** Runs `section` while no turn runs and nothing is uncommitted; what is not persisted is flushed first. */
  exclusively<T>(section: () => Promise<T>): Promise<T>;
  /** Loads the views from the store and the log, as when the space opened. */
  reload(): Promise<void>;
}

const failuresShownMax = 100;
/** Between two tries to fill views while the store fails; each waits twice as long as the one before. */
const retryDelayMsMin = 500;
const retryDelayMsMax = 60_000;

/** See the head of this file. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #tasks = new Line();
  readonly #ending = new AbortController();
  #waiting = 0;
  #trouble: RamaxError | undefined;
  #retry: Timer | undefined;
  #retryDelayMs = retryDelayMsMin;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Something is under way or waits. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** The views have been loaded: fills what is to be filled, and sweeps. Resolves when that is done or has failed. */
  async begin(): Promise<void> {
    try {
      // Not in line: while it waits for other spaces, the rest of this one's upkeep goes on, and it may be closed.
      if (this.#options.views.toFill.length > 0) {
        await this.#bounded(() => this.#run(() => this.#againWhenLoaded(() => this.#fillBehind())));
      }
      if (this.#hasRetired) await this.#run(() => this.#sweep());
      this.#trouble = undefined;
      this.#retryDelayMs = retryDelayMsMin;
    } catch (error) {
      if (this.#options.space.ended !== undefined || this.#ending.signal.aborted) return;
      this.#trouble = asRamaxError(error, 'storage', 'a view could not be filled');
      this.#options.onError(this.#trouble);
      this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryDelayMsMax);
      this.#retry ??= this.#options.clock.after(this.#retryDelayMs, () => {
        this.#retry = undefined;
        void this.begin();
      });
    }
  }

  /** Why views could not be filled at the last try. */
  get trouble(): RamaxError | undefined {
    return this.#trouble;
  }

  /**
   * Makes views anew from the log beside the old ones, and swaps them when they have caught up.
   *
   * @throws {RamaxError} `aborted`, `projection_failed`, `corrupt`, `storage`, and why the space has ended
   */
  async rebuild(
    names: readonly string[],
    onProgress: (progress: RebuildProgress) => void,
    signal: AbortSignal | undefined,
  ): Promise<RebuildProgress> {
    const progress = await this.#run(() => this.#rebuildNow(names, onProgress, signal));
    void this.#run(() => this.#sweep()).catch(() => {});
    return progress;
  }

  /**
   * Lets a view pass over the event at which it has stopped, and goes on with it.
   *
   * @throws {RamaxError} `invalid_input` when it has not stopped there
   */
  async skip(view: string, spaceSequence: number): Promise<void> {
    // A view that is filled again after a reload stops there only now.
    await this.begin();
    await this.#run(async () => {
      const { views, space, pstates, spaceId } = this.#options;
      await space.exclusively(async () => {
        // Not before: what is not committed yet may become another event at this sequence.
        const status = views.statuses(space.committed.lastSpaceSequence).find((one) => one.view === view);
        const stoppedAt = status?.error?.details?.['spaceSequence'];
        if (status === undefined || stoppedAt !== spaceSequence) {
          throw invalidInput('spaceSequence', stoppedText(view, stoppedAt), spaceSequence);
        }
        pstates.skip(spaceId, { name: view, version: status.version }, spaceSequence);
        await space.reload();
      });
    });
    await this.begin();
  }

  /** Brings every stored value of these views to its present shape. */
  migrateAll(
    names: readonly string[],
    onProgress: (progress: MigrationProgress) => void,
    signal: AbortSignal | undefined,
  ): Promise<MigrationProgress> {
    return this.#run(() => this.#migrateNow(names, onProgress, signal));
  }

  /** Ends what is under way; nothing more is begun. */
  end(): void {
    this.#retry?.cancel();
    this.#ending.abort();
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      return await this.#tasks.run(() => {
        this.#assertGoingOn();
        return task();
      });
    } catch (error) {
      // The space says why its states were closed and its work was ended.
      const { ended } = this.#options.space;
      throw ended !== undefined && (isRamaxError(error, 'closed') || this.#ending.signal.aborted)
        ? ended
        : error;
    } finally {
      this.#waiting--;
    }
  }

  #assertGoingOn(): void {
    const { ended } = this.#options.space;
    if (ended !== undefined) throw ended;
    if (this.#ending.signal.aborted) throw new RamaxError('closed', 'the space is being closed');
  }

  async #bounded(task: () => Promise<void>): Promise<void> {
    const { fills } = this.#options;
    await fills.acquire();
    try {
      await task();
    } finally {
      fills.release();
    }
  }

  /** Views that are loaded anew, as after a failed commit, close what is being filled: it goes on from what is persisted. */
  async #againWhenLoaded<T>(task: () => Promise<T>): Promise<T> {
    const { views } = this.#options;
    for (;;) {
      const { loads } = views;
      try {
        return await task();
      } catch (error) {
        if (loads === views.loads || !isRamaxError(error, 'closed')) throw error;
        this.#assertGoingOn();
      }
    }
  }

  async #fillBehind(): Promise<void> {
    const { views } = this.#options;
    views.renewDamaged();
    const { toFill } = views;
    if (toFill.length === 0 || this.#ending.signal.aborted) return;
    const fill = this.#fillOf(toFill, undefined, this.#ending.signal);
    try {
      await this.#fillAndAdopt(fill, 'what came through');
    } catch (error) {
      // A damaged event names no view.
      if (isRamaxError(error, 'corrupt') && error.details['view'] !== undefined) views.damaged(toFill);
      throw error;
    }
    for (const view of toFill) views.fillFailed(view);
  }

  async #rebuildNow(
    names: readonly string[],
    onProgress: (progress: RebuildProgress) => void,
    given: AbortSignal | undefined,
  ): Promise<RebuildProgress> {
    const { space, views } = this.#options;
    await space.ready();
    let builds: readonly LiveView[] = [];
    const signals = [this.#ending.signal, ...(given === undefined ? [] : [given])];
    const signal = AbortSignal.any(signals);
    try {
      return await this.#againWhenLoaded(() => {
        for (const build of builds) build.close();
        builds = views.builds(names);
        return this.#fillAndAdopt(this.#fillOf(builds, onProgress, signal), 'all or none');
      });
    } catch (error) {
      // A space that closes goes on with it when it opens again.
      if (space.ended === undefined && !this.#ending.signal.aborted) {
        for (const build of builds) views.fillFailed(build);
        views.abandon(builds);
        void this.begin();
      }
      throw error;
    }
  }

  async #fillAndAdopt(fill: ViewFill, adopts: 'all or none' | 'what came through'): Promise<RebuildProgress> {
    const { space, views } = this.#options;
    const throwFailure = (): void => {
      if (adopts === 'all or none' && fill.failure !== undefined) throw fill.failure;
    };
    await fill.fill(() => space.committed);
    throwFailure();
    const pace = new Pace(this.#options.clock, this.#options.turnCount);
    for (;;) {
      const progress = await space.exclusively(async () => {
        if (!fill.isNear(space.committed)) return fill.step(space.committed);
        const finished = await fill.finish(space.committed);
        throwFailure();
        this.#assertGoingOn();
        views.adopt(fill.filled);
        return finished;
      });
      if (progress !== undefined) return progress;
      await pace.rest();
    }
  }

  #fillOf(
    views: readonly LiveView[],
    onProgress: ((progress: RebuildProgress) => void) | undefined,
    signal: AbortSignal,
  ): ViewFill {
    const { log, pstates, clock, limits, spaceId } = this.#options;
    return new ViewFill({
      views,
      log,
      pstates,
      clock,
      limits,
      spaceId,
      shapes: this.#options.shapes,
      signal,
      turnCount: this.#options.turnCount,
      onProgress,
    });
  }

  async #migrateNow(
    names: readonly string[],
    onProgress: (progress: MigrationProgress) => void,
    signal: AbortSignal | undefined,
  ): Promise<MigrationProgress> {
    const { views, clock } = this.#options;
    const failures: { view: string; key: string; message: string }[] = [];
    let [entriesRead, entriesMigrated, failed] = [0, 0, 0];
    const progress = (): MigrationProgress => ({
      entriesRead,
      entriesMigrated,
      failed,
      failures: [...failures],
    });
    for (const name of names) {
      let after: string | undefined;
      for (let done = false; !done; ) {
        if (signal?.aborted === true) throw new RamaxError('aborted', 'the migration was aborted');
        this.#assertGoingOn();
        const page = this.#migratePage(name, after);
        while (views.writeMigrated());
        entriesRead += page.read;
        entriesMigrated += page.migrated;
        failed += page.failures.length;
        for (const { key, error } of page.failures.slice(0, failuresShownMax - failures.length)) {
          failures.push({ view: name, key, message: error.message });
        }
        ({ done } = page);
        after = page.last ?? after;
        onProgress(progress());
        await yieldToPorts(clock);
      }
    }
    return progress();
  }

  #migratePage(view: string, after: string | undefined): MigrationPage {
    const { views, limits, vitals, spaceId } = this.#options;
    vitals?.migrates(spaceId);
    try {
      return views.stateOf(view).migratePage(after, limits.migrationBatchMax);
    } finally {
      vitals?.rests();
    }
  }

  get #hasRetired(): boolean {
    const { pstates, spaceId } = this.#options;
    return pstates.builds(spaceId).some(({ state }) => state === 'retired');
  }

  async #sweep(): Promise<void> {
    const { pstates, spaceId, limits, clock } = this.#options;
    while (!this.#ending.signal.aborted && this.#options.space.ended === undefined) {
      if (pstates.sweep(spaceId, limits.purgeRowsMax).done) return;
      await yieldToPorts(clock);
    }
  }
}

function stoppedText(view: string, stoppedAt: unknown): string {
  return stoppedAt === undefined
    ? `absent, as the view '${view}' has not stopped`
    : `${String(stoppedAt)}, where the view '${view}' has stopped`;
}
