/** Schema, references and migrations as an app's users meet them: on real threads, over restarts and a kill. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ramax, RamaxError, SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { House } from 'ramax/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DecksApp } from '../fixtures/decks.app.mjs';
import decks from '../fixtures/decks.app.mjs';
import decksBefore from '../fixtures/decks-before.app.mjs';
import { until } from './gate.js';
import { type BedOptions, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

type Space = SpaceHandle<DecksApp>;
type Card = { readonly front: string; readonly level: number };

function start(directory: string, options: BedOptions = {}): Promise<Ramax<DecksApp>> {
  return bed.start<DecksApp>({
    app: fixture('decks.app.mjs'),
    storage: sqlite({ directory }),
    ...options,
  });
}

/** The app as it was. */
function startBefore(directory: string): Promise<Ramax<DecksApp>> {
  return start(directory, { app: fixture('decks-before.app.mjs') });
}

/** A deck `d1` with so many cards. */
async function fill(space: Space, cards: number, level: number | string = 2): Promise<void> {
  await space.execute('addDeck', { id: 'd1', name: 'Le Chat' });
  await space.execute(
    'addCards',
    range(cards).map((n) => ({ id: `c${n}`, deckId: 'd1', front: `front ${n}`, level })),
  );
}

function put(space: Space, key: string, value: unknown): Promise<unknown> {
  return space.execute('put', { key, value });
}

async function link(space: Space, key: string, field: string, target: string): Promise<void> {
  await space.execute('link', { key, field, target });
}

/** A figure of all shards together. */
async function sumOf(
  ramax: Ramax<DecksApp>,
  figure: (shard: Awaited<ReturnType<Ramax['stats']>>['shards'][number]) => number,
): Promise<number> {
  return (await ramax.stats()).shards.reduce((sum, shard) => sum + figure(shard), 0);
}

async function migrationsOf(ramax: Ramax<DecksApp>) {
  const of = (name: 'entries' | 'written' | 'pending' | 'failed') =>
    sumOf(ramax, ({ migrations }) => migrations[name]);
  return {
    entries: await of('entries'),
    written: await of('written'),
    pending: await of('pending'),
    failed: await of('failed'),
  };
}

/** What is wrong, as an error's details say it. */
function wrong({ code, details }: RamaxError): unknown {
  return [code, details?.['field'], details?.['expected'], details?.['got']];
}

function deckRef(id: string) {
  return { $ref: `deck:${id}` };
}

function cardRef(id: string) {
  return { $ref: `card:${id}` };
}

/** The card `n` of the deck `d1`, in the shape of today. */
function card(n: number, level = 2) {
  return { front: `front ${n}`, level, deck: deckRef('d1'), translations: {} };
}

const cardKeys = (count: number) => range(count).map((n) => `card:c${n}`);

