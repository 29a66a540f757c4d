/** What the client needs of whoever is measured with commands; peers outside this folder implement it, too. */

import type { ContactCommand } from './contact-load.js';
import type { CommitCounts } from './trial-spec.js';

/** Something that executes commands. */
export interface Subject {
  /** Resolves when the command's event is as durable as the subject makes it; rejects when it was not accepted. */
  execute(command: ContactCommand): Promise<unknown>;
  /** Since the start; null where the subject does not tell. */
  commitCounts(): Promise<CommitCounts | null>;
  close(): Promise<void>;
  /** The events in the closed subject's log, counted by opening it again; null where nothing is kept. */
  countEvents(): Promise<number | null>;
}

/** What a subject is started with. */
export interface SubjectOptions {
  /** Empty, or with a log that the same subject has left. */
  readonly directory: string;
  readonly spaces: number;
  /** Whether the commands have ids. */
  readonly withIds: boolean;
  /** Null leaves the choice to the runtime. */
  readonly shards: number | null;
}
