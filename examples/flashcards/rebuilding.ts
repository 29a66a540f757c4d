/** The same state twice: migrated value by value, and folded again from the log. */

import { isDeepStrictEqual } from 'node:util';
import { check, checkEqual, shown } from '../demo/checks.js';
import { formatCount } from '../demo/format.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Flashcards, migrationsOf, readSchool, type School, schoolName } from './start-flashcards.js';

export async function rebuilding(flashcards: Flashcards, signal: AbortSignal): Promise<Chapter> {
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const migrated = await readSchool(school);
  const counts = await migrationsOf(flashcards);
  const wasChanged = await isChanged(school);
  const before = (await flashcards.health()).views.changed;
  const { eventsApplied } = await school.rebuild({ signal });
  const rebuilt = await readSchool(school);
  const after = (await flashcards.health()).views.changed;
  const differing = migrated.filter((entry, index) => !isDeepStrictEqual(entry, rebuilt[index]));
  return {
    title: 'A rebuild gives the state that the migration gave',
    text: [
      'The runtime was started once more: now everything on the disk is in shape. Then the view is folded anew from the',
      'log, whose first events are still those of version 1. Until then Ramax says that the view is a mixture of two apps',
      '(its version was not raised), because it cannot know that this was meant.',
    ],
    rows: [
      { label: 'entries', value: formatCount(migrated.length) },
      { label: 'events folded again', value: formatCount(eventsApplied) },
      { label: 'changed views, says health()', value: `${before} before, ${after} after` },
    ],
    checks: [
      checkEqual('after the restart no value had an old shape', counts.entries, 0),
      check(
        'rebuilt state equals migrated state',
        differing.length === 0 && rebuilt.length === migrated.length,
        differing.length === 0 ? `${formatCount(rebuilt.length)} entries` : shown(differing[0]),
      ),
      checkEqual(
        'the view counts as changed before the rebuild, and not after it',
        [wasChanged, before, await isChanged(school), after],
        [true, 1, false, 0],
      ),
    ],
  };
}

async function isChanged(school: School): Promise<boolean | undefined> {
  return (await school.views()).find(({ view }) => view === 'main')?.isChanged;
}
