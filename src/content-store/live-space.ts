/**
 * A live space: one space's state while it is open. It decides commands against the views, appends their events,
 * applies them ahead of the commit, and holds every answer back until what it could have seen is committed.
 *
 * Owns: the parts of the space, and its life. Its views (`views.ts`) are its state; what it has decided ahead of the log is its
 * speculation (`speculation.ts`); what is done beside the turns is its upkeep (`upkeep.ts`).
 * Called by: a mailbox (`shard/`), or the content store of an app in its own thread.
 *
 * Invariants (S1 to S3 are those of the speculation):
 *   S4  The views are at the head of the speculation.
 *   S5  After a failed append no command is decided before the state was loaded from the log under a new generation,
 *       and every command in flight was settled by what the log says, or is decided again.
 *   S6  What was rolled back is decided again in its old order, before anything younger.
 *   S7  While nobody can write and it may last, the space stands by: reads see what is committed, commands are refused before
 *       they are decided, and what was in flight is kept, with its doubt, until a writer is there or its caller goes.
 */

import { assert } from '../core/assert.js';
import type { Cipher } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { asRamaxError, invalidInput, isDamageOf, RamaxError } from '../core/errors.js';
import type { Checkpoint, SpaceEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import { builtInEvents } from '../core/reserved.js';
import { type Value, valueBytes } from '../core/values.js';
import { openForProjection } from '../event-store/seal.js';
import type { PStateStore } from '../pstate/port.js';
import { sealedPStateStore } from '../pstate/sealed-pstate-store.js';
import type { Recorder } from '../telemetry/recorder.js';
import { BuiltInState } from './built-in-state.js';
import { Changes } from './changes.js';
import { type DecisionOptions, draftEvents } from './decide.js';
import { Interlock, spaceClosed } from './interlock.js';
import { loadSpace, openWithSomeWriter } from './load-space.js';
import { type LogLink, type OpenedSpace, WriterIsDown } from './log-link.js';
import type { Held } from './output-gate.js';
import { PendingFlush } from './pending-flush.js';
import { sealedLog } from './sealed-log.js';
import { type SharedBySpaces, sharedBySpaces } from './shared-by-spaces.js';
import { Speculation } from './speculation.js';
import { StoreDamage } from './store-damage.js';
import { type AnyTurn, CommandTurn, type ReadFaces, ReadTurn } from './turn.js';
import { type MigrationProgress, Upkeep, type UpkeptSpace } from './upkeep.js';
import type { RebuildProgress } from './view-fill.js';
import type { ViewStatus } from './view-status.js';
import { Views } from './views.js';
import { type MigrationCounts, WriteBack } from './write-back.js';

/** What a live space is made of. */
export interface LiveSpaceOptions {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly app: LoadedApp;
  readonly log: LogLink;
  readonly pstates: PStateStore;
  readonly platform: Platform;
  readonly limits: Limits;
  /** What this space shares with the others of its shard. Default: it is alone. */
  readonly shared?: SharedBySpaces;
  /** Told of errors that no caller waits for, such as a failed flush. */
  readonly onError: (error: RamaxError) => void;
  /** Told how far the space is committed: after commits, and when it was loaded. */
  readonly onCommitted?: ((spaceSequence: number) => void) | undefined;
  /** Of an encrypted space: its payloads and its state are sealed on their way to the disk. */
  readonly cipher?: Cipher | undefined;
}

/** Figures of one live space. */
export interface LiveSpaceStats {
  readonly head: number;
  readonly committed: number;
  readonly held: number;
  readonly dirtyKeys: number;
  /** Events applied when the space was opened: those after its checkpoint. */
  readonly caughtUp: number;
  readonly recoveries: number;
  /** Flushes of projections that failed and are tried again. */
  readonly flushFailures: number;
  /** Values that had an older shape when they were read, and what became of them. */
  readonly migrations: MigrationCounts;
  /** How often stored views were found damaged and made anew. */
  readonly remade: number;
}

/** No writer takes what is appended under it. */
const noGeneration = 0;

/** A space while nobody can write (S7). */
interface Standby {
  /** Why. */
  readonly cause: RamaxError;
  /** What was in flight, in its order: commands that may be in the log, and answers behind them. */
  readonly held: readonly Held[];
  /** The last sequence that was known to be committed then. */
  readonly before: number;
}

/** See the head of this file. */
export class LiveSpace {
  readonly #options: LiveSpaceOptions;
  readonly #decision: DecisionOptions;
  /** Timers and imports: at the head of the speculation, like the views (S4). */
  readonly #builtIn = new BuiltInState();
  readonly #views: Views;
  readonly #flush: PendingFlush;
  readonly #speculation: Speculation;
  readonly #interlock: Interlock;
  readonly #upkeep: Upkeep;
  readonly #writeBack: WriteBack;
  readonly #shared: SharedBySpaces;
  /** Who waits for a change of the state. */
  readonly changes: Changes;
  #caughtUp = 0;
  #recoveries = 0;
  #remade = 0;
  readonly #damage: StoreDamage;
  /** Turns that have met damage: taken once more when it is mended, in their order. */
  readonly #again: AnyTurn[] = [];
  /** Those that were: a turn that meets damage again fails. */
  readonly #takenAgain = new WeakSet<AnyTurn>();
  #standby: Standby | undefined;

  private constructor(options: LiveSpaceOptions) {
    const { spaceId, app, limits, platform, onError } = options;
    const { clock } = platform;
    this.#damage = new StoreDamage(options.pstates, () => clock.soon(() => void this.#loadLost()));
    const { store } = this.#damage;
    this.#options = options;
    const { spaceName, cipher } = options;
    const state = this.#builtIn;
    this.#decision = { app, spaceName, newId: () => platform.ids.newId(), platform, limits, cipher, state };
    this.#shared = options.shared ?? sharedBySpaces(limits);
    this.changes = new Changes(limits);
    this.#interlock = new Interlock(() => this.#speculation.hasRoom);
    this.#views = new Views({
      spaceId,
      app,
      store,
      limits,
      cache: this.#shared.cache,
      vitals: this.#shared.vitals,
      poisoned: this.#shared.poisoned,
      fingerprintOf: (view) => this.#shared.fingerprints.of(view, platform.textDigest),
      onMigrated: () => this.#writeBack.arm(),
      onChanged: (view, key) => this.changes.changed(view, key),
      onBehind: () => clock.soon(() => void this.#upkeep.begin()),
    });
    this.#writeBack = new WriteBack({ clock, limits, views: this.#views, onError });
    this.#upkeep = new Upkeep({
      spaceId,
      log: options.log,
      pstates: store,
      clock,
      limits,
      shapes: app.shapes,
      views: this.#views,
      fills: this.#shared.fills,
      vitals: this.#shared.vitals,
      space: this.#asUpkept(),
      turnCount: this.#shared.turnCount,
      onError,
    });
    this.#speculation = new Speculation({
      spaceId,
      log: options.log,
      clock,
      limits,
      shapes: options.app.shapes,
      interlock: this.#interlock,
      heldBytes: this.#shared.heldBytes,
      onCommitted: () => {
        this.#flush.committed();
        options.onCommitted?.(this.#speculation.committed.lastSpaceSequence);
      },
      onFailed: (error) => this.#appendFailed(error),
    });
    this.#flush = new PendingFlush({
      clock,
      limits: {
        dirtyKeysMax: limits.dirtyKeysMax,
        flushDelayMs: spreadDelayMs(limits.flushDelayMs, spaceId),
      },
      views: this.#views,
      heads: () => ({
        head: this.#speculation.head.sequence,
        committed: this.#speculation.committed,
      }),
      onError,
      unflushed: this.#shared.unflushed,
    });
  }

  /**
   * Opens a space: becomes its owner, loads its views from their checkpoints and applies what follows them. While nobody
   * can write, it is opened for reading.
   *
   * @throws {RamaxError} `not_found`, `corrupt`, `storage`
   */
  static async open(options: LiveSpaceOptions): Promise<LiveSpace> {
    const space = new LiveSpace(withSeals(options));
    try {
      await space.#start();
      return space;
    } catch (error) {
      // What it has begun must not go on beside the next one.
      space.abandon(asRamaxError(error, 'storage', 'the space could not be loaded'));
      throw error;
    }
  }

  async #start(): Promise<void> {
    try {
      this.#caughtUp = await this.#load();
    } catch (error) {
      if (!(error instanceof WriterIsDown)) throw error;
      this.#caughtUp = await this.#standBy({ cause: error.cause, held: [], before: 0 });
    }
    // Not at once: a rebuild that was interrupted and is asked for again goes on with what there is.
    this.#options.platform.clock.soon(() => void this.#upkeep.begin());
  }

  get stats(): LiveSpaceStats {
    return {
      head: this.#speculation.head.sequence,
      committed: this.#speculation.committed.lastSpaceSequence,
      held: this.#speculation.size + (this.#standby?.held.length ?? 0),
      dirtyKeys: this.#views.dirtyKeys,
      caughtUp: this.#caughtUp,
      recoveries: this.#recoveries,
      flushFailures: this.#flush.failures,
      migrations: this.#writeBack.counts,
      remade: this.#remade,
    };
  }

  /** How each view stands, uncommitted events included. */
  get viewStatuses(): readonly ViewStatus[] {
    const trouble = this.#upkeep.trouble?.toData();
    return this.#views
      .statuses(this.#speculation.head.sequence)
      .map((status) => (status.state === 'building' ? { ...status, error: trouble } : status));
  }

  /** Nobody waits for it, and nothing is under way. */
  get idle(): boolean {
    const isQuiet = this.#speculation.size === 0 && this.#standby === undefined;
    return isQuiet && this.#interlock.open && !this.#upkeep.busy;
  }

  /** Why no turn can be taken any more, or undefined while it lives. */
  get ended(): RamaxError | undefined {
    return this.#interlock.ended;
  }

  // ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Resolves when these turns may be taken, in this order, each after one more look at `hasRoom`.
   *
   * @throws {RamaxError} why the space has ended, or that the log could not be asked
   */
  async prepare(turns: readonly AnyTurn[]): Promise<void> {
    await this.#interlock.ready();
    // While nobody can write nothing is decided: what the log says now may not be what it will say.
    while (this.#trouble === undefined && (await this.#speculation.ask(turns))) {
      await this.#interlock.ready();
    }
  }

  /** Whether this turn may be taken now without having been prepared, as nearly all may: nothing has to be awaited for it. */
  takesAtOnce(turn: AnyTurn): boolean {
    return this.hasRoom && (this.#trouble !== undefined || !this.#speculation.mustAsk(turn));
  }

  /** Whether a turn that was prepared may be taken now. Ask in the same breath. */
  get hasRoom(): boolean {
    return this.#interlock.open && this.#speculation.hasRoom;
  }

  /** Whether a turn that was prepared has to be prepared again, because of the turns that were taken since. */
  mustPrepare(turn: AnyTurn): boolean {
    return this.#trouble === undefined && this.#speculation.mustAsk(turn);
  }

  /** Decides a command, or reads. The answer comes through the turn. */
  take(turn: AnyTurn): void {
    assert(this.#interlock.open, 'a turn is taken only while the space is live');
    this.#take(turn);
  }

  #take(turn: AnyTurn): void {
    if (turn.state === 'settled') return;
    const trouble = this.#trouble;
    if (trouble !== undefined && turn instanceof CommandTurn) {
      turn.refuse(trouble);
      return;
    }
    this.#shared.turnCount.turns++;
    const { recorder } = this.#shared;
    const isObserved = recorder !== undefined && turn instanceof CommandTurn && isWanted(recorder, turn);
    if (isObserved) this.#runObserved(turn, recorder);
    else this.#runTurn(turn);
  }

  #runObserved(turn: CommandTurn, recorder: Recorder): void {
    const startedAt = recorder.now();
    this.#runTurn(turn);
    const endedAt = recorder.now();
    const durationMs = endedAt - startedAt;
    recorder.turn(durationMs);
    const { traceparent } = turn.invocation;
    if (traceparent === undefined) return;
    const waitMs = Math.max(0, startedAt - turn.postedAt);
    recorder.span({
      name: 'ramax.turn',
      traceparent,
      startedAt: turn.postedAt,
      endedAt,
      attributes: { 'ramax.turn.wait_ms': waitMs, 'ramax.turn.decide_ms': durationMs },
    });
  }

  #runTurn(turn: AnyTurn): void {
    this.#damage.forget();
    turn.decided();
    try {
      if (turn instanceof CommandTurn) this.#decide(turn);
      else this.#read(turn);
    } catch (error) {
      this.#shared.vitals.rests();
      if (this.#mend(turn, error)) return;
      const refusal = asRamaxError(error, 'command_failed', 'the turn failed');
      this.#speculation.hold(turn, () => turn.fail(refusal));
    }
    this.#speculation.release();
  }

  #read(turn: ReadTurn): void {
    const value = this.#run(turn, this.#views.faces);
    this.#damage.assertNone();
    // Where nothing is held, everything that it could have seen is committed.
    if (this.#speculation.size === 0) turn.settle(value);
    else this.#speculation.hold(turn, () => turn.settle(value), valueBytes(value ?? null));
  }

  /** Runs what reads; while it does, it is marked. */
  #run(turn: ReadTurn, faces: ReadFaces): Value | undefined {
    const { vitals } = this.#shared;
    vitals.runs(turn.callId);
    const value = turn.read(faces);
    vitals.rests();
    return value;
  }

  #decide(turn: CommandTurn): void {
    if (this.#speculation.repeats(turn)) return;
    const { mainFailure, main } = this.#views;
    if (mainFailure !== undefined) throw mainFailure;
    this.#flush.assertRoom();
    this.#speculation.checkCondition(turn);
    const { vitals } = this.#shared;
    vitals.runs(turn.callId);
    const drafts = draftEvents(turn.invocation, main, this.#speculation.head, this.#decision);
    this.#damage.assertNone();
    if (drafts.length > 0) this.#views.apply(drafts.map(({ event }) => event));
    // Before anything is appended: what has died with its mark has written nothing.
    vitals.rests();
    this.#speculation.write(turn, drafts);
    for (const { sealed, event } of drafts) this.#builtIn.apply(sealed, event.spaceSequence);
    if (drafts.length > 0) this.#flush.changed(drafts);
  }

  // ── Recovery ──────────────────────────────────────────────────────────────────────────────────────────────────

  #appendFailed(error: RamaxError): void {
    if (this.#interlock.recovering || this.#interlock.ended !== undefined) return;
    this.#recoveries++;
    this.#interlock.recover((resume) => this.#recover(error, resume));
  }

  async #recover(cause: RamaxError, resume: () => void): Promise<void> {
    await this.#interlock.whenQuiet();
    // Damage may be met while the space stands by: what it keeps for the next writer goes on from here.
    const by = this.#standby;
    this.#standby = undefined;
    const held = [...(by?.held ?? []), ...this.#speculation.takeAll()];
    const before = by?.before ?? this.#speculation.committed.lastSpaceSequence;
    try {
      if (!this.#damage.isLost) this.#views.retireDamaged(cause);
      await this.#load();
      const turns = await this.#speculation.settle(held, before);
      // Their conditions were asked for under the speculation that is over.
      await this.#speculation.ask(this.#again);
      resume();
      this.#takeInOrder([...turns, ...this.#again.splice(0)]);
      void this.#upkeep.begin();
    } catch (error) {
      if (error instanceof WriterIsDown) {
        await this.#standByWith({ cause: error.cause, held, before }, resume);
        return;
      }
      resume();
      this.#break(asRamaxError(error, 'storage', 'the space could not be recovered'), cause, held);
    }
    this.#interlock.roomMade();
  }

  /** When one of them meets damage, it and those behind it wait until that is mended. */
  #takeInOrder(turns: readonly AnyTurn[]): void {
    for (const turn of turns) {
      if (this.#interlock.recovering) this.#again.push(turn);
      else this.#take(turn);
    }
  }

  // ── Damage of what is stored ──────────────────────────────────────────────────────────────────────────────────

  /**
   * The turn has met stored data that is damaged: what it has decided or read counts for nothing. A further view is made anew behind;
   * for the main view, which commands rest on, the space loads again. Says whether the turn is taken once more.
   */
  #mend(turn: AnyTurn, error: unknown): boolean {
    const { found = isDamageOf(error, this.#options.spaceId) ? error : undefined } = this.#damage;
    if (found === undefined || this.#takenAgain.has(turn) || this.#interlock.ended !== undefined)
      return false;
    this.#takenAgain.add(turn);
    this.#remade++;
    turn.rolledBack();
    if (!this.#damage.isLost && this.#views.putDamagedBehind(found)) {
      this.#take(turn);
      return true;
    }
    this.#again.push(turn);
    if (!this.#interlock.recovering) this.#interlock.recover((resume) => this.#recover(found, resume));
    return true;
  }

  /** The store has lost what the views were loaded from, and no turn has noticed. */
  async #loadLost(): Promise<void> {
    if (this.ended !== undefined) return;
    try {
      await this.#interlock.exclusively(async () => {
        if (!this.#damage.isLost) return;
        this.#remade++;
        await this.#reload();
      });
      void this.#upkeep.begin();
    } catch (error) {
      // It has ended, and says why to whoever comes next.
      this.#options.onError(asRamaxError(error, 'storage', 'the views could not be loaded again'));
    }
  }

  // ── Standing by ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Why no command is decided at present. A space with nothing in flight learns it from the log before its next append does. */
  get #trouble(): RamaxError | undefined {
    return this.#standby?.cause ?? this.#options.log.trouble;
  }

  /** Loads what is committed, for reading. What is in doubt is not seen: it counts from when a writer finds it. */
  async #standBy(standby: Standby): Promise<number> {
    const { log, spaceId } = this.#options;
    const opened = await log.openForReading(spaceId);
    const applied = await this.#loadFrom({ generation: noGeneration, ...opened });
    this.#interlock.assertNotEnded();
    this.#standby = standby;
    void this.#standUp(standby);
    return applied;
  }

  /** The same in place of a recovery: reads that were held see the committed state, everything else waits on. */
  async #standByWith({ cause, held, before }: Standby, resume: () => void): Promise<void> {
    const reads = held.flatMap(({ turn }) => (turn instanceof ReadTurn ? turn : []));
    const kept = held.filter(({ turn }) => !(turn instanceof ReadTurn));
    try {
      await this.#standBy({ cause, held: kept, before });
      resume();
      for (const turn of reads) turn.rolledBack();
      this.#takeInOrder([...reads, ...this.#again.splice(0)]);
    } catch (error) {
      resume();
      this.#break(asRamaxError(error, 'storage', 'the space could not be loaded'), cause, held);
    }
    this.#interlock.roomMade();
  }

  /** When a writer is there again: recovers, as behind any failed append. */
  async #standUp(standby: Standby): Promise<void> {
    const { log, spaceId } = this.#options;
    try {
      const opened = await openWithSomeWriter(log, spaceId, 'untilUp');
      if (this.#standby !== standby) return;
      await this.#interlock.exclusively(async () => {
        if (this.#standby !== standby) return;
        await this.#loadFrom(opened);
        const turns = await this.#speculation.settle(standby.held, standby.before);
        this.#standby = undefined;
        // Before the section ends, so that nothing younger comes first (S6).
        this.#takeInOrder(turns);
      });
      void this.#upkeep.begin();
    } catch (error) {
      if (this.#standby !== standby) return;
      this.#standby = undefined;
      this.#break(
        asRamaxError(error, 'storage', 'the space could not be recovered'),
        standby.cause,
        standby.held,
      );
    }
    this.#interlock.roomMade();
  }

  /** Nothing can be said about what was decided; what was not decided is refused with the error that ended the space. */
  #break(error: RamaxError, cause: RamaxError, held: readonly Held[]): void {
    const because = new RamaxError(error.code, `${error.message} (after: ${cause.message})`, {
      cause: error,
      details: error.details,
    });
    this.#letGo(error);
    for (const { turn } of held) turn.refuse(because);
    for (const turn of this.#again.splice(0)) turn.refuse(because);
  }

  /**
   * Becomes the owner under a new generation and loads the state. Returns how many events it applied.
   *
   * @throws {WriterIsDown} before anything is changed
   */
  async #load(): Promise<number> {
    const { log, spaceId } = this.#options;
    return this.#loadFrom(await openWithSomeWriter(log, spaceId));
  }

  async #loadFrom(opened: OpenedSpace): Promise<number> {
    const { app, log, spaceId, platform, limits, cipher } = this.#options;
    // Nothing of an earlier owner can be committed any more, so the tables are as the events are.
    await this.#builtIn.load(log, spaceId, limits);
    this.#flush.reset();
    this.#writeBack.close();
    const views = this.#views;
    const { clock } = platform;
    const loaded = await this.#loadWhatIsStored(() =>
      loadSpace({ log, clock, limits, spaceId, views, shapes: app.shapes, cipher }, opened),
    );
    this.#speculation.begin(opened);
    this.#options.onCommitted?.(opened.head.lastSpaceSequence);
    this.#remade += loaded.damagedBuilds;
    if (loaded.unwritten !== undefined) this.#flush.reset(loaded.unwritten);
    if (loaded.applied > 0) this.#flush.changed();
    return loaded.applied;
  }

  /** A store that is found damaged meanwhile begins anew, and so does this. */
  async #loadWhatIsStored<Loaded>(load: () => Promise<Loaded>): Promise<Loaded> {
    for (let losses = 0; ; losses++) {
      this.#damage.loading();
      try {
        return await load();
      } catch (error) {
        if (!this.#damage.isLost || losses >= lossesMax) throw error;
        this.#remade++;
      }
    }
  }

  // ── Life ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes all changes behind their commits and returns how far the main view is persisted. */
  checkpoint(): Promise<Checkpoint> {
    return this.#flushed(async () => this.#views.checkpoint);
  }

  /** Runs `section` while no turn runs, nothing is uncommitted and everything is persisted. */
  #flushed<T>(section: () => Promise<T>): Promise<T> {
    return this.#interlock.exclusively(() => {
      this.#flush.now();
      return section();
    });
  }

  /** Applies what another owner has appended to the log since. Returns the number of events. */
  async catchUp(): Promise<number> {
    const applied = await this.#flushed(() => this.#reload());
    void this.#upkeep.begin();
    return applied;
  }

  /** See `Upkeep.rebuild`. */
  rebuild(
    views: readonly string[],
    onProgress: (progress: RebuildProgress) => void,
    signal?: AbortSignal,
  ): Promise<RebuildProgress> {
    return this.#upkeep.rebuild(views, onProgress, signal);
  }

  /** Resolves when every view is of the app's version, or has failed. */
  fillViews(): Promise<void> {
    return this.#upkeep.begin();
  }

  /** See `Upkeep.skip`. */
  async skip(view: string, spaceSequence: number): Promise<void> {
    await this.#upkeep.skip(view, spaceSequence);
    // States of the past may have stopped at this event, too.
    this.#shared.history.forget(this.#options.spaceId);
  }

  /** See `Upkeep.migrateAll`. */
  migrateAll(
    views: readonly string[],
    onProgress: (progress: MigrationProgress) => void,
    signal?: AbortSignal,
  ): Promise<MigrationProgress> {
    return this.#upkeep.migrateAll(views, onProgress, signal);
  }

  /**
   * Reads the state as of an earlier sequence.
   *
   * @throws {RamaxError} `invalid_input` when the space has not come so far, and what `History.at` throws
   */
  async readAt(spaceSequence: number, turn: ReadTurn): Promise<Value | undefined> {
    const { spaceId, app, log, pstates, platform } = this.#options;
    const { lastSpaceSequence } = this.#speculation.committed;
    if (spaceSequence > lastSpaceSequence) {
      throw invalidInput(
        'spaceSequence',
        `at most ${lastSpaceSequence}, the latest of the space`,
        spaceSequence,
      );
    }
    const { clock } = platform;
    const faces = await this.#shared.history.at({ spaceId, spaceSequence, app, log, pstates, clock });
    try {
      // Nobody waits for the value where the caller has gone meanwhile.
      return turn.state === 'settled' ? undefined : this.#run(turn, faces);
    } finally {
      this.#shared.vitals.rests();
    }
  }

  /** The committed event that has scheduled a timer, or undefined where there is none at this sequence. */
  async scheduledAt(spaceSequence: number): Promise<SpaceEvent | undefined> {
    const { log, spaceId, limits } = this.#options;
    const bounds = { limit: 1, bytesMax: limits.readBytesMax };
    const [stored] = await log.readSpace(spaceId, spaceSequence - 1, bounds);
    return stored?.type === builtInEvents.timerScheduled ? openForProjection(stored) : undefined;
  }

  /** Flushes and lets go. No turn may come any more; those held are waited for. */
  async close(): Promise<void> {
    this.#upkeep.end();
    try {
      if (this.ended === undefined) await this.#flushed(async () => this.#writeBack.now());
    } finally {
      this.abandon(spaceClosed());
    }
  }

  /** Resolves when the log has answered everything that was appended. It takes as long as a writer that is started again. */
  appendsAnswered(): Promise<void> {
    return this.#interlock.whenQuiet();
  }

  /** Lets go without a flush, for the log has everything. What waits fails with `error`. */
  abandon(error: RamaxError): void {
    this.#letGo(error);
    const held = [...(this.#standby?.held ?? []), ...this.#speculation.takeAll()];
    this.#standby = undefined;
    for (const { turn } of held) turn.refuse(error);
    for (const turn of this.#again.splice(0)) turn.refuse(error);
  }

  #letGo(error: RamaxError): void {
    this.#interlock.end(error);
    this.#flush.close();
    this.#writeBack.close();
    this.#upkeep.end();
    this.#views.close();
    this.changes.end();
  }

  async #reload(): Promise<number> {
    this.#speculation.forgetCommands();
    try {
      return await this.#load();
    } catch (error) {
      if (error instanceof WriterIsDown) throw error.cause;
      this.abandon(asRamaxError(error, 'storage', 'the space could not be loaded'));
      throw error;
    }
  }

  #asUpkept(): UpkeptSpace {
    const committed = (): Checkpoint => this.#speculation.committed;
    const ended = (): RamaxError | undefined => this.ended;
    return {
      get committed() {
        return committed();
      },
      get ended() {
        return ended();
      },
      ready: () => this.#interlock.ready(),
      exclusively: (section) => this.#flushed(section),
      reload: async () => {
        await this.#reload();
      },
    };
  }
}

function isWanted({ wants }: Recorder, { invocation }: CommandTurn): boolean {
  return wants.turns || (wants.spans && invocation.traceparent !== undefined);
}

/** How often a store may be lost while one space is loaded from it: a disk that damages what is written is no store. */
const lossesMax = 2;

/** The fractional parts of its multiples lie evenly between 0 and 1, in whatever order they come. */
const goldenRatio = 0.618_033_988_749_895;

/** Spaces that began to change together do not flush together: between half of the delay and all of it. */
function spreadDelayMs(delayMs: number, spaceId: number): number {
  return Math.ceil((delayMs * (1 + ((spaceId * goldenRatio) % 1))) / 2);
}

/** The same with what is on the disk behind the space's cipher, where it has one. */
function withSeals(options: LiveSpaceOptions): LiveSpaceOptions {
  const { cipher, log, pstates } = options;
  if (cipher === undefined) return options;
  return { ...options, log: sealedLog(log, cipher), pstates: sealedPStateStore(pstates, cipher) };
}
