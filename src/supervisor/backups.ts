/** Backups of a running runtime: the writer copies the log beside its commits, and the storage adds the manifest. */

import { invalidInput, RamaxError } from '../core/errors.js';
import { ProgressGuard } from '../core/progress-guard.js';
import type { BackupProgress } from '../event-store/port.js';
import type { BackupTarget } from '../storage/adapter.js';
import type { BackupManifest } from '../storage/backup-manifest.js';
import type { Calls } from './calls.js';
import { LongChange, type LongChangeControl } from './long-change.js';
import type { Supervisor } from './supervisor.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

/** What `ramax.backup` takes. */
export interface BackupOptions extends WaitOptions {
  /** Where to: a directory that is empty, or that does not exist. */
  readonly directory: string;
  /** Told after each step. Its pages may become more while commits go on. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
}

const optionNames = [
  'directory',
  'onProgress',
  ...waitOptionNames,
] as const satisfies readonly (keyof BackupOptions)[];

/** See the head of this file. */
export class Backups {
  readonly #supervisor: Supervisor;
  readonly #calls: Calls;
  readonly #longCallTimeoutMs: number;
  readonly #closing = new AbortController();

  constructor(supervisor: Supervisor, calls: Calls, longCallTimeoutMs: number) {
    this.#supervisor = supervisor;
    this.#calls = calls;
    this.#longCallTimeoutMs = longCallTimeoutMs;
  }

  /** The one under way ends, and leaves nothing. */
  close(): void {
    this.#closing.abort();
  }

  /** See `Ramax.backup`. */
  async backup(options: BackupOptions): Promise<BackupManifest> {
    checkWaitOptions(options, 'backup()', optionNames);
    const { directory, onProgress, timeoutMs = this.#longCallTimeoutMs } = options;
    if (typeof directory !== 'string' || directory === '' || directory.includes('\u0000')) {
      throw invalidInput('directory', 'a path', directory);
    }
    const guard = new ProgressGuard(onProgress);
    const work = (control: LongChangeControl) => this.#make(directory, control, guard.report);
    const plan = guard.watch(new LongChange<BackupManifest>(this.#closing.signal, work));
    return guard.settled(this.#calls.make(plan, { ...options, timeoutMs }, 'wait'));
  }

  async #make(
    directory: string,
    control: LongChangeControl,
    report: (progress: BackupProgress) => void,
  ): Promise<BackupManifest> {
    const { beginBackup } = this.#supervisor;
    if (beginBackup === undefined) {
      throw new RamaxError('unsupported', 'this storage has no files, and so no backups');
    }
    const target = await beginBackup(directory);
    try {
      await this.#copy(target, control.signal, report);
      if (control.signal.aborted) throw new RamaxError('aborted', 'the backup was aborted');
      return await target.finish();
    } catch (error) {
      await target.discard().catch(() => {});
      throw error;
    }
  }

  /** Not made again with the next writer when this one is lost: a copy of a lost writer may still be open. */
  async #copy(
    { file }: BackupTarget,
    signal: AbortSignal,
    onProgress: (progress: BackupProgress) => void,
  ): Promise<void> {
    const copy = this.#supervisor.writer.current().start('backup', { file }, { onProgress });
    const cancel = (): void => copy.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      await copy.answer;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}
