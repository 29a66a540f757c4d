/** The place of one build in the primary keys, as statements take it. */

import type { ViewBuild } from '../port.js';

/** The values for `ofBuild`, in its order. */
export type BuildKey = [spaceId: number, view: string, viewVersion: number, build: number];

/** The rows of one build. */
export const ofBuild = 'space_id = ? AND view = ? AND view_version = ? AND build = ?';

/** See `BuildKey`. */
export function buildKey(spaceId: number, { name, version, build }: ViewBuild): BuildKey {
  return [spaceId, name, version, build];
}
