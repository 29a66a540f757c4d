/**
 * A random history over one house: clients send commands and reads to several spaces while threads are killed and
 * commits fail. What was sent and answered is written down; `check-history.ts` compares it with the log.
 */

import type { CommandResult } from '../../src/content-store/content-store.js';
import { isPassingTrouble, RamaxError } from '../../src/core/errors.js';
import type { RamaxRuntime } from '../../src/supervisor/ramax.js';
import type { SpaceHandle } from '../../src/supervisor/space-handle.js';
import { House } from '../../src/testing/house.js';
import { type Entry, ledger, ledgerOf } from './ledger-app.js';
import { Watcher } from './watcher.js';

type Ledger = typeof ledger;

/** One command as its client saw it. Times are places in the order of all sends and answers. */
export interface SentCommand {
  readonly spaceName: string;
  readonly markers: readonly string[];
  readonly commandId: string | undefined;
  readonly sentAt: number;
  answer:
    | { readonly kind: 'ok'; readonly result: CommandResult; readonly at: number; readonly onDisk: number }
    | {
        readonly kind: 'error';
        readonly error: RamaxError;
        readonly at: number;
        readonly onDisk: number;
        readonly seen: number;
      }
    | undefined;
}

/** One read as its client saw it: the sequence that the state had, and what was on disk when the answer came. */
export interface SeenRead {
  readonly spaceName: string;
  readonly sequenceSeen: number;
  readonly onDisk: number;
  /** The sequence of the client's own last acknowledged write before the read was sent. */
  readonly ownWrite: number;
}

/** Both views as a read saw them at one moment. */
export interface SeenPicture {
  readonly spaceName: string;
  /** The sequence of the past that was read; undefined: now. */
  readonly at: number | undefined;
  readonly main: unknown;
  readonly amounts: unknown;
  /** The version of the view of amounts in the app that ran then. */
  readonly version: number;
}

/** A history and the house it happened in. */
export interface History {
  readonly seed: number;
  readonly house: House<Ledger>;
  readonly commands: readonly SentCommand[];
  readonly reads: readonly SeenRead[];
  /** Reads have no reason to fail: they are asked again when a thread dies. */
  readonly failedReads: readonly string[];
  /** What every space answered to the query for everything, at the end and after a restart. */
  readonly states: readonly {
    readonly when: string;
    readonly spaceName: string;
    readonly main: unknown;
    readonly amounts: unknown;
    readonly version: number;
    /** Events of the space then. */
    readonly sequence: number;
  }[];
  readonly pictures: readonly SeenPicture[];
  readonly watchers: readonly Watcher[];
  readonly recoveries: number;
  readonly crashes: number;
  /** How often the disk was full for a while, and commands that were refused with it. */
  readonly fullDisks: number;
  readonly refusedByDisk: number;
  /** Reads that were answered while the disk was full. */
  readonly readsOnFullDisk: number;
  /** Whether it went on with a release whose view of amounts has another version. */
  readonly isRaised: boolean;
}

const spaceNames = ['north', 'south', 'east'];
/** How much happens. Small histories take a quarter of the time: four times as many meet four times as many seeds. */
const sizes = {
  full: { clients: 6, callsPerClient: 12, watchers: 3, duels: 6 },
  small: { clients: 3, callsPerClient: 5, watchers: 1, duels: 2 },
};

/** How much happens in a history. */
export type HistorySize = keyof typeof sizes;

/** After a restart: enough to meet views that are being filled. */
const laterClients = 3;
const callsPerLaterClient = 4;
/** Small bounds, so that flushes, full gates and several batches happen in a short history. */
const limits = {
  dirtyKeysMax: 3,
  fillKeysMax: 3,
  flushDelayMs: 4,
  speculativeTurnsMax: 5,
  commitCommandsMax: 4,
  readEventsMax: 3,
  callTimeoutMs: 60_000,
  restartsMax: 1_000,
  cacheEntriesMax: 4,
  openSpacesMax: 2,
  idleSpaceMs: 60,
  catchUpEventsMax: 3,
  historyStatesMax: 2,
};

