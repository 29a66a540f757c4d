/** Export, import, clone and restore to a sequence, on real threads and on both storages. */

import type { Ramax, SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { noRows, rowsOf } from './data-files.js';
import { all, codeOf, errorOf, RuntimeBed, range } from './runtime-bed.js';

const storages = [
  { name: 'SQLite', storageIn: (directory: string) => sqlite({ directory }) },
  { name: 'memory', storageIn: () => memory() },
];

async function bytesOf(file: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(file));
}

/** In pieces that end nowhere in particular. */
async function* inPieces(bytes: Uint8Array, pieceBytes = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Events with everything that an event may have, commands with and without ids, and some without events. */
async function fill(space: SpaceHandle<ItemsApp>, count: number): Promise<void> {
  for (const n of range(count)) {
    await space.execute('add', { id: `${n}`, value: n % 5 }, { commandId: `add ${n} ✓ é` });
    if (n % 3 === 0) await space.execute('line', n);
    if (n % 4 === 0) await space.execute('nothing', undefined, { commandId: `nothing ${n}` });
    if (n % 5 === 0)
      await space.execute('addAll', { ids: [`${n}a`, `${n}b`, `${n}c`] }, { commandId: `all ${n}` });
  }
  await space.execute('event', {
    entityId: 'ünïcödé 𝄞',
    type: 'remarked',
    payload: { text: 'a\nb\u2028', nested: [null, true, 1.5, -7, { __proto: 'x' }] },
    version: 3,
    tags: ['a', 'ß'],
    metadata: { by: 'test', 2: 'two' },
    causationId: 'cause',
    correlationId: 'story',
  });
}

async function stateOf(space: SpaceHandle<ItemsApp>) {
  return { everything: await space.query('everything'), latest: await space.latestSequence() };
}

describe.each(storages)('spaces on $name', ({ storageIn }) => {
  const bed = new RuntimeBed();
  let ramax: Ramax<ItemsApp>;
  let names = 0;
  const newName = (): string => `space ${++names}`;

  beforeAll(async () => {
    ramax = await bed.start({ storage: storageIn(await bed.directory()), limits: { readEventsMax: 7 } });
  });

  afterAll(() => bed.clear());

  async function filled(count = 30): Promise<SpaceHandle<ItemsApp>> {
    const space = await ramax.spaces.getOrCreate(newName(), { metadata: { plan: 'prö' } });
    await fill(space, count);
    return space;
  }

  /** What an event says, apart from where it lies. */
  const factsOf = async (space: SpaceHandle<ItemsApp>) =>
    (await all(space.streamEvents())).map(({ eventId: _, spaceId: __, ...facts }) => facts);

  it('come back from a file as they were: bytes, events, state, and what was accepted once', async () => {
    const space = await filled();
    const file = await bytesOf(space.export());
    const copy = await ramax.spaces.import(inPieces(file), { spaceName: newName() });
    expect(copy.metadata).toEqual({ plan: 'prö' });
    expect(copy.spaceId).not.toBe(space.spaceId);
    expect(await factsOf(copy)).toEqual(await factsOf(space));
    expect(await stateOf(copy)).toEqual(await stateOf(space));
    const again = (await bytesOf(copy.export())).toString('utf8').split('\n');
    const original = file.toString('utf8').split('\n');
    // The name is in the first line, and its digest in the last.
    expect(again.slice(1, -2)).toEqual(original.slice(1, -2));
    const before = await copy.latestSequence();
    const repeated = await copy.execute('addAll', { ids: ['5a', '5b', '5c'] }, { commandId: 'all 5' });
    expect(await copy.latestSequence()).toBe(before);
    const events = await Promise.all(repeated.eventIds.map((id) => copy.readEvent(id)));
    expect(events.map((event) => event?.entityId)).toEqual(['item:5a', 'item:5b', 'item:5c']);
    expect(await codeOf(copy.execute('add', { id: 'other' }, { commandId: 'add 1 ✓ é' }))).toBe('conflict');
    expect((await copy.execute('nothing', undefined, { commandId: 'nothing 4' })).eventIds).toEqual([]);
    // And it goes on.
    await copy.execute('add', { id: 'new' });
    expect(await copy.latestSequence()).toBe(before + 1);
    await copy.rebuild();
    expect(await copy.fetch('item:new')).toEqual({ id: 'new', value: 0 });
  });

  it('have the same file under the same name, wherever they are', async () => {
    const space = await filled(5);
    const file = await bytesOf(space.export());
    await ramax.spaces.delete(space.spaceName);
    const back = await ramax.spaces.import(inPieces(file, 17));
    expect(back.spaceName).toBe(space.spaceName);
    expect(await bytesOf(back.export())).toEqual(file);
  });

  it('are exported up to a sequence, and up to where they are at the call', async () => {
    const space = await filled(5);
    const latest = await space.latestSequence();
    const exporting = space.export();
    await exporting.next();
    await space.execute('line', 99);
    const rest = await bytesOf(exporting);
    expect(rest.toString()).toContain(`{"end":{"events":${latest},`);
    const copy = await ramax.spaces.import(inPieces(await bytesOf(space.export({ upTo: 3 }))), {
      spaceName: newName(),
    });
    expect(await copy.latestSequence()).toBe(3);
    expect(await errorOf(bytesOf(space.export({ upTo: 9_999 })))).toMatchObject({ code: 'invalid_input' });
    expect(() => space.export({ upTo: -1 })).toThrow('upTo');
  });

  it('keep what operators have set for them, and it counts at once', async () => {
    const space = await filled(3);
    const file = await bytesOf(space.export());
    await ramax.spaces.suspend(space.spaceName, { reason: 'unpaid' });
    const clone = await ramax.spaces.clone(space.spaceName, newName());
    expect(clone.settings.suspended?.reason).toBe('unpaid');
    expect(await codeOf(clone.execute('line', 1))).toBe('suspended');
    const suspended = await bytesOf(space.export());
    const copy = await ramax.spaces.import(inPieces(suspended), { spaceName: newName() });
    expect(await codeOf(copy.execute('line', 1))).toBe('suspended');
    const restored = await ramax.spaces.restoreTo(space.spaceName, 1);
    expect(await codeOf(restored.execute('line', 1))).toBe('suspended');
    const free = await ramax.spaces.import(inPieces(file), { spaceName: newName() });
    await free.execute('line', 1);
  });

  it('that are empty come back empty', async () => {
    const space = await ramax.spaces.getOrCreate(newName());
    const copy = await ramax.spaces.import(inPieces(await bytesOf(space.export())), { spaceName: newName() });
    expect(await stateOf(copy)).toEqual(await stateOf(space));
    await copy.execute('line', 1);
    const clone = await ramax.spaces.clone(space.spaceName, newName());
    expect(await clone.latestSequence()).toBe(0);
  });

  it('are refused when their file was changed, and nothing of it remains', async () => {
    const space = await filled(12);
    const file = await bytesOf(space.export());
    const before = (await ramax.spaces.list()).length;
    const latest = await ramax.latestEventId();
    const changed = Buffer.from(file);
    changed[changed.indexOf('"timestamp":', 2_000) + 13] = 0x30;
    const spaceName = newName();
    const error = await errorOf(ramax.spaces.import(inPieces(changed), { spaceName }));
    expect(error).toMatchObject({ code: 'corrupt', details: { line: expect.any(Number) as number } });
    const cut = await errorOf(
      ramax.spaces.import(inPieces(file.subarray(0, file.length - 300)), { spaceName }),
    );
    expect(cut.code).toBe('corrupt');
    expect((await ramax.spaces.list()).length).toBe(before);
    expect(await ramax.spaces.findByName(spaceName)).toBeUndefined();
    // All of it lay in one batch: nothing was written.
    expect(await ramax.latestEventId()).toBe(latest);
    await ramax.spaces.import(inPieces(file), { spaceName });
  });

  it('are not imported over a space that is there, and not from what is no file', async () => {
    const space = await filled(2);
    const file = await bytesOf(space.export());
    expect(await errorOf(ramax.spaces.import(inPieces(file)))).toMatchObject({
      code: 'conflict',
      details: { spaceName: space.spaceName },
    });
    for (const text of ['', 'hello\n', '{"a":1}\n', 'PK\x03\x04\n']) {
      const code = await codeOf(ramax.spaces.import(inPieces(Buffer.from(text)), { spaceName: newName() }));
      expect(['corrupt', 'invalid_input'], text).toContain(code);
    }
    const newer = file.toString().replace('"version":1', '"version":2');
    const error = await errorOf(ramax.spaces.import(inPieces(Buffer.from(newer)), { spaceName: newName() }));
    expect(error).toMatchObject({ code: 'format_newer', details: { found: 2, known: 1 } });
    expect(await codeOf(ramax.spaces.import([] as never))).toBe('invalid_input');
    expect(await codeOf(ramax.spaces.import(inPieces(file), { spaceName: '../x' }))).toBe('invalid_input');
  });

  it('are cloned: the same history under another id, while the original goes on', async () => {
    const space = await filled();
    const latest = await space.latestSequence();
    const seen: number[] = [];
    const cloning = ramax.spaces.clone(space.spaceName, newName(), {
      onProgress: ({ eventsCopied, eventsTotal }) => {
        expect(eventsTotal).toBeGreaterThanOrEqual(latest);
        seen.push(eventsCopied);
      },
    });
    const writing = Promise.all(range(50).map((n) => space.execute('line', n)));
    const clone = await cloning;
    await writing;
    const copied = await clone.latestSequence();
    expect(copied).toBeGreaterThanOrEqual(latest);
    expect(await factsOf(clone)).toEqual((await factsOf(space)).slice(0, copied));
    expect(seen.at(-1)).toBe(copied);
    expect(seen.length).toBeGreaterThan(3);
    expect(await space.latestSequence()).toBe(latest + 50);
    const { eventIds } = await clone.execute('add', { id: '1', value: 1 }, { commandId: 'add 1 ✓ é' });
    expect((await clone.readEvent(eventIds[0] ?? 0))?.entityId).toBe('item:1');
    expect(await codeOf(ramax.spaces.clone(space.spaceName, clone.spaceName))).toBe('conflict');
    expect(await codeOf(ramax.spaces.clone('nobody', newName()))).toBe('not_found');
    const short = await ramax.spaces.clone(space.spaceName, newName(), { upTo: 4 });
    expect(await short.latestSequence()).toBe(4);
  });

  it('go back to a sequence: the state of then, under the same name', async () => {
    const space = await filled(10);
    const then = await stateOf(space);
    await space.execute('line', 1_000);
    await space.execute('remove', { id: '1' });
    await ramax.spaces.updateMetadata(space.spaceName, { plan: 'later' });
    const restored = await ramax.spaces.restoreTo(space.spaceName, then.latest);
    expect(await stateOf(restored)).toEqual(then);
    expect(restored.metadata).toEqual({ plan: 'later' });
    expect(await codeOf(space.fetch('item:1'))).toBe('not_found');
    expect(await codeOf(space.execute('line', 1))).toBe('not_found');
    expect((await ramax.spaces.findByName(space.spaceName))?.spaceId).toBe(restored.spaceId);
    expect(await ramax.spaces.findById(space.spaceId)).toBeUndefined();
    const empty = await ramax.spaces.restoreTo(space.spaceName, 0);
    expect(await stateOf(empty)).toMatchObject({ latest: 0, everything: { main: [] } });
    expect(await codeOf(ramax.spaces.restoreTo(space.spaceName, 1))).toBe('invalid_input');
    expect(await codeOf(ramax.spaces.restoreTo('nobody', 0))).toBe('not_found');
  });

  it('that go back while commands come: each was accepted before, or finds no space', async () => {
    const space = await filled(10);
    const then = await stateOf(space);
    const commands = range(300).map((n) => codeOf(space.execute('line', n)));
    const restored = await ramax.spaces.restoreTo(space.spaceName, then.latest);
    for (const code of await Promise.all(commands))
      expect(['ok', 'not_found', 'outcome_unknown']).toContain(code);
    expect(await stateOf(restored)).toEqual(then);
  });

  it('leave nothing when the caller aborts, and let everybody else go on', async () => {
    const [space, other] = [await filled(40), await ramax.spaces.getOrCreate(newName())];
    const file = await bytesOf(space.export());
    const before = (await ramax.spaces.list()).length;
    const aborting = new AbortController();
    async function* hanging(): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, file.length / 2);
      aborting.abort();
      yield file.subarray(file.length / 2);
    }
    const spaceName = newName();
    expect(await codeOf(ramax.spaces.import(hanging(), { spaceName, signal: aborting.signal }))).toBe(
      'aborted',
    );
    const stop = new AbortController();
    const clone = ramax.spaces.clone(space.spaceName, spaceName, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(await codeOf(clone)).toBe('aborted');
    const thrown = ramax.spaces.clone(space.spaceName, spaceName, {
      onProgress: () => {
        throw new RangeError('mine');
      },
    });
    await expect(thrown).rejects.toThrow('mine');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, 1_000);
      throw new RangeError('the network');
    }
    await expect(ramax.spaces.import(failing(), { spaceName })).rejects.toThrow('the network');
    await other.execute('line', 1);
    expect((await ramax.spaces.list()).length).toBe(before);
    expect((await all(ramax.streamAllEvents())).at(-1)?.spaceId).toBe(other.spaceId);
  });

  it('are missed by no reader of all spaces, however it is interleaved', async () => {
    const [space, other] = [await filled(40), await ramax.spaces.getOrCreate(newName())];
    const seen = new Map<number, number>();
    let from = 0;
    const read = async (): Promise<void> => {
      for await (const { eventId, spaceId } of ramax.streamAllEvents({ from })) {
        expect(eventId).toBeGreaterThan(from);
        from = eventId;
        seen.set(spaceId, (seen.get(spaceId) ?? 0) + 1);
      }
    };
    let isDone = false;
    const reading = (async () => {
      while (!isDone) await read();
    })();
    const writing = Promise.all(range(200).map((n) => other.execute('line', n)));
    const clone = await ramax.spaces.clone(space.spaceName, newName());
    await writing;
    isDone = true;
    await reading;
    await read();
    expect(seen.get(clone.spaceId)).toBe(await clone.latestSequence());
    expect(seen.get(other.spaceId)).toBe(200);
  });

  it('that are deleted while they are exported or cloned say so', async () => {
    const space = await filled(40);
    const exporting = space.export();
    await exporting.next();
    await exporting.next();
    await ramax.spaces.delete(space.spaceName);
    expect(await codeOf(bytesOf(exporting))).toBe('not_found');
  });
});

