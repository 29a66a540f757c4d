/** Ramax, as a user embeds it: started in the client's own process, with its defaults, on SQLite. */

import { join } from 'node:path';
import { Ramax, type SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type { ContactCommand } from '../contact-load.js';
import type contacts from '../contacts.app.js';
import type { Subject } from '../subject.js';
import type { CommitCounts } from '../trial-spec.js';

type Contacts = typeof contacts;

export class RamaxSubject implements Subject {
  readonly #ramax: Ramax<Contacts>;
  readonly #handles: readonly SpaceHandle<Contacts>[];
  readonly file: string;

  private constructor(ramax: Ramax<Contacts>, handles: readonly SpaceHandle<Contacts>[], directory: string) {
    this.#ramax = ramax;
    this.#handles = handles;
    this.file = join(directory, 'ramax.db');
  }

  static async start(directory: string, spaces: number, shards: number | null): Promise<RamaxSubject> {
    const ramax = await Ramax.start<Contacts>({
      app: new URL('../contacts.app.js', import.meta.url),
      storage: sqlite({ directory }),
      ...(shards === null ? {} : { shards }),
    });
    const names = Array.from({ length: spaces }, (_, index) => `space-${index}`);
    const handles = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
    return new RamaxSubject(ramax, handles, directory);
  }

  execute({ space, name, contact }: ContactCommand): Promise<unknown> {
    const handle = this.#handles[space];
    if (handle === undefined) throw new Error(`there is no space ${space}`);
    return handle.execute(name, contact);
  }

  async commitCounts(): Promise<CommitCounts> {
    const { writer } = await this.#ramax.stats();
    return { commits: writer.commits, commands: writer.commands };
  }

  close(): Promise<void> {
    return this.#ramax.close();
  }
}
