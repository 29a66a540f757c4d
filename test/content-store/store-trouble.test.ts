import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { localLog } from '../../src/content-store/local-log.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import type { PStateWriter } from '../../src/core/pstate-access.js';
import { rejectionOf } from '../core/error-of.js';
import { storedBuilds } from './builds.js';
import { type Card, cardsBefore, cardsNow, newCards } from './cards.js';
import { HeldReads } from './held-reads.js';
import { LossyLink } from './lossy-link.js';
import { MemoryBed } from './memory-bed.js';
import { mainOf, numbersTo, sumOf, tally } from './tally.js';

let bed: MemoryBed;

beforeEach(async () => {
  bed = await MemoryBed.make();
});

afterEach(() => vi.restoreAllMocks());

/** A space that has taken these numbers, as it is opened again: its states ask the store. */
async function reopened(numbers: readonly number[]) {
  const before = await bed.open(tally());
  await before.execute('addMany', numbers);
  await before.close();
  return bed.open(tally());
}

function failReads(code: 'storage' | 'corrupt', details: Readonly<Record<string, unknown>> = {}): void {
  const fail = (): never => {
    throw new RamaxError(code, 'the disk says no', { details });
  };
  vi.spyOn(bed.pstates, 'get').mockImplementation(fail);
  vi.spyOn(bed.pstates, 'scan').mockImplementation(fail);
}

describe('a further view whose store fails', () => {
  it('does not keep the command from being accepted, and is filled from where it was when that has passed', async () => {
    const store = await reopened([1]);
    failReads('storage');
    await store.execute('add', 5);
    expect((await rejectionOf(store.fetch('sum', { view: 'sum' }))).code).toBe('view_building');
    vi.restoreAllMocks();
    await store.execute('add', 6);
    await bed.clock.advance(60_000);
    expect((await store.views()).map(({ state }) => state)).toEqual(['live', 'live']);
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 5, 6]));
    expect(await store.query('state', 'main')).toEqual(mainOf([1, 5, 6]));
  });

  it('says why it is not there, and tries again less and less often', async () => {
    const store = await reopened(numbersTo(3));
    failReads('storage');
    await store.execute('add', 4);
    await bed.clock.advance(10_000);
    const tries = bed.errors.length;
    expect(tries).toBeGreaterThan(1);
    expect((await store.views())[1]).toMatchObject({ state: 'building', error: { code: 'storage' } });
    await bed.clock.advance(10_000);
    expect(bed.errors.length - tries).toBeLessThan(tries);
    vi.restoreAllMocks();
    await bed.clock.advance(60_000);
    expect((await store.views())[1]).toMatchObject({ state: 'live', error: undefined });
    expect(await store.query('state', 'sum')).toEqual(sumOf(numbersTo(4)));
  });
});

describe('a stored value that is damaged', () => {
  it('in a further view is made anew from the log with all of its build', async () => {
    const store = await reopened([1, 2]);
    failReads('corrupt', { view: 'sum' });
    await store.execute('add', 3);
    vi.restoreAllMocks();
    await bed.clock.advance(1_000);
    expect((await store.views())[1]).toMatchObject({ state: 'live', error: undefined });
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 2, 3]));
    await store.close();
    expect(storedBuilds(bed.pstates)).toContain('sum 1.2 live at 3');
  });

  it('that is met while the space opens is made anew, too, and no event is blamed', async () => {
    const before = await bed.openLive(tally());
    for (const number of [1, 2]) {
      const turn = bed.command('add', number);
      before.take(turn);
      await turn.answer;
      if (number === 1) await before.checkpoint();
    }
    before.abandon(new RamaxError('closed', 'the process has died'));
    const get = bed.pstates.get.bind(bed.pstates);
    vi.spyOn(bed.pstates, 'get').mockImplementation((spaceId, view, key) => {
      if (view.name === 'sum' && view.build === 1) {
        throw new RamaxError('corrupt', 'a checksum', { details: { view: 'sum' } });
      }
      return get(spaceId, view, key);
    });
    const store = await bed.open(tally());
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 2]));
    expect((await store.views()).map(({ state }) => state)).toEqual(['live', 'live']);
  });
});

