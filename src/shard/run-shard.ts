/** A shard's whole life in its thread: open, serve, drain. The same in production and in the testing house. */

import { type PoisonedEvent, PoisonedEvents } from '../content-store/poisoned-events.js';
import type { Platform } from '../core/clock.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { Vitals } from '../core/vitals.js';
import type { LogReader } from '../event-store/port.js';
import type { Port } from '../protocol/port.js';
import type { PStateStore } from '../pstate/port.js';
import { serveShard } from './serve-shard.js';
import { Shard } from './shard.js';
import { WriterConnection } from './writer-connection.js';

/** What a shard's thread brings along. */
export interface RunShardOptions {
  readonly app: LoadedApp;
  /** Reads the log in this thread, where the storage allows that. */
  readonly logReader: LogReader | undefined;
  readonly openPartition: (partition: number) => PStateStore;
  readonly limits: Limits;
  readonly platform: Platform;
  readonly main: Port;
  /** Where the thread marks what it runs. Default: nobody looks. */
  readonly vitals?: Vitals | undefined;
  /** See `PoisonedEvents`. */
  readonly poisonedEvents?: readonly PoisonedEvent[] | undefined;
}

/** Resolves when the shard has drained; rejects when it has lost its files to a newer owner and its thread must end. */
export function runShard(options: RunShardOptions): Promise<void> {
  const { app, logReader, openPartition, limits, platform, main, vitals, poisonedEvents } = options;
  const { clock } = platform;
  return new Promise((onDrained, onFatal) => {
    const poisoned = new PoisonedEvents(poisonedEvents);
    const ofThread = vitals === undefined ? { poisoned } : { vitals, poisoned };
    const writer = new WriterConnection(clock, logReader);
    const shard = new Shard({ app, log: writer, openPartition, platform, limits, onFatal, ofThread });
    serveShard({ shard, writer, main, clock, onDrained });
  });
}
