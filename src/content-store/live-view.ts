/**
 * One build of one view of one space: its state, how far it has come, and whether it has failed.
 *
 * Owned by `views.ts`, where it follows the head, or by `view-fill.ts`, which brings it there.
 *
 * Invariants:
 *   - Events are applied in the order of their sequence, each at most once, and none after a failure.
 *   - A view that has failed keeps nothing that is not persisted: it goes on from its checkpoint when it is loaded again.
 *   - One that is closed has forgotten what was not persisted: it applies and persists nothing any more.
 */

import { asRamaxError, type ErrorCode, isRamaxError, RamaxError } from '../core/errors.js';
import { type Checkpoint, originCheckpoint, type SpaceEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { LoadedView } from '../core/loaded-app.js';
import { isThenable } from '../core/thenable.js';
import { EarlierEvent, type FoldedEvent } from '../core/upcasters.js';
import type { Vitals } from '../core/vitals.js';
import type { PStateStore, StoredBuild, ViewBuild, ViewFlush } from '../pstate/port.js';
import { PState } from '../pstate/pstate.js';
import type { ValueCache } from '../pstate/value-cache.js';
import type { PoisonedEvents } from './poisoned-events.js';

/** What stops a view at an event. */
const stoppingCodes: ReadonlySet<ErrorCode> = new Set(['projection_failed', 'upcast_failed', 'event_newer']);

/** Frames of a stack that a person needs; the rest is Ramax. */
const stackCharactersMax = 4_096;

/** What the views of a space share. */
export interface ViewContext {
  readonly spaceId: number;
  readonly store: PStateStore;
  readonly limits: Limits;
  /** Of the shard; default: one for each view. */
  readonly cache?: ValueCache | undefined;
  /** Migrated values wait to be written back. */
  readonly onMigrated?: (() => void) | undefined;
  /** Where it is marked which event a projection is given, while no turn is taken. */
  readonly vitals?: Vitals | undefined;
  readonly poisoned?: PoisonedEvents | undefined;
}

/** Which build, and made by what. */
export interface LiveViewOptions {
  readonly definition: LoadedView;
  /** Its place among the views of the app. */
  readonly place: number;
  readonly build: ViewBuild;
  /** What the store has of it. */
  readonly stored?: StoredBuild | undefined;
  /** Of the projections that make it, written with its first flush. */
  readonly fingerprint: string;
  /** How it is stored first; default `live`. */
  readonly state?: 'building' | 'live' | undefined;
}

/** See the head of this file. */
export class LiveView {
  readonly definition: LoadedView;
  readonly pstate: PState;
  readonly #spaceId: number;
  readonly #place: number;
  readonly #vitals: Vitals | undefined;
  readonly #skips: ReadonlySet<number>;
  readonly #poisoned: ReadonlyMap<number, string> | undefined;
  #first: Pick<ViewFlush, 'state' | 'fingerprint'>;
  #persisted: Checkpoint;
  #applied: number;
  #failure: RamaxError | undefined;
  #isFrozen = false;
  #isStored: boolean;
  #isClosed = false;

  constructor(
    context: ViewContext,
    { definition, place, build, stored, fingerprint, state }: LiveViewOptions,
  ) {
    const { spaceId, store, limits, cache, onMigrated, vitals, poisoned } = context;
    this.definition = definition;
    this.#place = place;
    this.#vitals = vitals;
    this.#poisoned = poisoned?.of(spaceId, definition.name);
    this.#spaceId = spaceId;
    const { schema } = definition;
    this.pstate = new PState({ spaceId, view: build, store, limits, schema, cache, onMigrated });
    this.#skips = new Set(store.skips(spaceId, build));
    this.#first = { state: state ?? 'live', fingerprint };
    this.#persisted = stored?.checkpoint ?? originCheckpoint;
    this.#applied = this.#persisted.lastSpaceSequence;
    this.#isStored = stored !== undefined;
  }

  /** The last sequence applied. */
  get applied(): number {
    return this.#applied;
  }

  /** How far the store has it. */
  get persisted(): Checkpoint {
    return this.#persisted;
  }

  /** Whether the store has anything of it. */
  get isStored(): boolean {
    return this.#isStored;
  }

  /** Why it applies no more events, or undefined. */
  get failure(): RamaxError | undefined {
    return this.#failure;
  }

  /**
   * Applies an event that follows those applied.
   *
   * @throws {RamaxError} `projection_failed`, or what the store throws; what was written until then stays until `fail` or
   *   the end of a turn
   */
  apply(event: SpaceEvent): void {
    this.#assertOpen();
    this.#project(event);
    this.#applied = event.spaceSequence;
  }

  #project(event: SpaceEvent): void {
    const projection = this.definition.projections.get(event.type);
    if (projection !== undefined && !this.#skips.has(event.spaceSequence)) {
      const poison = this.#poisoned?.get(event.spaceSequence);
      try {
        if (poison !== undefined) throw new Error(`it has ended its shard several times (${poison})`);
        const returned: unknown = projection(this.pstate.writer(), event);
        if (isThenable(returned)) throw new TypeError('a projection must be synchronous');
      } catch (cause) {
        throw isStoreFailure(cause) ? cause : this.#projectionFailed(event, cause);
      }
    }
  }

  /** Applies an event of an older shape: what was made of it all together, so that the view is never at a part of it. */
  #applyEarlier(earlier: EarlierEvent): void {
    this.#assertOpen();
    const { stored, spaceSequence } = earlier;
    if (!this.#skips.has(spaceSequence))
      for (const event of this.#presentOf(earlier, stored)) this.#project(event);
    this.#applied = spaceSequence;
  }

  #presentOf(earlier: EarlierEvent, stored: SpaceEvent): readonly SpaceEvent[] {
    const poison = this.#poisoned?.get(stored.spaceSequence);
    try {
      if (poison !== undefined) throw new Error(`it has ended its shard several times (${poison})`);
      return earlier.events;
    } catch (error) {
      // What this view takes no notice of in any version does not stop it.
      if (isRamaxError(error, 'event_newer') && !this.definition.projections.has(stored.type)) return [];
      throw this.#projectionFailed(stored, error);
    }
  }

  /**
   * Applies an event, unless it was applied before; a projection that throws ends the view's part.
   *
   * @throws {RamaxError} what the store throws
   */
  catchUp(event: FoldedEvent): void {
    if (this.#failure !== undefined || event.spaceSequence <= this.#applied) return;
    this.#vitals?.applies(this.#spaceId, this.#place, event.spaceSequence);
    try {
      if (event instanceof EarlierEvent) this.#applyEarlier(event);
      else this.apply(event);
    } catch (error) {
      if (!isRamaxError(error) || !stoppingCodes.has(error.code)) throw error;
      this.fail(error);
    } finally {
      this.#vitals?.rests();
    }
  }

  /** Applies events all or none. */
  applyTurn(events: readonly SpaceEvent[]): void {
    const before = this.#applied;
    this.pstate.beginTurn();
    try {
      for (const event of events) this.apply(event);
    } catch (error) {
      this.pstate.undoTurn();
      this.#applied = before;
      throw error;
    }
    this.pstate.keepTurn();
  }

  /** It stops where it is persisted, and every use of its state throws `error`. */
  fail(error: RamaxError): void {
    this.#failure = error;
    this.rewind();
    this.pstate.stop(() => error);
  }

  /** It goes back to where it is persisted. */
  rewind(): void {
    this.#isFrozen = false;
    this.#applied = this.#persisted.lastSpaceSequence;
    this.pstate.reset();
  }

  /** It is stored as the live build, when nothing of it is stored yet. */
  startLive(): void {
    this.#first = { ...this.#first, state: 'live' };
  }

  freeze(): void {
    this.#assertOpen();
    if (this.#failure !== undefined) return;
    this.pstate.freeze();
    this.#isFrozen = true;
  }

  /** What the store has to be told, when anything. `checkpoint` is of the sequence at which it was frozen. */
  flush(checkpoint: Checkpoint): ViewFlush | undefined {
    if (!this.#isFrozen) return undefined;
    return this.pstate.frozenFlush(
      later(this.#persisted, checkpoint),
      this.#isStored ? undefined : this.#first,
    );
  }

  /** The store has what `flush` gave. */
  flushed(checkpoint: Checkpoint): void {
    if (!this.#isFrozen) return;
    this.pstate.frozenWritten();
    this.#persisted = later(this.#persisted, checkpoint);
    this.#isFrozen = false;
    this.#isStored = true;
  }

  /** Migrated values to be written back, beside any flush. */
  migratedFlush(): ViewFlush | undefined {
    return this.#isStored ? this.pstate.migratedFlush(this.#persisted) : undefined;
  }

  /** Gives its memory back. Whoever still fills it is told so. */
  close(): void {
    this.#isClosed = true;
    this.pstate.close();
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new RamaxError('closed', `the build of view '${this.definition.name}' is closed`);
  }

  #projectionFailed(event: SpaceEvent, cause: unknown): RamaxError {
    const error = asRamaxError(cause, 'projection_failed', 'a projection threw');
    const { name, version } = this.definition;
    const stack = cause instanceof Error ? cause.stack?.slice(0, stackCharactersMax) : undefined;
    return new RamaxError(
      stoppingCodes.has(error.code) ? error.code : 'projection_failed',
      `view '${name}' of space ${this.#spaceId} failed to apply '${event.type}' at sequence ${event.spaceSequence}: ${error.message}`,
      {
        cause,
        details: {
          ...error.details,
          spaceId: this.#spaceId,
          view: name,
          version,
          type: event.type,
          eventVersion: event.version,
          entityId: event.entityId,
          spaceSequence: event.spaceSequence,
          ...(stack === undefined ? {} : { stack }),
        },
      },
    );
  }
}

/** Writes what these views have frozen, in one transaction. */
export function flushViews(
  { store, spaceId }: Pick<ViewContext, 'store' | 'spaceId'>,
  views: readonly LiveView[],
  checkpoint: Checkpoint,
): void {
  store.flush(
    spaceId,
    views.flatMap((view) => view.flush(checkpoint) ?? []),
  );
  for (const view of views) view.flushed(checkpoint);
}

/** Trouble with the store is no defect of a projection: it may pass, or what is damaged can be made anew from the log. */
export function isStoreFailure(error: unknown): error is RamaxError {
  return error instanceof RamaxError && ['storage', 'fenced', 'closed', 'corrupt'].includes(error.code);
}

/** While views with different checkpoints catch up, those that are ahead stay where they are. */
function later(left: Checkpoint, right: Checkpoint): Checkpoint {
  return left.lastSpaceSequence > right.lastSpaceSequence ? left : right;
}
