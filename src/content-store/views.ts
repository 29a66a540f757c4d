/**
 * The views of one space: the main one, which commands read, and the further ones, all made from the same events.
 *
 * Owns: one PState per view, and how far each is persisted. Called by: the content store, catch-up and rebuild.
 *
 * Invariants:
 *   V1  An event is applied to all views or to none: a projection that throws leaves every view as it was.
 *   V2  A flush holds the state at one sequence for all views, never later than what is committed, and is written
 *       with the checkpoint of that sequence in one transaction.
 *   V3  A checkpoint that the log does not reach belongs to another history: its view is emptied and filled again.
 */

import { assert } from '../core/assert.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { type Checkpoint, originCheckpoint, type SpaceEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp, LoadedView } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { isThenable } from '../core/thenable.js';
import type { PStateStore } from '../pstate/port.js';
import { PState } from '../pstate/pstate.js';
import type { ReadFaces } from './turn.js';

/** One view with its state. */
interface LiveView {
  readonly definition: LoadedView;
  readonly pstate: PState;
  /** How far the store has it. */
  persisted: Checkpoint;
}

/** What the views of a space are made of. */
export interface ViewsOptions {
  readonly spaceId: number;
  readonly app: LoadedApp;
  readonly store: PStateStore;
  readonly limits: Limits;
}

/** All views of one space. */
export class Views {
  readonly #spaceId: number;
  readonly #store: PStateStore;
  readonly #views: readonly [LiveView, ...LiveView[]];
  /** What reads get. */
  readonly faces: ReadFaces;
  #frozenAt: number | undefined;

  constructor({ spaceId, app, store, limits }: ViewsOptions) {
    this.#spaceId = spaceId;
    this.#store = store;
    const open = (definition: LoadedView): LiveView => ({
      definition,
      pstate: new PState({ spaceId, view: definition, store, limits }),
      persisted: originCheckpoint,
    });
    const [main, ...further] = app.views;
    this.#views = [open(main), ...further.map(open)];
    this.faces = { app, ...readersOf(this.#views) };
  }

  /** What commands read. */
  get main(): PStateReader {
    return this.faces.main;
  }

  /** Changed keys that no flush holds yet. */
  get dirtyKeys(): number {
    let keys = 0;
    for (const { pstate } of this.#views) keys += pstate.dirtyKeys;
    return keys;
  }

  /** The sequence of the flush that waits for its commit, if one does. */
  get frozenAt(): number | undefined {
    return this.#frozenAt;
  }

  /** The last sequence that every view has persisted. */
  get persistedSequence(): number {
    return Math.min(...this.#views.map(({ persisted }) => persisted.lastSpaceSequence));
  }

  /** How far the main view is persisted. */
  get checkpoint(): Checkpoint {
    return this.#views[0].persisted;
  }

  /** Applies the events of one command: to all views or to none. */
  apply(events: readonly SpaceEvent[]): void {
    for (const { pstate } of this.#views) pstate.beginTurn();
    try {
      for (const event of events) {
        for (const view of this.#views) project(view, event);
      }
    } catch (error) {
      for (const { pstate } of this.#views) pstate.undoTurn();
      throw error;
    }
    for (const { pstate } of this.#views) pstate.keepTurn();
  }

  /** Applies one event of the log to those views whose checkpoint is before it. */
  catchUp(event: SpaceEvent): void {
    for (const view of this.#views) {
      if (event.spaceSequence > view.persisted.lastSpaceSequence) project(view, event);
    }
  }

  /** Freezes the changes up to `sequence`, when there are any and no flush is waiting. */
  freeze(sequence: number): void {
    if (this.#frozenAt !== undefined || sequence <= this.persistedSequence) return;
    for (const { pstate } of this.#views) pstate.freeze();
    this.#frozenAt = sequence;
  }

  /** Writes what is frozen. `checkpoint` is the commit that the frozen sequence waited for. */
  writeFrozen(checkpoint: Checkpoint): void {
    assert(
      this.#frozenAt === checkpoint.lastSpaceSequence,
      'a flush carries the checkpoint of its own sequence',
    );
    this.#store.flush(
      this.#spaceId,
      this.#views.map(({ pstate, persisted }) => pstate.frozenFlush(later(persisted, checkpoint))),
    );
    for (const view of this.#views) {
      view.pstate.frozenWritten();
      view.persisted = later(view.persisted, checkpoint);
    }
    this.#frozenAt = undefined;
  }

  /** Forgets all that is not persisted, and reads how far each view is. */
  reset(lastSpaceSequence: number): void {
    this.#frozenAt = undefined;
    for (const view of this.#views) {
      view.pstate.reset();
      view.persisted = this.#store.checkpoint(this.#spaceId, view.definition) ?? originCheckpoint;
      if (view.persisted.lastSpaceSequence > lastSpaceSequence) this.#discard(view);
    }
  }

  #discard(view: LiveView): void {
    const empty = { view: view.definition, clear: true, puts: [], deletes: [], checkpoint: originCheckpoint };
    this.#store.flush(this.#spaceId, [empty]);
    view.persisted = originCheckpoint;
  }
}

/** While views with different checkpoints catch up, those that are ahead stay where they are. */
function later(left: Checkpoint, right: Checkpoint): Checkpoint {
  return left.lastSpaceSequence > right.lastSpaceSequence ? left : right;
}

function project({ definition, pstate }: LiveView, event: SpaceEvent): void {
  const projection = definition.projections.get(event.type);
  if (projection === undefined) return;
  try {
    const returned: unknown = projection(pstate.writer(), event);
    if (isThenable(returned)) throw new TypeError('a projection must be synchronous');
  } catch (cause) {
    const error = asRamaxError(cause, 'projection_failed', 'a projection threw');
    throw new RamaxError(
      'projection_failed',
      `view '${definition.name}' failed to apply '${event.type}' at sequence ${event.spaceSequence}: ${error.message}`,
      {
        cause,
        details: {
          view: definition.name,
          version: definition.version,
          type: event.type,
          spaceSequence: event.spaceSequence,
          ...error.details,
        },
      },
    );
  }
}

function readersOf([main, ...further]: readonly [LiveView, ...LiveView[]]): Omit<ReadFaces, 'app'> {
  return {
    main: main.pstate.reader(),
    views: Object.fromEntries(further.map(({ definition, pstate }) => [definition.name, pstate.reader()])),
  };
}
