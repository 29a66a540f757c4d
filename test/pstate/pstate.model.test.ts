/**
 * Random histories of two states that share one cache, against plain maps: whatever is written, undone, frozen, flushed
 * or not, forgotten, evicted for the other, reopened, or stored in an older shape, a state shows what a map would, and
 * the store holds the state at the last flush that was written. Who watches and reads what it is told of sees the same.
 */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeValue } from '../../src/codec/value-codec.js';
import { defaultLimits } from '../../src/core/limits.js';
import { compareCodePoints } from '../../src/core/names.js';
import type { StateSchema } from '../../src/core/state-schema.js';
import type { Value } from '../../src/core/values.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { PState, type PStateStats } from '../../src/pstate/pstate.js';
import { ValueCache } from '../../src/pstate/value-cache.js';
import { beds, type StoreBed } from './store-bed.js';

const view = { name: 'main', version: 1 };
const prefixes = ['a:', 'a:1', 'b:', '\uffee', '\u{1f600}'];
const keys = ['a:', 'b:', '\uffee', '\u{1f600}'].flatMap((prefix) =>
  Array.from({ length: 12 }, (_, index) => `${prefix}${index}`),
);

type Write =
  | { readonly kind: 'put'; readonly key: string; readonly value: Value }
  | { readonly kind: 'putMany'; readonly from: number; readonly value: Value }
  | { readonly kind: 'copy'; readonly key: string; readonly from: string }
  | { readonly kind: 'update'; readonly key: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'deletePrefix'; readonly prefix: string }
  | { readonly kind: 'clear' };

type Step =
  | Write
  | { readonly kind: 'turn'; readonly writes: readonly Write[]; readonly keep: boolean }
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'entries'; readonly prefix: string }
  | { readonly kind: 'size' | 'freeze' | 'writeFrozen' | 'flush' | 'reset' | 'reopen' | 'migratePage' }
  | { readonly kind: 'failedFlush' | 'writeMigrated' | 'failedWriteMigrated' }
  | { readonly kind: 'getMany'; readonly from: number; readonly count: number }
  | { readonly kind: 'olderApp'; readonly puts: readonly (readonly [key: string, value: Value])[] }
  | {
      readonly kind: 'interrupt';
      readonly after: number;
      readonly writes: readonly Write[];
      readonly flush: boolean;
    };

const key = fc.constantFrom(...keys);
const prefix = fc.constantFrom('', ...prefixes);
const value = fc.oneof(
  fc.constantFrom<Value>(null, 0, false, '', 'text', { deep: [{ er: null }] }),
  fc
    .jsonValue({ maxDepth: 2 })
    .map((json) => JSON.parse(JSON.stringify(json).replaceAll('__proto__', 'proto')) as Value),
);

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put'), key, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('putMany'), from: fc.nat(keys.length), value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy'), key, from: key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('update'), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete'), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deletePrefix'), prefix }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear') }) },
);

const writes = fc.array(write, { maxLength: 6 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn'), writes, keep: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get'), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('entries'), prefix }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'size',
        'freeze',
        'freeze',
        'writeFrozen',
        'writeFrozen',
        'flush',
        'reset',
        'reopen',
        'failedFlush',
        'migratePage',
        'writeMigrated',
        'writeMigrated',
        'failedWriteMigrated',
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('getMany'), from: fc.nat(keys.length), count: fc.nat(8) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('olderApp'),
      puts: fc.array(fc.tuple(key, value), { maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('interrupt'), after: fc.nat(20), writes, flush: fc.boolean() }),
  },
);

/** How an older app has stored a value. */
const older = (value: Value): Value => ({ '~old': value });

const schema: StateSchema = {
  migrates: true,
  admit: (_key, value) => value,
  migrate: (_key, value) => (isOlder(value) ? { v: 2, is: value['~old'] } : value),
  relation: () => undefined,
  relations: () => new Map(),
};

function isOlder(value: Value): value is { readonly '~old': Value } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '~old');
}

