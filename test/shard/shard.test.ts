import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { entry, ledger } from '../content-store/ledger.js';
import { errorOf, rejectionOf } from '../core/error-of.js';
import { ledgerOf } from '../sim/ledger-app.js';
import { ShardBed } from './shard-bed.js';
import { slowApp } from './slow-app.js';

const main = { name: 'main', version: 1, build: 1 };
const allViews = ['main'];

/** How far the main view of a space is persisted. */
function persisted(bed: ShardBed, spaceId: number): number | undefined {
  const build = bed
    .store(spaceId)
    .builds(spaceId)
    .find(({ state }) => state === 'live');
  return build?.checkpoint.lastSpaceSequence;
}

let decided: string[];

beforeEach(() => {
  decided = [];
});

function makeBed(spaces: number, limits = {}): Promise<ShardBed> {
  return ShardBed.make(spaces, (clock) => slowApp(clock, decided), limits);
}

/** Closing goes on in the background. */
async function openSpaces(bed: ShardBed): Promise<number> {
  await bed.clock.settle();
  return bed.shard.stats.openSpaces;
}

describe('a shard', () => {
  it('opens a space with its first turn, and keeps it open', async () => {
    const bed = await makeBed(2);
    expect(bed.shard.stats.openSpaces).toBe(0);
    await bed.work(1, 'a');
    await bed.work(1, 'b');
    await bed.work(2, 'c');
    expect(bed.shard.stats).toMatchObject({ openSpaces: 2, turns: 3, queuedTurns: 0, heldAnswers: 0 });
    expect(decided).toEqual(['space 1 a', 'space 1 b', 'space 2 c']);
  });

  it('counts what waits, what is held back and what is not persisted', async () => {
    const bed = await makeBed(1, { speculativeTurnsMax: 2 });
    await bed.work(1, 'first');
    bed.log.isHeld = true;
    for (const name of ['a', 'b', 'c']) bed.post(name, 1, { name, ms: 0 });
    await bed.clock.settle();
    expect(bed.shard.stats).toMatchObject({ queuedTurns: 1, heldAnswers: 2, dirtyKeys: 3, turns: 3 });
    bed.log.releaseAll();
    await bed.clock.settle();
    await bed.shard.space(bed.address(1)).checkpoint();
    expect(bed.shard.stats).toMatchObject({ queuedTurns: 0, heldAnswers: 0, dirtyKeys: 0, turns: 4 });
  });

  it('opens a partition with its first space, and each once', async () => {
    const bed = await makeBed(18);
    for (const spaceId of [3, 17, 1, 2, 18]) await bed.work(spaceId, 'x');
    expect(bed.openedPartitions).toEqual([3, 1, 2]);
  });

  it('refuses a turn for a space that there is not, and harms no other', async () => {
    const bed = await makeBed(1);
    expect((await rejectionOf(bed.work(9, 'x'))).code).toBe('not_found');
    await bed.work(1, 'a');
    expect(bed.shard.stats.turns).toBe(1);
  });

  it('does not try to open a space again at once when that has failed, and no other suffers', async () => {
    const bed = await makeBed(2);
    await bed.work(1, 'a');
    bed.restart();
    const readSpace = vi
      .spyOn(bed.log, 'readSpace')
      .mockRejectedValueOnce(new RamaxError('corrupt', 'damaged'));
    for (const name of ['b', 'c']) expect((await rejectionOf(bed.work(1, name))).code).toBe('corrupt');
    expect(readSpace).toHaveBeenCalledTimes(1);
    await bed.work(2, 'x');
    await bed.clock.advance(1_000);
    expect(await bed.work(1, 'd')).toMatchObject({ spaceSequence: 2 });
  });
});

