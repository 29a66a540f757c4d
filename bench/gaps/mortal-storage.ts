/** SQLite storage whose writer ends its thread in the middle of a commit, once, when the file of its options is there. */

import { existsSync, rmSync } from 'node:fs';
import type { LogStore, StorageAdapter, StorageRef } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';

const sound = await soundAdapter();

export const adapter: StorageAdapter = {
  ...sound,
  openLog: async (ref, platform) =>
    mortal(await sound.openLog(ref, platform), String(ref.options['trigger'])),
};

/** This storage over a directory. */
export function mortalStorage(directory: string, trigger: string): StorageRef {
  return { module: import.meta.url, options: { ...sqlite({ directory }).options, trigger } };
}

async function soundAdapter(): Promise<StorageAdapter> {
  const { module } = sqlite({ directory: '.' });
  const loaded = (await import(module)) as { readonly adapter: StorageAdapter };
  return loaded.adapter;
}

function mortal(log: LogStore, trigger: string): LogStore {
  return new Proxy(log, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'commit') return member.bind(target) as unknown;
      return (...batch: unknown[]): unknown => {
        if (existsSync(trigger)) {
          rmSync(trigger);
          process.exit(1);
        }
        return Reflect.apply(member, target, batch) as unknown;
      };
    },
  });
}
