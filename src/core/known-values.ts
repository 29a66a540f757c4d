/**
 * Frozen values that are known to be ours: sharing them is safe and costs no second walk.
 *
 * Two memories, because a `WeakMap` is dear: its table is gone over at every garbage collection, and with an entry for every
 * frozen object a quarter of all time went there. So it holds branches that are dearer to copy than to remember, and of the small
 * ones only the newest roots are known: those that one turn hands on, from parameters to payload to state.
 */

import { utf8Bytes } from './value-walk.js';

/** Branches of at least so many bytes are remembered for as long as they live. */
const rememberedBytesMin = 512;
/** More than any depth that is let in, also from the disk: size and depth share one number. */
const depthsMax = 4_096;

const branches = new WeakMap<object, number>();

/** The newest roots, and their marks at the same places. */
const newestRoots: (object | undefined)[] = new Array(8).fill(undefined);
const newestMarks: number[] = new Array(newestRoots.length).fill(0);
let newest = 0;

/** Size and depth of a branch in one number. */
export type ValueMark = number;

/** The mark of a branch that holds `bytes` and goes `depth` levels down. */
export function markOf(bytes: number, depth: number): ValueMark {
  return bytes * depthsMax + depth;
}

export function bytesOfMark(mark: ValueMark): number {
  return Math.floor(mark / depthsMax);
}

export function depthOfMark(mark: ValueMark): number {
  return mark % depthsMax;
}

/** The mark of a root that is measured when its mark is asked for. Most never are: what is read is seldom written again. */
export const unmeasured: ValueMark = -1;

/** Whether a branch is known to be deeply frozen and ours. */
export function isKnown(branch: object): boolean {
  return newestRoots.includes(branch) || branches.has(branch);
}

/** What is known of a branch, when it is deeply frozen and ours. */
export function knownMark(branch: object): ValueMark | undefined {
  for (let place = 0; place < newestRoots.length; place++) {
    if (newestRoots[place] !== branch) continue;
    const mark = newestMarks[place] ?? unmeasured;
    return mark === unmeasured ? measure(branch, place) : mark;
  }
  return branches.get(branch);
}

function measure(root: object, place: number): ValueMark {
  const mark = measuredMark(root);
  newestMarks[place] = mark;
  return mark;
}

/** The mark of a part of which nothing is known, counted. */
export function measuredMark(part: unknown): ValueMark {
  if (typeof part === 'string') return markOf(utf8Bytes(part), 0);
  if (typeof part !== 'object' || part === null) return markOf(typeof part === 'number' ? 8 : 1, 0);
  let bytes = 1;
  let depth = 0;
  for (const [key, value] of Object.entries(part)) {
    const mark = measuredMark(value);
    bytes += bytesOfMark(mark) + (Array.isArray(part) ? 0 : utf8Bytes(key));
    depth = Math.max(depth, depthOfMark(mark));
  }
  return markOf(bytes, depth + 1);
}

/** Remembers a branch that has just been frozen, with everything below it. */
export function rememberBranch(branch: object, mark: ValueMark): void {
  if (mark >= rememberedBytesMin * depthsMax) branches.set(branch, mark);
}

/** Remembers a root, whatever its size, until some others have come. */
export function rememberRoot(root: object, mark: ValueMark): void {
  newestRoots[newest] = root;
  newestMarks[newest] = mark;
  newest = (newest + 1) % newestRoots.length;
}
