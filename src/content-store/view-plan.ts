/**
 * What to do with the stored builds of one view when its space opens: which one readers get, which one is filled, and
 * which ones go. Pure.
 *
 * Invariants:
 *   - A build that is ahead of the log belongs to another history and goes.
 *   - Only a build of the present version follows the log. One of another version was made by projections that are gone:
 *     it is served as it stands until its successor has caught up.
 *   - An unfinished build is gone on with only by the projections that began it.
 */

import type { LoadedView } from '../core/loaded-app.js';
import type { StoredBuild, ViewBuild } from '../pstate/port.js';

/** See the head of this file. */
export interface ViewPlan {
  /** The live build: of the present version, or of another one. */
  readonly live: StoredBuild | undefined;
  /** A build to be filled, if one is: found unfinished, or new (`stored` undefined). */
  readonly fill: { readonly view: ViewBuild; readonly stored: StoredBuild | undefined } | undefined;
  /** Builds to retire. */
  readonly retire: readonly ViewBuild[];
}

/** @param fingerprint of the present projections of `view` */
export function planView(
  view: LoadedView,
  stored: readonly StoredBuild[],
  { lastSpaceSequence, fingerprint }: { readonly lastSpaceSequence: number; readonly fingerprint: string },
): ViewPlan {
  const own = stored.filter((build) => build.view.name === view.name);
  const builds = own.map((build) => build.view);
  const usable = own.filter(
    ({ state, checkpoint }) => state !== 'retired' && checkpoint.lastSpaceSequence <= lastSpaceSequence,
  );
  const live = usable.find(({ state }) => state === 'live');
  const unfinished = usable.filter(
    (build) =>
      build.state === 'building' && build.view.version === view.version && build.fingerprint === fingerprint,
  );
  const goneOnWith = unfinished.at(-1);
  const kept = new Set([live, goneOnWith]);
  const isCurrent = live?.view.version === view.version;
  return {
    live,
    fill:
      goneOnWith !== undefined
        ? { view: goneOnWith.view, stored: goneOnWith }
        : isCurrent
          ? undefined
          : { view: nextBuild(view, builds), stored: undefined },
    retire: own.filter((build) => build.state !== 'retired' && !kept.has(build)).map((build) => build.view),
  };
}

/** A build of the present version that is none of these. */
export function nextBuild({ name, version }: LoadedView, builds: readonly ViewBuild[]): ViewBuild {
  const before = builds.flatMap((view) => (view.name === name && view.version === version ? view.build : []));
  return { name, version, build: Math.max(0, ...before) + 1 };
}
