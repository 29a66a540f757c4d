/**
 * Schema, references and migrations of a whole content store against plain objects: whatever is put, linked, deleted and
 * cleared, evicted, flushed, rebuilt, restarted, killed, and migrated by a newer release in the middle, the state is
 * what the plain objects say, in every way to read it, and a rebuild comes to the same.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { isRamaxError } from '../../src/core/errors.js';
import type { ManualClock } from '../testing/manual-clock.js';
import { decksOf, type Op, type Release } from './decks-app.js';
import { DecksModel } from './decks-model.js';
import { type Storage, storages } from './storages.js';

const deckKeys = ['deck:1', 'deck:2', 'deck:3'];
const cardKeys = ['card:1', 'card:2', 'card:3', 'card:4', 'card:5'];
const noteKeys = ['note:1', 'note'];
const keys = [...deckKeys, ...cardKeys, ...noteKeys, 'card:none'];

/** Small bounds, so that everything is evicted, flushed and read in pieces. */
const limits = {
  cacheEntriesMax: 3,
  dirtyKeysMax: 6,
  fillKeysMax: 6,
  flushDelayMs: 5,
  readEventsMax: 4,
  migrationDelayMs: 3,
  migrationBatchMax: 2,
  migrationQueueMax: 3,
};

/** A content store over its storage, and what must be true of it. */
class Bench {
  readonly #storage: Storage;
  readonly #model = new DecksModel();
  #release: Release = 1;
  #store: ContentStore<ReturnType<typeof decksOf>> | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get store() {
    if (this.#store === undefined) throw new Error('the bench is not open');
    return this.#store;
  }

  async open(): Promise<void> {
    this.#store = await this.#storage.open(decksOf(this.#release), limits);
  }

  async do(ops: readonly Op[]): Promise<void> {
    const isTaken = this.#model.do(ops);
    expect(await codeOf(this.store.execute('do', ops))).toBe(isTaken ? 'ok' : 'projection_failed');
  }

  async doUnless(key: string, op: Op): Promise<void> {
    const isRefused = this.#model.has(key);
    const isTaken = !isRefused && this.#model.do([op]);
    const expected = isRefused ? 'command_rejected' : isTaken ? 'ok' : 'projection_failed';
    expect(await codeOf(this.store.execute('doUnless', { key, op }))).toBe(expected);
  }

