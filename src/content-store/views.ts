/**
 * The views of one space: the main one, which commands read, and the further ones, all made from the same events.
 *
 * Owns: for each view what readers get, and what is to be filled before they get it. Called by: the live space, its
 * upkeep, and the loading of spaces.
 *
 *              load
 *                |  a build of this version that is not far behind
 *                +--------------------------------> live ---- throws ----> stopped
 *                |  none, or one of another version   ^                       |
 *                +--> building (or serving the other) +--- fill, adopt <------+ skip, rebuild, a fixed app
 *
 * Invariants:
 *   V1  The events of a command are applied to the main view or the command is refused. A further view that throws is
 *       stopped by itself; the others go on.
 *   V2  A flush holds the state of all views that follow at one sequence, never later than what is committed, and is
 *       written with the checkpoint of that sequence in one transaction.
 *   V3  A checkpoint that the log does not reach belongs to another history: its build is retired.
 *   V4  Readers get a view as of one sequence: the head, or that of an older version until its successor is adopted;
 *       else an error that says why. Never a state that is half filled.
 */

import { assert } from '../core/assert.js';
import { asRamaxError, isDamageOf, isPassingTrouble, isRamaxError, RamaxError } from '../core/errors.js';
import type { Checkpoint, SpaceEvent } from '../core/event.js';
import type { LoadedApp, LoadedView } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import type { FoldedEvent } from '../core/upcasters.js';
import type { PStateStore, StoredBuild, ViewBuild, ViewFlush } from '../pstate/port.js';
import type { PState } from '../pstate/pstate.js';
import { flushViews, isStoreFailure, LiveView, type LiveViewOptions, type ViewContext } from './live-view.js';
import type { ReadFaces } from './turn.js';
import { nextBuild, planView } from './view-plan.js';
import {
  fillFirst,
  follows,
  isBehind,
  isCurrent,
  isLagging,
  planFilling,
  statusOf,
  type ViewSlot,
} from './view-slot.js';
import type { ViewStatus } from './view-status.js';

/** What the views of a space are made of. */
export interface ViewsOptions extends ViewContext {
  readonly app: LoadedApp;
  /** The fingerprint of a view's projections. */
  readonly fingerprintOf: (view: LoadedView) => string;
  /** Keys of a view have changed; undefined: any of them. */
  readonly onChanged?: ((view: string, key: string | undefined) => void) | undefined;
  /** A view is to be filled that was not before. */
  readonly onBehind?: (() => void) | undefined;
}

/** A stored build cannot be read. It is retired; loading again fills another one from the log. */
export class DamagedBuild extends Error {
  override readonly cause: RamaxError;

  constructor(cause: RamaxError) {
    super(cause.message);
    this.cause = cause;
  }
}

/** All views of one space. */
export class Views {
  readonly #options: ViewsOptions;
  #loaded: readonly [ViewSlot, ...ViewSlot[]] | undefined;
  #shown: ReadFaces | undefined;
  /** The views that take every event, the main one first while it does. */
  #followers: readonly LiveView[] = [];
  #frozenAt: number | undefined;
  #loads = 0;
  /** What rebuilds fill besides the slots. */
  readonly #rebuilding = new Set<LiveView>();