describe('spaces between runtimes', () => {
  const bed = new RuntimeBed();
  afterEach(() => bed.clear());

  it('move from one storage to another, and back', async () => {
    const [disk, mind] = [await bed.start(), await bed.start({ storage: memory() })];
    const space = await disk.spaces.getOrCreate('moving');
    await fill(space, 20);
    const file = await bytesOf(space.export());
    const moved = await mind.spaces.import(inPieces(file));
    expect(await stateOf(moved)).toEqual(await stateOf(space));
    const there = await bytesOf(moved.export());
    expect(there).toEqual(file);
    const other = await bed.start();
    expect(await bytesOf((await other.spaces.import(inPieces(there))).export())).toEqual(file);
  });

  it('leave no rows behind when they are taken back, and their projections follow', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { purgeRowsMax: 7 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await fill(space, 30);
    await space.checkpoint();
    const restored = await ramax.spaces.restoreTo('acme', 10);
    await restored.query('items');
    await restored.checkpoint();
    await ramax.close();
    expect(rowsOf(directory, space.spaceId)).toEqual(noRows);
    expect(rowsOf(directory, restored.spaceId)).toMatchObject({ spaces: 1, events: 10 });
    const again = await bed.start({ storage: sqlite({ directory }) });
    expect((await again.spaces.findByName('acme'))?.spaceId).toBe(restored.spaceId);
  });

  it('that are imported when the runtime closes are not there afterwards', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({ storage: sqlite({ directory }), limits: { readEventsMax: 5 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await fill(space, 30);
    let closing: Promise<void> | undefined;
    const clone = codeOf(
      ramax.spaces.clone('acme', 'copy', {
        onProgress: () => {
          closing ??= ramax.close();
        },
      }),
    );
    expect(await clone).toBe('closed');
    await closing;
    const again = await bed.start({ storage: sqlite({ directory }) });
    expect((await again.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['acme']);
    await again.close();
    expect(rowsOf(directory, 2)).toEqual(noRows);
  });
});