/** Plays the history of a seed. */
export async function playHistory(seed: number, size: HistorySize = 'full'): Promise<History> {
  // By the seed alone: the other histories are the same as without full disks.
  const hasFullDisk = seed % 4 === 3;
  const house = new House({ app: ledger, seed });
  const { random } = house;
  const player = new Player(house, size);
  let ramax = await house.start({ shards: 1 + random.below(3), limits });
  const playing = player.playAll(ramax);
  const faults = injectFaults(house, hasFullDisk);
  await house.run(playing);
  let { crashes, fullDisks } = faults.stop();
  if (hasFullDisk) await player.whenWritable(ramax);
  await player.readStates(ramax, 'at the end');
  await player.letWatchersSeeTheEnd();
  const { shards: shardStats } = await house.run(ramax.stats());
  const recoveries = shardStats.reduce((sum, stats) => sum + stats.recoveries, 0);
  if (random.oneIn(2)) await house.run(ramax.close());
  else {
    await player.stopWatchers();
    house.killAll();
  }
  await player.watchersEnd();
  const isRaised = random.oneIn(2);
  if (isRaised) player.version = 2;
  const app = ledgerOf({ version: player.version });
  ramax = await house.start({ app, shards: 1 + random.below(3), limits });
  if (isRaised) {
    const later = player.playLater(ramax);
    const laterFaults = injectFaults(house, hasFullDisk);
    await house.run(later);
    const laterCounts = laterFaults.stop();
    crashes += laterCounts.crashes;
    fullDisks += laterCounts.fullDisks;
    if (hasFullDisk) await player.whenWritable(ramax);
    await player.waitForViews(ramax);
  }
  await player.readStates(ramax, 'after a restart');
  await house.run(ramax.close());
  return {
    seed,
    house,
    commands: player.commands,
    reads: player.reads,
    failedReads: player.failedReads,
    states: player.states,
    pictures: player.pictures,
    watchers: player.watchers,
    recoveries,
    crashes,
    fullDisks,
    refusedByDisk: player.refusedByDisk,
    readsOnFullDisk: player.readsOnFullDisk,
    isRaised,
  };
}

/** The longest time that the disk is full: some restarts of the writer. */
const fullMsMax = 600;

/** Kills threads, fails commits and fills the disk now and then, until it is stopped. Returns how often. */
function injectFaults(
  house: House<Ledger>,
  hasFullDisk: boolean,
): { stop(): { crashes: number; fullDisks: number } } {
  const { random, scheduler, disk } = house;
  const severity = random.below(5);
  let crashes = 0;
  let fullDisks = 0;
  let isStopped = false;
  if (hasFullDisk) {
    scheduler.plan(random.fraction() * 60, () => {
      if (isStopped) return;
      fullDisks++;
      disk.isFull = true;
      scheduler.plan(random.fraction() * fullMsMax, () => {
        disk.isFull = false;
      });
    });
  }
  const next = (): void => {
    if (isStopped || crashes >= severity * 2) return;
    scheduler.plan(random.fraction() * 25, () => {
      if (isStopped) return;
      crashes++;
      if (random.oneIn(3)) house.killWriter();
      else house.killShard(random.below(3));
      next();
    });
  };
  next();
  disk.nextCommitFault = () => {
    if (isStopped || severity === 0 || !random.oneIn(12)) return 'none';
    crashes++;
    return random.oneIn(2) ? 'writtenInDoubt' : 'notWrittenInDoubt';
  };
  return {
    stop() {
      isStopped = true;
      disk.nextCommitFault = () => 'none';
      disk.isFull = false;
      return { crashes, fullDisks };
    },
  };
}