describe('an opening that fails', () => {
  it('leaves nothing that would write over what the next one stores', async () => {
    const before = await bed.open(cardsBefore);
    await before.execute('add', newCards(3));
    await before.close();
    const crashed = await bed.openLive(cardsBefore);
    for (const id of ['9', '10']) {
      const turn = bed.command('add', [{ id, front: 'x' }]);
      crashed.take(turn);
      await turn.answer;
    }
    crashed.abandon(new RamaxError('closed', 'the process has died'));
    // A projection that reads a card migrates it while the space opens.
    const now = defineApp({
      name: 'cards',
      schema: cardsNow().schema as NonNullable<ReturnType<typeof cardsNow>['schema']>,
      commands: {
        add: (_pstate, cards: readonly Card[]) =>
          cards.map((payload) => ({ entityId: `card:${payload.id}`, type: 'added', payload })),
      },
      projections: {
        added(pstate, { entityId, payload }) {
          const writer = pstate as unknown as PStateWriter;
          writer.get('card:1');
          writer.put(entityId, payload);
          writer.update<number>('count', (count = 0) => count + 1);
        },
      },
    });
    const readSpace = bed.log.readSpace.bind(bed.log);
    let reads = 0;
    vi.spyOn(bed.log, 'readSpace').mockImplementation((...where) => {
      reads++;
      return reads === 2 ? Promise.reject(new RamaxError('storage', 'no')) : readSpace(...where);
    });
    const timers = bed.clock.timers;
    const limits = { readEventsMax: 1, migrationDelayMs: 1_000 };
    expect((await rejectionOf(bed.openLive(now, limits))).code).toBe('storage');
    expect(bed.clock.timers).toBe(timers);
    const live = await bed.openLive(now, limits);
    const newer = bed.command('add', [{ id: '1', front: 'newer' }]);
    live.take(newer);
    await newer.answer;
    await live.checkpoint();
    await bed.clock.advance(2_000);
    live.abandon(new RamaxError('closed', 'the process has died'));
    const after = await bed.openLive(now, limits);
    const [card, count] = [fetchTurn('card:1'), fetchTurn('count')];
    for (const turn of [card, count]) after.take(turn);
    expect(await card.answer).toMatchObject({ front: 'newer' });
    expect(await count.answer).toBe(3);
  });
});

describe('a rebuild', () => {
  it('of what is not stored yet shares no build with a recovery in the middle of it', async () => {
    const app = defineApp({
      name: 'counts',
      commands: {
        add: (_pstate, count: number) =>
          Array.from({ length: count }, () => ({ entityId: 'e', type: 'added', payload: null })),
      },
      projections: {
        added(pstate, { spaceSequence }) {
          pstate.update<number>(`of:${spaceSequence % 300}`, (count = 0) => count + 1);
        },
      },
    });
    const link = new LossyLink(localLog(bed.log));
    const limits = { flushDelayMs: 60_000, cacheEntriesMax: 2, dirtyKeysMax: 100, fillKeysMax: 100_000 };
    const live = await bed.openLive(app, limits, link);
    for (let n = 0; n < 10; n++) {
      const turn = bed.command('add', 1_000);
      live.take(turn);
      await turn.answer;
    }
    const reads = new HeldReads(bed.log);
    const rebuilt = live.rebuild(['main'], () => {});
    // Until the rebuild has stored how far it is.
    while (storedBuilds(bed.pstates).length === 0) {
      await bed.clock.settle();
      reads.step();
    }
    link.fates.push('lost');
    const turn = bed.command('add', 1);
    live.take(turn);
    reads.release();
    await turn.answer;
    await rebuilt;
    let sum = 0;
    for (let n = 0; n < 300; n++) {
      const fetched = fetchTurn(`of:${n}`);
      live.take(fetched);
      sum += Number(await fetched.answer);
    }
    expect(sum).toBe(10_001);
  });

  it('makes turns wait for a bounded number of events at a time, however fast they come', async () => {
    const live = await bed.openLive(tally());
    for (let n = 0; n < 10; n++) {
      const turn = bed.command('addMany', numbersTo(1_000));
      live.take(turn);
      await turn.answer;
    }
    const readSpace = bed.log.readSpace.bind(bed.log);
    let reads = 0;
    vi.spyOn(bed.log, 'readSpace').mockImplementation((...where) => {
      reads++;
      return readSpace(...where);
    });
    let [isDone, longestWait] = [false, 0];
    const rebuilt = live
      .rebuild(['main'], () => {})
      .then((progress) => {
        isDone = true;
        return progress;
      });
    while (!isDone) {
      const [turn, before] = [bed.command('addMany', numbersTo(150)), reads];
      do await live.prepare([turn]);
      while (!live.hasRoom);
      longestWait = Math.max(longestWait, reads - before);
      live.take(turn);
      await turn.answer;
      await bed.clock.settle();
    }
    const { eventsApplied } = await rebuilt;
    expect(eventsApplied).toBeGreaterThan(10_000);
    // Reads of 128 events: a step of 1,024 has eight of them, and the end one or two.
    expect(longestWait).toBeLessThanOrEqual(10);
  });
});
