/** Old values on the disk: written back behind the reads, or all at once. */

import { setTimeout } from 'node:timers/promises';
import { check, checkEqual } from '../demo/checks.js';
import { formatCount } from '../demo/format.js';
import type { Row } from '../demo/report.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Flashcards, migrationsOf, schoolName } from './start-flashcards.js';

/** A migrated value waits a second at most (`limits.migrationDelayMs`); this is much longer. */
const patienceMs = 20_000;

export async function migrating(flashcards: Flashcards, signal: AbortSignal): Promise<Chapter> {
  const school = await flashcards.spaces.getOrCreate(schoolName);
  const behind = await whenWrittenBack(flashcards, signal);
  const rows: Row[] = [
    { label: 'values read in an old shape', value: formatCount(behind.entries) },
    { label: 'written back behind the reads', value: formatCount(behind.written) },
  ];
  let isRising = true;
  let reported = 0;
  const all = await school.migrateAll({
    signal,
    onProgress: ({ entriesRead, entriesMigrated }) => {
      isRising &&= entriesRead >= reported;
      reported = entriesRead;
      const value = `${formatCount(entriesRead)} read, ${formatCount(entriesMigrated)} migrated`;
      rows.push({ label: 'migrateAll', value, depth: 1 });
    },
  });
  const again = await school.migrateAll({ signal });
  const after = await migrationsOf(flashcards);
  return {
    title: 'Migrated values are written back',
    text: [
      'What a read has migrated is written back a moment later, in batches, so that the next read finds it in shape. What',
      'nobody reads stays old. migrateAll goes over everything, a batch at a time between other work; nothing has to wait',
      'for it.',
    ],
    rows,
    checks: [
      checkEqual(
        'nothing waits, and nothing has failed',
        [behind.pending, after.failed, all.failed],
        [0, 0, 0],
      ),
      check(
        'migrateAll reported its progress and brought the rest into shape',
        isRising && reported === all.entriesRead && all.entriesMigrated > 0,
        `${formatCount(all.entriesMigrated)} of ${formatCount(all.entriesRead)} values`,
      ),
      checkEqual('a second migrateAll finds nothing to do', again.entriesMigrated, 0),
    ],
  };
}

/** The counts when no value waits any more, or when patience has an end. */
async function whenWrittenBack(flashcards: Flashcards, signal: AbortSignal) {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const counts = await migrationsOf(flashcards);
    if (counts.pending === 0 || performance.now() > endMs || signal.aborted) return counts;
    await setTimeout(50);
  }
}
