import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** In which files of the directory the text stands, and how often. */
async function places(directory: string, text: string): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const name of await readdir(directory)) {
    const bytes = await readFile(join(directory, name)).catch(() => Buffer.alloc(0));
    let count = 0;
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) count++;
    if (count > 0) found[name] = count;
  }
  return found;
}

/** Leaves its word in payloads, entity ids, tags, command ids and metadata, in the state and in what was overwritten in it. */
async function plant(space: SpaceHandle<ItemsApp>, word: string, rounds: number): Promise<void> {
  for (const round of range(rounds)) {
    await Promise.all(
      range(60).map((n) => {
        const id = `${word} ${(n * 7 + round) % 90}`;
        return space.execute('line', `${word} ${'long '.repeat(n % 9)}`, { commandId: `${id} in ${round}` });
      }),
    );
    await Promise.all(
      range(20).map((n) =>
        space
          .execute('add', { id: `${word} ${round} ${n * 13}`, value: n }, { correlationId: word })
          .catch(() => {}),
      ),
    );
    const tagged = { entityId: 'remarks', type: 'remarked', tags: [`${word} ${round}`, word], payload: null };
    await Promise.all(range(20).map(() => space.execute('event', tagged)));
    await space.checkpoint();
  }
}

describe('a deleted space', () => {
  it('leaves nothing readable in any file once its deletion is reported done, while the runtime goes on', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { purgeRowsMax: 37 } });
    const words = range(6).map((n) => `planted-word-${n}-of-a-tenant`);
    const spaces = await Promise.all(
      words.map((word) => ramax.spaces.getOrCreate(`space ${word}`, { metadata: { word } })),
    );
    for (const round of range(3)) {
      await Promise.all(spaces.map((space, index) => plant(space, `${words[index]}`, round)));
    }
    // Both lookups and projections hold all of it by now, or will when they are asked to let go of it.
    for (const [index, word] of words.slice(0, 4).entries()) {
      expect(Object.keys(await places(directory, word))).not.toEqual([]);
      await ramax.spaces.delete(`space ${word}`);
      expect(await places(directory, word)).toEqual({});
      expect((await spaces[index + 1]?.execute('line', 'goes on'))?.eventIds).toHaveLength(1);
    }
    expect(Object.keys(await places(directory, `${words[5]}`))).not.toEqual([]);
    await ramax.close();
    for (const word of words.slice(0, 4)) expect(await places(directory, word)).toEqual({});
  });

  it('is taken out of files over the bound only when that is asked for', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { rewriteBytesMax: 1 } });
    const [one, two] = [await ramax.spaces.getOrCreate('one'), await ramax.spaces.getOrCreate('two')];
    await plant(one, 'the-word-of-one', 2);
    await plant(two, 'the-word-of-two', 2);
    await ramax.spaces.delete('two', { rewriteFiles: true });
    expect(await places(directory, 'the-word-of-two')).toEqual({});
    expect((await one.execute('line', 'goes on')).eventIds).toHaveLength(1);
  });
});