describe('eviction', () => {
  it('closes the least recently used idle space, which comes back with its state and without a replay', async () => {
    const bed = await makeBed(6, { openSpacesMax: 2 });
    for (const spaceId of [1, 2, 3, 4, 5, 6]) {
      await bed.work(spaceId, `first of ${spaceId}`);
      expect(await openSpaces(bed)).toBeLessThanOrEqual(2);
    }
    for (const spaceId of [1, 2, 3, 4, 5, 6]) {
      expect(await bed.query(spaceId, 'done')).toBe(1);
      await bed.work(spaceId, 'second');
      expect(await bed.fetch(spaceId, 'work:2')).toBe('second');
      expect(await openSpaces(bed)).toBeLessThanOrEqual(2);
    }
    expect(bed.shard.stats).toMatchObject({ caughtUpEvents: 0, turns: 24 });
  });

  it('keeps the space that was used last', async () => {
    const bed = await makeBed(3, { openSpacesMax: 2 });
    await bed.work(1, 'a');
    await bed.work(2, 'b');
    await bed.work(1, 'c');
    await bed.work(3, 'd');
    await bed.clock.settle();
    const flushed = [1, 2, 3].map((id) => persisted(bed, id));
    expect(flushed).toEqual([undefined, 1, undefined]);
  });

  it('closes no busy space, and goes back below the bound when they are idle', async () => {
    const bed = await makeBed(6, { openSpacesMax: 2 });
    bed.log.isHeld = true;
    for (const spaceId of [1, 2, 3, 4, 5]) bed.post(`${spaceId}`, spaceId, { name: 'x', ms: 0 });
    await bed.clock.settle();
    expect(bed.shard.stats.openSpaces).toBe(5);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(bed.settled.open).toBe(0);
    await bed.work(6, 'x');
    expect(await openSpaces(bed)).toBeLessThanOrEqual(2);
    for (const spaceId of [1, 2, 3, 4, 5]) expect(await bed.query(spaceId, 'done')).toBe(1);
  });

  it('answers a turn that comes while its space is being closed', async () => {
    const bed = await makeBed(2, { openSpacesMax: 1 });
    await bed.work(1, 'a');
    bed.post('evicts', 2, { name: 'b', ms: 0 });
    bed.post('comes back', 1, { name: 'c', ms: 0 });
    const checkpoint = bed.shard.space(bed.address(1)).checkpoint();
    await bed.clock.settle();
    expect(bed.settled.outcomes).toMatchObject({
      evicts: { kind: 'ok' },
      'comes back': { kind: 'ok', value: { spaceSequence: 2 } },
    });
    expect((await checkpoint).lastSpaceSequence).toBeGreaterThanOrEqual(1);
  });

  it('closes no space in the middle of a rebuild or a checkpoint', async () => {
    const bed = await makeBed(3, { openSpacesMax: 1, readEventsMax: 1 });
    for (const name of ['a', 'b', 'c']) await bed.work(1, name);
    const rebuilt = bed.shard.space(bed.address(1)).rebuild(allViews, () => {}, new AbortController().signal);
    for (const spaceId of [2, 3, 2, 3]) await bed.work(spaceId, 'x');
    expect(await rebuilt).toEqual({ eventsApplied: 3, lastSpaceSequence: 3 });
    expect(await bed.query(1, 'done')).toBe(3);
  });

  it('survives projections that cannot be written: the log has everything', async () => {
    const bed = await makeBed(2, { openSpacesMax: 1 });
    await bed.work(1, 'a');
    vi.spyOn(MemoryPStateStore.prototype, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    await bed.work(2, 'b');
    await bed.clock.settle();
    vi.restoreAllMocks();
    expect(await bed.query(1, 'done')).toBe(1);
    expect(bed.shard.stats.caughtUpEvents).toBe(1);
    expect(bed.fatal).toEqual([]);
  });
});

describe('a space that nobody calls', () => {
  const idleSpaceMs = 1_000;

  it('is persisted and closed, gives its memory back, and comes back with the next call', async () => {
    const bed = await makeBed(2, { idleSpaceMs, flushDelayMs: 3_600_000 });
    await bed.work(1, 'a');
    await bed.work(2, 'b');
    await bed.shard.space(bed.address(1)).checkpoint();
    expect(bed.shard.stats.cache.entries).toBeGreaterThan(0);
    await bed.clock.advance(2 * idleSpaceMs);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 0, dirtyKeys: 0, turns: 2, cache: { entries: 0 } });
    expect([persisted(bed, 1), persisted(bed, 2)]).toEqual([1, 1]);
    expect(await bed.query(1, 'done')).toBe(1);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 1, turns: 3, caughtUpEvents: 0 });
  });

  it('goes by itself: one that is called stays', async () => {
    const bed = await makeBed(2, { idleSpaceMs });
    await bed.work(1, 'a');
    await bed.work(2, 'b');
    for (let n = 0; n < 5; n++) {
      await bed.clock.advance(idleSpaceMs / 2);
      await bed.query(2, 'done');
    }
    expect(bed.shard.stats.openSpaces).toBe(1);
    expect(bed.shard.health.building).toBe(0);
    expect(persisted(bed, 1)).toBe(1);
  });

  it('stays while something of it is under way, and goes after that', async () => {
    const bed = await makeBed(2, { idleSpaceMs });
    await bed.work(1, 'a');
    bed.log.isHeld = true;
    bed.post('held back', 1, { name: 'b', ms: 0 });
    await bed.clock.advance(3 * idleSpaceMs);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 1, heldAnswers: 1 });
    bed.log.releaseAll();
    await bed.clock.advance(2 * idleSpaceMs);
    expect(bed.settled.outcomes['held back']).toMatchObject({ kind: 'ok' });
    expect(bed.shard.stats.openSpaces).toBe(0);
  });

  it('stays while somebody watches it', async () => {
    const bed = await makeBed(1, { idleSpaceMs });
    await bed.work(1, 'a');
    const abort = new AbortController();
    const watch = (known?: string) =>
      bed.shard
        .space(bed.address(1))
        .watch({ kind: 'key', view: 'main', key: 'work:2' }, known, abort.signal);
    const gone = rejectionOf(watch((await watch()).token));
    await bed.clock.advance(5 * idleSpaceMs);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 1, watchers: 1 });
    abort.abort();
    expect((await gone).code).toBe('aborted');
    await bed.clock.advance(2 * idleSpaceMs);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 0, watchers: 0 });
  });

  it('is looked for only while there are spaces', async () => {
    const bed = await makeBed(1, { idleSpaceMs });
    expect(bed.clock.timers).toBe(0);
    await bed.work(1, 'a');
    await bed.clock.advance(4 * idleSpaceMs);
    expect(bed.clock.timers).toBe(0);
    await bed.work(1, 'b');
    expect(bed.clock.timers).toBeGreaterThan(0);
    await bed.shard.drain();
    expect(bed.clock.timers).toBe(0);
  });

  it('that cannot be persisted goes all the same: the log has everything', async () => {
    const bed = await makeBed(1, { idleSpaceMs, flushDelayMs: 3_600_000 });
    await bed.work(1, 'a');
    vi.spyOn(MemoryPStateStore.prototype, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    await bed.clock.advance(2 * idleSpaceMs);
    vi.restoreAllMocks();
    expect([bed.shard.stats.openSpaces, persisted(bed, 1)]).toEqual([0, undefined]);
    expect(await bed.query(1, 'done')).toBe(1);
    expect(bed.shard.stats.caughtUpEvents).toBe(1);
  });
});

