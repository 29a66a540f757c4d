/** A space as it was at an earlier sequence. */

import { checkEqual, codeOf } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { Notes } from './start-notes.js';

export async function history({ spaces }: Notes): Promise<Chapter> {
  const diary = await spaces.getOrCreate('tour_diary');
  await diary.execute('write', { id: 'today', text: 'rain' });
  await diary.execute('write', { id: 'today', text: 'sun' });
  const erased = await diary.execute('erase', { id: 'today' });
  const head = erased.spaceSequence;
  const past = await Promise.all([0, 1, 2, 3].map((at) => diary.at(at).fetch('note:today')));
  const counts = await Promise.all([0, 1, 2, 3].map((at) => diary.at(at).query('noteCount')));
  return {
    title: 'The past: a space as it was at a sequence',
    text: [
      'at(sequence) reads the state folded from the events up to there, by the app as it is now. It is made in memory',
      'for the one who asks; the live state and the commands are not touched.',
    ],
    rows: past.map((text, at) => ({
      label: `at ${at}`,
      value: text === undefined ? 'no note' : JSON.stringify(text),
    })),
    checks: [
      checkEqual('each sequence shows its own state', past, [undefined, 'rain', 'sun', undefined]),
      checkEqual('queries see the same past', counts, [0, 1, 1, 0]),
      checkEqual('at the head the past is the present', past[head], await diary.fetch('note:today')),
      checkEqual(
        'a sequence that is not there yet is refused',
        await codeOf(diary.at(head + 1).fetch('note:today')),
        'invalid_input',
      ),
    ],
  };
}
