import { beforeEach, describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import type { SpaceEvent } from '../../src/core/event.js';
import { rejectionOf } from '../core/error-of.js';
import { checkpointOf, storedBuilds } from './builds.js';
import { MemoryBed } from './memory-bed.js';
import { Applied, listOf, mainOf, numbersTo, sumOf, type Tally, tally } from './tally.js';

let bed: MemoryBed;
let applied: Applied;
/** Payloads that a view cannot take. */
let bad: ReadonlyMap<string, readonly number[]>;

beforeEach(async () => {
  bed = await MemoryBed.make();
  applied = new Applied();
  bad = new Map([['sum', [13]]]);
});

const breaks = (view: string, { payload }: SpaceEvent): boolean =>
  bad.get(view)?.includes(payload as number) === true;

function open(versions: { main?: number; sum?: number } = {}, limits = {}): Promise<ContentStore<Tally>> {
  return bed.open(tally({ applied, list: 1, breaks, ...versions }), { limits });
}

/** What the commands have put into the log. */
async function execute(store: ContentStore<Tally>, ...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await store.execute('add', number);
}

describe('a further view whose projection throws', () => {
  it('stops alone: commands and the other views go on', async () => {
    const store = await open();
    await execute(store, 1, 2, 13, 4);
    expect(await store.query('state', 'main')).toEqual(mainOf([1, 2, 13, 4]));
    expect(await store.query('state', 'list')).toEqual(listOf([1, 2, 13, 4]));
    expect(await bed.events()).toHaveLength(4);
    const states = (await store.views()).map(({ view, state }) => [view, state]);
    expect(states).toEqual([
      ['main', 'live'],
      ['sum', 'stopped'],
      ['list', 'live'],
    ]);
  });

  it('says in its reads and its status at which event and where in the app', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    const error = await rejectionOf(store.fetch('sum', { view: 'sum' }));
    expect([error.code, error.retryable]).toEqual(['projection_failed', false]);
    expect(error.details).toMatchObject({
      spaceId: 1,
      view: 'sum',
      version: 1,
      type: 'added',
      entityId: 'e',
      spaceSequence: 2,
    });
    expect(error.details['stack']).toMatch(/^RangeError: sum cannot take 13\n {4}at .*tally\.ts/);
    const [, status] = await store.views();
    expect(status).toMatchObject({ state: 'stopped', spaceSequence: 0, lag: 3, serves: undefined });
    expect(status?.error).toEqual(error.toData());
    expect((await rejectionOf(store.query('state', 'sum'))).details).toEqual(error.details);
  });

  it('stays where it is persisted, while the others are flushed', async () => {
    const store = await open();
    await execute(store, 1, 2);
    await store.checkpoint();
    await execute(store, 3, 13, 5);
    await store.checkpoint();
    expect(storedBuilds(bed.pstates)).toEqual([
      'list 1.1 live at 5',
      'main 1.1 live at 5',
      'sum 1.1 live at 2',
    ]);
  });

  it('goes on from its checkpoint with a fixed app', async () => {
    const store = await open();
    await execute(store, 1, 2);
    await store.checkpoint();
    await execute(store, 13, 4);
    await store.close();
    bad = new Map();
    applied.clear();
    const fixed = await open();
    expect([applied.to('sum 1'), applied.to('main 1'), applied.to('list 1')]).toEqual([[3, 4], [], []]);
    expect(await fixed.query('state', 'sum')).toEqual(sumOf([1, 2, 13, 4]));
    await execute(fixed, 5);
    expect(await fixed.query('state', 'sum')).toEqual(sumOf([1, 2, 13, 4, 5]));
    expect((await fixed.views())[1]).toMatchObject({ state: 'live', lag: 0, error: undefined });
  });

  it('stops again with an app that is not fixed', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    await store.close();
    const again = await open();
    const error = await rejectionOf(again.query('state', 'sum'));
    expect(error).toMatchObject({ code: 'projection_failed', details: { spaceSequence: 2 } });
    await execute(again, 4);
    expect(await again.query('state', 'main')).toEqual(mainOf([1, 13, 3, 4]));
    expect(checkpointOf(bed.pstates, 'sum')?.lastSpaceSequence ?? 0).toBeLessThan(2);
  });

  it('that lacks many events goes on behind, and is not read before it is there', async () => {
    const store = await open();
    await execute(store, 1, 13);
    await store.execute('addMany', numbersTo(300));
    await store.close();
    bad = new Map();
    const fixed = await open();
    expect((await rejectionOf(fixed.query('state', 'sum'))).code).toBe('view_building');
    await bed.clock.settle();
    expect(await fixed.query('state', 'sum')).toEqual(sumOf([1, 13, ...numbersTo(300)]));
  });

  it('that lacks many events is made anew by a rebuild, not only brought to the head', async () => {
    const store = await open();
    await execute(store, 1);
    await store.checkpoint();
    await execute(store, 13);
    await store.execute('addMany', numbersTo(300));
    await store.close();
    bad = new Map();
    const fixed = await open();
    applied.clear();
    await fixed.rebuildPState({ view: 'sum' });
    expect(applied.to('sum 1')).toEqual(numbersTo(302));
    expect(await fixed.query('state', 'sum')).toEqual(sumOf([1, 13, ...numbersTo(300)]));
    await bed.clock.settle();
    expect(storedBuilds(bed.pstates).filter((one) => one.startsWith('sum'))).toEqual(['sum 1.2 live at 302']);
  });

  it('goes on by a rebuild with what was fixed without a restart', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    bad = new Map();
    await store.rebuildPState({ view: 'sum' });
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 13, 3]));
    await execute(store, 4);
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 13, 3, 4]));
  });

  it('is still stopped after a commit in doubt', async () => {
    const store = await open();
    await execute(store, 1, 13);
    bed.log.fates.push('notWrittenInDoubt');
    await execute(store, 3);
    expect((await rejectionOf(store.query('state', 'sum'))).details).toMatchObject({ spaceSequence: 2 });
    expect(await store.query('state', 'list')).toEqual(listOf([1, 13, 3]));
  });

  it('that could go on after a commit in doubt, and lacks many events, is filled behind', async () => {
    const store = await open();
    await bed.clock.settle();
    await execute(store, 1, 13);
    await store.execute('addMany', numbersTo(300));
    await store.checkpoint();
    bad = new Map();
    bed.log.fates.push('notWrittenInDoubt');
    await execute(store, 5);
    await bed.clock.settle();
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 13, ...numbersTo(300), 5]));
  });

  it('is no obstacle to the rebuild of the others', async () => {
    const store = await open();
    await execute(store, 1, 13);
    expect((await rejectionOf(store.rebuildPState())).code).toBe('projection_failed');
    await store.rebuildPState({ view: 'main' });
    await store.rebuildPState({ view: 'list' });
    expect(await store.query('state', 'list')).toEqual(listOf([1, 13]));
  });
});