  async get(key: string): Promise<void> {
    expect(await this.store.fetch(key)).toEqual(this.#model.value(this.#release, key));
  }

  async resolve(key: string, depth: number): Promise<void> {
    const expected = this.#model.resolved(this.#release, key, depth);
    expect(await this.store.getResolved(key, { depth })).toEqual(expected);
    expect(await this.store.query('resolved', { key, depth })).toEqual(expected);
  }

  async preload(key: string): Promise<void> {
    const paths = key.startsWith('deck:') ? ['cards', 'cover'] : ['deck', 'next'];
    expect(await this.store.query('preload', { key, paths })).toBe(this.#model.loaded(key, paths));
  }

  async everything(): Promise<void> {
    const seen = await this.store.query('everything', keys);
    expect(seen).toEqual(this.#model.everything(this.#release, keys));
  }

  async checkpoint(): Promise<void> {
    const { lastSpaceSequence } = await this.store.checkpoint();
    expect(lastSpaceSequence).toBe(this.#model.sequence);
  }

  /** Timers fire: flushes and write-backs. */
  async pass(durationMs: number): Promise<void> {
    await (this.#storage.platform.clock as ManualClock).advance(durationMs);
  }

  async migrateAll(): Promise<void> {
    expect(await this.store.migrateAll()).toMatchObject({ failed: 0 });
  }

  /** A rebuild, and commands while it goes on. */
  async rebuild(view: string | undefined, ops: readonly Op[]): Promise<void> {
    const rebuilt = this.store.rebuildPState({ view });
    for (const op of ops) await this.do([op]);
    const { lastSpaceSequence } = await rebuilt;
    expect(lastSpaceSequence).toBeLessThanOrEqual(this.#model.sequence);
    await this.everything();
  }

  /** Another process, after a close or a kill; perhaps with the next release. */
  async restart(how: 'close' | 'kill', release: Release = this.#release): Promise<void> {
    if (how === 'close') await this.store.close();
    await this.#storage.log?.close();
    this.#release = release > this.#release ? release : this.#release;
    await this.open();
  }

  /** State, rebuilt state and the state of another process are the same. */
  async finish(): Promise<void> {
    await this.everything();
    await this.restart('close', 2);
    await this.everything();
    await this.migrateAll();
    await this.everything();
    await this.rebuild(undefined, []);
    await this.restart('kill');
    await this.everything();
    for (const key of keys) await this.resolve(key, 9);
    await this.store.close();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'ok',
    (error: unknown) => (isRamaxError(error) ? error.code : String(error)),
  );
}

type Step = (bench: Bench) => Promise<void>;

/** What may happen. Its text is what a failure shows. */
function step(text: string, run: Step): Step {
  return Object.assign(run, { toString: () => text });
}

const key = fc.constantFrom(...keys);
const n = fc.integer({ min: 0, max: 9 });
const entityKey = fc.constantFrom(...deckKeys, ...cardKeys);
const ends = fc.oneof(
  fc.record({
    key: fc.constantFrom(...deckKeys),
    field: fc.constantFrom('cards', 'cover'),
    target: fc.constantFrom(...cardKeys),
  }),
  fc.record({
    key: fc.constantFrom(...cardKeys),
    field: fc.constantFrom('deck', 'coverOf'),
    target: fc.constantFrom(...deckKeys),
  }),
  fc.record({
    key: fc.constantFrom(...cardKeys),
    field: fc.constant('next'),
    target: fc.constantFrom(...cardKeys),
  }),
);

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(entityKey, n, fc.boolean())
      .map(([key, n, keeps]): Op => ({ kind: key.startsWith('deck:') ? 'deck' : 'card', key, n, keeps })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('note'),
      key: fc.constantFrom(...noteKeys),
      value: fc.constantFrom(null, 0, '', { deep: [{ er: null }] }),
    }),
  },
  { weight: 7, arbitrary: ends.map((ends): Op => ({ kind: 'link', ...ends })) },
  { weight: 2, arbitrary: ends.map((ends): Op => ({ kind: 'unlink', ...ends })) },
  { weight: 2, arbitrary: key.map((key): Op => ({ kind: 'remove', key })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('deck:', 'card:', 'note', '').map((prefix): Op => ({ kind: 'clear', prefix })),
  },
);

const text = JSON.stringify;

const steps = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(op, { minLength: 1, maxLength: 6 })
      .map((ops) => step(`do ${text(ops)}`, (bench) => bench.do(ops))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, op)
      .map(([key, op]) => step(`do ${text(op)} unless ${key}`, (bench) => bench.doUnless(key, op))),
  },
  { weight: 4, arbitrary: key.map((key) => step(`get ${key}`, (bench) => bench.get(key))) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.integer({ min: 0, max: 9 }))
      .map(([key, depth]) => step(`resolve ${key} to ${depth}`, (bench) => bench.resolve(key, depth))),
  },
  { weight: 1, arbitrary: entityKey.map((key) => step(`preload ${key}`, (bench) => bench.preload(key))) },
  { weight: 2, arbitrary: fc.constant(step('everything', (bench) => bench.everything())) },
  { weight: 2, arbitrary: fc.constant(step('checkpoint', (bench) => bench.checkpoint())) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 9 }).map((ms) => step(`pass ${ms} ms`, (bench) => bench.pass(ms))),
  },
  { weight: 1, arbitrary: fc.constant(step('migrateAll', (bench) => bench.migrateAll())) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(undefined, 'main', 'trail'), fc.array(op, { maxLength: 4 }))
      .map(([view, ops]) => step(`rebuild ${view} beside ${text(ops)}`, (bench) => bench.rebuild(view, ops))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('close' as const, 'kill' as const), fc.constantFrom<Release>(1, 1, 2))
      .map(([how, release]) =>
        step(`${how}, release ${release} at least`, (bench) => bench.restart(how, release)),
      ),
  },
);

/** Every deck and card, so that links are not refused. */
const beginning = step('put all', (bench) =>
  bench.do(
    [...deckKeys, ...cardKeys].map((key, n) => ({
      kind: key.startsWith('deck:') ? 'deck' : 'card',
      key,
      n,
      keeps: false,
    })),
  ),
);

const runs: Readonly<Record<string, number>> = { memory: 200, SQLite: 40 };

describe.each(storages)('decks and cards on %s, whatever happens', (name, makeStorage) => {
  it('are what plain objects say, and what a rebuild makes of their events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 30 }), async (history) => {
        const storage = await makeStorage();
        const bench = new Bench(storage);
        try {
          await bench.open();
          await beginning(bench);
          for (const happens of history) await happens(bench);
          await bench.finish();
        } finally {
          await storage.remove();
        }
      }),
      { numRuns: Number(process.env['DECKS_MODEL_RUNS'] ?? runs[name]) },
    );
  });
});
