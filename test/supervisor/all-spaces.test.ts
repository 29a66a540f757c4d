import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import type { SpaceRow } from '../../src/event-store/port.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { AllSpaces } from '../../src/supervisor/all-spaces.js';
import { AskedPlan } from '../../src/supervisor/call-plan.js';
import { Calls } from '../../src/supervisor/calls.js';
import type { SpaceServices } from '../../src/supervisor/space-handle.js';
import { rejectionOf } from '../core/error-of.js';
import { ManualClock } from '../testing/manual-clock.js';

const limits = resolveLimits({ buildsAtOnceMax: 1 });

/** What the registry has, and what a task answers in a space; else it has looked at 10 of what there is. */
let registry: Map<number, SpaceRow>;
let answers: Map<number, () => Promise<unknown>>;
/** Spaces that the registry was asked for. */
let asked: number[];
let isRegistryDown: boolean;
let allSpaces: AllSpaces;

function row(spaceId: number): SpaceRow {
  return { spaceId, spaceName: `space ${spaceId}`, metadata: {}, settings: {}, createdAt: 0 };
}

function listAfter(after: number): SpaceRow[] {
  const rows = [...registry.values()].filter(({ spaceId }) => spaceId > after);
  return rows.sort((left, right) => left.spaceId - right.spaceId);
}

const done = {
  rebuild: { eventsApplied: 10, lastSpaceSequence: 10 },
  migrateAll: { entriesRead: 10, entriesMigrated: 0, failures: [], failed: 1 },
};

beforeEach(() => {
  registry = new Map([1, 2, 3].map((spaceId) => [spaceId, row(spaceId)]));
  answers = new Map();
  asked = [];
  isRegistryDown = false;
  const writer = {
    async call(name: string, request: { after: number; spaceId: number }) {
      if (name === 'listSpaces') return listAfter(request.after);
      asked.push(request.spaceId);
      if (isRegistryDown) throw new RamaxError('unavailable', 'no writer');
      return registry.get(request.spaceId) ?? null;
    },
  };
  const shard = {
    request: (spaceId: number, name: 'rebuild' | 'migrateAll') =>
      new AskedPlan(spaceId, false, answers.get(spaceId) ?? (async () => done[name])),
  };
  const supervisor = { writer, shards: [shard], shardOf: () => shard, app: { views: ['main'] } };
  const calls = new Calls(new ManualClock(), limits, 'fail');
  const locks = { of: () => undefined };
  // Nobody listens.
  const observation = { upkeep: (_upkeep: unknown, run: () => unknown) => run() };
  const services = {
    supervisor,
    calls,
    limits,
    locks,
    observation,
    platform: nodePlatform,
  } as unknown as SpaceServices;
  allSpaces = new AllSpaces(services);
});

function failsWith(code: ErrorCode): () => Promise<never> {
  return () => Promise.reject(new RamaxError(code, 'as the shard says'));
}

describe('a task over all spaces', () => {
  it('sums what was done in each', async () => {
    expect(await allSpaces.run('rebuild', {})).toEqual({ spacesDone: 3, itemsDone: 30, failed: 0 });
    expect(await allSpaces.run('migrateAll', {})).toEqual({ spacesDone: 3, itemsDone: 30, failed: 3 });
    expect(asked).toEqual([]);
  });

  it.each(['not_found', 'closed', 'aborted', 'corrupt'] as const)(
    'goes on when a space that says %s was deleted meanwhile',
    async (code) => {
      for (const name of ['rebuild', 'migrateAll'] as const) {
        registry.set(2, row(2));
        answers.set(2, () => {
          registry.delete(2);
          return failsWith(code)();
        });
        expect(await allSpaces.run(name, {})).toMatchObject({ spacesDone: 3, itemsDone: 20 });
      }
    },
  );

  it.each(['not_found', 'closed', 'aborted', 'corrupt', 'projection_failed'] as const)(
    'ends with %s of a space that is there',
    async (code) => {
      answers.set(2, failsWith(code));
      expect((await rejectionOf(allSpaces.run('rebuild', {}))).code).toBe(code);
      expect(asked).toEqual([2]);
    },
  );

  it('ends with what the space says when the registry says nothing', async () => {
    isRegistryDown = true;
    answers.set(2, failsWith('corrupt'));
    expect((await rejectionOf(allSpaces.run('rebuild', {}))).code).toBe('corrupt');
  });

  it('asks nobody when it was ended itself', async () => {
    const abort = new AbortController();
    answers.set(2, () => {
      abort.abort();
      return failsWith('aborted')();
    });
    expect((await rejectionOf(allSpaces.run('rebuild', { signal: abort.signal }))).code).toBe('aborted');
    expect(asked).toEqual([]);
  });

  it('ends when its listener throws or rejects, with what that was', async () => {
    const mistake = new TypeError('my own mistake');
    const listeners = [
      () => {
        throw mistake;
      },
      () => Promise.reject(mistake),
    ];
    for (const onProgress of listeners) {
      const ended = allSpaces.run('rebuild', { onProgress }).catch((error: unknown) => error);
      expect(await ended).toBe(mistake);
    }
  });

  it.each([
    [{ veiw: 'main' }, 'options.veiw'],
    [{ signal: {} }, 'signal'],
    [{ onProgress: 5 }, 'onProgress'],
    [null, 'options'],
  ])('refuses the options %j', async (options, field) => {
    const error = await rejectionOf(allSpaces.run('rebuild', options as object));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', field]);
  });
});