describe('a main view whose projection throws while the space opens', () => {
  let store: ContentStore<Tally>;

  beforeEach(async () => {
    const before = await bed.open(tally({ list: 1 }));
    await execute(before, 1, 7, 3);
    await before.execute('add', 5, { commandId: 'known' });
    bad = new Map([['main', [7]]]);
    store = await open();
  });

  it('refuses commands and reads of it, and shows the others', async () => {
    for (const call of [
      store.execute('add', 8),
      store.fetch('event:1'),
      store.query('state', 'main'),
      store.getResolved('event:1'),
    ]) {
      expect(await rejectionOf(call)).toMatchObject({
        code: 'projection_failed',
        details: { view: 'main', spaceSequence: 2 },
      });
    }
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 7, 3, 5]));
    expect(await store.query('state', 'list')).toEqual(listOf([1, 7, 3, 5]));
    expect(await bed.events()).toHaveLength(4);
    expect((await store.views()).map(({ state }) => state)).toEqual(['stopped', 'live', 'live']);
  });

  it('still gives the first answer of a known command', async () => {
    const again = await store.execute('add', 5, { commandId: 'known' });
    expect(again).toEqual({ eventIds: [4], spaceSequence: 4 });
  });

  it('goes on with a fixed app', async () => {
    await store.close();
    bad = new Map();
    const fixed = await open();
    await execute(fixed, 8);
    expect(await fixed.query('state', 'main')).toEqual(mainOf([1, 7, 3, 5, 8]));
  });

  it('goes on when its event is skipped', async () => {
    await store.skipEvent({ spaceSequence: 2 });
    const { 'event:2': _skipped, ...others } = mainOf([1, 7, 3, 5]);
    expect(await store.query('state', 'main')).toEqual(others);
    await execute(store, 8);
    expect(await store.fetch('event:5')).toBe(8);
    expect(await store.query('state', 'list')).toEqual(listOf([1, 7, 3, 5, 8]));
  });

  it('is closed and opened as any other', async () => {
    await store.close();
    const again = await open();
    expect((await rejectionOf(again.fetch('event:1'))).code).toBe('projection_failed');
    await again.close();
    expect(bed.errors).toEqual([]);
  });
});

