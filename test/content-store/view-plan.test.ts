import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextBuild, planView } from '../../src/content-store/view-plan.js';
import type { LoadedView } from '../../src/core/loaded-app.js';
import type { BuildState, StoredBuild } from '../../src/pstate/port.js';

const view: LoadedView = { name: 'sum', version: 2, schema: undefined, projections: new Map(), source: '' };
const present = { lastSpaceSequence: 10, fingerprint: 'present' };

interface Parts {
  readonly name?: string;
  readonly version?: number;
  readonly build?: number;
  readonly state?: BuildState;
  readonly at?: number;
  readonly fingerprint?: string | undefined;
}

function stored(parts: Parts): StoredBuild {
  const { name = 'sum', version = 2, build = 1, state = 'live', at = 10 } = parts;
  const checkpoint = { lastEventId: at * 10, lastSpaceSequence: at };
  const fingerprint = 'fingerprint' in parts ? parts.fingerprint : 'present';
  return { view: { name, version, build }, state, checkpoint, fingerprint };
}

describe('the plan of a view', () => {
  it('of which nothing is stored is to fill its first build', () => {
    const first = { name: 'sum', version: 2, build: 1 };
    expect(planView(view, [], present)).toEqual({
      live: undefined,
      fill: { view: first, stored: undefined },
      retire: [],
    });
  });

  it('serves a live build of the present version, whoever made it', () => {
    for (const fingerprint of ['present', 'other', undefined]) {
      const live = stored({ fingerprint, at: 3 });
      expect(planView(view, [live], present)).toEqual({ live, fill: undefined, retire: [] });
    }
  });

  it('serves a live build of another version, older or newer, and fills one of the present version', () => {
    for (const version of [1, 3]) {
      const live = stored({ version });
      const { fill, retire, ...plan } = planView(view, [live], present);
      expect([plan.live, fill?.view, retire]).toEqual([live, { name: 'sum', version: 2, build: 1 }, []]);
    }
  });

  it('goes on with an unfinished build beside a live one', () => {
    const live = stored({});
    const unfinished = stored({ build: 2, state: 'building', at: 4 });
    const plan = planView(view, [live, unfinished], present);
    expect(plan).toEqual({ live, fill: { view: unfinished.view, stored: unfinished }, retire: [] });
  });

  it.each<readonly [why: string, parts: Parts]>([
    ['was begun by other projections', { fingerprint: 'other' }],
    ['was begun by nobody knows whom', { fingerprint: undefined }],
    ['is of another version', { version: 1 }],
    ['is ahead of the log', { at: 11 }],
    ['is older than another one', { build: 1 }],
  ])('retires an unfinished build that %s', (_why, parts) => {
    const goes = stored({ build: 7, state: 'building', at: 4, ...parts });
    const goesOn = stored({ build: 3, state: 'building', at: 4 });
    const { fill, retire } = planView(view, [goes, goesOn], present);
    expect([fill?.stored, retire]).toEqual([goesOn, [goes.view]]);
  });

  it('retires a live build that is ahead of the log, and takes another number for the new one', () => {
    const live = stored({ at: 11 });
    expect(planView(view, [live], present)).toEqual({
      live: undefined,
      fill: { view: { name: 'sum', version: 2, build: 2 }, stored: undefined },
      retire: [live.view],
    });
  });
});

/** Whatever a store may hold of several names: at most one live build of each (P5). */
const anyBuilds = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('sum', 'list', 'summ'),
      version: fc.integer({ min: 1, max: 3 }),
      build: fc.integer({ min: 1, max: 4 }),
      state: fc.constantFrom<BuildState>('building', 'live', 'retired'),
      at: fc.integer({ min: 0, max: 14 }),
      fingerprint: fc.constantFrom('present', 'other', undefined),
    }),
    { selector: ({ name, version, build }) => `${name} ${version}.${build}`, maxLength: 12 },
  )
  .map((parts) => {
    const lives = new Set<string>();
    return parts
      .map((one) => {
        const isSecond = one.state === 'live' && lives.has(one.name);
        if (one.state === 'live') lives.add(one.name);
        return stored(isSecond ? { ...one, state: 'retired' } : one);
      })
      .sort(
        ({ view: one }, { view: other }) =>
          one.name.localeCompare(other.name) || one.version - other.version || one.build - other.build,
      );
  });

describe('whatever is stored, the plan', () => {
  const isOwn = (build: StoredBuild): boolean => build.view.name === 'sum';
  const isAhead = ({ checkpoint }: StoredBuild): boolean => checkpoint.lastSpaceSequence > 10;

  it('serves the one live build unless it is ahead of the log', () => {
    fc.assert(
      fc.property(anyBuilds, (builds) => {
        const expected = builds.find((one) => isOwn(one) && one.state === 'live' && !isAhead(one));
        expect(planView(view, builds, present).live).toBe(expected);
      }),
    );
  });

  it('goes on with nothing but the last unfinished build of the present version and projections', () => {
    fc.assert(
      fc.property(anyBuilds, (builds) => {
        const unfinished = builds.filter(
          (one) =>
            isOwn(one) &&
            one.state === 'building' &&
            !isAhead(one) &&
            one.view.version === 2 &&
            one.fingerprint === 'present',
        );
        expect(planView(view, builds, present).fill?.stored).toBe(unfinished.at(-1));
      }),
    );
  });

  it('fills a build whenever the live one is not of the present version, under a number that was never stored', () => {
    fc.assert(
      fc.property(anyBuilds, (builds) => {
        const { live, fill } = planView(view, builds, present);
        if (live?.view.version !== 2) expect(fill).toBeDefined();
        if (fill === undefined || fill.stored !== undefined) return;
        expect(live?.view.version).not.toBe(2);
        expect([fill.view.name, fill.view.version]).toEqual(['sum', 2]);
        const numbers = builds.filter((one) => isOwn(one) && one.view.version === 2);
        expect(Math.max(0, ...numbers.map((one) => one.view.build))).toBe(fill.view.build - 1);
      }),
    );
  });

  it('retires what is neither served nor filled, and nothing of other views', () => {
    fc.assert(
      fc.property(anyBuilds, (builds) => {
        const { live, fill, retire } = planView(view, builds, present);
        const goes = builds.filter(
          (one) => isOwn(one) && one.state !== 'retired' && one !== live && one !== fill?.stored,
        );
        expect(retire).toEqual(goes.map((one) => one.view));
      }),
    );
  });
});

describe('the next build', () => {
  it('has a number above all of its version and name', () => {
    const builds = [
      stored({ build: 4 }),
      stored({ version: 3, build: 9 }),
      stored({ name: 'list', build: 8 }),
    ];
    const views = builds.map((one) => one.view);
    expect(nextBuild(view, views)).toEqual({ name: 'sum', version: 2, build: 5 });
    expect(nextBuild(view, [])).toEqual({ name: 'sum', version: 2, build: 1 });
  });
});
