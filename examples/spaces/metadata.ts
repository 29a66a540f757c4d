/** Facts about a space: given when it is created, replaced as a whole, no events. */

import { checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import type { Notes } from './start-notes.js';

export async function metadata({ spaces }: Notes): Promise<Chapter> {
  const created = await spaces.getOrCreate('tour_branch', { metadata: { plan: 'free', city: 'Oslo' } });
  const again = await spaces.getOrCreate('tour_branch', { metadata: { plan: 'gold' } });
  const updated = await spaces.updateMetadata('tour_branch', { plan: 'pro' });
  const found = await spaces.findByName('tour_branch');
  const byId = await spaces.findById(created.spaceId);
  return {
    title: 'Metadata: facts about a space',
    text: [
      'A space carries facts such as its plan. They are kept in the registry and are no events: its sequence stays 0.',
      'Only the call that creates a space sets them; later they are replaced as a whole.',
    ],
    rows: [
      { label: 'created with', value: JSON.stringify(created.metadata) },
      { label: 'updated to', value: JSON.stringify(updated.metadata) },
    ],
    checks: [
      checkEqual('a second getOrCreate changes nothing', again.metadata, created.metadata),
      checkEqual('an update replaces all of it', found?.metadata, { plan: 'pro' }),
      checkEqual('a space is found by its id as well', byId?.spaceName, 'tour_branch'),
      checkEqual('metadata are no events', await created.latestSequence(), 0),
      checkEqual('they are listed with the space', await listed(spaces), { plan: 'pro' }),
    ],
  };
}

async function listed(spaces: Notes['spaces']) {
  const all = await spaces.list();
  return all.find(({ spaceName }) => spaceName === 'tour_branch')?.metadata;
}
