/** What the store knows of the views of space 1, in few words. */

import type { Views } from '../../src/content-store/views.js';
import { type Checkpoint, originCheckpoint } from '../../src/core/event.js';
import type { PStateStore, StoredBuild, ViewBuild } from '../../src/pstate/port.js';

/** A build by its parts. */
export function build(name: string, version = 1, number = 1): ViewBuild {
  return { name, version, build: number };
}

/** The stored builds of space 1 as `name version.build state at sequence`. */
export function storedBuilds(store: PStateStore): string[] {
  return store.builds(1).map(describeBuild);
}

/** The checkpoint of a stored build of space 1, the first one of the version unless said otherwise. */
export function checkpointOf(
  store: PStateStore,
  name: string,
  version = 1,
  number = 1,
): Checkpoint | undefined {
  const found = store
    .builds(1)
    .find(({ view }) => view.name === name && view.version === version && view.build === number);
  return found?.checkpoint;
}

/** Views as a space has them when it opens at the end of its log, where nothing is to be filled behind. */
export function loaded(views: Views, head: Checkpoint = originCheckpoint): Views {
  views.load(head.lastSpaceSequence);
  views.settle(head);
  return views;
}

function describeBuild({ view, state, checkpoint }: StoredBuild): string {
  return `${view.name} ${view.version}.${view.build} ${state} at ${checkpoint.lastSpaceSequence}`;
}
