/** A shard over one log in memory, through a writer in the same thread, on a clock that the test moves. */

import { invocationOf } from '../../src/content-store/invocation.js';
import type { LogLink } from '../../src/content-store/log-link.js';
import { type PoisonedEvent, PoisonedEvents } from '../../src/content-store/poisoned-events.js';
import { fetchTurn, queryTurn } from '../../src/content-store/reads.js';
import { CommandTurn } from '../../src/content-store/turn.js';
import type { App } from '../../src/core/define-app.js';
import type { RamaxError } from '../../src/core/errors.js';
import { defaultLimits, type Limits, type LimitsOptions, resolveLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { partitionCount } from '../../src/core/routing.js';
import { newVitalsMemory, type Running, runningOf, Vitals } from '../../src/core/vitals.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import type { SpaceAddress } from '../../src/protocol/links.js';
import { MemoryPStateData, MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { Shard } from '../../src/shard/shard.js';
import { spaceNotFound } from '../../src/space/space-errors.js';
import { Writer } from '../../src/writer/writer.js';
import { HeldLog } from '../content-store/held-log.js';
import { Settlements } from '../content-store/settlements.js';
import { createSpace } from '../event-store/log-fixture.js';
import { ManualClock, manualPlatform } from '../testing/manual-clock.js';

/** See the head of this file. */
export class ShardBed {
  readonly clock = new ManualClock();
  readonly platform = manualPlatform(this.clock);
  readonly log = new HeldLog(new MemoryLog('log-a'), this.clock);
  readonly settled = new Settlements();
  /** What the shard marks that it runs. */
  readonly vitals = newVitalsMemory();
  /** What was marked whenever something was appended. */
  readonly markedAtAppends: Running[] = [];
  /** What the shard died of. */
  readonly fatal: RamaxError[] = [];
  /** Partitions in the order in which they were opened. */
  readonly openedPartitions: number[] = [];
  readonly #data = Array.from({ length: partitionCount }, () => new MemoryPStateData());
  readonly #app: App;
  readonly #limits: Limits;
  readonly #link: LogLink;
  #fence = 0;
  shard: Shard;

  private constructor(app: (clock: ManualClock) => App, limits: LimitsOptions) {
    this.#app = app(this.clock);
    this.#limits = resolveLimits(limits);
    const { log, clock } = this;
    const writer = new Writer({ log, clock, limits: defaultLimits, onFailure: () => {} });
    this.#link = {
      append: (append, waiter) => {
        this.markedAtAppends.push(runningOf(this.vitals));
        writer.append(append, waiter);
      },
      openSpace: (spaceId) => writer.openSpace(spaceId),
      async openForReading(spaceId) {
        const head = await log.spaceHead(spaceId);
        if (head === undefined) throw spaceNotFound(spaceId);
        return { head };
      },
      readSpace: (...where) => log.readSpace(...where),
      timersOf: (...which) => log.timersOf(...which),
      importsOf: (spaceId) => log.importsOf(spaceId),
      selectEvents: (...which) => log.selectEvents(...which),
      allCommands: (...which) => log.allCommands(...which),
      findCommands: (...which) => log.findCommands(...which),
    };
    this.shard = this.restart();
  }

  /** A bed with this many spaces, whose ids count from 1. */
  static async make(
    spaces: number,
    app: (clock: ManualClock) => App,
    limits: LimitsOptions = {},
  ): Promise<ShardBed> {
    const bed = new ShardBed(app, limits);
    for (let spaceId = 1; spaceId <= spaces; spaceId++) await createSpace(bed.log, `space ${spaceId}`);
    return bed;
  }

  /** A new shard in the place of the one before, perhaps of another app. */
  restart(app: App = this.#app, poisonedEvents: readonly PoisonedEvent[] = []): Shard {
    this.#fence++;
    this.shard = new Shard({
      app: loadApp(app),
      log: this.#link,
      openPartition: (partition) => {
        this.openedPartitions.push(partition);
        return this.store(partition, this.#fence);
      },
      platform: this.platform,
      limits: this.#limits,
      onFatal: (error) => this.fatal.push(error),
      ofThread: { vitals: new Vitals(this.vitals), poisoned: new PoisonedEvents(poisonedEvents) },
    });
    return this.shard;
  }

  /** Projections of a partition, opened by an owner with this fence. */
  store(partition: number, fence = this.#fence): MemoryPStateStore {
    return new MemoryPStateStore({ data: this.#data[partition]!, logId: 'log-a', fence });
  }

  address(spaceId: number): SpaceAddress {
    return { spaceId, spaceName: `space ${spaceId}` };
  }

  /** Posts a command, and watches its answer under its name. */
  post(name: string, spaceId: number, params: unknown, command = 'work'): CommandTurn {
    const turn = new CommandTurn(invocationOf(command, params, {}, this.platform, this.#limits));
    this.settled.watch(name, turn.answer);
    this.shard.space(this.address(spaceId)).post(turn);
    return turn;
  }

  /** Works in a space, and waits for the answer. */
  async work(spaceId: number, name: string): Promise<unknown> {
    return this.post(name, spaceId, { name, ms: 0 }).answer;
  }

  fetch(spaceId: number, key: string): Promise<unknown> {
    const turn = fetchTurn(key);
    this.shard.space(this.address(spaceId)).post(turn);
    return turn.answer;
  }

  query(spaceId: number, query: string): Promise<unknown> {
    const turn = queryTurn(query, undefined, this.#limits);
    this.shard.space(this.address(spaceId)).post(turn);
    return turn.answer;
  }
}