describe('filling views behind', () => {
  /** A bed whose spaces 1 and 2 have entries and persisted views, and a new shard of an app in their place. */
  async function bedWith(app: App, limits = {}): Promise<ShardBed> {
    let current: App = ledger;
    const bed = await ShardBed.make(3, () => current, { catchUpEventsMax: 1, readEventsMax: 2, ...limits });
    for (const spaceId of [1, 2]) {
      for (let n = 0; n < 6; n++) await bed.post(`${spaceId} ${n}`, spaceId, entry(n, n), 'add').answer;
    }
    await bed.shard.drain();
    current = app;
    bed.restart(app);
    return bed;
  }

  const fill = (bed: ShardBed, spaceId: number): Promise<void> => bed.shard.fillViews(bed.address(spaceId));

  it('opens the space, and leaves it with the views of the app', async () => {
    const bed = await bedWith(ledgerOf({ version: 2 }));
    await fill(bed, 1);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 1, views: [{ live: 1 }, { live: 1, building: 0 }] });
    const builds = bed
      .store(1)
      .builds(1)
      .filter(({ state }) => state === 'live');
    expect(builds.map(({ view }) => view)).toEqual([
      { name: 'amounts', version: 2, build: 1 },
      { name: 'main', version: 1, build: 1 },
    ]);
  });

  it('leaves a space closed that has no view to fill, or nothing stored', async () => {
    const raised = await bedWith(ledgerOf({ version: 2 }));
    await fill(raised, 3);
    expect(raised.shard.stats.openSpaces).toBe(0);
    const same = await bedWith(ledgerOf({ version: 1 }));
    for (const spaceId of [1, 2, 3]) await fill(same, spaceId);
    expect(same.shard.stats.openSpaces).toBe(0);
  });

  it('serves the old version meanwhile, and is counted', async () => {
    const bed = await bedWith(ledgerOf({ version: 2 }), { buildsAtOnceMax: 1 });
    const filled = Promise.all([fill(bed, 1), fill(bed, 2)]);
    expect(await bed.query(2, 'amounts')).toMatchObject({ 'amount:5': 1 });
    const counts = bed.shard.stats.views.find(({ view }) => view === 'amounts');
    expect(counts).toMatchObject({ building: 2, stopped: 0, lagMax: 6 });
    expect(bed.shard.health).toMatchObject({ problems: [], stopped: 0, changed: 0, building: 2 });
    await filled;
    expect(bed.shard.health.building).toBe(0);
  });

  it('of a view that throws resolves, and says in the figures and the health what is wrong', async () => {
    const bed = await bedWith(ledgerOf({ version: 2, refused: 3 }));
    await fill(bed, 1);
    expect(bed.shard.stats.views).toMatchObject([{ live: 1 }, { view: 'amounts', live: 0, stopped: 1 }]);
    const { stopped, problems } = bed.shard.health;
    expect([stopped, problems]).toMatchObject([
      1,
      [
        {
          spaceId: 1,
          spaceName: 'space 1',
          view: 'amounts',
          state: 'stopped',
          error: { code: 'projection_failed', details: { spaceSequence: 4 } },
        },
      ],
    ]);
    expect((await rejectionOf(bed.query(1, 'amounts'))).code).toBe('projection_failed');
    expect(await bed.fetch(1, 'count')).toBe(6);
  });

  it('tells of projections that were changed under their version', async () => {
    const bed = await bedWith(ledgerOf({ version: 1, refused: 99 }));
    await bed.fetch(1, 'count');
    expect(bed.shard.health).toMatchObject({ changed: 1, problems: [{ view: 'amounts', isChanged: true }] });
  });

  it('ends with the shard, in the middle of its opening too, and leaves nothing open', async () => {
    const bed = await bedWith(ledgerOf({ version: 2 }));
    const filled = rejectionOf(fill(bed, 1));
    await bed.shard.drain();
    expect((await filled).code).toBe('closed');
    await bed.clock.settle();
    expect([bed.shard.stats.openSpaces, bed.clock.timers]).toEqual([0, 0]);
  });
});