describe('an event that a view skips', () => {
  it('is passed over for good: after a restart, and in a rebuild', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    await store.skipEvent({ view: 'sum', spaceSequence: 2 });
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 3]));
    await execute(store, 4);
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 3, 4]));
    const reopened = await open();
    expect(await reopened.query('state', 'sum')).toEqual(sumOf([1, 3, 4]));
    applied.clear();
    await reopened.rebuildPState();
    expect(applied.to('sum 1')).toEqual([1, 3, 4]);
    expect(await reopened.query('state', 'sum')).toEqual(sumOf([1, 3, 4]));
    expect(await reopened.query('state', 'main')).toEqual(mainOf([1, 13, 3, 4]));
  });

  it('is not passed over by another version', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    await store.skipEvent({ view: 'sum', spaceSequence: 2 });
    await store.close();
    bad = new Map();
    const raised = await open({ sum: 2 });
    expect(await raised.query('state', 'sum')).toEqual(sumOf([1, 13, 3], 2));
  });

  it('lets the view go on to the next one that it cannot take', async () => {
    const store = await open();
    await execute(store, 1, 13, 3, 13, 5);
    await store.skipEvent({ view: 'sum', spaceSequence: 2 });
    expect((await rejectionOf(store.query('state', 'sum'))).details).toMatchObject({ spaceSequence: 4 });
    await store.skipEvent({ view: 'sum', spaceSequence: 4 });
    expect(await store.query('state', 'sum')).toEqual(sumOf([1, 3, 5]));
  });

  it('may be one at which the filling of a raised version has stopped', async () => {
    bad = new Map();
    const store = await open();
    await execute(store, 1, 13);
    await store.execute('addMany', numbersTo(300));
    await store.close();
    bad = new Map([['sum', [13]]]);
    // 13 is also among the many.
    const raised = await open({ sum: 2 });
    await bed.clock.settle();
    const skipped = [2, 15];
    for (const spaceSequence of skipped) {
      expect((await rejectionOf(raised.query('state', 'sum'))).details).toMatchObject({ spaceSequence });
      await raised.skipEvent({ view: 'sum', spaceSequence });
    }
    const others = [1, ...numbersTo(300)].filter((number) => number !== 13);
    expect(await raised.query('state', 'sum')).toEqual(sumOf(others, 2));
  });

  it('is one at which the view has stopped; any other is refused, and nothing is remembered', async () => {
    const store = await open();
    await execute(store, 1, 13, 3);
    const elsewhere = await rejectionOf(store.skipEvent({ view: 'sum', spaceSequence: 3 }));
    expect(elsewhere.code).toBe('invalid_input');
    expect(elsewhere.message).toBe("spaceSequence must be 2, where the view 'sum' has stopped, but got 3");
    const live = await rejectionOf(store.skipEvent({ view: 'list', spaceSequence: 2 }));
    expect(live.message).toContain("must be absent, as the view 'list' has not stopped");
    expect((await rejectionOf(store.skipEvent({ spaceSequence: 2 }))).code).toBe('invalid_input');
    const unknown = await rejectionOf(store.skipEvent({ view: 'summ', spaceSequence: 2 }));
    expect([unknown.code, unknown.details['nearest']]).toEqual(['unknown_view', 'sum']);
    for (const name of ['main', 'sum', 'list']) {
      expect(bed.pstates.skips(1, { name, version: 1 })).toEqual([]);
    }
    expect((await store.views())[1]?.state).toBe('stopped');
  });

  it('is passed over in states of the past, also in one that was read before', async () => {
    const live = await bed.openLive(tally({ list: 1, breaks }));
    for (const number of [1, 13, 3]) live.take(bed.command('add', number));
    await bed.clock.settle();
    const sumAt = (sequence: number): Promise<unknown> => live.readAt(sequence, fetchTurn('sum', 'sum'));
    expect(await sumAt(1)).toBe(1);
    expect((await rejectionOf(sumAt(3))).code).toBe('projection_failed');
    await live.skip('sum', 2);
    expect([await sumAt(1), await sumAt(2), await sumAt(3)]).toEqual([1, 1, 4]);
  });

  it('is skipped between commits: what is under way is not lost', async () => {
    const live = await bed.openLive(tally({ list: 1, breaks }));
    for (const number of [1, 13]) live.take(bed.command('add', number));
    await bed.clock.settle();
    bed.log.isHeld = true;
    const turn = bed.command('add', 3);
    live.take(turn);
    const skipped = live.skip('sum', 2);
    await bed.clock.settle();
    expect(bed.pstates.skips(1, { name: 'sum', version: 1 })).toEqual([]);
    bed.log.releaseAll();
    await skipped;
    expect((await turn.answer).spaceSequence).toBe(3);
    const read = fetchTurn('sum', 'sum');
    live.take(read);
    expect(await read.answer).toBe(4);
  });
});
