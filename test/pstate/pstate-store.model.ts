/**
 * Random histories of a projection store against a model that is simple enough to be right by reading it: arrays of
 * rows that are filtered. The model shares no code with the adapters.
 *
 * Which rows an interrupted sweep or deletion takes is the adapter's affair. There the model states the rules, counts,
 * and goes on with what is left.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AssertionFailed } from '../../src/core/assert.js';
import type { PStateStore, StoredBuild, ViewBuild, ViewFlush, ViewRef } from '../../src/pstate/port.js';
import type { MakeBed, StoreBed } from './store-bed.js';

const spaceIds = [1, 17];
const versions: readonly ViewRef[] = [
  { name: 'byEmail', version: 1 },
  { name: 'main', version: 1 },
  { name: 'main', version: 2 },
];
const views: readonly ViewBuild[] = versions.flatMap((view) => [1, 2].map((build) => ({ ...view, build })));
const keys = ['a', 'b', 'a"\\', '\uffff', '\u{1f600}'];
/** Every key, some twice, and no palindrome. */
const asked = [...keys.toReversed(), 'never there', ...keys.slice(1)];

interface FlushPlan {
  readonly view: ViewBuild;
  readonly state: 'building' | 'live' | undefined;
  readonly fingerprint: string | undefined;
  readonly clear: boolean;
  readonly puts: readonly (readonly [key: string, value: number])[];
  readonly deletes: readonly string[];
}

type Change =
  | { readonly kind: 'flush'; readonly spaceId: number; readonly flushes: readonly FlushPlan[] }
  | { readonly kind: 'swap' | 'retire'; readonly spaceId: number; readonly picks: readonly number[] }
  | { readonly kind: 'skip'; readonly spaceId: number; readonly view: ViewRef; readonly sequence: number };

interface TakingAway {
  readonly kind: 'sweep' | 'dropSpace';
  readonly spaceId: number;
  readonly rowsMax: number;
}

/** The same data for the same owner again, or for the next one beside it. */
interface Opening {
  readonly kind: 'reopen' | 'successor';
}

type Step = Change | TakingAway | Opening;

const spaceId = fc.constantFrom(1, 1, 1, 17);
const view = fc.constantFrom(...views);
const key = fc.constantFrom(...keys);
const flushPlan: fc.Arbitrary<FlushPlan> = fc.record({
  view,
  state: fc.constantFrom('building', 'building', 'live', undefined),
  fingerprint: fc.option(fc.constantFrom('one', 'two'), { nil: undefined }),
  clear: fc.nat(5).map((number) => number === 0),
  puts: fc.uniqueArray(fc.tuple(key, fc.nat(255)), { selector: ([one]) => one, maxLength: 4 }),
  deletes: fc.uniqueArray(key, { maxLength: 2 }),
});
const rowsMax = fc.integer({ min: 1, max: 6 });
/** Builds by number: see `#picked`. */
const picks = fc.array(fc.nat(100), { minLength: 1, maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('flush'),
      spaceId,
      flushes: fc.uniqueArray(flushPlan, { selector: (plan) => viewName(plan.view), maxLength: 3 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('swap'), spaceId, picks }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('retire'), spaceId, picks }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('sweep'), spaceId, rowsMax }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('dropSpace'), spaceId, rowsMax }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('skip'),
      spaceId,
      view: fc.constantFrom(...versions),
      sequence: fc.integer({ min: 1, max: 200 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('reopen', 'successor') }) },
);

/** What one space of a store has to hold. */
interface ModelSpace {
  builds: StoredBuild[];
  entries: { readonly view: string; readonly key: string; readonly value: number }[];
  skips: { readonly version: string; readonly sequence: number }[];
}

/** A store, those that it has succeeded, and the model. */
class Pair {
  readonly #bed: StoreBed;
  readonly #spaces = new Map<number, ModelSpace>(spaceIds.map((id) => [id, emptySpace()]));
  readonly #fenced: PStateStore[] = [];
  #store: PStateStore;
  #fence = 1;
  #sequence = 0;

  constructor(bed: StoreBed) {
    this.#bed = bed;
    this.#store = bed.open();
  }

