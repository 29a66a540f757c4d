/** SQLite storage as it is, and how a weakened one is made of it. */

import type { LogStore, StorageAdapter, StorageRef } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';

/** What the module of a storage exports. */
export interface AdapterModule {
  readonly adapter: StorageAdapter;
}

const { adapter } = (await import(sqlite({ directory: '.' }).module)) as AdapterModule;

/** The adapter of SQLite storage. */
export const sound: StorageAdapter = adapter;

/** SQLite storage whose log, at its writer, has some methods replaced. */
export function withLog(
  replace: (log: LogStore, ref: StorageRef) => Partial<LogStore>,
  readers: (reader: Awaited<ReturnType<StorageAdapter['openLogReader']>>) => object = () => ({}),
): StorageAdapter {
  return {
    ...sound,
    async openLog(ref, platform, options) {
      const log = await sound.openLog(ref, platform, options);
      return replaced(log, replace(log, ref));
    },
    async openLogReader(ref) {
      const reader = await sound.openLogReader(ref);
      return reader && replaced(reader, readers(reader));
    },
  };
}

/** `target` with some members in place of its own. */
export function replaced<Target extends object>(target: Target, members: object): Target {
  return new Proxy(target, {
    get(_target, name): unknown {
      const own: unknown = Reflect.get(members, name);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
