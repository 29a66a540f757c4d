import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeValue } from '../../src/codec/value-codec.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import type { AnyTurn } from '../../src/content-store/turn.js';
import type { MigrationProgress } from '../../src/content-store/upkeep.js';
import { RamaxError } from '../../src/core/errors.js';
import type { LimitsOptions } from '../../src/core/limits.js';
import { defaultLimits } from '../../src/core/limits.js';
import { rejectionOf } from '../core/error-of.js';
import { build, storedBuilds } from './builds.js';
import { cardsBefore, cardsNow, newCards } from './cards.js';
import { HeldReads } from './held-reads.js';
import { MemoryBed } from './memory-bed.js';

const cardCount = 25;
const limits = { migrationDelayMs: 100, migrationBatchMax: 10 };

let bed: MemoryBed;
let live: LiveSpace;

beforeEach(async () => {
  bed = await MemoryBed.make();
  const before = await bed.open(cardsBefore);
  await before.execute('add', newCards(cardCount));
  await before.close();
  live = await bed.openLive(cardsNow(), limits);
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function take<Answer>(turn: AnyTurn): Promise<Answer> {
  await live.prepare([turn]);
  live.take(turn);
  return turn.answer as Promise<Answer>;
}

/** Reads cards, so that they are migrated. */
async function read(...ids: readonly number[]): Promise<unknown[]> {
  return Promise.all(ids.map((id) => take(fetchTurn(`card:${id}`))));
}

/** What the store has at a card. */
function stored(id: number, view = build('main')): unknown {
  const bytes = bed.pstates.get(1, view, `card:${id}`);
  return bytes === undefined ? undefined : decodeValue(bytes);
}

/** How many cards the store has in their present shape. */
function migratedCards(view = build('main')): number {
  const entries = bed.pstates.scan(1, view, { prefix: '', after: undefined, limit: 1_000 });
  return entries.filter(([, bytes]) => Object.hasOwn(decodeValue(bytes) as object, 'level')).length;
}

const allIds = Array.from({ length: cardCount }, (_, index) => index + 1);

describe('a migrated value', () => {
  it('is shown at once, and written back after a delay', async () => {
    const now = { id: '1', front: 'front 1', level: 1 };
    expect(await read(1)).toEqual([now]);
    await bed.clock.advance(99);
    expect(stored(1)).toEqual({ id: '1', front: 'front 1' });
    expect(live.stats.migrations).toEqual({ entries: 1, written: 0, pending: 1, failed: 0 });
    await bed.clock.advance(1);
    expect(stored(1)).toEqual(now);
    expect(live.stats.migrations).toEqual({ entries: 1, written: 1, pending: 0, failed: 0 });
    expect([migratedCards(), bed.clock.timers]).toEqual([1, 0]);
  });

  it('is written with others that were read meanwhile, a bounded number at once', async () => {
    const flush = vi.spyOn(bed.pstates, 'flush');
    await read(1);
    await bed.clock.advance(60);
    await read(...allIds.slice(1));
    await bed.clock.advance(39);
    expect(flush).not.toHaveBeenCalled();
    await bed.clock.advance(1);
    expect(flush.mock.calls.map(([, [one]]) => one?.puts.length)).toEqual([10, 10, 5]);
    expect([migratedCards(), live.stats.migrations.pending, bed.clock.timers]).toEqual([cardCount, 0, 0]);
  });

  it('waits no longer for those that come after it', async () => {
    await read(1);
    for (const id of [2, 3, 4]) {
      await bed.clock.advance(30);
      await read(id);
    }
    await bed.clock.advance(10);
    expect(migratedCards()).toBe(4);
  });

  it('moves no checkpoint, and takes nothing along that is not committed', async () => {
    bed.log.isHeld = true;
    live.take(bed.command('add', [{ id: '1', front: 'newer' }]));
    live.take(fetchTurn('card:2'));
    await bed.clock.advance(100);
    expect([stored(1), migratedCards()]).toEqual([{ id: '1', front: 'front 1' }, 1]);
    expect(storedBuilds(bed.pstates)[1]).toBe(`main 1.1 live at ${cardCount}`);
    bed.log.releaseAll();
    await bed.clock.advance(defaultLimits.flushDelayMs);
    expect(stored(1)).toEqual({ id: '1', front: 'newer', level: 1 });
  });

  it('never takes the place of a newer one', async () => {
    await read(1, 2, 3);
    await take(bed.command('add', [{ id: '1', front: 'newer' }]));
    await live.checkpoint();
    await take(bed.command('add', [{ id: '2', front: 'newer' }]));
    await bed.clock.advance(100);
    expect([stored(1), stored(2), stored(3)]).toMatchObject([
      { front: 'newer' },
      { front: 'front 2' },
      { front: 'front 3', level: 1 },
    ]);
    await live.close();
    live = await bed.openLive(cardsNow(), limits);
    expect(await read(1, 2, 3)).toMatchObject([{ front: 'newer' }, { front: 'newer' }, { level: 1 }]);
  });

  it('is migrated again when a crash came before it was written', async () => {
    await read(1);
    live = await bed.openLive(cardsNow(), limits);
    expect(stored(1)).toEqual({ id: '1', front: 'front 1' });
    expect(await read(1)).toMatchObject([{ level: 1 }]);
    expect(live.stats.migrations).toMatchObject({ entries: 1, pending: 1 });
    await bed.clock.advance(100);
    expect(migratedCards()).toBe(1);
  });

  it('is kept when the store fails, which is said, and written later', async () => {
    const failure = new RamaxError('storage', 'no disk');
    const flush = vi.spyOn(bed.pstates, 'flush').mockImplementation(() => {
      throw failure;
    });
    await read(1, 2);
    await bed.clock.advance(250);
    expect(bed.errors).toEqual([failure, failure]);
    expect(live.stats.migrations).toEqual({ entries: 2, written: 0, pending: 2, failed: 0 });
    flush.mockRestore();
    await bed.clock.advance(100);
    expect([migratedCards(), bed.errors.length, bed.clock.timers]).toEqual([2, 2, 0]);
  });

  it('is written when its space is closed', async () => {
    await read(...allIds);
    await live.close();
    expect([migratedCards(), bed.clock.timers]).toEqual([cardCount, 0]);
  });

  it('of a view that is served in an older version is written back as well', async () => {
    await live.close();
    const reads = new HeldReads(bed.log);
    live = await bed.openLive(cardsNow(2), { ...limits, catchUpEventsMax: 1 });
    const value = await take(fetchTurn('card:1', 'copies'));
    expect(value).toEqual({ id: '1', front: 'front 1', level: 1 });
    await bed.clock.advance(100);
    expect(stored(1, build('copies'))).toEqual(value);
    expect(live.stats.migrations.pending).toBe(0);
    reads.release();
    await live.fillViews();
    expect(await take(fetchTurn('card:1', 'copies'))).toEqual(value);
  });
});

describe('a value whose migration fails', () => {
  beforeEach(async () => {
    await live.close();
    bed = await MemoryBed.make();
    const before = await bed.open(cardsBefore);
    await before.execute('add', [...newCards(3), { id: '4', front: 4 }]);
    await before.close();
    live = await bed.openLive(cardsNow(), limits);
  });

  it('cannot be read, which is said and counted; others can', async () => {
    const error = await rejectionOf(take(fetchTurn('card:4')));
    expect(error.code).toBe('migration_failed');
    expect(error.message).toContain('card:4');
    expect(await read(1)).toMatchObject([{ level: 1 }]);
    expect(live.stats.migrations).toMatchObject({ entries: 1, failed: 1 });
  });

  it('stays as it is stored', async () => {
    await rejectionOf(take(fetchTurn('card:4')));
    await live.close();
    expect(stored(4)).toEqual({ id: '4', front: 4 });
  });
});

describe('the migration of all values', () => {
  const none = (): void => {};

  it('brings every view to its present shape, a page at a time', async () => {
    const reports: MigrationProgress[] = [];
    const done = await live.migrateAll(['main', 'copies'], (progress) => reports.push(progress));
    expect(done).toEqual({
      entriesRead: 2 * cardCount,
      entriesMigrated: 2 * cardCount,
      failed: 0,
      failures: [],
    });
    expect(reports.map(({ entriesRead }) => entriesRead)).toEqual([10, 20, 25, 35, 45, 50]);
    expect([migratedCards(), migratedCards(build('copies'))]).toEqual([cardCount, cardCount]);
    expect(live.stats.migrations.pending).toBe(0);
  });

  it('finds nothing to do the second time', async () => {
    await live.migrateAll(['main'], none);
    const again = await live.migrateAll(['main'], none);
    expect(again).toMatchObject({ entriesRead: cardCount, entriesMigrated: 0 });
    expect(migratedCards(build('copies'))).toBe(0);
  });

  it('has nothing to do for a view without a schema', async () => {
    await live.close();
    live = await bed.openLive(cardsBefore, limits);
    expect(await live.migrateAll(['main'], none)).toMatchObject({ entriesRead: 0, entriesMigrated: 0 });
  });

  it('says which values failed, and goes on', async () => {
    const wrong = Array.from({ length: 120 }, (_, index) => ({ id: `wrong ${index}`, front: index }));
    const before = await bed.open(cardsBefore);
    await before.execute('add', wrong);
    await before.close();
    live = await bed.openLive(cardsNow(), limits);
    const done = await live.migrateAll(['main', 'copies'], none);
    expect(done).toMatchObject({ entriesRead: 290, entriesMigrated: 50, failed: 240 });
    expect(done.failures).toHaveLength(100);
    expect(done.failures[0]).toMatchObject({ view: 'main', key: 'card:wrong 0' });
    expect(done.failures[0]?.message).toContain('front');
    expect([migratedCards(), live.stats.migrations.pending]).toEqual([cardCount, 0]);
  });

  it.each<LimitsOptions>([
    { migrationBatchMax: 4, migrationQueueMax: 3 },
    { migrationBatchMax: 3, migrationQueueMax: 1 },
    { migrationBatchMax: 1, migrationQueueMax: 100 },
  ])('comes to an end within small bounds (%j)', async (small) => {
    live = await bed.openLive(cardsNow(), { ...limits, ...small });
    const done = await live.migrateAll(['main'], none);
    expect(done).toMatchObject({ entriesRead: cardCount, entriesMigrated: cardCount });
    expect(migratedCards()).toBe(cardCount);
  });

  it('comes to an end for a view that is served in an older version', async () => {
    await live.close();
    live = await bed.openLive(cardsNow(2), { ...limits, migrationQueueMax: 3, catchUpEventsMax: 1 });
    const done = await live.migrateAll(['copies'], none);
    expect(done).toMatchObject({ entriesRead: cardCount, entriesMigrated: cardCount });
    expect(migratedCards(build('copies'))).toBe(cardCount);
  });

  it('that is aborted ends between pages, and what is done stays', async () => {
    const abort = new AbortController();
    const migrated = live.migrateAll(['main'], () => abort.abort(), abort.signal);
    expect((await rejectionOf(migrated)).code).toBe('aborted');
    expect(migratedCards()).toBe(10);
    expect(await live.migrateAll(['main'], none)).toMatchObject({ entriesMigrated: 15 });
  });

  it('lets turns through, whose values are newer', async () => {
    let turn: AnyTurn | undefined;
    await live.migrateAll(['main'], () => {
      turn ??= bed.command('add', [{ id: '9', front: 'newer' }]);
      if (turn.state === 'queued') live.take(turn);
    });
    expect(await turn?.answer).toMatchObject({ spaceSequence: cardCount + 1 });
    await live.close();
    expect(stored(9)).toEqual({ id: '9', front: 'newer', level: 1 });
    expect(migratedCards()).toBe(cardCount);
  });

  it('fails when the store does, and is gone on with when it is asked for again', async () => {
    vi.spyOn(bed.pstates, 'flush').mockImplementationOnce(() => {
      throw new RamaxError('storage', 'no disk');
    });
    expect((await rejectionOf(live.migrateAll(['main'], none))).code).toBe('storage');
    await live.migrateAll(['main'], none);
    expect(migratedCards()).toBe(cardCount);
  });

  it('ends with its space', async () => {
    const migrated = live.migrateAll(['main'], none);
    await live.close();
    expect((await rejectionOf(migrated)).code).toBe('closed');
  });
});
