import { beforeEach, describe, expect, it } from 'vitest';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { ReadTurn } from '../../src/content-store/turn.js';
import { RamaxError } from '../../src/core/errors.js';
import { Mailbox } from '../../src/shard/mailbox.js';
import { Rounds } from '../../src/shard/rounds.js';
import { MemoryBed } from '../content-store/memory-bed.js';
import { Settlements } from '../content-store/settlements.js';
import { errorOf } from '../core/error-of.js';
import { slowApp } from './slow-app.js';

const limits = { mailboxTurnsMax: 300, turnBudgetMs: 4 };
/** Turns that a mailbox prepares together at most. */
const batch = 64;

let bed: MemoryBed;
let live: LiveSpace;
let mailbox: Mailbox;
let decided: string[];
let settled: Settlements;

beforeEach(async () => {
  bed = await MemoryBed.make('held');
  decided = [];
  settled = new Settlements();
  live = await bed.openLive(slowApp(bed.clock, decided), { speculativeTurnsMax: 1_000 });
  mailbox = new Mailbox({
    clock: bed.clock,
    limits,
    rounds: new Rounds(bed.clock, limits),
    current: () => live,
    open: async () => live,
  });
});

function mailboxOf(space: LiveSpace, rounds = new Rounds(bed.clock, limits)): Mailbox {
  return new Mailbox({ clock: bed.clock, limits, rounds, current: () => space, open: async () => space });
}

function post(name: string, ms = 0, to = mailbox): void {
  const turn = bed.command('work', { name, ms });
  to.post(turn);
  settled.watch(name, turn.answer);
}

function postMany(count: number, ms: number): string[] {
  const names = Array.from({ length: count }, (_, n) => `turn ${n}`);
  for (const name of names) post(name, ms);
  return names.map((name) => `acme ${name}`);
}

describe('a mailbox', () => {
  it('decides turns in the order in which they were posted, over many batches', async () => {
    const names = postMany(200, 0);
    await bed.clock.settle();
    expect(decided).toEqual(names);
    expect([mailbox.size, mailbox.decided]).toEqual([0, 200]);
    expect(settled.open).toBe(0);
  });

  it('drains for its budget and then lets the others go first', async () => {
    postMany(10, 1);
    const afterTurn: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await bed.clock.turn();
      afterTurn.push(decided.length);
    }
    expect(afterTurn).toEqual([4, 8, 10, 10]);
  });

  it('decides one turn at least, however long it takes', async () => {
    postMany(3, 50);
    const afterTurn: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      await bed.clock.turn();
      afterTurn.push(decided.length);
    }
    expect(afterTurn).toEqual([1, 2, 3]);
  });

  it('lets the others go first after a batch of turns that take no time', async () => {
    postMany(batch + 1, 0);
    await bed.clock.turn();
    expect(decided).toHaveLength(batch);
    await bed.clock.turn();
    expect(decided).toHaveLength(batch + 1);
  });

  it('goes on deciding while commits are under way', async () => {
    bed.log.isHeld = true;
    postMany(100, 0);
    await bed.clock.settle();
    expect([decided.length, settled.names.length]).toEqual([100, 0]);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.open).toBe(0);
  });

  it('waits while the space decides no more ahead, and goes on behind the commits', async () => {
    live = await bed.openLive(slowApp(bed.clock, decided), { speculativeTurnsMax: 3 });
    bed.log.isHeld = true;
    const names = postMany(8, 0);
    await bed.clock.settle();
    expect([decided.length, mailbox.size]).toEqual([3, 5]);
    bed.log.release();
    await bed.clock.settle();
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(decided).toEqual(names);
    expect(settled.open).toBe(0);
  });

  it('refuses a turn over its bound, and takes turns again when there is room', async () => {
    postMany(limits.mailboxTurnsMax, 0);
    const error = errorOf(() => post('one more'));
    expect([error.code, error.details]).toEqual(['overloaded', { mailboxTurnsMax: limits.mailboxTurnsMax }]);
    expect(mailbox.size).toBe(limits.mailboxTurnsMax);
    await bed.clock.settle();
    post('later');
    await bed.clock.settle();
    expect(decided.at(-1)).toBe('acme later');
    expect(decided).toHaveLength(limits.mailboxTurnsMax + 1);
  });

  it('refuses the turns that find the space closed to them, and tries again with the next', async () => {
    let openings = 0;
    const damaged = new RamaxError('corrupt', 'damaged');
    mailbox = new Mailbox({
      clock: bed.clock,
      limits,
      rounds: new Rounds(bed.clock, limits),
      current: () => (openings > 1 ? live : undefined),
      open: () => (++openings === 1 ? Promise.reject(damaged) : Promise.resolve(live)),
    });
    postMany(batch + 2, 0);
    await bed.clock.settle();
    expect(settled.outcomes['turn 0']).toMatchObject({ code: 'corrupt' });
    expect(settled.outcomes[`turn ${batch - 1}`]).toMatchObject({ code: 'corrupt' });
    expect(decided).toEqual([`acme turn ${batch}`, `acme turn ${batch + 1}`]);
    expect(mailbox.size).toBe(0);
  });

  it('runs a task between two drains, while nothing is decided', async () => {
    postMany(9, 1);
    await bed.clock.turn();
    let end: () => void = () => {};
    const seen: number[] = [];
    const task = mailbox.run(async () => {
      seen.push(decided.length);
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      seen.push(decided.length);
      return 'done';
    });
    for (let turn = 0; turn < 4; turn++) await bed.clock.turn();
    end();
    expect(await task).toBe('done');
    expect(seen).toEqual([4, 4]);
    await bed.clock.settle();
    expect(decided).toHaveLength(9);
  });

  it('refuses everything that waits when it is told to', async () => {
    postMany(9, 1);
    await bed.clock.turn();
    mailbox.refuseAll(new RamaxError('not_found', 'gone'));
    await bed.clock.settle();
    expect(decided).toHaveLength(4);
    expect(settled.outcomes['turn 4']).toMatchObject({ code: 'not_found' });
    expect([settled.open, mailbox.size]).toEqual([0, 0]);
  });

  it('passes over a turn whose caller has gone', async () => {
    const turn = bed.command('work', { name: 'aborted', ms: 0 });
    settled.watch('aborted', turn.answer);
    mailbox.post(turn);
    post('next');
    turn.cancel();
    await bed.clock.settle();
    expect(decided).toEqual(['acme next']);
    expect(settled.outcomes['aborted']).toMatchObject({ code: 'aborted' });
  });
});

