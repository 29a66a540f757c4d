import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { errorOf, rejectionOf } from '../core/error-of.js';
import { ShardBed } from './shard-bed.js';
import { slowApp } from './slow-app.js';

const main = { name: 'main', version: 1 };

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
    const flushed = [1, 2, 3].map((id) => bed.store(id).checkpoint(id, main)?.lastSpaceSequence);
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
    const rebuilt = bed.shard.space(bed.address(1)).rebuild(() => {}, new AbortController().signal);
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
    await bed.shard.dropSpace(bed.address(1));
    expect(dropSpace.mock.calls.length).toBeGreaterThan(1);
    dropSpace.mockRestore();
    expect([bed.store(1).count(1, main), bed.store(1).checkpoint(1, main)]).toEqual([0, undefined]);
    expect(await bed.query(17, 'done')).toBe(1);
    expect((await rejectionOf(bed.work(1, 'x'))).code).toBe('not_found');
  });

  it('refuses what waits, and gives no definite answer for what was decided', async () => {
    const bed = await makeBed(1, { speculativeTurnsMax: 2 });
    await bed.work(1, 'first');
    bed.log.isHeld = true;
    for (const name of ['decided', 'decided, too', 'waiting']) bed.post(name, 1, { name, ms: 0 });
    const read = rejectionOf(bed.fetch(1, 'work:1'));
    await bed.clock.settle();
    await markDeleted(bed, 1);
    const dropped = bed.shard.dropSpace(bed.address(1));
    expect(errorOf(() => bed.post('late', 1, { name: 'late', ms: 0 })).code).toBe('not_found');
    await dropped;
    await bed.clock.settle();
    expect(bed.settled.outcomes).toMatchObject({
      decided: { code: 'outcome_unknown' },
      'decided, too': { code: 'outcome_unknown' },
      waiting: { code: 'not_found' },
    });
    expect((await read).code).toBe('not_found');
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(bed.store(1).checkpoint(1, main)).toBeUndefined();
  });

  it('leaves nothing behind when it is being closed at the same time', async () => {
    const bed = await makeBed(2, { openSpacesMax: 1 });
    await bed.work(1, 'a');
    await markDeleted(bed, 1);
    bed.post('evicts', 2, { name: 'b', ms: 0 });
    await bed.shard.dropSpace(bed.address(1));
    await bed.clock.settle();
    expect([bed.store(1).count(1, main), bed.store(1).checkpoint(1, main)]).toEqual([0, undefined]);
  });

  it('is not opened by a turn that was opening it', async () => {
    const bed = await makeBed(1);
    const answer = rejectionOf(bed.work(1, 'a'));
    await bed.shard.dropSpace(bed.address(1));
    expect((await answer).code).toBe('not_found');
    expect(bed.shard.stats.openSpaces).toBe(0);
    expect(decided).toEqual([]);
  });

  it('fails a rebuild that is under way', async () => {
    const bed = await makeBed(1, { readEventsMax: 1 });
    for (const name of ['a', 'b', 'c']) await bed.work(1, name);
    const space = bed.shard.space(bed.address(1));
    const rebuilt = rejectionOf(space.rebuild(() => {}, new AbortController().signal));
    await markDeleted(bed, 1);
    await bed.shard.dropSpace(bed.address(1));
    await bed.clock.settle();
    expect(['not_found', 'corrupt']).toContain((await rebuilt).code);
    expect([bed.store(1).count(1, main), bed.store(1).checkpoint(1, main)]).toEqual([0, undefined]);
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
    expect(bed.store(1).checkpoint(1, main)?.lastSpaceSequence).toBe(1);
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
    const persisted = [1, 2, 3].map((id) => bed.store(id).checkpoint(id, main)?.lastSpaceSequence);
    expect(persisted).toEqual([undefined, 1, 1]);
    expect(await bed.query(1, 'done')).toBe(1);
  });
});
