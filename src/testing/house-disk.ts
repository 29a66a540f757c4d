/**
 * The disk of the testing house: what outlives its threads. Commits take time, can be in doubt, and die with their writer
 * before or after they took effect.
 */

import { RamaxError } from '../core/errors.js';
import { partitionCount } from '../core/routing.js';
import { MemoryLog } from '../event-store/memory/memory-log.js';
import { MemoryLogReader } from '../event-store/memory/memory-log-reader.js';
import { MemoryLogStore } from '../event-store/memory/memory-log-store.js';
import type { LogReader, LogWrite, LogWriteOutcome } from '../event-store/port.js';
import { MemoryPStateData, MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';
import type { PStateStore } from '../pstate/port.js';
import type { HouseThread } from './house-thread.js';

/** The longest time that a commit or a read takes. */
const commitMsMax = 3;
const readMsMax = 1;

/** What becomes of the next commit: as usual, or in doubt although it was or was not written. */
export type CommitFault = 'none' | 'writtenInDoubt' | 'notWrittenInDoubt';

/** See the head of this file. */
export class HouseDisk {
  readonly log: MemoryLog;
  readonly #partitions: readonly MemoryPStateData[];
  /** Asked before each commit. */
  nextCommitFault: () => CommitFault = () => 'none';
  /** Nothing can be written: commits, openings for writing and flushes fail, and what was being committed is in doubt. */
  isFull = false;

  constructor(logId: string) {
    this.log = new MemoryLog(logId);
    this.#partitions = Array.from({ length: partitionCount }, () => new MemoryPStateData());
  }

  openLog(thread: HouseThread): MemoryLogStore {
    if (this.isFull) throw diskIsFull();
    return new HouseLogStore(this, thread);
  }

  /** A reader beside the writer; each read takes a while, before it looks and behind it. */
  openLogReader(thread: HouseThread): LogReader {
    return slowReader(new MemoryLogReader(this.log), thread);
  }

  openPStateStore(thread: HouseThread, partition: number, fence: number): PStateStore {
    const data = this.#partitions[partition];
    if (data === undefined) throw new RangeError(`there is no partition ${partition}`);
    const store = new MemoryPStateStore({ data, logId: this.log.logId, fence });
    return dyingWith(thread, fullWith(this, store));
  }
}

class HouseLogStore extends MemoryLogStore {
  readonly #disk: HouseDisk;
  readonly #thread: HouseThread;

  constructor(disk: HouseDisk, thread: HouseThread) {
    super(disk.log, thread.platform.clock);
    this.#disk = disk;
    this.#thread = thread;
  }

  override async commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]> {
    const fault = this.#disk.nextCommitFault();
    await this.#sync();
    if (fault === 'notWrittenInDoubt') throw inDoubt();
    if (this.#disk.isFull) throw diskIsFull();
    const outcomes = await super.commit(batch);
    await this.#sync();
    if (fault === 'writtenInDoubt') throw inDoubt();
    if (this.#disk.isFull) throw diskIsFull();
    return outcomes;
  }

  /** A commit goes no further in a thread that has died. */
  #sync(): Promise<void> {
    return this.#thread.works(commitMsMax / 2);
  }
}

function inDoubt(): RamaxError {
  return new RamaxError('storage', 'the disk failed while it committed');
}

function diskIsFull(): RamaxError {
  return new RamaxError('storage', 'the disk is full', { details: { passes: true } });
}

const pstateWrites: ReadonlySet<string | symbol> = new Set([
  'flush',
  'swap',
  'retire',
  'sweep',
  'skip',
  'dropSpace',
]);

/** While the disk is full, the store can be read and not written. */
function fullWith(disk: HouseDisk, store: PStateStore): PStateStore {
  return new Proxy(store, {
    get(target, name): unknown {
      if (disk.isFull && pstateWrites.has(name)) throw diskIsFull();
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function slowReader(reader: LogReader, thread: HouseThread): LogReader {
  return new Proxy(reader, {
    get(target, name): unknown {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...parameters: unknown[]): Promise<unknown> => {
        // What was read may be out of date by the time it is there.
        await thread.works(readMsMax / 2);
        const read: unknown = await Reflect.apply(method, target, parameters);
        await thread.works(readMsMax / 2);
        return read;
      };
    },
  });
}

/** A dead thread writes nothing any more, although promises of it may still run. */
function dyingWith(thread: HouseThread, store: PStateStore): PStateStore {
  return new Proxy(store, {
    get(target, name): unknown {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...parameters: unknown[]): unknown => {
        if (!thread.isAlive) throw new RamaxError('closed', 'the thread of this store has died');
        return Reflect.apply(method, target, parameters) as unknown;
      };
    },
  });
}
