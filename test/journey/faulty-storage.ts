import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StorageRef } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { Gate } from './gate.js';

/** How a commit of `test/fixtures/faulty-storage.mjs` can fail. */
export type CommitFailure =
  | 'before'
  | 'after'
  | 'exitBefore'
  | 'exitAfter'
  | 'throwsLater'
  | 'rejectsLater'
  | 'hangs';

/** Storage whose commits do what the test orders. */
export class FaultyStorage {
  /** For `Ramax.start`. */
  readonly ref: StorageRef;
  readonly #trigger: string;
  #gates = 0;

  constructor(
    directory: string,
    { under = 'sqlite', isStanding = false }: { under?: 'sqlite' | 'memory'; isStanding?: boolean } = {},
  ) {
    this.#trigger = join(directory, 'next-commit');
    const { options } = sqlite({ directory });
    this.ref = {
      module: new URL(`../fixtures/faulty-storage.mjs?under=${under}`, import.meta.url).href,
      options: { ...options, trigger: this.#trigger, isStanding },
    };
  }

  /** The next commit of events fails like this (every one from now on, when the order is a standing one). */
  failNext(how: CommitFailure): void {
    writeFileSync(this.#trigger, how);
  }

  /** Whether the order was carried out. */
  get hasFailed(): boolean {
    return !existsSync(this.#trigger);
  }

  /** The next commit of events hangs in native code, until somebody opens the other end of this FIFO. */
  hangNextOn(fifo: string): void {
    writeFileSync(this.#trigger, `hangsInNativeCode ${fifo}`);
  }

  /** The next commit of events waits at the gate that is returned. */
  holdNext(): Gate {
    const gate = new Gate(`${this.#trigger}-gate-${++this.#gates}`);
    writeFileSync(this.#trigger, `hold ${gate.path}`);
    return gate;
  }
}
