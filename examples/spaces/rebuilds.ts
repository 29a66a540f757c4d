/** State made anew from the log: one view of one space, one space, all spaces; each timed once. */

import { isDeepStrictEqual } from 'node:util';
import { check, checkEqual } from '../demo/checks.js';
import { formatCounted, formatMicros } from '../demo/format.js';
import type { Chapter } from '../demo/run-tour.js';
import { Tally } from '../demo/tally.js';
import { Traffic } from '../demo/traffic.js';
import { type Notebook, type Notes, readNotebooks } from './start-notes.js';

/** How much there is to rebuild. */
export interface ArchiveSizes {
  readonly spaces: number;
  /** Of each space. */
  readonly events: number;
}

const inFlightMax = 1_024;
/** Fewer notes than events: most events change a note that is there. */
const notesPerSpace = 50;

export async function rebuilds(notes: Notes, sizes: ArchiveSizes, signal: AbortSignal): Promise<Chapter> {
  const archives = await openArchives(notes, sizes.spaces);
  const failure = await fill(archives, sizes.events, signal);
  const all = await notes.spaces.list();
  const before = await readNotebooks(all);
  const [first] = archives;
  const view = await timed(async () => (await first?.rebuild({ view: 'writings', signal }))?.eventsApplied);
  const one = await timed(async () => (await first?.rebuild({ signal }))?.eventsApplied);
  const every = await timed(() => notes.rebuild({ signal }));
  const after = await readNotebooks(all);
  const total = await eventsOf(notes);
  const row = (label: string, events: number | undefined, elapsedMs: number) => {
    const value = `${formatCounted(events ?? 0, 'event')} in ${formatMicros(Math.round(elapsedMs * 1_000))}`;
    return { label, value };
  };
  return {
    title: 'Rebuild: one space, or all of them',
    text: [
      'A rebuild folds the events again beside the old state and swaps when it has caught up; readers see the old state',
      'until then. One space is rebuilt from its own events, whatever the others hold. Each line is timed once, in this',
      'process, on state that was just written, and the first one warms the code up: they show how the work follows the',
      'number of events, and are no benchmark.',
    ],
    rows: [
      row(`one view of ${first?.spaceName}`, view.result, view.elapsedMs),
      row(`all views of ${first?.spaceName}`, one.result, one.elapsedMs),
      row(`all views of ${formatCounted(all.length, 'space')}`, every.result.itemsDone, every.elapsedMs),
    ],
    checks: [
      check(
        'the spaces were filled',
        failure === undefined,
        failure === undefined ? formatCounted(archives.length, 'space') : String(failure),
      ),
      checkEqual('the rebuild of one space went over its own events alone', one.result, sizes.events),
      checkEqual(
        'the rebuild of all went over every space and every event',
        [every.result.spacesDone, every.result.itemsDone],
        [all.length, total],
      ),
      check(
        'rebuilt state equals live state, in all views of all spaces',
        isDeepStrictEqual(after, before),
        formatCounted(before.size, 'space'),
      ),
      await checkLive(all),
    ],
  };
}

async function openArchives({ spaces }: Notes, count: number): Promise<Notebook[]> {
  const archives: Notebook[] = [];
  for (let number = 1; number <= count; number++) {
    archives.push(await spaces.getOrCreate(`tour_archive_${String(number).padStart(3, '0')}`));
  }
  return archives;
}

/** Sends the events of all spaces in turn, with a bounded number unanswered. Gives the first failure. */
async function fill(archives: readonly Notebook[], events: number, signal: AbortSignal): Promise<unknown> {
  const traffic = new Traffic(new Tally(), inFlightMax);
  for (let count = 0; count < events && !signal.aborted; count++) {
    const params = { id: `n${count % notesPerSpace}`, text: `text ${count}` };
    for (const archive of archives) {
      if (traffic.isFull) await traffic.room();
      traffic.send(() => archive.execute('write', params, { overload: 'wait' }));
    }
  }
  await traffic.drained();
  return traffic.failure;
}

async function timed<Result>(run: () => Promise<Result>) {
  const startedMs = performance.now();
  const result = await run();
  return { result, elapsedMs: performance.now() - startedMs };
}

async function eventsOf(notes: Notes): Promise<number> {
  let events = 0;
  for await (const _ of notes.streamAllEvents()) events++;
  return events;
}

async function checkLive(spaces: readonly Notebook[]) {
  const says = 'afterwards every view follows its space again';
  for (const space of spaces) {
    const behind = (await space.views()).find(({ state, lag }) => state !== 'live' || lag !== 0);
    if (behind !== undefined) {
      return check(
        says,
        false,
        `${behind.view} of ${space.spaceName} is ${behind.state}, ${behind.lag} behind`,
      );
    }
  }
  return check(says, true, formatCounted(spaces.length, 'space'));
}
