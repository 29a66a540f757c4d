/**
 * One view of the app in one space: what readers get of it, and what is being filled to take its place. The rules by which
 * `views.ts` decides.
 */

import type { LoadedView } from '../core/loaded-app.js';
import type { StoredBuild } from '../pstate/port.js';
import type { LiveView } from './live-view.js';
import type { ViewStatus } from './view-status.js';

/** One view of the app, and what there is of it. */
export interface ViewSlot {
  readonly definition: LoadedView;
  /** What readers get. */
  serving: LiveView;
  /** What is to be filled and adopted; the same as `serving` when there is nothing else to serve. */
  filling: LiveView | undefined;
  /** The live build that `filling` takes the place of. */
  readonly replaces: StoredBuild | undefined;
  /** It is filled while the space is open, not while it opens. */
  isFilledBehind?: boolean;
  /** What is filled cannot be read: another build has to be filled in its place. */
  isDamaged?: boolean;
  /** Made by other projections under the same version. */
  isChanged: boolean;
}

/** The main view cannot be served in another version, because commands decide on it. */
export function fillFirst(slot: ViewSlot): void {
  if (slot.filling === undefined || isCurrent(slot.serving, slot.definition)) return;
  if (slot.serving !== slot.filling) slot.serving.close();
  slot.serving = slot.filling;
}

/**
 * Plans when a further view is filled: while the space opens, or behind.
 *
 * @param near views that have applied so much are filled while the space opens
 */
export function planFilling(slot: ViewSlot, near: number): void {
  const { serving, filling, definition } = slot;
  if (isCurrent(serving, definition)) {
    if (serving.applied < near) {
      if (filling !== serving) filling?.close();
      slot.filling = serving;
    }
  } else if (filling !== undefined && filling.applied >= near) fillFirst(slot);
  if (slot.filling === slot.serving) slot.isFilledBehind = slot.serving.applied < near;
}

/** It is what the store calls live, and only far behind: filling it brings what is missing, and mends nothing. */
export function isLagging({ serving, filling, replaces }: ViewSlot): boolean {
  const { version, build } = serving.pstate.view;
  return filling === serving && replaces?.view.version === version && replaces.view.build === build;
}

/** Whether a build is of the version that the app has. */
export function isCurrent({ pstate }: LiveView, { version }: LoadedView): boolean {
  return pstate.view.version === version;
}

/** Nothing can be served until it is filled. */
export function isBehind({ serving, filling, isFilledBehind }: ViewSlot): boolean {
  return filling === serving && isFilledBehind === true;
}

/** Whether the view that readers get is of the present version and takes every event. */
export function follows(slot: ViewSlot): boolean {
  return slot.serving.failure === undefined && isCurrent(slot.serving, slot.definition) && !isBehind(slot);
}

/** How a view stands. */
export function statusOf(slot: ViewSlot, isFollowing: boolean, head: number): ViewStatus {
  const { definition, serving, filling, isChanged } = slot;
  const failure = serving.failure ?? filling?.failure;
  const isLive = isFollowing && filling === undefined;
  const applied = isFollowing ? head : (filling ?? serving).applied;
  const isReadable = failure === undefined && !isBehind(slot);
  return {
    view: definition.name,
    version: definition.version,
    state: failure !== undefined ? 'stopped' : isLive ? 'live' : 'building',
    spaceSequence: applied,
    lag: head - applied,
    serves: isReadable
      ? { version: serving.pstate.view.version, spaceSequence: isFollowing ? head : serving.applied }
      : undefined,
    error: failure?.toData(),
    isChanged,
  };
}
