/** A writer's whole life in its thread: open, serve, drain. The same in production and in the testing house. */

import type { Clock } from '../core/clock.js';
import type { Limits } from '../core/limits.js';
import type { Vitals } from '../core/vitals.js';
import type { LogStore } from '../event-store/port.js';
import type { Port } from '../protocol/port.js';
import { Recorder } from '../telemetry/recorder.js';
import { serveWriter } from './serve-writer.js';
import { Writer } from './writer.js';

/** The longest time between two rounds of forgetting old command ids. */
const pruneIntervalMsMax = 10 * 60 * 1_000;

/** What a writer's thread brings along. */
export interface RunWriterOptions {
  readonly log: LogStore;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly main: Port;
  /** Where the thread marks what it runs. Default: nobody looks. */
  readonly vitals?: Vitals | undefined;
}

/** Resolves when the writer has drained; rejects when a commit is in doubt and its thread must end. */
export function runWriter({ log, limits, clock, main, vitals }: RunWriterOptions): Promise<void> {
  return new Promise((onDrained, onFailure) => {
    const recorder = new Recorder(clock);
    const writer = new Writer({ log, clock, limits, onFailure, vitals, recorder });
    serveWriter({ writer, main, clock, recorder, onDrained });
    pruneNowAndThen(writer, clock, Math.min(limits.commandRetentionMs, pruneIntervalMsMax));
  });
}

/** A round that fails is not repeated: what is in doubt has ended the writer already. */
function pruneNowAndThen(writer: Writer, clock: Clock, intervalMs: number): void {
  clock.after(intervalMs, () => {
    writer.pruneCommands().then(
      () => pruneNowAndThen(writer, clock, intervalMs),
      () => {},
    );
  });
}
