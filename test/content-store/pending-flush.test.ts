import { beforeEach, describe, expect, it } from 'vitest';
import { PendingFlush } from '../../src/content-store/pending-flush.js';
import { Views } from '../../src/content-store/views.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { type Checkpoint, originCheckpoint } from '../../src/core/event.js';
import { defaultLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import type { DraftEvent } from '../../src/event-store/seal.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { ViewFlush } from '../../src/pstate/port.js';
import { errorOf } from '../core/error-of.js';
import { ManualClock } from '../testing/manual-clock.js';
import { checkpointOf, loaded } from './builds.js';

const app = loadApp(
  defineApp({
    name: 'keys',
    commands: { set: (_pstate, keys: readonly string[]) => [{ entityId: 'e', type: 'set', payload: keys }] },
    projections: {
      set(pstate, { payload, spaceSequence }) {
        for (const key of payload) pstate.put(key, spaceSequence);
      },
    },
  }),
);

const flushDelayMs = 100;
const dirtyKeysMax = 3;

/** A store that may fail, and writes down what was flushed. */
class WatchedStore extends MemoryPStateStore {
  readonly flushes: { readonly sequence: number; readonly keys: readonly string[] }[] = [];
  isBroken = false;

  override flush(spaceId: number, views: readonly ViewFlush[]): void {
    if (this.isBroken) throw new RamaxError('storage', 'no disk');
    super.flush(spaceId, views);
    for (const { checkpoint, puts } of views) {
      this.flushes.push({ sequence: checkpoint.lastSpaceSequence, keys: puts.map(([key]) => key).sort() });
    }
  }
}

let clock: ManualClock;
let store: WatchedStore;
let views: Views;
let flush: PendingFlush;
let head: number;
let committed: Checkpoint;
let errors: RamaxError[];

beforeEach(() => {
  clock = new ManualClock();
  store = new WatchedStore();
  views = loaded(new Views({ spaceId: 1, app, store, limits: defaultLimits, fingerprintOf: () => 'f' }));
  [head, committed, errors] = [0, originCheckpoint, []];
  flush = new PendingFlush({
    clock,
    limits: { dirtyKeysMax, flushDelayMs },
    views,
    heads: () => ({ head, committed }),
    onError: (error) => errors.push(error),
  });
});

/** A command is decided: its keys change ahead of its commit. */
function change(...keys: string[]): void {
  head++;
  const facts = { entityId: 'e', type: 'set', version: 1, timestamp: 0, tags: [], metadata: {} };
  views.apply([{ ...facts, spaceSequence: head, payload: keys, causationId: 'c', correlationId: 'c' }]);
  flush.changed();
}

/** The next command is committed. */
function commit(): void {
  const lastSpaceSequence = committed.lastSpaceSequence + 1;
  committed = { lastEventId: lastSpaceSequence * 10, lastSpaceSequence };
  flush.committed();
}

describe('a pending flush', () => {
  it('writes what has changed after the delay, with the checkpoint of its sequence', async () => {
    change('a');
    commit();
    change('b');
    commit();
    await clock.advance(flushDelayMs - 1);
    expect(store.flushes).toEqual([]);
    await clock.advance(1);
    expect(store.flushes).toEqual([{ sequence: 2, keys: ['a', 'b'] }]);
    expect(checkpointOf(store, 'main')).toEqual({
      lastEventId: 20,
      lastSpaceSequence: 2,
    });
    await clock.advance(10 * flushDelayMs);
    expect([store.flushes.length, clock.timers]).toEqual([1, 0]);
  });

  it('is frozen at a sequence, and written with its commit only, without what came later', async () => {
    change('a');
    change('b');
    await clock.advance(flushDelayMs);
    expect([views.frozenAt, store.flushes]).toEqual([2, []]);
    change('a', 'c');
    commit();
    expect(store.flushes).toEqual([]);
    commit();
    expect(store.flushes).toEqual([{ sequence: 2, keys: ['a', 'b'] }]);
    commit();
    await clock.advance(flushDelayMs);
    expect(store.flushes[1]).toEqual({ sequence: 3, keys: ['a', 'c'] });
  });

  it('begins at once when enough keys have changed', () => {
    change('a', 'b');
    expect(views.frozenAt).toBeUndefined();
    change('c');
    expect(views.frozenAt).toBe(2);
    commit();
    expect(store.flushes).toEqual([]);
    commit();
    expect(store.flushes).toEqual([{ sequence: 2, keys: ['a', 'b', 'c'] }]);
  });

  it('is written at once when everything is committed already', async () => {
    change('a', 'b', 'c');
    commit();
    expect(store.flushes).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('leaves no changed key waiting for longer than the delay and its commit', async () => {
    for (let n = 0; n < 20; n++) {
      change(`key ${n}`);
      await clock.advance(30);
      commit();
    }
    await clock.advance(flushDelayMs);
    expect(store.flushes.flatMap(({ keys }) => keys)).toHaveLength(20);
    expect(views.dirtyKeys).toBe(0);
  });

  it('coalesces: one key that changes often is written once', async () => {
    for (let n = 0; n < 50; n++) {
      change('same');
      commit();
    }
    await clock.advance(flushDelayMs);
    expect(store.flushes).toEqual([{ sequence: 50, keys: ['same'] }]);
  });

  it('moves the checkpoint also when no key has changed', async () => {
    change();
    commit();
    await clock.advance(flushDelayMs);
    expect(store.flushes).toEqual([{ sequence: 1, keys: [] }]);
  });
});

describe('a flush that fails', () => {
  it('is reported and tried again, with the same keys and checkpoint', async () => {
    store.isBroken = true;
    change('a');
    commit();
    await clock.advance(flushDelayMs);
    expect([errors.length, flush.failures]).toEqual([1, 1]);
    await clock.advance(flushDelayMs);
    expect(errors.map(({ code }) => code)).toEqual(['storage', 'storage']);
    change('b');
    commit();
    store.isBroken = false;
    await clock.advance(flushDelayMs);
    expect(store.flushes).toEqual([{ sequence: 1, keys: ['a'] }]);
    await clock.advance(flushDelayMs);
    expect(store.flushes[1]).toEqual({ sequence: 2, keys: ['b'] });
    expect([errors.length, clock.timers]).toEqual([2, 0]);
  });

  it('refuses more changes once too many keys wait, and takes them again when it is written', async () => {
    store.isBroken = true;
    change('a');
    commit();
    await clock.advance(flushDelayMs);
    for (let n = 0; n < dirtyKeysMax * 8 - 1; n++) change(`key ${n}`);
    expect(() => flush.assertRoom()).not.toThrow();
    change('one more');
    const error = errorOf(() => flush.assertRoom());
    expect([error.code, error.details['dirtyKeys']]).toEqual(['storage', dirtyKeysMax * 8]);
    store.isBroken = false;
    await clock.advance(flushDelayMs);
    expect(() => flush.assertRoom()).not.toThrow();
  });
});

describe('what comes while flushes fail', () => {
  const mebibyte = 1024 * 1024;
  const draft = { sealed: { payload: new Uint8Array(mebibyte) } } as unknown as DraftEvent;

  it('is bounded in bytes as well, over all spaces of a shard, and there is room again when it is written', async () => {
    const unflushed = { bytes: 0 };
    flush = new PendingFlush({
      ...{ clock, limits: { dirtyKeysMax: 1_000, flushDelayMs }, views, unflushed },
      heads: () => ({ head, committed }),
      onError: () => {},
    });
    store.isBroken = true;
    change('a');
    commit();
    await clock.advance(flushDelayMs);
    for (let n = 0; n < 63; n++) flush.changed([draft]);
    expect(() => flush.assertRoom()).not.toThrow();
    unflushed.bytes += mebibyte;
    expect(errorOf(() => flush.assertRoom()).code).toBe('storage');
    store.isBroken = false;
    await clock.advance(flushDelayMs);
    expect(unflushed.bytes).toBe(mebibyte);
    expect(() => flush.assertRoom()).not.toThrow();
  });
});

describe('a flush right now', () => {
  it('writes everything, and leaves no timer', () => {
    change('a');
    commit();
    flush.now();
    expect(store.flushes).toEqual([{ sequence: 1, keys: ['a'] }]);
    expect(clock.timers).toBe(0);
    flush.now();
    expect(store.flushes).toHaveLength(1);
  });

  it('writes what failed before, and then the rest', async () => {
    store.isBroken = true;
    change('a');
    commit();
    await clock.advance(flushDelayMs);
    change('b');
    commit();
    store.isBroken = false;
    flush.now();
    expect(store.flushes).toEqual([
      { sequence: 1, keys: ['a'] },
      { sequence: 2, keys: ['b'] },
    ]);
  });

  it('that fails is tried again by itself, also when more was committed since', async () => {
    store.isBroken = true;
    change('a');
    commit();
    expect(() => flush.now()).toThrow('no disk');
    change('b');
    commit();
    store.isBroken = false;
    await clock.advance(2 * flushDelayMs);
    expect(store.flushes).toEqual([
      { sequence: 1, keys: ['a'] },
      { sequence: 2, keys: ['b'] },
    ]);
  });

  it('that fails may be asked for again, also when more was committed since', () => {
    store.isBroken = true;
    change('a');
    commit();
    expect(() => flush.now()).toThrow('no disk');
    change('b');
    commit();
    expect(() => flush.now()).toThrow('no disk');
    store.isBroken = false;
    flush.now();
    expect(store.flushes.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('a reset', () => {
  it('forgets the flush: the state was reloaded', async () => {
    store.isBroken = true;
    change('a');
    commit();
    await clock.advance(flushDelayMs);
    flush.reset();
    loaded(views, committed);
    store.isBroken = false;
    await clock.advance(10 * flushDelayMs);
    expect([store.flushes, clock.timers]).toEqual([[], 0]);
    errors.length = 0;
    change('b');
    commit();
    await clock.advance(flushDelayMs);
    expect([store.flushes, errors]).toEqual([[{ sequence: 2, keys: ['b'] }], []]);
  });
});
