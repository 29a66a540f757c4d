/**
 * The logs that trials begin with: each is made once, by a child process, when it is needed first, and copied for each
 * trial. Copies are synced, so that no trial pays for the writing of its history.
 */

import { cp, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type History, historyNameOf } from './configuration.js';

/** Makes a history in an empty directory. */
export type HistoryMaker = (history: History, directory: string) => Promise<void>;

export class Histories {
  readonly #parent: string;
  readonly #make: HistoryMaker;
  readonly #made = new Map<string, string>();

  constructor(parent: string, make: HistoryMaker) {
    this.#parent = parent;
    this.#make = make;
  }

  /** Copies a history into a directory that is empty. */
  async copyTo(history: History, directory: string): Promise<void> {
    await cp(await this.#directoryOf(history), directory, { recursive: true });
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) await syncFile(join(entry.parentPath, entry.name));
    }
  }

  async #directoryOf(history: History): Promise<string> {
    const name = historyNameOf(history);
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const directory = join(this.#parent, `history-${this.#made.size}`);
    await mkdir(directory);
    await this.#make(history, directory);
    this.#made.set(name, directory);
    return directory;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
