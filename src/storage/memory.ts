/**
 * `ramax/storage/memory`: names storage in memory as plain data, for tests and trials.
 */

import type { StorageRef } from './adapter.js';

/**
 * Storage that lasts as long as its runtime: the log lives in the writer's thread and dies with it, the projections in
 * the shards. Values, limits and answers are those of SQLite storage.
 *
 * @example
 * ```ts
 * const ramax = await Ramax.start({ app, storage: memory() });
 * ```
 */
export function memory(): StorageRef {
  return { module: new URL('./memory-adapter.js', import.meta.url).href, options: {} };
}
