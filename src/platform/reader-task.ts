import type { PackedAnswer } from '../codec/packed-frames.js';
import type { EventPage, LogReader } from '../event-store/port.js';
import type { StorageRef } from '../storage/adapter.js';

/** One read of the log, as it crosses to a reader thread. */
export interface ReaderTask {
  readonly storage: StorageRef;
  readonly read: Exclude<keyof LogReader, 'close' | 'pages'>;
  readonly parameters: readonly unknown[];
}

/** The result of a read that gives events, as the storage has written it. */
export interface PageAnswer {
  readonly page: EventPage;
}

/** What comes back: a page where there is one, any other result packed, or an error. */
export type ReaderAnswer = PageAnswer | PackedAnswer;
