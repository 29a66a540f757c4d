/** A space that goes, and a new one of its name. */

import { isDeepStrictEqual } from 'node:util';
import { check, checkEqual, codeOf } from '../demo/checks.js';
import { formatCounted } from '../demo/format.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Notes, readNotebook, readNotebooks } from './start-notes.js';

export async function deletion(notes: Notes): Promise<Chapter> {
  const { spaces } = notes;
  const command = [{ id: 'n1', text: 'mine' }, { commandId: 'only-once' }] as const;
  const old = await spaces.getOrCreate('tour_leaving', { metadata: { plan: 'free' } });
  await old.execute('write', ...command);
  await old.execute('write', { id: 'n2', text: 'mine too' });
  const others = (await spaces.list()).filter(({ spaceId }) => spaceId !== old.spaceId);
  const before = await readNotebooks(others);

  await spaces.delete('tour_leaving');
  const found = await spaces.findByName('tour_leaving');
  const oldCodes = [await codeOf(old.fetch('note:n1')), await codeOf(old.execute('erase', { id: 'n1' }))];
  const left = await eventsOf(notes, old.spaceId);
  const fresh = await spaces.getOrCreate('tour_leaving');
  const emptyState = await readNotebook(fresh);
  const sequence = await fresh.latestSequence();
  const { spaceSequence } = await fresh.execute('write', ...command);
  return {
    title: 'Deletion: a space goes with all that it had',
    text: [
      'Deleting removes events, state, checkpoints and command records. The name is free at once; the id is never used',
      'again, so that nothing that remembers it can meet a stranger.',
    ],
    rows: [
      { label: 'the old space', value: `id ${old.spaceId}` },
      { label: 'the new one of its name', value: `id ${fresh.spaceId}` },
    ],
    checks: [
      checkEqual('the name is free', found, undefined),
      checkEqual('a handle to the old space finds nothing', oldCodes, ['not_found', 'not_found']),
      checkEqual('none of its events is left in the log of all spaces', left, 0),
      check('a new space of the name has a new id', fresh.spaceId > old.spaceId, `${fresh.spaceId}`),
      checkEqual(
        'it begins with nothing: no events, no state, no metadata',
        [sequence, emptyState, fresh.metadata],
        [0, { main: [], writings: [] }, {}],
      ),
      checkEqual('its command ids are its own: the same one runs again', spaceSequence, 1),
      check(
        'the other spaces are as they were',
        isDeepStrictEqual(await readNotebooks(others), before),
        formatCounted(before.size, 'space'),
      ),
    ],
  };
}

async function eventsOf(notes: Notes, spaceId: number): Promise<number> {
  let events = 0;
  for await (const event of notes.streamAllEvents()) if (event.spaceId === spaceId) events++;
  return events;
}
