/**
 * What Ramax promises, held against the spaces of a run: dense sequences, state equal to the fold of the log, and
 * both still there after a restart. Asks only what any user can ask.
 */

import { isDeepStrictEqual } from 'node:util';
import { formatCount, formatCounted } from './format.js';
import type { Check } from './report.js';

/** What the checks ask of a space. */
export interface CheckedSpace {
  readonly spaceName: string;
  streamEvents(options: { readonly from: number }): AsyncIterable<{ readonly spaceSequence: number }>;
  rebuild(): Promise<unknown>;
  checkpoint(): Promise<{ readonly lastSpaceSequence: number }>;
}

/** Reads everything that a space shows: every view, key by key. */
export type StateReader<Space> = (space: Space) => Promise<unknown>;

/** A space as it was at one moment. */
export interface SpacePicture {
  readonly lastSpaceSequence: number;
  readonly state: unknown;
}

/** Streams a space from its beginning: the number of its events, and the first place where they are not 1, 2, 3 … */
export async function countEvents(
  space: CheckedSpace,
): Promise<{ events: number; hole: string | undefined }> {
  let events = 0;
  for await (const { spaceSequence } of space.streamEvents({ from: 0 })) {
    events++;
    if (spaceSequence !== events) {
      return { events, hole: `${space.spaceName}: ${spaceSequence} where ${events} is due` };
    }
  }
  return { events, hole: undefined };
}

/**
 * The sequences of every space are 1, 2, 3 … without a hole. Gives the last ones as well. `expectedEvents` is known
 * when the directory was empty before.
 */
export async function checkSequences(
  spaces: readonly CheckedSpace[],
  expectedEvents?: number,
): Promise<{ check: Check; lastSequences: ReadonlyMap<string, number> }> {
  const says = `sequences are dense in every space`;
  const lastSequences = new Map<string, number>();
  let total = 0;
  for (const space of spaces) {
    const { events, hole } = await countEvents(space);
    if (hole !== undefined) return { check: { says, holds: false, seen: hole }, lastSequences };
    lastSequences.set(space.spaceName, events);
    total += events;
  }
  const isAsExpected = expectedEvents === undefined || total === expectedEvents;
  const seen = `${formatCounted(total, 'event')} in ${formatCounted(spaces.length, 'space')}`;
  const due = isAsExpected ? '' : `, where ${formatCount(expectedEvents)} were acknowledged`;
  return { check: { says, holds: isAsExpected, seen: seen + due }, lastSequences };
}

/** Rebuilt from the log, the state of every space is deeply equal to the live one. */
export async function checkRebuild<Space extends CheckedSpace>(
  spaces: readonly Space[],
  readState: StateReader<Space>,
): Promise<Check> {
  const says = 'rebuilt state equals live state, in all views';
  for (const space of spaces) {
    const live = await readState(space);
    await space.rebuild();
    if (isDeepStrictEqual(await readState(space), live)) continue;
    return { says, holds: false, seen: `${space.spaceName} differs` };
  }
  const [first] = spaces;
  const seen =
    spaces.length === 1 && first !== undefined ? first.spaceName : formatCounted(spaces.length, 'space');
  return { says, holds: true, seen };
}

/** What every space shows now, to be compared after a restart. */
export async function takePictures<Space extends CheckedSpace>(
  spaces: readonly Space[],
  readState: StateReader<Space>,
  lastSequences: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, SpacePicture>> {
  const pictures = new Map<string, SpacePicture>();
  for (const space of spaces) {
    const lastSpaceSequence = lastSequences.get(space.spaceName) ?? 0;
    pictures.set(space.spaceName, { lastSpaceSequence, state: await readState(space) });
  }
  return pictures;
}

/** After a restart every space shows what it showed before, at the same sequence. */
export async function checkRestart<Space extends CheckedSpace>(
  pictures: ReadonlyMap<string, SpacePicture>,
  spaces: readonly Space[],
  readState: StateReader<Space>,
): Promise<Check> {
  const says = 'after a restart every space has its state and its latest sequence';
  for (const space of spaces) {
    const before = pictures.get(space.spaceName);
    const state = await readState(space);
    const { lastSpaceSequence } = await space.checkpoint();
    if (!isDeepStrictEqual({ lastSpaceSequence, state }, before)) {
      const place = `sequence ${lastSpaceSequence}, ${before?.lastSpaceSequence} before`;
      return { says, holds: false, seen: `${space.spaceName} differs (${place})` };
    }
  }
  const holds = spaces.length === pictures.size;
  return { says, holds, seen: `${formatCounted(spaces.length, 'space')} of ${formatCount(pictures.size)}` };
}
