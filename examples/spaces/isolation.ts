/** Two spaces with the same keys and the same command ids: neither sees anything of the other. */

import { check, checkEqual } from '../demo/checks.js';
import type { Chapter } from '../demo/run-tour.js';
import { type Notebook, type Notes, readNotebook } from './start-notes.js';

export async function isolation({ spaces }: Notes): Promise<Chapter> {
  const north = await spaces.getOrCreate('tour_north');
  const south = await spaces.getOrCreate('tour_south');
  const [inNorth, inSouth] = await Promise.all([
    north.execute('write', { id: 'n1', text: 'north writes' }, { commandId: 'first' }),
    south.execute('write', { id: 'n1', text: 'south writes' }, { commandId: 'first' }),
  ]);
  await north.execute('write', { id: 'n2', text: 'north alone' });
  const again = await north.execute('write', { id: 'n1', text: 'north writes' }, { commandId: 'first' });
  const [southEventId = 0] = inSouth.eventIds;
  return {
    title: 'Isolation: two spaces with the same keys',
    text: [
      'A space is a tenant: its own events, its own state, its own command ids. Both spaces get a note with the id n1,',
      'by a command with the id "first"; a second note goes to the north alone.',
    ],
    rows: [await rowOf(north), await rowOf(south)],
    checks: [
      checkEqual(
        'the same key holds what its own space wrote',
        [await north.fetch('note:n1'), await south.fetch('note:n1')],
        ['north writes', 'south writes'],
      ),
      checkEqual('a key of the north is not in the south', await south.fetch('note:n2'), undefined),
      check(
        'one command id, in two spaces, is two commands; in one space it is one',
        inNorth.eventIds[0] !== southEventId && again.eventIds[0] === inNorth.eventIds[0],
        `event ${inNorth.eventIds[0]} in the north, also the second time, and ${southEventId} in the south`,
      ),
      checkEqual(
        'the north cannot read an event of the south by its id',
        await north.readEvent(southEventId),
        undefined,
      ),
      await nothingLeaks([north, south]),
    ],
  };
}

async function rowOf(space: Notebook) {
  const { main } = await readNotebook(space);
  const value = main.map(([key, text]) => `${key} = ${JSON.stringify(text)}`).join(', ');
  return { label: space.spaceName, value };
}

/** Every text names the space that wrote it, so that a leak would show wherever it is. */
async function nothingLeaks(spaces: readonly Notebook[]) {
  const says = 'nothing of another space is in any view, stream or entity stream';
  let looked = 0;
  for (const space of spaces) {
    const own = space.spaceName.replace('tour_', '');
    const texts = (await readNotebook(space)).main.map(([, text]) => text);
    for await (const { payload, spaceId } of space.streamEvents()) texts.push([spaceId, payload]);
    for await (const { payload, spaceId } of space.streamEntityEvents('note:n1'))
      texts.push([spaceId, payload]);
    const strange = texts.find((text) => {
      const spaceId = Array.isArray(text) ? text[0] : space.spaceId;
      return spaceId !== space.spaceId || !JSON.stringify(text).includes(own);
    });
    if (strange !== undefined) return check(says, false, `${space.spaceName} has ${JSON.stringify(strange)}`);
    looked += texts.length;
  }
  return check(says, true, `${looked} entries and events looked at`);
}
