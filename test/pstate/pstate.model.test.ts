/**
 * Random histories of a state, against plain maps: whatever is written, undone, frozen, flushed, forgotten, evicted or
 * reopened, a state shows what a map would, and the store holds the state at the last flush that was written.
 */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import { compareCodePoints } from '../../src/core/names.js';
import type { Value } from '../../src/core/values.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { PState } from '../../src/pstate/pstate.js';
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
  | { readonly kind: 'size' | 'freeze' | 'writeFrozen' | 'flush' | 'reset' | 'reopen' }
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
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('interrupt'), after: fc.nat(20), writes, flush: fc.boolean() }),
  },
);

/** A state and the maps that it is compared with. */
class Pair {
  state: PState;
  /** What the state has to show. */
  shown = new Map<string, Value>();
  /** What it showed at the freeze that has not been written yet. */
  frozen: Map<string, Value> | undefined;
  /** What the store has to hold. */
  written = new Map<string, Value>();
  #store: PStateStore;
  #sequence = 0;

  constructor(
    readonly bed: StoreBed,
    readonly spaceId: number,
    readonly cacheEntriesMax: number,
  ) {
    this.#store = bed.open();
    this.state = this.#open();
  }

  #open(): PState {
    const limits = { ...defaultLimits, cacheEntriesMax: this.cacheEntriesMax };
    return new PState({ spaceId: this.spaceId, view, store: this.#store, limits });
  }

  close(): void {
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
        this.#store.close();
        this.#store = this.bed.open();
        this.state = this.#open();
        this.#backToTheStore();
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
    expect(state.stats().cleanEntries).toBeLessThanOrEqual(this.cacheEntriesMax);
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

  it('shows what a map would, after every history', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 5, 40, 1_000),
        fc.array(step, { maxLength: 40 }),
        (cacheMax, steps) => {
          spaceId++;
          const pair = new Pair(bed, spaceId, cacheMax);
          for (const one of steps) pair.run(one);
          pair.check();
          // What is still in memory reaches the store in the end.
          pair.run({ kind: 'writeFrozen' });
          pair.run({ kind: 'flush' });
          pair.check();
          pair.run({ kind: 'reopen' });
          pair.check();
          pair.close();
        },
      ),
      { numRuns: 300 },
    );
  });
});

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
