/** What the client needs of whoever is measured. */

import type { ContactCommand } from './contact-load.js';
import type { CommitCounts } from './trial-spec.js';

/** Something that executes commands. */
export interface Subject {
  /** The SQLite file with the table `events`, for counting them once the subject is closed. */
  readonly file: string;
  /** Resolves when the command's event is on disk, synced; rejects when it was not accepted. */
  execute(command: ContactCommand): Promise<unknown>;
  /** Since the start. */
  commitCounts(): Promise<CommitCounts>;
  close(): Promise<void>;
}