describe('a shard with long backlogs', () => {
  it('decides a turn of another space after one drain of each at most', async () => {
    const spaces = 5;
    const app = slowApp(bed.clock, decided);
    const mailboxes = await Promise.all(
      Array.from({ length: spaces }, async (_, n) => {
        const spaceName = `busy ${n}`;
        const live = await bed.openLive(app, {}, undefined, {
          spaceName,
          spaceId: await bed.addSpace(spaceName),
        });
        return mailboxOf(live);
      }),
    );
    for (const [n, busy] of mailboxes.entries()) {
      for (let turn = 0; turn < 40; turn++) post(`${n} ${turn}`, 1, busy);
    }
    await bed.clock.turn();
    const before = decided.length;
    post('arrives', 0);
    while (!decided.includes('acme arrives')) await bed.clock.turn();
    const passedBy = decided.slice(before, decided.indexOf('acme arrives'));
    for (let n = 0; n < spaces; n++) {
      const ofSpace = passedBy.filter((name) => name.startsWith(`busy ${n} `));
      expect(ofSpace.length).toBeLessThanOrEqual(limits.turnBudgetMs);
    }
    await bed.clock.settle();
    expect(settled.open).toBe(0);
  });

  it('goes round: no backlog gets ahead of another by more than a drain', async () => {
    const spaces = 3;
    const app = slowApp(bed.clock, decided);
    for (let n = 0; n < spaces; n++) {
      const spaceName = `busy ${n}`;
      const live = await bed.openLive(app, {}, undefined, {
        spaceName,
        spaceId: await bed.addSpace(spaceName),
      });
      const busy = mailboxOf(live);
      for (let turn = 0; turn < 30; turn++) post(`${n} ${turn}`, 1, busy);
    }
    while (settled.open > 0) {
      await bed.clock.turn();
      const counts = Array.from(
        { length: spaces },
        (_, n) => decided.filter((name) => name.startsWith(`busy ${n} `)).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(limits.turnBudgetMs);
    }
  });
});

describe('reads', () => {
  it('stand in the same line', async () => {
    bed.log.isHeld = true;
    const read = new ReadTurn(({ main }) => main.size);
    post('a');
    mailbox.post(read);
    post('b');
    settled.watch('read', read.answer);
    await bed.clock.settle();
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.outcomes['read']).toEqual({ kind: 'ok', value: 1 });
  });
});
