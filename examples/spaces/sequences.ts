/** Two numbers of an event: its place in its space, and its place in the log of all spaces. */

import { check } from '../demo/checks.js';
import { formatCounted } from '../demo/format.js';
import type { Row } from '../demo/report.js';
import type { Chapter } from '../demo/run-tour.js';
import { checkSequences } from '../demo/space-checks.js';
import type { Notes } from './start-notes.js';

const rounds = 3;

export async function sequences(notes: Notes): Promise<Chapter> {
  const east = await notes.spaces.getOrCreate('tour_east');
  const west = await notes.spaces.getOrCreate('tour_west');
  const from = await notes.latestEventId();
  for (let round = 1; round <= rounds; round++) {
    // Unequal on purpose: the spaces' sequences must come apart.
    await east.execute('write', { id: `n${round}`, text: 'once' });
    await west.execute('write', { id: `n${round}`, text: 'once' });
    await west.execute('write', { id: `n${round}`, text: 'twice' });
  }
  const names = new Map([east, west].map(({ spaceId, spaceName }) => [spaceId, spaceName]));
  const rows: Row[] = [];
  const eventIds: number[] = [];
  for await (const event of notes.streamAllEvents({ from })) {
    const { eventId, spaceId, spaceSequence } = event;
    eventIds.push(eventId);
    rows.push({ label: `event ${eventId}`, value: `${names.get(spaceId)}, sequence ${spaceSequence}` });
  }
  return {
    title: 'Sequences: per space without holes, over all spaces in commit order',
    text: [
      'spaceSequence counts the events of one space: 1, 2, 3 … It is what a client remembers of its tenant.',
      'eventId orders the events of all spaces. Within one space it rises with the sequence, but it leaves out numbers:',
      'those went to other spaces.',
    ],
    rows,
    checks: [
      (await checkSequences([east, west], 3 * rounds)).check,
      check(
        'event ids rise strictly over all spaces',
        eventIds.every((eventId, index) => index === 0 || eventId > (eventIds[index - 1] ?? 0)),
        formatCounted(eventIds.length, 'event'),
      ),
    ],
  };
}