  /** Of no use before it is loaded. */
  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  /** What reads get. */
  get faces(): ReadFaces {
    assert(this.#shown !== undefined, 'views are loaded before they are read');
    return this.#shown;
  }

  /** What commands read. */
  get main(): PStateReader {
    return this.faces.main;
  }

  /** Why no command can be decided, or undefined. */
  get mainFailure(): RamaxError | undefined {
    return this.#slots[0].serving.failure;
  }

  /** How often they were loaded. What was being filled before is closed by each. */
  get loads(): number {
    return this.#loads;
  }

  /** Why views have stopped. */
  get failures(): readonly RamaxError[] {
    return this.#slots.flatMap(({ serving }) => serving.failure ?? []);
  }

  /** Changed keys that no flush holds yet. */
  get dirtyKeys(): number {
    let keys = 0;
    for (const { pstate } of this.#followers) keys += pstate.dirtyKeys;
    return keys;
  }

  /** The sequence of the flush that waits for its commit, if one does. */
  get frozenAt(): number | undefined {
    return this.#frozenAt;
  }

  /** The last sequence that every view that follows has persisted; undefined when none does. */
  get persistedSequence(): number | undefined {
    return lowest(this.#followers.map(({ persisted }) => persisted.lastSpaceSequence));
  }

  /** The last sequence that every view that follows has applied; undefined when none does. */
  get appliedSequence(): number | undefined {
    return lowest(this.#followers.map(({ applied }) => applied));
  }

  /** How far the main view is persisted. */
  get checkpoint(): Checkpoint {
    return this.#slots[0].serving.persisted;
  }

  /** What the states have done and hold. */
  get pstates(): readonly PState[] {
    return this.#slots.map(({ serving }) => serving.pstate);
  }

  /**
   * Applies the events of one command: to the main view all or none, and to the further views that follow.
   *
   * @throws {RamaxError} why the main view does not take them
   */
  apply(events: readonly SpaceEvent[]): void {
    const [main, ...further] = this.#followers;
    assert(main === this.#slots[0].serving, 'no command is decided while the main view has failed');
    main.applyTurn(events);
    for (const view of further) {
      try {
        for (const event of events) view.apply(event);
      } catch (error) {
        this.#stopFollowing(view, error);
      }
    }
  }

  /** A projection that threw stops its view; trouble with the store puts it behind. */
  #stopFollowing(view: LiveView, error: unknown): void {
    if (isStoreFailure(error)) {
      this.#putBehind(this.#slotOf(view.definition.name), error.code === 'corrupt');
    } else {
      view.fail(asRamaxError(error, 'projection_failed', 'a projection threw'));
    }
    this.#changed();
  }

  /**
   * Readers wait until it is filled from where it is persisted, or anew. The main view has kept the events already, so that
   * nothing here may ask the store, which might throw again.
   */
  #putBehind(slot: ViewSlot, isDamaged: boolean): void {
    slot.filling?.close();
    slot.serving.rewind();
    slot.filling = slot.serving;
    slot.isFilledBehind = true;
    slot.isDamaged = isDamaged;
    this.#refuseReads(slot);
    this.#options.onBehind?.();
  }

  /** What these views are filled into cannot be read. */
  damaged(views: readonly LiveView[]): void {
    for (const view of views) {
      const slot = this.#slotOf(view.definition.name);
      if (slot.filling === view) slot.isDamaged = true;
    }
  }

  /**
   * Retires the build that `error` says cannot be read: loading again makes another one from the log. Says whether it is about one.
   */
  retireDamaged(error: unknown): boolean {
    const { store, spaceId } = this.#options;
    const build = isDamageOf(error, spaceId) ? damagedBuild(error) : undefined;
    if (build === undefined) return false;
    store.retire(spaceId, [build]);
    return true;
  }

  /** Readers of a further view wait until it is made anew, because `error` says that it cannot be read. Says whether it is about one. */
  putDamagedBehind(error: RamaxError): boolean {
    const [, ...further] = this.#slots;
    const slot = further.find(({ definition }) => definition.name === error.details['view']);
    if (slot === undefined || !isDamageOf(error, this.#options.spaceId)) return false;
    this.#putBehind(slot, true);
    this.#changed();
    return true;
  }

  /** Puts other builds in the place of those that are filled and cannot be read. Throws what the store throws. */
  renewDamaged(): void {
    const { store, spaceId } = this.#options;
    for (const slot of this.#slots) {
      const { filling, serving } = slot;
      if (slot.isDamaged !== true || filling === undefined) continue;
      const renewed = this.#newBuild(slot);
      store.retire(spaceId, [filling.pstate.view]);
      filling.close();
      slot.filling = renewed;
      slot.isDamaged = false;
      if (serving !== filling) continue;
      slot.serving = renewed;
      slot.isFilledBehind = true;
      this.#refuseReads(slot);
    }
    this.#changed();
  }

  /**
   * Applies one event of the log to those views that follow and are before it.
   *
   * @throws {DamagedBuild} when a stored value cannot be read
   * @throws {RamaxError} what else the store throws
   */
  catchUp(event: FoldedEvent): void {
    const { store, spaceId } = this.#options;
    for (const view of this.#followers) {
      try {
        view.catchUp(event);
      } catch (error) {
        if (!isRamaxError(error, 'corrupt')) throw error;
        store.retire(spaceId, [view.pstate.view]);
        throw new DamagedBuild(error);
      }
    }
  }

  /** Freezes the changes up to `sequence`, when there are any and no flush is waiting. */
  freeze(sequence: number): void {
    if (this.#frozenAt !== undefined || sequence <= (this.persistedSequence ?? sequence)) return;
    for (const view of this.#followers) view.freeze();
    this.#frozenAt = sequence;
  }

  /** Writes what is frozen. `checkpoint` is the commit that the frozen sequence waited for. */
  writeFrozen(checkpoint: Checkpoint): void {
    assert(
      this.#frozenAt === checkpoint.lastSpaceSequence,
      'a flush carries the checkpoint of its own sequence',
    );
    flushViews(this.#options, this.#followers, checkpoint);
    this.#frozenAt = undefined;
  }

  /** Writes a batch of migrated values back, besides any flush. Returns whether more are waiting. */
  writeMigrated(): boolean {
    const { store, spaceId } = this.#options;
    // Also of those that do not follow: what they have migrated would wait for ever.
    const flushes = this.#slots.flatMap(({ serving }): ViewFlush | [] => serving.migratedFlush() ?? []);
    if (flushes.length > 0) store.flush(spaceId, flushes);
    for (const pstate of this.pstates) pstate.migratedWritten();
    return this.pstates.some(({ migrated }) => migrated.pending > 0);
  }

  /**
   * Forgets all that is not persisted, looks what the store has, and plans what has to be filled. The main view is
   * always filled before the space opens, and so is what needs hardly more events than it does.
   */
  load(lastSpaceSequence: number): void {
    if (this.#loaded !== undefined) this.close();
    this.#frozenAt = undefined;
    this.#loads++;
    const stored = this.#options.store.builds(this.#options.spaceId);
    const [main, ...further] = this.#options.app.views.map((definition) =>
      this.#openSlot(definition, stored, lastSpaceSequence),
    );
    assert(main !== undefined, 'an app has a main view');
    fillFirst(main);
    for (const slot of further) {
      planFilling(slot, main.serving.applied - this.#options.limits.catchUpEventsMax);
      if (isBehind(slot)) this.#refuseReads(slot);
    }
    this.#loaded = [main, ...further];
    this.#changed();
  }

  /**
   * What was filled while the space opened is at the head: it becomes what the store calls live.
   *
   * @param trouble why what was frozen on the way could not be written: then nothing can be frozen now
   */
  settle(head: Checkpoint, trouble?: RamaxError): void {
    const filled = this.#slots.filter((slot) => slot.filling === slot.serving && follows(slot));
    for (const slot of filled) {
      if (slot.replaces === undefined && !slot.serving.isStored) {
        slot.serving.startLive();
        slot.filling = undefined;
      }
    }
    const views = filled.flatMap(({ filling }) => filling ?? []);
    const unstored = views.filter(({ isStored }) => !isStored);
    if (unstored.length > 0) {
      if (trouble !== undefined) throw trouble;
      for (const view of unstored) view.freeze();
      flushViews(this.#options, unstored, head);
    }
    this.adopt(views);
    this.#changed();
  }

  /** The views that have to be filled before readers get their present version. */
  get toFill(): readonly LiveView[] {
    return this.#slots.flatMap(({ filling }) =>
      filling === undefined || filling.failure !== undefined || this.#followers.includes(filling)
        ? []
        : filling,
    );
  }

  /** What a rebuild of these views fills: what is being filled already, or new builds. */
  builds(names: readonly string[]): readonly LiveView[] {
    return names.map((name) => {
      const slot = this.#slotOf(name);
      const { filling } = slot;
      if (filling !== undefined && filling.failure === undefined && !isLagging(slot)) return filling;
      const view = this.#newBuild(slot);
      this.#rebuilding.add(view);
      return view;
    });
  }

  #newBuild({ definition, serving, filling }: ViewSlot): LiveView {
    const { store, spaceId } = this.#options;
    const stored = store.builds(spaceId).map(({ view }) => view);
    // The store may not know yet of what readers get: two states over one build would mix their changes.
    const builds = [...stored, serving.pstate.view, ...(filling === undefined ? [] : [filling.pstate.view])];
    return this.#openView(definition, { build: nextBuild(definition, builds), state: 'building' });
  }

  /** Readers get these views from now on: they are at the head and persisted. */
  adopt(views: readonly LiveView[]): void {
    if (views.length === 0) return;
    const { store, spaceId } = this.#options;
    store.swap(
      spaceId,
      views.map(({ pstate }) => pstate.view),
    );
    for (const view of views) {
      this.#rebuilding.delete(view);
      const slot = this.#slotOf(view.definition.name);
      if (slot.serving !== view) slot.serving.close();
      if (slot.filling !== view) slot.filling?.close();
      slot.serving = view;
      slot.filling = undefined;
      slot.isChanged = false;
      view.pstate.resume();
      if (view.pstate.migrated.pending > 0) this.#options.onMigrated?.();
    }
    this.#changed();
  }

  /** The filling of this view has failed: where readers wait for it, they get why. */
  fillFailed(view: LiveView): void {
    const { serving, filling, definition } = this.#slotOf(view.definition.name);
    const { failure } = view;
    if (filling !== view || failure === undefined || isCurrent(serving, definition)) return;
    serving.pstate.stop(() => failure);
    this.#changed();
  }

  /** These builds are not wanted any more: they are retired. One that its view cannot do without stays. */
  abandon(views: readonly LiveView[]): void {
    const unwanted = views.filter((view) => !this.#isNeeded(view));
    const { store, spaceId } = this.#options;
    for (const view of unwanted) {
      this.#rebuilding.delete(view);
      view.close();
      const slot = this.#slotOf(view.definition.name);
      if (!isSameBuild(slot.filling, view)) continue;
      slot.filling?.close();
      slot.filling = undefined;
    }
    store.retire(
      spaceId,
      unwanted.map(({ pstate }) => pstate.view),
    );
  }

  /** Readers get it, or wait for it. */
  #isNeeded(view: LiveView): boolean {
    const { serving, filling, definition } = this.#slotOf(view.definition.name);
    return isSameBuild(serving, view) || (isSameBuild(filling, view) && !isCurrent(serving, definition));
  }

  /** The state that readers get of a view. */
  stateOf(name: string): PState {
    return this.#slotOf(name).serving.pstate;
  }

  /** How each view stands. */
  statuses(head: number): readonly ViewStatus[] {
    return this.#slots.map((slot) => statusOf(slot, this.#followers.includes(slot.serving), head));
  }

  /** Gives memory back. */
  close(): void {
    for (const { serving, filling } of this.#loaded ?? []) {
      serving.close();
      filling?.close();
    }
    for (const view of this.#rebuilding) view.close();
    this.#rebuilding.clear();
  }

  get #slots(): readonly [ViewSlot, ...ViewSlot[]] {
    assert(this.#loaded !== undefined, 'views are loaded before they are used');
    return this.#loaded;
  }

  #slotOf(name: string): ViewSlot {
    const slot = this.#slots.find(({ definition }) => definition.name === name);
    assert(slot !== undefined, 'the names of views are checked at the door');
    return slot;
  }

  #openSlot(definition: LoadedView, stored: readonly StoredBuild[], lastSpaceSequence: number): ViewSlot {
    const { store, spaceId, fingerprintOf } = this.#options;
    const fingerprint = fingerprintOf(definition);
    const { live, fill, retire } = planView(definition, stored, { lastSpaceSequence, fingerprint });
    if (retire.length > 0) retireWherePossible(store, spaceId, retire);
    const filling =
      fill && this.#openView(definition, { build: fill.view, stored: fill.stored, state: 'building' });
    const serving = live ? this.#openView(definition, { build: live.view, stored: live }) : filling;
    assert(serving !== undefined, 'a view without a live build is filled');
    const isChanged =
      live?.view.version === definition.version &&
      live.fingerprint !== undefined &&
      live.fingerprint !== fingerprint;
    return { definition, serving, filling, replaces: live, isChanged };
  }

  #openView(definition: LoadedView, options: Pick<LiveViewOptions, 'build' | 'stored' | 'state'>): LiveView {
    const fingerprint = this.#options.fingerprintOf(definition);
    const place = this.#options.app.views.indexOf(definition);
    return new LiveView(this.#options, { definition, place, fingerprint, ...options });
  }

  #refuseReads({ definition: { name, version }, serving }: ViewSlot): void {
    const { spaceId } = this.#options;
    serving.pstate.stopReading(() => {
      const details = { spaceId, view: name, version, spaceSequence: serving.applied };
      const text = `view '${name}' of space ${spaceId} is being built and is at sequence ${serving.applied}`;
      return new RamaxError('view_building', text, { details });
    });
  }

  /** What follows, and what readers get, may be other views than before. */
  #changed(): void {
    const { app, onChanged } = this.#options;
    const [main, ...further] = this.#slots;
    this.#followers = this.#slots.flatMap((slot) => (follows(slot) ? slot.serving : []));
    this.#shown = {
      app,
      main: main.serving.pstate.reader(),
      views: Object.fromEntries(
        further.map(({ definition, serving }) => [definition.name, serving.pstate.reader()]),
      ),
    };
    if (onChanged === undefined) return;
    for (const { definition, serving } of this.#slots) {
      serving.pstate.watchChanges((key) => onChanged(definition.name, key));
      onChanged(definition.name, undefined);
    }
  }
}

function damagedBuild({ details }: RamaxError): ViewBuild | undefined {
  const { view: name, viewVersion: version, build } = details;
  return typeof name === 'string' && typeof version === 'number' && typeof build === 'number'
    ? { name, version, build }
    : undefined;
}

/** Nobody reads them any more: where the disk is full, they are retired when the space is loaded the next time. */
function retireWherePossible(store: PStateStore, spaceId: number, views: readonly ViewBuild[]): void {
  try {
    store.retire(spaceId, views);
  } catch (error) {
    if (!isPassingTrouble(error)) throw error;
  }
}

/** After views were loaded anew, one build may be here twice. */
function isSameBuild(one: LiveView | undefined, other: LiveView): boolean {
  const { version, build } = other.pstate.view;
  return one?.pstate.view.version === version && one.pstate.view.build === build;
}

function lowest(sequences: readonly number[]): number | undefined {
  return sequences.length === 0 ? undefined : Math.min(...sequences);
}
