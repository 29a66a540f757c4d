/**
 * What a `PState` is made of, and the numbers that it tells.
 */

import type { Limits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import type { StateSchema } from '../core/state-schema.js';
import type { PStateStore, ViewBuild, ViewRef } from './port.js';
import type { ValueCache } from './value-cache.js';

/** The bounds that a state keeps. Those of the cache count only for a state that makes its own. */
export type PStateLimits = Pick<
  Limits,
  | 'cacheEntriesMax'
  | 'cacheBytesMax'
  | 'valueBytesMax'
  | 'valueDepthMax'
  | 'idBytesMax'
  | 'resolvedEntitiesMax'
  | 'migrationBatchMax'
  | 'migrationQueueMax'
>;

/** What a state is made of. */
export interface PStateOptions {
  readonly spaceId: number;
  /** Which stored copy of which version of which view. Default build: 1. */
  readonly view: ViewRef & { readonly build?: number | undefined };
  readonly store: PStateStore;
  /** Default: any value at any key, no relations, stored values as they are. */
  readonly schema?: StateSchema | undefined;
  /** The cache of the shard. Default: one of its own. */
  readonly cache?: ValueCache | undefined;
  /** Default: `defaultLimits`. */
  readonly limits?: PStateLimits | undefined;
  /** Called when the first migrated value waits to be written back: `migratedFlush` has something to describe. */
  readonly onMigrated?: (() => void) | undefined;
}

/** Numbers about a state, for telemetry. */
export interface PStateStats {
  /** Entries and remembered absences in the cache. */
  readonly cleanEntries: number;
  /** Changes since the last freeze; a clear counts as one. */
  readonly dirtyKeys: number;
  /** Changes that are frozen; a clear counts as one. */
  readonly frozenKeys: number;
  /** Reads answered from memory. */
  readonly hits: number;
  /** Reads that went to the store. */
  readonly misses: number;
  /** Calls of the store that read entries: reads of many keys at once and pages of a scan count one each. */
  readonly storeReads: number;
}

/** The view of the options, complete and frozen. */
export function checkView(
  { name, version, build = 1 }: PStateOptions['view'],
  limits: PStateLimits,
): ViewBuild {
  checkId(name, 'view.name', limits.idBytesMax);
  checkInteger(version, 'view.version', 1);
  checkInteger(build, 'view.build', 1);
  return Object.freeze({ name, version, build });
}