class Player {
  readonly #house: House<Ledger>;
  readonly commands: SentCommand[] = [];
  readonly reads: SeenRead[] = [];
  readonly failedReads: string[] = [];
  readonly states: {
    when: string;
    spaceName: string;
    main: unknown;
    amounts: unknown;
    version: number;
    sequence: number;
  }[] = [];
  readonly pictures: SeenPicture[] = [];
  readonly watchers: Watcher[] = [];
  refusedByDisk = 0;
  readsOnFullDisk = 0;
  /** Of the view of amounts, in the app that runs. */
  version = 1;
  readonly #isDuel: boolean;
  readonly #size: (typeof sizes)[HistorySize];
  #clock = 0;
  #markers = 0;

  constructor(house: House<Ledger>, size: HistorySize) {
    this.#house = house;
    this.#size = sizes[size];
    this.#isDuel = house.random.oneIn(4);
  }

  async playAll(ramax: RamaxRuntime<Ledger>): Promise<void> {
    const spaces = await this.#spacesOf(ramax);
    const { clients, callsPerClient, watchers } = this.#size;
    if (this.#isDuel) await this.#playDuels(spaces[0]!);
    else {
      for (let n = 0; n < watchers; n++) {
        this.watchers.push(new Watcher(this.#house, this.#house.random.pick(spaces)!));
      }
      await Promise.all(Array.from({ length: clients }, () => this.#playClient(spaces, callsPerClient)));
    }
  }

  /** The spaces, also while the disk is full for a moment. */
  async #spacesOf(ramax: RamaxRuntime<Ledger>): Promise<SpaceHandle<Ledger>[]> {
    for (;;) {
      try {
        return await Promise.all(spaceNames.map((name) => ramax.spaces.getOrCreate(name)));
      } catch (error) {
        if (!isPassingTrouble(error)) throw error;
        await new Promise<void>((resolve) => this.#house.scheduler.plan(20, resolve));
      }
    }
  }

  /** The writer comes back by itself, at most one pause after the disk has room. */
  async whenWritable(ramax: RamaxRuntime<Ledger>): Promise<void> {
    for (let round = 0; round < 200; round++) {
      const { writer } = await this.#house.run(ramax.health());
      if (writer.isAnswering && writer.trouble === undefined) {
        // A space that could not be opened is tried again half a second later.
        await this.#house.scheduler.advance(600);
        return;
      }
      await this.#house.scheduler.advance(25);
    }
    this.failedReads.push('the writer has not come back long after the disk had room again');
  }

  /** A few clients more, in another runtime. */
  async playLater(ramax: RamaxRuntime<Ledger>): Promise<void> {
    const spaces = await this.#spacesOf(ramax);
    const play = () => this.#playClient(spaces, callsPerLaterClient);
    await Promise.all(Array.from({ length: laterClients }, play));
  }

  /** Whatever is filled behind is filled, and nobody has to ask for it. */
  async waitForViews(ramax: RamaxRuntime<Ledger>): Promise<void> {
    for (const spaceName of spaceNames) {
      const space = await this.#house.run(ramax.spaces.getOrCreate(spaceName));
      let states: readonly string[] = ['not asked'];
      for (let round = 0; round < 40 && states.some((state) => state !== 'live'); round++) {
        await this.#house.scheduler.advance(25);
        states = (await this.#house.run(space.views())).map(({ state }) => state);
      }
      if (states.some((state) => state !== 'live')) {
        this.failedReads.push(`${spaceName}: views are ${states.join()} long after the start`);
      }
    }
  }

  /** What is committed comes to every watcher, however slow it is. */
  async letWatchersSeeTheEnd(): Promise<void> {
    for (let round = 0; round < 40 && this.watchers.some((watcher) => watcher.isBehind); round++) {
      await this.#house.scheduler.advance(25);
    }
  }

  async stopWatchers(): Promise<void> {
    for (const watcher of this.watchers) watcher.abort();
    await this.watchersEnd();
  }

  async watchersEnd(): Promise<void> {
    await this.#house.run(Promise.all(this.watchers.map(({ ended }) => ended)));
  }

  /**
   * Pairs of commands of which the second depends on the first, whose caller soon gives up, while shards die: what was
   * decided by a dead shard must not land behind what its successor has decided.
   */
  async #playDuels(space: SpaceHandle<Ledger>): Promise<void> {
    const { random, scheduler } = this.#house;
    for (let round = 0; round < this.#size.duels; round++) {
      const entry = (): Entry => ({ marker: `m${this.#markers++}`, amount: 1 + random.below(9) });
      const [first, second] = [entry(), entry()];
      const sent = [
        this.#sendOne(space, 'add', first, [first.marker], undefined, 3 + random.below(40)),
        this.#sendOne(space, 'addIfEven' as 'add', second, [second.marker], undefined, 60_000),
      ];
      scheduler.plan(random.fraction() * 8, () => {
        for (let shard = 0; shard < 3; shard++) this.#house.killShard(shard);
      });
      await Promise.all(sent);
    }
  }

  async readStates(ramax: RamaxRuntime<Ledger>, when: string): Promise<void> {
    for (const spaceName of spaceNames) {
      const space = await this.#house.run(ramax.spaces.getOrCreate(spaceName));
      const main = await this.#house.run(space.query('everything'));
      const amounts = await this.#house.run(space.query('amounts'));
      this.states.push({
        when,
        spaceName,
        main,
        amounts,
        version: this.version,
        sequence: this.#onDisk(space),
      });
    }
  }

  /** One client: some of its calls wait for their answer, some do not. */
  async #playClient(spaces: readonly SpaceHandle<Ledger>[], calls: number): Promise<void> {
    const { random, scheduler } = this.#house;
    const open: Promise<unknown>[] = [];
    const ownWrites = new Map<string, number>();
    for (let call = 0; call < calls; call++) {
      const space = random.pick(spaces)!;
      const answer = this.#call(space, ownWrites);
      if (random.oneIn(2)) open.push(answer);
      else await answer;
      await new Promise<void>((resolve) => scheduler.plan(random.fraction() * 6, resolve));
    }
    await Promise.all(open);
  }

  #call(space: SpaceHandle<Ledger>, ownWrites: Map<string, number>): Promise<void> {
    const { random } = this.#house;
    if (random.oneIn(12)) return this.#maintain(space);
    if (random.oneIn(10)) return this.#look(space, ownWrites);
    return random.oneIn(4) ? this.#read(space, ownWrites) : this.#send(space, ownWrites);
  }

  /** Looks at both views at once, now or in the past. */
  async #look(space: SpaceHandle<Ledger>, ownWrites: ReadonlyMap<string, number>): Promise<void> {
    const { random } = this.#house;
    const { spaceName } = space;
    const { version } = this;
    const known = ownWrites.get(spaceName) ?? 0;
    const at = random.oneIn(2) ? random.below(known + 1) : undefined;
    try {
      const picture = await (at === undefined ? space : space.at(at)).query('picture');
      this.pictures.push({ spaceName, at, version, ...picture });
    } catch (error) {
      if (isPassingTrouble(error)) return;
      this.failedReads.push(`${spaceName}: a look at ${at ?? 'the state'} failed: ${String(error)}`);
    }
  }

  /** Rebuilds and checkpoints, in the middle of everything. */
  async #maintain(space: SpaceHandle<Ledger>): Promise<void> {
    try {
      const { random } = this.#house;
      if (random.oneIn(2)) await space.checkpoint();
      else await space.rebuild(random.pick([{}, { view: 'main' }, { view: 'amounts' }]));
    } catch (error) {
      if (isPassingTrouble(error)) return;
      this.failedReads.push(`${space.spaceName}: a rebuild or checkpoint failed: ${String(error)}`);
    }
  }

  async #read(space: SpaceHandle<Ledger>, ownWrites: ReadonlyMap<string, number>): Promise<void> {
    const ownWrite = ownWrites.get(space.spaceName) ?? 0;
    const { spaceName } = space;
    let sequenceSeen: number;
    try {
      sequenceSeen = (await space.fetch<number>('last')) ?? 0;
    } catch (error) {
      if (isPassingTrouble(error)) return;
      this.failedReads.push(`${spaceName}: a read failed: ${String(error)}`);
      return;
    }
    if (this.#house.disk.isFull) this.readsOnFullDisk++;
    this.reads.push({ spaceName, sequenceSeen, onDisk: this.#onDisk(space), ownWrite });
  }

  async #send(space: SpaceHandle<Ledger>, ownWrites: Map<string, number>): Promise<void> {
    const { random } = this.#house;
    const commandId = random.oneIn(2) ? `command-${this.#markers}` : undefined;
    const [command, params, markers] = this.#command();
    const copies = commandId !== undefined && random.oneIn(3) ? 2 : 1;
    // A few callers give up early, so that aborts meet every state of a turn.
    const sent = Array.from({ length: copies }, () => {
      const timeoutMs = random.oneIn(5) ? 1 + random.below(70) : 60_000;
      return this.#sendOne(space, command, params, markers, commandId, timeoutMs);
    });
    for (const { answer } of await Promise.all(sent)) {
      if (answer?.kind !== 'ok') continue;
      const before = ownWrites.get(space.spaceName) ?? 0;
      ownWrites.set(space.spaceName, Math.max(before, answer.result.spaceSequence));
    }
  }

  async #sendOne(
    space: SpaceHandle<Ledger>,
    command: 'add',
    params: Entry,
    markers: readonly string[],
    commandId: string | undefined,
    timeoutMs: number,
  ): Promise<SentCommand> {
    const sent: SentCommand = {
      spaceName: space.spaceName,
      markers,
      commandId,
      sentAt: this.#clock++,
      answer: undefined,
    };
    this.commands.push(sent);
    const options = commandId === undefined ? { timeoutMs } : { timeoutMs, commandId };
    try {
      const result = await space.execute(command, params, options);
      sent.answer = { kind: 'ok', result, at: this.#clock++, onDisk: this.#onDisk(space) };
    } catch (error) {
      if (!(error instanceof RamaxError)) throw error;
      if (isPassingTrouble(error)) this.refusedByDisk++;
      const seen = this.#entriesSeen(error);
      sent.answer = { kind: 'error', error, at: this.#clock++, onDisk: this.#onDisk(space), seen };
    }
    return sent;
  }

  #entriesSeen(error: RamaxError): number {
    const { count } = error.details as { count?: number };
    return count ?? 0;
  }

  #command(): ['add', Entry, readonly string[]] {
    const { random } = this.#house;
    const entry = (): Entry => ({ marker: `m${this.#markers++}`, amount: 1 + random.below(9) });
    const first = entry();
    const kinds = ['add', 'add', 'addAll', 'addIfEven', 'remove', 'nothing'] as const;
    const kind = random.pick(kinds)!;
    // The union of commands is wider than one signature; the app itself checks nothing more than these shapes.
    const as = (params: unknown, markers: readonly string[]): ['add', Entry, readonly string[]] => [
      kind as 'add',
      params as Entry,
      markers,
    ];
    switch (kind) {
      case 'addAll': {
        const entries = [first, entry(), entry()];
        return as(
          { entries },
          entries.map(({ marker }) => marker),
        );
      }
      case 'remove':
        return as({ marker: first.marker, removed: `m${random.below(this.#markers)}` }, [first.marker]);
      case 'nothing':
        return as(undefined, []);
      default:
        return as(first, [first.marker]);
    }
  }

  #onDisk({ spaceId }: SpaceHandle<Ledger>): number {
    return this.#house.disk.log.spaceIndex.get(spaceId)?.length ?? 0;
  }
}
