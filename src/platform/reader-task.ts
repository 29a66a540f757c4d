import type { LogReader } from '../event-store/port.js';
import type { StorageRef } from '../storage/adapter.js';

/** One read of the log, as it crosses to a reader thread. */
export interface ReaderTask {
  readonly storage: StorageRef;
  readonly read: Exclude<keyof LogReader, 'close'>;
  readonly parameters: readonly unknown[];
}