  run(step: Step): void {
    this.#sequence += 1;
    if (!('spaceId' in step)) this.#open(step.kind);
    else {
      for (const old of this.#fenced) {
        expect(() => this.#call(old, step)).toThrow(expect.objectContaining({ code: 'fenced' }));
      }
      if ('rowsMax' in step) this.#takeAway(step);
      else this.#change(step);
    }
  }

  #change(step: Change): void {
    const space = this.#space(step.spaceId);
    const picked = 'picks' in step ? this.#picked(space, step.picks) : [];
    if (isBug(space, step, picked)) {
      expect(() => this.#call(this.#store, step)).toThrow(AssertionFailed);
      return;
    }
    this.#call(this.#store, step);
    if (step.kind === 'skip') skip(space, step.view, step.sequence);
    else if (step.kind === 'flush') for (const plan of step.flushes) flush(space, this.#flushOf(plan));
    else if (step.kind === 'retire') enter(space, picked, 'retired');
    else swap(space, picked);
  }

  /** Compares all that can be read. */
  check(): void {
    for (const [spaceId, space] of this.#spaces) {
      expect(this.#store.builds(spaceId)).toEqual(inOrder(space.builds));
      for (const view of views) this.#checkBuild(spaceId, space, view);
      for (const version of versions) {
        const skips = space.skips.filter((one) => one.version === versionName(version));
        const sequences = skips.map(({ sequence }) => sequence).sort((one, other) => one - other);
        expect(this.#store.skips(spaceId, version)).toEqual(sequences);
      }
    }
    const known = spaceIds.filter((spaceId) => this.#space(spaceId).builds.length > 0);
    expect(this.#store.listSpaces(0, 10)).toEqual(known);
  }

  #checkBuild(spaceId: number, space: ModelSpace, view: ViewBuild): void {
    const expected = new Map(
      space.entries.filter((entry) => entry.view === viewName(view)).map(({ key, value }) => [key, value]),
    );
    const all = this.#store.scan(spaceId, view, { prefix: '', after: undefined, limit: 100 });
    // The keys are written down in the order of their code points.
    const inKeyOrder = ['a', 'a"\\', 'b', '\uffff', '\u{1f600}'].filter((key) => expected.has(key));
    expect(all.map(([key, bytes]) => [key, bytes[0]])).toEqual(
      inKeyOrder.map((key) => [key, expected.get(key)]),
    );
    expect(this.#store.count(spaceId, view)).toBe(expected.size);
    const values = asked.map((key) => expected.get(key));
    expect(this.#store.getMany(spaceId, view, asked).map((bytes) => bytes?.[0])).toEqual(values);
    expect(asked.map((key) => this.#store.get(spaceId, view, key)?.[0])).toEqual(values);
  }

  #open(kind: 'reopen' | 'successor'): void {
    if (kind === 'reopen') this.#store.close();
    else {
      this.#fenced.push(this.#store);
      this.#fence += 1;
    }
    this.#store = this.#bed.open({ fence: this.#fence });
  }

  #call(store: PStateStore, step: Change | TakingAway): unknown {
    if (step.kind === 'flush') return store.flush(step.spaceId, step.flushes.map(this.#flushOf));
    if (step.kind === 'skip') return store.skip(step.spaceId, step.view, step.sequence);
    if ('picks' in step) {
      return store[step.kind](step.spaceId, this.#picked(this.#space(step.spaceId), step.picks));
    }
    return store[step.kind](step.spaceId, step.rowsMax);
  }

  /** Mostly builds that the store knows, sometimes any; each once. */
  #picked({ builds }: ModelSpace, picks: readonly number[]): ViewBuild[] {
    const known = inOrder(builds).map(({ view }) => view);
    const picked = picks.map((pick) => {
      const from = pick % 5 === 0 || known.length === 0 ? views : known;
      return from[pick % from.length]!;
    });
    return views.filter((view) => picked.some((one) => viewName(one) === viewName(view)));
  }

  readonly #flushOf = ({ puts, ...plan }: FlushPlan): ViewFlush => ({
    ...plan,
    puts: puts.map(([key, value]) => [key, new Uint8Array([value])] as const),
    checkpoint: { lastEventId: this.#sequence * 10, lastSpaceSequence: this.#sequence },
  });

  #takeAway(step: TakingAway): void {
    const space = this.#space(step.spaceId);
    const kept = step.kind === 'sweep' ? notRetired(space) : emptySpace();
    const { done } = this.#store[step.kind](step.spaceId, step.rowsMax);
    const left = this.#left(step.spaceId, space);
    const rowsBefore = rowsOf(space) - rowsOf(kept);
    const rowsAfter = rowsOf(left) - rowsOf(kept);
    expect(rowsAfter).toBe(Math.max(0, rowsBefore - step.rowsMax));
    expect(done).toBe(rowsAfter === 0);
    for (const part of ['builds', 'entries', 'skips'] as const) {
      expect<unknown>(left[part]).toEqual(expect.arrayContaining<unknown>([...kept[part]]));
    }
    if (step.kind === 'sweep') expect(withoutBuild(left)).toEqual(withoutBuild(space));
    else if (left.builds.length > 0) expect(left.entries).toEqual(space.entries);
    Object.assign(space, left);
  }

  /** Those of the model's rows that the store still has. What the store has besides, `check` will find. */
  #left(spaceId: number, space: ModelSpace): ModelSpace {
    const builds = this.#store.builds(spaceId).map((build) => viewName(build.view));
    const held = (name: string, key: string) => {
      const view = views.find((one) => viewName(one) === name)!;
      return this.#store.get(spaceId, view, key) !== undefined;
    };
    const skips = versions.flatMap((version) =>
      this.#store.skips(spaceId, version).map((sequence) => `${versionName(version)} ${sequence}`),
    );
    return {
      builds: space.builds.filter((build) => builds.includes(viewName(build.view))),
      entries: space.entries.filter((entry) => held(entry.view, entry.key)),
      skips: space.skips.filter(({ version, sequence }) => skips.includes(`${version} ${sequence}`)),
    };
  }

  #space(spaceId: number): ModelSpace {
    return this.#spaces.get(spaceId)!;
  }
}

/** Whether the port calls it a bug: two live builds of a name, or a swap to what is no finished build. */
function isBug(space: ModelSpace, step: Change, picked: readonly ViewBuild[]): boolean {
  const stateOf = (view: ViewBuild) =>
    space.builds.find((build) => viewName(build.view) === viewName(view))?.state;
  if (step.kind === 'swap') {
    const [one, other] = picked;
    return (
      one?.name === other?.name || picked.some((view) => !['building', 'live'].includes(`${stateOf(view)}`))
    );
  }
  if (step.kind !== 'flush') return false;
  const coming = step.flushes.filter((plan) => stateOf(plan.view) === undefined && plan.state !== 'building');
  const live = space.builds.filter(({ state }) => state === 'live');
  const names = [...live, ...coming].map((one) => one.view.name);
  return coming.length > 0 && new Set(names).size < names.length;
}

function flush(
  space: ModelSpace,
  { view, state, fingerprint, clear, deletes, puts, checkpoint }: ViewFlush,
): void {
  const name = viewName(view);
  const gone = [...deletes, ...puts.map(([key]) => key)];
  space.entries = space.entries.filter(
    (entry) => entry.view !== name || !(clear || gone.includes(entry.key)),
  );
  space.entries.push(...puts.map(([key, bytes]) => ({ view: name, key, value: bytes[0]! })));
  const before = space.builds.find((build) => viewName(build.view) === name);
  space.builds = space.builds.filter((build) => build !== before);
  space.builds.push({
    view,
    state: before?.state ?? state ?? 'live',
    checkpoint,
    fingerprint: fingerprint ?? before?.fingerprint,
  });
}

function swap(space: ModelSpace, changed: readonly ViewBuild[]): void {
  const names = changed.map(({ name }) => name);
  const live = space.builds.filter(({ state }) => state === 'live').map(({ view }) => view);
  enter(
    space,
    live.filter(({ name }) => names.includes(name)),
    'retired',
  );
  enter(space, changed, 'live');
}

function enter(space: ModelSpace, changed: readonly ViewBuild[], state: StoredBuild['state']): void {
  const names = changed.map(viewName);
  space.builds = space.builds.map((build) =>
    names.includes(viewName(build.view)) ? { ...build, state } : build,
  );
}

function skip(space: ModelSpace, view: ViewRef, sequence: number): void {
  const version = versionName(view);
  space.skips = space.skips.filter((one) => one.version !== version || one.sequence !== sequence);
  space.skips.push({ version, sequence });
}

function emptySpace(): ModelSpace {
  return { builds: [], entries: [], skips: [] };
}

function rowsOf({ builds, entries, skips }: ModelSpace): number {
  return builds.length + entries.length + skips.length;
}

/** All but the retired builds: what a sweep leaves. */
function notRetired({ builds, entries, skips }: ModelSpace): ModelSpace {
  const retired = builds.filter(({ state }) => state === 'retired').map(({ view }) => viewName(view));
  return {
    builds: builds.filter(({ state }) => state !== 'retired'),
    entries: entries.filter(({ view }) => !retired.includes(view)),
    skips,
  };
}

/** Entries of no build: only a deletion that was interrupted leaves them, never a sweep. */
function withoutBuild({ builds, entries }: ModelSpace): ModelSpace['entries'] {
  const known = builds.map(({ view }) => viewName(view));
  return entries.filter(({ view }) => !known.includes(view));
}

/** The names are chosen so that they are ordered as builds are. */
function inOrder(builds: readonly StoredBuild[]): StoredBuild[] {
  return builds.toSorted((one, other) => (viewName(one.view) < viewName(other.view) ? -1 : 1));
}

function versionName({ name, version }: ViewRef): string {
  return `${name} ${version}`;
}

function viewName(view: ViewBuild): string {
  return `${versionName(view)} ${view.build}`;
}

export function pstateStoreHistories(makeBed: MakeBed): void {
  it('holds what the model holds, whatever is flushed, swapped, retired, swept, skipped, dropped or reopened', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
        const bed = makeBed();
        try {
          const pair = new Pair(bed);
          for (const one of steps) {
            pair.run(one);
            pair.check();
          }
        } finally {
          bed.remove();
        }
      }),
      { numRuns: 50 },
    );
  });
}
