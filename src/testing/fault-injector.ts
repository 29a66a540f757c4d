/** What goes wrong in a simulation, and when: by a randomness of its own, so that the clients send the same without it. */

import type { App } from '../core/define-app.js';
import type { House } from './house.js';
import type { SeededRandom } from './random.js';
import type { FaultKind } from './simulation-options.js';

/** Faults come at most so far from one another, in virtual milliseconds. */
const pauseMsMax = 30;
/** A history has 0 to so many faults of threads and of the runtime. */
const faultsMax = 6;
const commitFaultOneIn = 12;
const fullDiskOneIn = 4;
const fullMsMax = 600;
const shardsMax = 3;

/** What the injector needs of its simulation. */
export interface FaultsContext {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly random: SeededRandom;
  readonly tell: (line: string) => void;
  /** A runtime has started. One that has not, does not start again by itself when a thread dies. */
  readonly isUp: () => boolean;
  /** Restarts the runtime: killed where it stands, or closed. */
  readonly restart: (how: 'killed' | 'closed') => void;
}

/** See the head of this file. */
export class FaultInjector {
  readonly #house: House<App>;
  readonly #context: FaultsContext;
  #isStopped = true;
  #left: number;
  crashes = 0;

  constructor(house: House<App>, context: FaultsContext) {
    this.#house = house;
    this.#context = context;
    this.#left = context.random.below(faultsMax + 1);
  }

  /** Faults happen from now on. */
  begin(): void {
    const { kinds, random, isUp } = this.#context;
    const { disk, scheduler } = this.#house;
    this.#isStopped = false;
    this.#next();
    disk.nextCommitFault = () => {
      if (!kinds.has('commitsInDoubt') || !isUp() || this.#left === 0 || !random.oneIn(commitFaultOneIn))
        return 'none';
      const fault = random.oneIn(2) ? 'writtenInDoubt' : 'notWrittenInDoubt';
      this.#happens(`a commit is in doubt; it was ${fault === 'writtenInDoubt' ? '' : 'not '}written`);
      return fault;
    };
    if (!kinds.has('fullDisks') || !random.oneIn(fullDiskOneIn)) return;
    scheduler.plan(random.fraction() * 60, () => {
      if (this.#isStopped || !isUp()) return;
      disk.isFull = true;
      this.#happens('the disk is full');
      scheduler.plan(random.fraction() * fullMsMax, () => this.#hasRoom());
    });
  }

  /** No more faults; what is broken is mended. */
  stop(): void {
    this.#isStopped = true;
    this.#house.disk.nextCommitFault = () => 'none';
    this.#hasRoom();
  }

  #hasRoom(): void {
    if (!this.#house.disk.isFull) return;
    this.#house.disk.isFull = false;
    this.#context.tell('the disk has room again');
  }

  #next(): void {
    const { random } = this.#context;
    if (this.#left === 0) return;
    this.#left--;
    this.#house.scheduler.plan(random.fraction() * pauseMsMax, () => {
      if (this.#isStopped) return;
      this.#fault();
      this.#next();
    });
  }

  #fault(): void {
    const { kinds, random, restart, isUp } = this.#context;
    const kind = random.pick(['shardCrashes', 'shardCrashes', 'writerCrashes', 'restarts'] as const);
    const shard = random.below(shardsMax);
    const how = random.oneIn(3) ? 'closed' : 'killed';
    if (!kinds.has(kind) || !isUp()) return;
    if (kind === 'shardCrashes' && this.#house.killShard(shard)) this.#happens(`shard ${shard} dies`);
    else if (kind === 'writerCrashes' && this.#house.killWriter()) this.#happens('the writer dies');
    // A runtime does not start on a full disk.
    else if (kind === 'restarts' && !this.#house.disk.isFull) restart(how);
  }

  #happens(line: string): void {
    this.crashes++;
    this.#context.tell(line);
  }
}
