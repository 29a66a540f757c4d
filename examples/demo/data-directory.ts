/** Where a run keeps its data: the directory that was asked for, or a temporary one that goes when it is not needed. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class DataDirectory {
  readonly path: string;
  readonly #isTemporary: boolean;

  private constructor(path: string, isTemporary: boolean) {
    this.path = path;
    this.#isTemporary = isTemporary;
  }

  /** `directory`, or a fresh one when it is undefined. */
  static async open(directory: string | undefined): Promise<DataDirectory> {
    if (directory !== undefined) return new DataDirectory(directory, false);
    return new DataDirectory(await mkdtemp(join(tmpdir(), 'ramax-demo-')), true);
  }

  /** Removes a temporary directory, unless it is to be kept; says whether the data is still there. */
  async leave({ keep }: { readonly keep: boolean }): Promise<boolean> {
    if (!this.#isTemporary || keep) return true;
    await rm(this.path, { recursive: true, force: true });
    return false;
  }
}
