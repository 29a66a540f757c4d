import { deepStrictEqual, rejects, strictEqual } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ramax, RamaxError } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import type cards from './cards.app.js';
import type crm from './crm.app.js';

const directory = mkdtempSync(join(tmpdir(), 'ramax-consumer-'));
const app = new URL('./crm.app.js', import.meta.url);

try {
  for (const storage of [sqlite({ directory }), memory()]) {
    await using ramax = await Ramax.start<typeof crm>({ app, storage, shards: 2 });
    const acme = await ramax.spaces.getOrCreate('crm_acme', { metadata: { plan: 'pro' } });
    const john = { id: 'c1', name: 'John', email: 'j@acme.com' };
    const { eventIds, spaceSequence } = await acme.execute('addContact', john, { commandId: 'signup-17' });
    deepStrictEqual([eventIds, spaceSequence], [[1], 1]);
    await rejects(acme.execute('addContact', john), (error) => {
      return (
        error instanceof RamaxError && error.code === 'command_rejected' && error.reason === 'contact_exists'
      );
    });
    await acme.execute('tick');
    await acme.execute('stamp');
    deepStrictEqual(await acme.fetch('contact:c1'), john);
    deepStrictEqual(await acme.query('contacts'), [john]);
    strictEqual(await acme.query('idOf', 'j@acme.com'), 'contact:c1');
    const types: string[] = [];
    for await (const event of acme.streamEvents({ from: 0 })) types.push(event.type);
    for await (const event of ramax.streamAllEvents({ from: 2 })) types.push(event.type);
    deepStrictEqual(types, ['contact.added', 'ticked', 'stamped', 'stamped']);
    strictEqual((await acme.rebuild()).eventsApplied, 3);
    deepStrictEqual(await acme.checkpoint(), { lastEventId: 3, lastSpaceSequence: 3 });
    await ramax.spaces.delete('crm_acme');
    deepStrictEqual(await ramax.spaces.list(), []);
  }
  await using flashcards = await Ramax.start<typeof cards>({
    app: new URL('./cards.app.js', import.meta.url),
    storage: memory(),
    shards: 1,
  });
  const french = await flashcards.spaces.getOrCreate('french');
  const watcher = french.watch('card:c1');
  strictEqual((await watcher.next()).value, undefined);
  await french.execute('addDeck', { id: 'd1', name: 'animals' });
  const { spaceSequence } = await french.execute('addCard', { id: 'c1', deckId: 'd1', front: 'cat' });
  strictEqual((await watcher.next()).value?.front, 'animals: cat');
  const card = await french.fetch('card:c1');
  strictEqual(card?.level, 1);
  strictEqual(card.deck?.$ref, 'deck:d1');
  deepStrictEqual(await french.query('fronts', 'd1'), ['animals: cat']);
  strictEqual(await french.at(spaceSequence - 1).fetch('card:c1'), undefined);
  strictEqual((await flashcards.health()).status, 'ok');
  await watcher.return?.();
} finally {
  rmSync(directory, { recursive: true });
}
process.stdout.write('typed consumer: done\n');