/** What a step needs of the world around its state. */
interface World {
  readonly bed: StoreBed;
  readonly cache: ValueCache;
  readonly migrationQueueMax: number;
}

/** A state and the maps that it is compared with. */
class Pair {
  state: PState;
  /** What the state has to show. */
  shown = new Map<string, Value>();
  /** What it showed at the freeze that has not been written yet. */
  frozen: Map<string, Value> | undefined;
  /** What the store has to hold. */
  written = new Map<string, Value>();
  /** What somebody has seen who watches for changes and reads each key that he is told of. */
  watched = new Map<string, Value>();
  #store: PStateStore;
  #failing = false;
  #sequence = 0;

  constructor(
    readonly world: World,
    readonly spaceId: number,
  ) {
    this.#store = this.#openStore();
    this.state = this.#openWatched();
  }

  /** A store whose flushes fail while `#failing` says so. */
  #openStore(): PStateStore {
    const store = this.world.bed.open();
    const flush = store.flush.bind(store);
    return Object.assign(store, {
      flush: (...args: Parameters<PStateStore['flush']>) => {
        if (this.#failing) throw new Error('the disk is full');
        flush(...args);
      },
    });
  }

  #open(cache?: ValueCache): PState {
    const { migrationQueueMax } = this.world;
    const limits = { ...defaultLimits, migrationQueueMax, migrationBatchMax: 3 };
    return new PState({ spaceId: this.spaceId, view, store: this.#store, limits, schema, cache });
  }

  #openWatched(): PState {
    const state = this.#open(this.world.cache);
    const watch = (key: string | undefined): void => {
      if (key === undefined) this.watched = new Map(state.entries());
      else if (state.has(key)) this.watched.set(key, state.get(key) as Value);
      else this.watched.delete(key);
    };
    watch(undefined);
    state.watchChanges(watch);
    return state;
  }

