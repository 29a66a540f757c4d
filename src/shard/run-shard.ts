/** A shard's whole life in its thread: open, serve, drain. The same in production and in the testing house. */

import { type PoisonedEvent, PoisonedEvents } from '../content-store/poisoned-events.js';
import type { Platform } from '../core/clock.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { ReactionVerdicts } from '../core/reaction-verdict.js';
import type { Vitals } from '../core/vitals.js';
import type { LogReader } from '../event-store/port.js';
import type { Port } from '../protocol/port.js';
import type { PStateStore } from '../pstate/port.js';
import { Recorder } from '../telemetry/recorder.js';
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
  readonly verdicts?: ReactionVerdicts | undefined;
}

/** Resolves when the shard has drained; rejects when it has lost its files to a newer owner and its thread must end. */
export function runShard(options: RunShardOptions): Promise<void> {
  const { app, logReader, openPartition, limits, platform, main, vitals, poisonedEvents, verdicts } = options;
  const { clock } = platform;
  return new Promise((onDrained, onFatal) => {
    const poisoned = new PoisonedEvents(poisonedEvents);
    const recorder = new Recorder(clock);
    const ofThread = vitals === undefined ? { poisoned, recorder } : { vitals, poisoned, recorder };
    const writer = new WriterConnection(clock, logReader);
    const shard = new Shard({
      app,
      log: writer,
      openPartition,
      platform,
      limits,
      onFatal,
      ofThread,
      reactorLink: writer,
      verdicts,
    });
    serveShard({ shard, writer, main, clock, recorder, onDrained });
  });
}
