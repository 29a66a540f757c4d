/** Ramax, as a user embeds it: started in the client's own process, with its defaults, on SQLite. */

import { join } from 'node:path';
import { Ramax, type SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type { ContactCommand } from '../contact-load.js';
import type contacts from '../contacts.app.js';
import type { Subject, SubjectOptions } from '../subject.js';
import type { CommitCounts } from '../trial-spec.js';
import { countEvents } from './event-table.js';

export type Contacts = typeof contacts;

/** What of the options counts for Ramax alone. */
export type RamaxStart = Pick<SubjectOptions, 'directory' | 'shards'> & {
  readonly limits?: Parameters<typeof Ramax.start>[0]['limits'];
};

/** Ramax with the app of the benchmark, on the log in a directory. */
export function startRamax({ directory, shards, limits = {} }: RamaxStart): Promise<Ramax<Contacts>> {
  return Ramax.start<Contacts>({
    app: new URL('../contacts.app.js', import.meta.url),
    storage: sqlite({ directory }),
    limits,
    ...(shards === null ? {} : { shards }),
  });
}

/** The name of a space by its index. */
export function spaceNameOf(index: number): string {
  return `space-${index}`;
}

export class RamaxSubject implements Subject {
  readonly #directory: string;
  readonly ramax: Ramax<Contacts>;
  readonly handles: readonly SpaceHandle<Contacts>[];

  private constructor(directory: string, ramax: Ramax<Contacts>, handles: readonly SpaceHandle<Contacts>[]) {
    this.#directory = directory;
    this.ramax = ramax;
    this.handles = handles;
  }

  static async start(options: SubjectOptions): Promise<RamaxSubject> {
    const ramax = await startRamax(options);
    const names = Array.from({ length: options.spaces }, (_, index) => spaceNameOf(index));
    const handles = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
    return new RamaxSubject(options.directory, ramax, handles);
  }

  /** The handle of a space by its index. */
  handle(space: number): SpaceHandle<Contacts> {
    const handle = this.handles[space];
    if (handle === undefined) throw new Error(`there is no space ${space}`);
    return handle;
  }

  execute({ space, name, contact, commandId }: ContactCommand): Promise<unknown> {
    const handle = this.handle(space);
    return commandId === null ? handle.execute(name, contact) : handle.execute(name, contact, { commandId });
  }

  async commitCounts(): Promise<CommitCounts> {
    const { writer } = await this.ramax.stats();
    return { commits: writer.commits, commands: writer.commands };
  }

  close(): Promise<void> {
    return this.ramax.close();
  }

  /** The rows themselves, and not what Ramax says of them. */
  async countEvents(): Promise<number> {
    return countEvents(join(this.#directory, 'ramax.db'));
  }
}