describe('the figures of a shard', () => {
  it('keep what was done by spaces that are closed, or deleted', async () => {
    const bed = await makeBed(2, { idleSpaceMs: 1_000 });
    for (const spaceId of [1, 1, 2]) await bed.work(spaceId, 'x');
    await bed.clock.advance(2_000);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 0, turns: 3 });
    await bed.work(2, 'y');
    await bed.log.commit([{ kind: 'markSpaceDeleted', spaceId: 2 }]);
    await bed.shard.dropSpace(bed.address(2), 0);
    await bed.shard.dropSpace(bed.address(2), 0);
    expect(bed.shard.stats).toMatchObject({ openSpaces: 0, turns: 4 });
  });

  it('say how full the fullest mailbox is', async () => {
    const bed = await makeBed(2, { speculativeTurnsMax: 1 });
    bed.log.isHeld = true;
    for (const name of ['a', 'b', 'c', 'd']) bed.post(`1 ${name}`, 1, { name, ms: 0 });
    for (const name of ['a', 'b']) bed.post(`2 ${name}`, 2, { name, ms: 0 });
    await bed.clock.settle();
    expect(bed.shard.stats).toMatchObject({ queuedTurns: 4, deepestMailbox: 3, heldAnswers: 2 });
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(bed.shard.stats).toMatchObject({ queuedTurns: 0, deepestMailbox: 0, heldAnswers: 0 });
  });
});