  #reopen(): void {
    this.state.close();
    this.#store.close();
    this.#store = this.#openStore();
    this.#backToTheStore();
    this.state = this.#openWatched();
  }

  close(): void {
    this.state.close();
    this.#store.close();
  }

  run(step: Step): void {
    const { state } = this;
    switch (step.kind) {
      case 'turn':
        this.#turn(step.writes, step.keep);
        break;
      case 'get':
        expect(state.get(step.key)).toEqual(this.shown.get(step.key));
        expectFrozen(state.get(step.key));
        break;
      case 'entries':
        expect([...state.entries({ prefix: step.prefix })]).toEqual(sorted(this.shown, step.prefix));
        break;
      case 'size':
        expect(state.size).toBe(this.shown.size);
        break;
      case 'freeze':
        if (this.frozen === undefined && state.freeze()) this.frozen = new Map(this.shown);
        break;
      case 'writeFrozen':
        this.#writeFrozen();
        break;
      case 'flush':
        this.#flush();
        break;
      case 'reset':
        state.reset();
        this.#backToTheStore();
        break;
      case 'reopen':
        this.#reopen();
        break;
      case 'olderApp':
        for (const [one, value] of step.puts) this.written.set(one, { v: 2, is: value });
        this.#writePuts(step.puts.map(([one, value]) => [one, older(value)]));
        this.#reopen();
        break;
      case 'getMany': {
        const some = keys.slice(step.from, step.from + step.count);
        expect(state.getMany(some)).toEqual(some.map((one) => this.shown.get(one)));
        break;
      }
      case 'failedFlush':
        this.#failedFlush();
        break;
      case 'migratePage':
        expect(state.migratePage(undefined, 100).failures).toEqual([]);
        break;
      case 'writeMigrated':
      case 'failedWriteMigrated':
        this.#writeMigrated(step.kind === 'writeMigrated');
        break;
      case 'interrupt':
        this.#interrupt(step.after, step.writes, step.flush);
        break;
      default:
        this.#write(step);
        break;
    }
  }

  #turn(writes: readonly Write[], keep: boolean): void {
    const before = new Map(this.shown);
    const dirtyBefore = this.state.dirtyKeys;
    this.state.beginTurn();
    for (const one of writes) this.#write(one);
    if (keep) {
      this.state.keepTurn();
      return;
    }
    this.state.undoTurn();
    this.shown = before;
    expect(this.state.dirtyKeys).toBe(dirtyBefore);
  }

  #write(step: Write): void {
    const { state, shown } = this;
    switch (step.kind) {
      case 'put':
        state.put(step.key, step.value);
        shown.set(step.key, step.value);
        break;
      case 'putMany': {
        const entries = keys.slice(step.from).map((one) => [one, step.value] as const);
        state.putMany(entries);
        for (const [one, value] of entries) shown.set(one, value);
        break;
      }
      case 'copy':
        state.put(step.key, state.get(step.from) ?? null);
        shown.set(step.key, shown.get(step.from) ?? null);
        break;
      case 'update': {
        const wrap = (value: Value | undefined): Value =>
          value === undefined ? 'new' : { was: typeof value };
        shown.set(step.key, wrap(shown.get(step.key)));
        expect(state.update<Value>(step.key, wrap)).toEqual(shown.get(step.key));
        break;
      }
      case 'delete':
        expect(state.delete(step.key)).toBe(shown.delete(step.key));
        break;
      case 'deletePrefix':
        for (const [one] of state.entries({ prefix: step.prefix })) state.delete(one);
        for (const one of [...shown.keys()]) if (one.startsWith(step.prefix)) shown.delete(one);
        break;
      case 'clear':
        state.clear();
        shown.clear();
        break;
    }
  }

  #writeFrozen(): void {
    this.#sequence++;
    const checkpoint = { lastEventId: this.#sequence, lastSpaceSequence: this.#sequence };
    this.#store.flush(this.spaceId, [this.state.frozenFlush(checkpoint)]);
    this.state.frozenWritten();
    this.written = this.frozen ?? this.written;
    this.frozen = undefined;
  }

  #flush(): void {
    if (this.frozen !== undefined) return;
    this.state.flush();
    this.written = new Map(this.shown);
  }

  /** What cannot be written is not lost. */
  #failedFlush(): void {
    if (this.frozen !== undefined) return;
    this.#failing = true;
    const nothing = this.state.dirtyKeys === 0 && this.state.migrated.pending === 0;
    if (nothing) this.state.flush();
    else expect(() => this.state.flush()).toThrow('the disk is full');
    this.#failing = false;
  }

  #writeMigrated(succeeds: boolean): void {
    const flush = this.state.migratedFlush({
      lastEventId: this.#sequence,
      lastSpaceSequence: this.#sequence,
    });
    if (flush === undefined || !succeeds) return;
    expect(flush.puts.length).toBeLessThanOrEqual(3);
    this.#store.flush(this.spaceId, [flush]);
    this.state.migratedWritten();
  }

  /** Page by page, as an app does that does not wait for reads. Nothing is left in an older shape then. */
  migrateAll(): void {
    let after: string | undefined;
    for (let done = false; !done; ) {
      const page = this.state.migratePage(after, 5);
      this.#writeMigrated(true);
      ({ last: after, done } = page);
    }
    while (this.state.migrated.pending > 0) this.#writeMigrated(true);
    const raw = new PState({ spaceId: this.spaceId, view, store: this.#store });
    expect([...raw.entries()]).toEqual(sorted(this.written, ''));
  }

  #writePuts(entries: readonly (readonly [key: string, value: Value])[]): void {
    const puts = entries.map(([one, value]) => [one, encodeValue(value)] as const);
    const checkpoint = { lastEventId: this.#sequence, lastSpaceSequence: this.#sequence };
    this.#store.flush(this.spaceId, [{ view: this.state.view, clear: false, puts, deletes: [], checkpoint }]);
  }

  #backToTheStore(): void {
    this.frozen = undefined;
    this.shown = new Map(this.written);
  }

  /** Writes do not show in an open iterator; a flush may show, but never twice or out of order. */
  #interrupt(after: number, writes: readonly Write[], flush: boolean): void {
    const before = sorted(this.shown, '');
    const iterator = this.state.entries();
    const seen: [string, Value][] = [];
    for (let count = 0; count < after; count++) {
      const next = iterator.next();
      if (next.done !== true) seen.push(next.value);
    }
    for (const one of writes) this.#write(one);
    if (flush) this.#flush();
    seen.push(...iterator);
    if (!flush) expect(seen).toEqual(before);
    else
      expect(seen.map(([one]) => one)).toEqual(
        [...new Set(seen.map(([one]) => one))].sort(compareCodePoints),
      );
  }

  /** Everything at once, by every way of reading. */
  check(): void {
    const { state, shown } = this;
    expect(this.watched).toEqual(shown);
    expect(state.getMany(keys)).toEqual(keys.map((one) => shown.get(one)));
    expect(keys.map((one) => state.has(one))).toEqual(keys.map((one) => shown.has(one)));
    for (const one of prefixes) expect([...state.entries({ prefix: one })]).toEqual(sorted(shown, one));
    expect([...state.entries()]).toEqual(sorted(shown, ''));
    expect(state.size).toBe(shown.size);
    for (const [, value] of state.entries()) expectFrozen(value);
    expect([...this.#open().entries()]).toEqual(sorted(this.written, ''));
  }
}

describe.each(beds)('a state over the %s store', (_name, makeBed) => {
  let bed: StoreBed;
  let spaceId = 0;

  beforeEach(() => {
    bed = makeBed();
  });
  afterEach(() => bed.remove());

  const bounds = fc.record({
    entriesMax: fc.constantFrom(0, 1, 2, 5, 40, 1_000),
    bytesMax: fc.constantFrom(0, 100, 400, 1_000_000),
    migrationQueueMax: fc.constantFrom(1, 4, 1_000),
  });

  it('shows what a map would, after every history of two that share a cache', () => {
    fc.assert(
      fc.property(bounds, fc.array(fc.tuple(fc.nat(1), step), { maxLength: 60 }), (bounds, steps) => {
        const { entriesMax, bytesMax, migrationQueueMax } = bounds;
        const cache = new ValueCache({ entriesMax, bytesMax });
        const world = { bed, cache, migrationQueueMax };
        const pairs = [new Pair(world, ++spaceId), new Pair(world, ++spaceId)] as const;
        const check = (): void => {
          for (const pair of pairs) pair.check();
          const { entries, bytes, hits, misses } = cache.stats;
          expect(entries).toBe(sum(pairs, ({ cleanEntries }) => cleanEntries));
          expect(entries).toBeLessThanOrEqual(entriesMax);
          expect(bytes).toBeLessThanOrEqual(bytesMax);
          expect(hits).toBeGreaterThanOrEqual(sum(pairs, (stats) => stats.hits));
          expect(misses).toBeGreaterThanOrEqual(sum(pairs, (stats) => stats.misses));
        };
        for (const [which, one] of steps) pairs[which as 0 | 1].run(one);
        check();
        // What is still in memory reaches the store in the end.
        for (const kind of ['writeFrozen', 'flush'] as const) for (const pair of pairs) pair.run({ kind });
        check();
        for (const pair of pairs) pair.migrateAll();
        check();
        for (const pair of pairs) pair.run({ kind: 'reopen' });
        check();
        for (const pair of pairs) pair.close();
        expect(cache.stats).toMatchObject({ entries: 0, bytes: 0 });
      }),
      { numRuns: 200 },
    );
  });
});

function sum(pairs: readonly Pair[], of: (stats: PStateStats) => number): number {
  return pairs.reduce((total, { state }) => total + of(state.stats()), 0);
}

function sorted(map: ReadonlyMap<string, Value>, prefix: string): [string, Value][] {
  return [...map]
    .filter(([one]) => one.startsWith(prefix))
    .sort(([left], [right]) => compareCodePoints(left, right));
}

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).toBe(true);
  for (const part of Object.values(value)) expectFrozen(part);
}