describe('what does not fit the schema', () => {
  const shared = new RuntimeBed();
  let ramax: Ramax<DecksApp>;
  let spaces = 0;
  const newSpace = (): Promise<Space> => ramax.spaces.getOrCreate(`space ${++spaces}`);

  beforeAll(async () => {
    ramax = await shared.start<DecksApp>({ app: fixture('decks-checked.app.mjs') });
  });
  afterAll(() => shared.clear());

  it('is refused with its path, what was expected and what came, and nothing is written', async () => {
    const space = await newSpace();
    const refused = [
      ['card:c1', { front: '' }, 'pstate["card:c1"].front', /^valid \(.*>=1/, 'the string ""'],
      ['card:c1', { front: 'x', level: 6 }, 'pstate["card:c1"].level', /^valid \(.*<=5/, '6'],
      ['card:c1', {}, 'pstate["card:c1"].front', /^valid \(/, 'undefined'],
      ['card:c1', { front: 'x', note: 3 }, 'pstate["card:c1"].note', /^a string$/, '3'],
      ['card:c1', { front: 'x', nite: 'y' }, 'pstate["card:c1"].nite', /^absent.*did you mean 'note'/, '"y"'],
      ['card:c1', { front: 'x', deck: cardRef('c1') }, 'pstate["card:c1"].deck', /^a reference/, 'card:c1'],
      ['card:c1', 'le chat', 'pstate["card:c1"]', /^an object with the fields of 'card'/, '"le chat"'],
      ['deck:d1', { name: 'x', cards: ['c1'] }, 'pstate["deck:d1"].cards', /^a map of ids/, 'an array'],
      [
        'deck:d1',
        { name: 'x', cards: { c1: cardRef('c2') } },
        'pstate["deck:d1"].cards.c1',
        /card:c1/,
        'card:c2',
      ],
      [
        'author:a1',
        { name: 'Ada', address: { email: 'ada' } },
        'pstate["author:a1"].address.email',
        /email/,
        '"ada"',
      ],
      ['author:a1', { name: 'Ada' }, 'pstate["author:a1"].address', /^valid \(/, 'undefined'],
    ] as const;
    for (const [key, value, field, expected, got] of refused) {
      const error = await errorOf(put(space, key, value));
      expect(error).toMatchObject({
        code: 'projection_failed',
        details: { view: 'main', type: 'value.put' },
      });
      expect(wrong(error), field).toEqual([
        'projection_failed',
        field,
        expect.stringMatching(expected),
        expect.stringContaining(got),
      ]);
      expect(error.message).toContain(field);
    }
    expect(await space.latestSequence()).toBe(0);
    expect(await space.query('entries')).toEqual([]);
  });

  it('is refused in params before the command is decided, and in a payload before it is appended', async () => {
    const space = await newSpace();
    await space.execute('addDeck', { id: 'd1', name: 'Le Chat' });
    const cards = [
      { id: 'c1', deckId: 'd1', front: 'le chat' },
      { id: '', deckId: 'd1', front: 'le chien' },
    ];
    expect(wrong(await errorOf(space.execute('addCards', cards)))).toEqual([
      'invalid_input',
      'params[1].id',
      expect.stringContaining('non-empty'),
      'the string ""',
    ]);
    expect(wrong(await errorOf(space.execute('addDeck', { id: 'd2', name: 'x' })))).toEqual([
      'invalid_input',
      expect.stringMatching(/payload\.name$/),
      expect.stringContaining('>=3'),
      'the string "x"',
    ]);
    expect(await space.latestSequence()).toBe(1);
  });

  it('is no obstacle: defaults are filled in, a given value wins, and keys of no entity take anything', async () => {
    const space = await newSpace();
    await space.execute('addDeck', { id: 'd1', name: 'Le Chat' });
    await put(space, 'deck:d2', { name: 'x', slug: 'given', archived: true });
    await put(space, 'card:c1', { front: 'le chat' });
    await put(space, 'card', [1, { front: 2 }]);
    await put(space, 'author:a1', { name: 'Ada', address: { email: 'ada@school.example' } });
    expect(await space.fetch('deck:d1')).toEqual({
      name: 'Le Chat',
      slug: 'le-chat',
      archived: false,
      cards: {},
    });
    expect(await space.fetch('deck:d2')).toEqual({ name: 'x', slug: 'given', archived: true, cards: {} });
    expect(await space.fetch('card:c1')).toEqual({ front: 'le chat', level: 1, translations: {} });
    expect(await space.fetch('card')).toEqual([1, { front: 2 }]);
    expect(await space.fetch('author:a1')).toEqual({ name: 'Ada', address: { email: 'ada@school.example' } });
  });
});

describe('references', () => {
  it('are set and taken back at both ends, and a former partner lets go; all of it survives a restart', async () => {
    const directory = await bed.directory();
    const first = await start(directory);
    const space = await first.spaces.getOrCreate('acme');
    await fill(space, 2);
    await space.execute('addDeck', { id: 'd2', name: 'Le Chien' });
    await link(space, 'card:c1', 'deck', 'deck:d2');
    await link(space, 'deck:d1', 'cover', 'card:c1');
    await link(space, 'deck:d2', 'cover', 'card:c1');
    const expected = {
      'deck:d1': { name: 'Le Chat', slug: 'le-chat', archived: false, cards: { c2: cardRef('c2') } },
      'deck:d2': {
        name: 'Le Chien',
        slug: 'le-chien',
        archived: false,
        cards: { c1: cardRef('c1') },
        cover: cardRef('c1'),
      },
      'card:c1': { ...card(1), deck: deckRef('d2'), coverOf: deckRef('d2') },
      'card:c2': card(2),
    };
    expect(Object.fromEntries(await space.query('entries'))).toEqual(expected);
    await first.close();

    const second = await start(directory);
    const again = await second.spaces.getOrCreate('acme');
    expect(Object.fromEntries(await again.query('entries'))).toEqual(expected);
    await again.execute('unlink', { key: 'deck:d2', field: 'cover', target: 'card:c1' });
    await again.execute('unlink', { key: 'card:c1', field: 'deck', target: 'deck:d2' });
    expect(await again.fetch('deck:d2')).toEqual({
      name: 'Le Chien',
      slug: 'le-chien',
      archived: false,
      cards: {},
    });
    expect(await again.fetch('card:c1')).toEqual({ front: 'front 1', level: 2, translations: {} });
    expect(await codeOf(link(again, 'deck:d1', 'cards', 'card:c9'))).toBe('projection_failed');
    expect(await codeOf(link(again, 'deck:d1', 'cover', 'deck:d2'))).toBe('projection_failed');
  });

  it('are followed to a depth, by the space and by a query alike', async () => {
    const directory = await bed.directory();
    const first = await start(directory);
    const before = await first.spaces.getOrCreate('acme');
    await fill(before, 2);
    await put(before, 'translation:t1', { text: 'the cat' });
    await link(before, 'card:c1', 'translations', 'translation:t1');
    await put(before, 'card:n1', { front: 'one' });
    for (const [n, next] of [
      ['n2', 'n1'],
      ['n3', 'n2'],
    ] as const) {
      await put(before, `card:${n}`, { front: n });
      await link(before, `card:${n}`, 'next', `card:${next}`);
    }
    await link(before, 'card:n1', 'next', 'card:n3');
    await before.execute('remove', 'card:c2');
    await first.close();

    const space = await (await start(directory)).spaces.getOrCreate('acme');
    const resolved = async (key: string, depth?: number): Promise<unknown> => {
      const options = depth === undefined ? {} : { depth };
      const seen = await space.getResolved(key, options);
      expect(await space.query('resolved', { key, ...options })).toEqual(seen);
      return seen;
    };
    const deck = { name: 'Le Chat', slug: 'le-chat', archived: false };
    const missing = { $ref: 'card:c2', $missing: true };
    const translation = { text: 'the cat', card: cardRef('c1') };
    const unresolved = { ...card(1), translations: { t1: { $ref: 'translation:t1' } } };
    expect(await resolved('deck:d1', 0)).toEqual({
      ...deck,
      cards: { c1: cardRef('c1'), c2: cardRef('c2') },
    });
    expect(await resolved('deck:d1', 1)).toEqual({ ...deck, cards: { c1: unresolved, c2: missing } });
    // The card's way back to its deck and the translation's to its card stay as they are.
    const all = { ...deck, cards: { c1: { ...card(1), translations: { t1: translation } }, c2: missing } };
    expect(await resolved('deck:d1', 2)).toEqual(all);
    expect(await resolved('deck:d1')).toEqual(all);
    const circular = { $ref: 'card:n1', $circular: ['card:n1', 'card:n3', 'card:n2', 'card:n1'] };
    expect(await resolved('card:n1')).toMatchObject({
      next: { front: 'n3', next: { front: 'n2', next: circular } },
    });
    expect(await resolved('card:none')).toBeUndefined();
    expect(await codeOf(space.getResolved('deck:d1', { depth: -1 }))).toBe('invalid_input');
  });

  it('are preloaded with as many reads of the store as there are levels, however many there are', async () => {
    const directory = await bed.directory();
    const first = await start(directory);
    const before = await first.spaces.getOrCreate('acme');
    await fill(before, 30);
    for (const n of range(30)) {
      await put(before, `translation:t${n}`, { text: `text ${n}` });
      await link(before, `card:c${n}`, 'translations', `translation:t${n}`);
    }
    await first.close();

    const reads = join(directory, 'reads');
    const { options } = sqlite({ directory });
    const module = new URL('../fixtures/counting-storage.mjs', import.meta.url).href;
    const paths = ['cards', { cards: ['translations'] }];
    const expected = range(30).map((n) => [`front ${n}`, `text ${n}`]);
    /** How often the store was read, and for how many keys, by `query` in a new runtime. */
    const readsOf = async (query: (space: Space) => Promise<unknown>) => {
      const ramax = await start(directory, { storage: { module, options: { ...options, reads } } });
      const space = await ramax.spaces.getOrCreate('acme');
      await space.views();
      const misses = await sumOf(ramax, ({ cache }) => cache.misses);
      writeFileSync(reads, '');
      await query(space);
      const seen = readFileSync(reads, 'utf8').split('\n').slice(0, -1).map(Number);
      const missed = (await sumOf(ramax, ({ cache }) => cache.misses)) - misses;
      await ramax.close();
      return { seen, missed };
    };
    const without = await readsOf(async (space) => {
      expect(await space.query('texts', { key: 'deck:d1' })).toEqual(expected);
    });
    expect(without).toEqual({ seen: Array.from({ length: 61 }, () => 1), missed: 61 });
    const preloaded = await readsOf(async (space) => {
      expect(await space.query('texts', { key: 'deck:d1', paths })).toEqual(expected);
      expect(await space.query('preload', { key: 'deck:d1', paths })).toBe(61);
      await space.getResolved('deck:d1');
    });
    // Each level is one read; a miss is counted for each key. All that comes later is in memory.
    expect(preloaded).toEqual({ seen: [1, 30, 30], missed: 61 });
  });
});

describe('values of an older app', () => {
  it('are migrated when they are read and written back, which a restart finds done', async () => {
    const directory = await bed.directory();
    const first = await startBefore(directory);
    const old = await first.spaces.getOrCreate('acme');
    await fill(old, 20, '3');
    expect(await old.fetch('card:c1')).toEqual({ text: 'front 1', level: '3', deckId: 'd1' });
    await first.close();

    const second = await start(directory, { limits: { migrationDelayMs: 1, migrationBatchMax: 4 } });
    const space = await second.spaces.getOrCreate('acme');
    await space.views();
    expect(await migrationsOf(second)).toEqual({ entries: 0, written: 0, pending: 0, failed: 0 });
    for (const n of range(10)) expect(await space.fetch(`card:c${n}`)).toEqual(card(n, 3));
    expect(Object.keys((await space.fetch<{ cards: object }>('deck:d1'))?.cards ?? {})).toHaveLength(20);
    await until(async () => (await migrationsOf(second)).written === 11, 'the write-back');
    expect(await migrationsOf(second)).toEqual({ entries: 11, written: 11, pending: 0, failed: 0 });
    const entries = await space.query('entries');
    await second.close();

    const third = await start(directory);
    const again = await third.spaces.getOrCreate('acme');
    for (const n of range(10)) expect(await again.fetch(`card:c${n}`)).toEqual(card(n, 3));
    expect(await again.query('entries')).toEqual(entries);
    expect(await migrationsOf(third)).toMatchObject({ entries: 0, failed: 0 });
    // What the projections of today make of the old events is what the migrations have made of the old values.
    await again.rebuild();
    expect(await again.query('entries')).toEqual(entries);
  });

  it('are migrated again after a kill before they were written back, and nothing is lost', async () => {
    const directory = await bed.directory();
    const first = await startBefore(directory);
    await fill(await first.spaces.getOrCreate('acme'), 5, '3');
    await first.close();

    const program = fileURLToPath(fixture('migrating-program.mjs'));
    const child = spawn(process.execPath, [program, directory, ...cardKeys(5)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    await until(() => output.endsWith('\n'), 'what the child has read');
    child.kill('SIGKILL');
    await exited;
    const values = range(5).map((n) => card(n, 3));
    expect(JSON.parse(output)).toEqual({ values, pending: 5 });

    const second = await start(directory, { limits: { migrationDelayMs: 1 } });
    const space = await second.spaces.getOrCreate('acme');
    expect(await Promise.all(cardKeys(5).map((key) => space.fetch(key)))).toEqual(values);
    await until(async () => (await migrationsOf(second)).written === 5, 'the write-back');
    expect(await migrationsOf(second)).toEqual({ entries: 5, written: 5, pending: 0, failed: 0 });
  });

  it('that cannot be migrated are named with key and field, and harm no other key and no other space', async () => {
    const directory = await bed.directory();
    const first = await startBefore(directory);
    for (const name of ['acme', 'umbrella']) await fill(await first.spaces.getOrCreate(name), 3, '3');
    const old = await first.spaces.getOrCreate('acme');
    await put(old, 'card:c2', { text: 'front 2', level: 'high', deckId: 'd1' });
    await put(old, 'card:c4', { level: '1' });
    await first.close();

    const ramax = await start(directory, { limits: { migrationDelayMs: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const error = await errorOf(space.fetch('card:c2'));
    expect(error).toMatchObject({
      code: 'migration_failed',
      details: { key: 'card:c2', field: 'level', entity: 'card' },
      message: expect.stringContaining("'high' is no level"),
    });
    expect(await errorOf(space.query('entries'))).toMatchObject({
      code: 'migration_failed',
      details: { key: 'card:c2' },
    });
    expect(await errorOf(space.fetch('card:c4'))).toMatchObject({
      code: 'migration_failed',
      details: { key: 'card:c4', field: 'front' },
    });
    const umbrella = await ramax.spaces.getOrCreate('umbrella');
    expect(await space.fetch('card:c1')).toEqual(card(1, 3));
    expect(await umbrella.fetch('card:c2')).toEqual(card(2, 3));
    expect((await space.views()).map(({ state }) => state)).toEqual(['live', 'live']);

    const reports: number[] = [];
    const done = await ramax.migrateAll({ onProgress: ({ spacesDone }) => reports.push(spacesDone) });
    expect([done, reports]).toEqual([{ spacesDone: 2, itemsDone: 9, failed: 2 }, [1, 2]]);
    const { failures } = await space.migrateAll({ view: 'main' });
    expect(failures.map(({ view, key }) => [view, key])).toEqual([
      ['main', 'card:c2'],
      ['main', 'card:c4'],
    ]);
    // A value that is put in its place mends it.
    await put(space, 'card:c2', { front: 'mended' });
    await space.execute('remove', 'card:c4');
    expect(await space.fetch<Card>('card:c2')).toMatchObject({ front: 'mended', level: 1 });
    expect(await space.migrateAll()).toMatchObject({ failed: 0, failures: [] });
  });

  it('are all brought into shape by migrateAll, of one space and of all, in batches that are told of', async () => {
    const directory = await bed.directory();
    const first = await startBefore(directory);
    for (const n of range(4)) await fill(await first.spaces.getOrCreate(`tenant ${n}`), 25, '3');
    await first.close();

    const ramax = await start(directory, { limits: { migrationBatchMax: 10 } });
    const space = await ramax.spaces.getOrCreate('tenant 1');
    const reports: number[] = [];
    const all = { entriesRead: 26, entriesMigrated: 26, failed: 0, failures: [] };
    expect(await space.migrateAll({ view: 'main', onProgress: (p) => reports.push(p.entriesRead) })).toEqual(
      all,
    );
    expect(reports).toEqual([10, 20, 26]);
    expect(await space.migrateAll()).toMatchObject({ entriesMigrated: 0, failed: 0 });
    const spaces: number[] = [];
    const done = await ramax.migrateAll({ onProgress: ({ spacesDone }) => spaces.push(spacesDone) });
    expect([done, spaces]).toEqual([{ spacesDone: 4, itemsDone: 104, failed: 0 }, range(4)]);
    expect(await migrationsOf(ramax)).toEqual({ entries: 104, written: 104, pending: 0, failed: 0 });
  });
});

describe('little memory', () => {
  it('of ten entries loses nothing under load, and stats show evictions and a hit rate', async () => {
    const limits = { cacheEntriesMax: 10, dirtyKeysMax: 16, flushDelayMs: 5, openSpacesMax: 2 };
    const directory = await bed.directory();
    const ramax = await start(directory, { limits });
    const spaces = await Promise.all(range(6).map((n) => ramax.spaces.getOrCreate(`tenant ${n}`)));
    const expected = new Map<Space, Map<string, unknown>>();
    const load = async (space: Space, tenant: number): Promise<void> => {
      const state = new Map<string, unknown>();
      expected.set(space, state);
      await space.execute('addDeck', { id: 'd1', name: 'Le Chat' });
      await Promise.all(
        range(120).map(async (n) => {
          const id = `c${(n * tenant) % 23}`;
          const key = `card:${id}`;
          if (n % 7 === 0) {
            state.delete(key);
            await space.execute('remove', key);
            return;
          }
          state.set(key, { front: `front ${n}`, level: n % 6, deck: deckRef('d1'), translations: {} });
          await space.execute('addCards', [{ id, deckId: 'd1', front: `front ${n}`, level: n % 6 }]);
        }),
      );
    };
    const states = async (from: Ramax<DecksApp>): Promise<void> => {
      for (const [{ spaceName }, state] of expected) {
        const space = await from.spaces.getOrCreate(spaceName);
        const entries = (await space.query('entries')).filter(([key]) => key.startsWith('card:'));
        expect(new Map(entries), spaceName).toEqual(state);
        const ids = range(23, 0).map((n) => `card:c${n}`);
        const read = await Promise.all(ids.map((key) => space.fetch(key)));
        expect(read, spaceName).toEqual(ids.map((key) => state.get(key)));
      }
    };
    await Promise.all(spaces.map((space, index) => load(space, index + 1)));
    await states(ramax);
    for (const { cache } of (await ramax.stats()).shards) {
      expect(cache.entries).toBeLessThanOrEqual(10);
      expect(cache.evictions).toBeGreaterThan(10);
      expect(cache.misses).toBeGreaterThan(0);
      expect(cache.hitRate).toBeCloseTo(cache.hits / (cache.hits + cache.misses));
      expect(cache.hitRate).toBeGreaterThan(0);
      expect(cache.hitRate).toBeLessThan(1);
    }
    const isPassivated = async () => (await ramax.stats()).shards.every(({ openSpaces }) => openSpaces <= 2);
    await until(isPassivated, 'at most two open spaces on each shard');
    // Of its three spaces a shard has passivated one at least: each comes back whole.
    await states(ramax);
    await ramax.close();
    await states(await start(directory, { limits }));
  });
});

describe('the same app in the house of one thread', () => {
  it('keeps its references and migrates its old values over a restart and the death of the process', async () => {
    const house = new House<DecksApp>({ app: decksBefore, seed: 7 });
    const first = await house.start({ shards: 2 });
    const old = await house.run(first.spaces.getOrCreate('acme'));
    await house.run(old.execute('addDeck', { id: 'd1', name: 'Le Chat' }));
    const cards = range(8).map((n) => ({ id: `c${n}`, deckId: 'd1', front: `front ${n}`, level: '3' }));
    await house.run(old.execute('addCards', cards));
    await house.run(first.close());

    const values = range(8).map((n) => card(n, 3));
    for (const migrationDelayMs of [3_600_000, 1, 1]) {
      const ramax = await house.start({ app: decks, shards: 2, limits: { migrationDelayMs } });
      const space = await house.run(ramax.spaces.getOrCreate('acme'));
      const read = await house.run(Promise.all(cardKeys(8).map((key) => space.fetch(key))));
      expect(read).toEqual(values);
      const resolved = await house.run(space.getResolved<{ cards: unknown }>('deck:d1'));
      expect(resolved?.cards).toEqual(Object.fromEntries(values.map((value, n) => [`c${n + 1}`, value])));
      if (migrationDelayMs === 1) await house.run(ramax.close());
      else house.killAll();
    }
    const last = await house.start({ shards: 2 });
    const space = await house.run(last.spaces.getOrCreate('acme'));
    expect(await house.run(space.migrateAll())).toMatchObject({ entriesMigrated: 0, failed: 0 });
    await house.run(space.execute('unlink', { key: 'deck:d1', field: 'cards', target: 'card:c1' }));
    expect(await house.run(space.fetch('card:c1'))).toEqual({ front: 'front 1', level: 3, translations: {} });
    await house.run(last.close());
  });
});