describe('a space that is deleted', () => {
  async function markDeleted(bed: ShardBed, spaceId: number): Promise<void> {
    const { isHeld } = bed.log;
    bed.log.isHeld = false;
    await bed.log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
    bed.log.isHeld = isHeld;
  }

  it('loses its projections, a bounded number of rows at a time', async () => {
    const bed = await makeBed(17, { purgeRowsMax: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await bed.work(1, name);
    await bed.work(17, 'neighbour in the same partition');
    await bed.shard.space(bed.address(1)).checkpoint();
    const dropSpace = vi.spyOn(MemoryPStateStore.prototype, 'dropSpace');
    await markDeleted(bed, 1);
    await bed.shard.dropSpace(bed.address(1), 0);
    expect(dropSpace.mock.calls.length).toBeGreaterThan(1);
    dropSpace.mockRestore();
    expect([bed.store(1).count(1, main), persisted(bed, 1)]).toEqual([0, undefined]);
    expect(await bed.query(17, 'done')).toBe(1);
    expect((await rejectionOf(bed.work(1, 'x'))).code).toBe('not_found');
  });

  it('gives every command a definite answer: done before it, or of a space that is not there', async () => {
    const bed = await makeBed(1, { speculativeTurnsMax: 2 });
    await bed.work(1, 'first');
    bed.log.isHeld = true;
    bed.log.fates.push('writtenAnsweredLate');
    bed.post('written', 1, { name: 'written', ms: 0 });
    await bed.clock.settle();
    for (const name of ['too late', 'waiting']) bed.post(name, 1, { name, ms: 0 });
    const read = rejectionOf(bed.fetch(1, 'work:1'));
    await bed.clock.settle();
    await markDeleted(bed, 1);
    const dropped = bed.shard.dropSpace(bed.address(1), 0);
    expect(errorOf(() => bed.post('late', 1, { name: 'late', ms: 0 })).code).toBe('not_found');
    await bed.clock.settle();
    expect(bed.settled.outcomes).toMatchObject({ waiting: { code: 'not_found' } });
    expect(bed.settled.outcomes).not.toHaveProperty('written');
    bed.log.releaseAll();
    await dropped;
    await bed.clock.settle();
    expect(bed.settled.outcomes).toMatchObject({
      written: { value: { spaceSequence: 2 } },
      'too late': { code: 'not_found' },
    });
    expect((await read).code).toBe('not_found');
    expect(persisted(bed, 1)).toBeUndefined();
  });

  it('leaves nothing behind when it is being closed at the same time', async () => {
    const bed = await makeBed(2, { openSpacesMax: 1 });
    await bed.work(1, 'a');
    await markDeleted(bed, 1);
    bed.post('evicts', 2, { name: 'b', ms: 0 });
    await bed.shard.dropSpace(bed.address(1), 0);
    await bed.clock.settle();
    expect([bed.store(1).count(1, main), persisted(bed, 1)]).toEqual([0, undefined]);
  });

  it('is not opened by a turn that was opening it', async () => {
    const bed = await makeBed(1);
    const answer = rejectionOf(bed.work(1, 'a'));
    await bed.shard.dropSpace(bed.address(1), 0);
    expect((await answer).code).toBe('not_found');
    expect(bed.shard.stats.openSpaces).toBe(0);
    expect(decided).toEqual([]);
  });

  it('fails a rebuild that is under way', async () => {
    const bed = await makeBed(1, { readEventsMax: 1 });
    for (const name of ['a', 'b', 'c']) await bed.work(1, name);
    const space = bed.shard.space(bed.address(1));
    const rebuilt = rejectionOf(space.rebuild(allViews, () => {}, new AbortController().signal));
    await markDeleted(bed, 1);
    await bed.shard.dropSpace(bed.address(1), 0);
    await bed.clock.settle();
    expect(['not_found', 'corrupt']).toContain((await rebuilt).code);
    expect([bed.store(1).count(1, main), persisted(bed, 1)]).toEqual([0, undefined]);
  });
});

describe('a shard whose projections have a newer owner', () => {
  it('ends: its files belong to another', async () => {
    const bed = await makeBed(1, { flushDelayMs: 10 });
    await bed.work(1, 'a');
    bed.store(1, 99);
    await bed.clock.advance(10);
    expect(new Set(bed.fatal.map(({ code }) => code))).toEqual(new Set(['fenced']));
  });

  it('is not ended by any other error of a projection store', async () => {
    const bed = await makeBed(1, { flushDelayMs: 10 });
    await bed.work(1, 'a');
    vi.spyOn(MemoryPStateStore.prototype, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    await bed.clock.advance(10);
    vi.restoreAllMocks();
    expect([bed.fatal, bed.shard.stats.flushFailures]).toEqual([[], 1]);
    await bed.clock.advance(10);
    expect(persisted(bed, 1)).toBe(1);
  });
});

describe('draining', () => {
  it('persists and closes every space, and lets the partitions go', async () => {
    const bed = await makeBed(3);
    for (const spaceId of [1, 2, 3]) await bed.work(spaceId, 'x');
    const close = vi.spyOn(MemoryPStateStore.prototype, 'close');
    await bed.shard.drain();
    expect(close).toHaveBeenCalledTimes(3);
    close.mockRestore();
    bed.restart();
    const readSpace = vi.spyOn(bed.log, 'readSpace');
    for (const spaceId of [1, 2, 3]) expect(await bed.query(spaceId, 'done')).toBe(1);
    expect(readSpace).not.toHaveBeenCalled();
  });

  it('goes on when one space cannot be persisted', async () => {
    const bed = await makeBed(3);
    for (const spaceId of [1, 2, 3]) await bed.work(spaceId, 'x');
    vi.spyOn(MemoryPStateStore.prototype, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    await bed.shard.drain();
    vi.restoreAllMocks();
    bed.restart();
    const sequences = [1, 2, 3].map((id) => persisted(bed, id));
    expect(sequences).toEqual([undefined, 1, 1]);
    expect(await bed.query(1, 'done')).toBe(1);
  });
});
