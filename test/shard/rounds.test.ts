import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Drainable, Rounds } from '../../src/shard/rounds.js';
import { ManualClock } from '../testing/manual-clock.js';

const turnBudgetMs = 4;

/** Has so many turns of so many milliseconds, and takes one at least. */
class Backlog implements Drainable {
  readonly #name: string;
  readonly #clock: ManualClock;
  readonly #taken: string[];
  readonly #turnMs: number;
  #left: number;
  isSlow = false;

  constructor(name: string, clock: ManualClock, taken: string[], turns: number, turnMs: number) {
    this.#name = name;
    this.#clock = clock;
    this.#taken = taken;
    this.#left = turns;
    this.#turnMs = turnMs;
  }

  drain(endMs: number): boolean {
    do {
      this.#clock.pass(this.#turnMs);
      this.#taken.push(this.#name);
      this.#left--;
    } while (this.#left > 0 && this.#clock.monotonicMs() < endMs);
    return this.#left > 0;
  }
}

function bed() {
  const clock = new ManualClock('held');
  const taken: string[] = [];
  const rounds = new Rounds(clock, { turnBudgetMs });
  return { clock, taken, rounds };
}

describe('the rounds of a shard', () => {
  it('serve all that have turns in one task, in the order in which they came', async () => {
    const { clock, taken, rounds } = bed();
    for (const name of ['a', 'b', 'c']) rounds.add(new Backlog(name, clock, taken, 2, 0));
    expect(taken).toEqual([]);
    await clock.turn();
    expect(taken).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('let the ports go first when their budget is spent, however long the line is', async () => {
    const { clock, taken, rounds } = bed();
    for (const name of ['a', 'b', 'c']) rounds.add(new Backlog(name, clock, taken, 3, 2));
    const seen: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      await clock.turn();
      seen.push(taken.length);
    }
    expect(seen).toEqual([2, 4, 6, 8, 9]);
    expect(taken).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'a', 'b', 'c']);
  });

  it('serve whoever comes in the middle of a round behind those that wait', async () => {
    const { clock, taken, rounds } = bed();
    rounds.add(new Backlog('a', clock, taken, 3, 4));
    rounds.add(new Backlog('b', clock, taken, 1, 4));
    await clock.turn();
    rounds.add(new Backlog('late', clock, taken, 1, 4));
    await clock.settle();
    expect(taken).toEqual(['a', 'b', 'a', 'late', 'a']);
  });

  it('let no slow backlog have more than one turn beside all that the others have, and none starve', async () => {
    const { clock, taken, rounds } = bed();
    for (const name of ['s', 't']) rounds.add(new Backlog(name, clock, taken, 4, 8));
    for (const name of ['a', 'b']) rounds.add(new Backlog(name, clock, taken, 6, 1));
    const seen: string[] = [];
    for (let turn = 0; turn < 9; turn++) {
      await clock.turn();
      seen.push(taken.splice(0).join(''));
    }
    // Before they are known, the slow ones have a turn each; then one of them behind the others in each round.
    expect(seen).toEqual(['s', 'ts', 'aaaat', 'bbbbs', 'aabbt', 's', 't', '', '']);
  });

  it('send what is decided before and behind a slow turn', async () => {
    const { clock, taken, rounds } = bed();
    rounds.sendNow = () => taken.push('sent');
    rounds.add(new Backlog('s', clock, taken, 2, 8));
    await clock.turn();
    rounds.add(new Backlog('a', clock, taken, 1, 1));
    await clock.settle();
    expect(taken).toEqual(['s', 'a', 'sent', 's', 'sent']);
  });

  it('take a backlog for slow as long as its turns are', async () => {
    const { clock, taken, rounds } = bed();
    let turnMs = 8;
    const one: Drainable = {
      isSlow: false,
      drain: () => {
        clock.pass(turnMs);
        return false;
      },
    };
    for (const [ms, isSlow] of [
      [8, true],
      [1, false],
      [1, false],
    ] as const) {
      turnMs = ms;
      rounds.add(one);
      await clock.settle();
      expect(one.isSlow).toBe(isSlow);
    }
    expect(taken).toEqual([]);
  });

  it('let no backlog wait for more than one drain of each other, and lose none', async () => {
    const backlog = fc.record({
      turns: fc.integer({ min: 1, max: 12 }),
      turnMs: fc.integer({ min: 0, max: turnBudgetMs / 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(backlog, { minLength: 1, maxLength: 6 }), async (backlogs) => {
        const { clock, taken, rounds } = bed();
        const drains: string[] = [];
        for (const [n, { turns, turnMs }] of backlogs.entries()) {
          const inner = new Backlog(`${n}`, clock, taken, turns, turnMs);
          rounds.add({
            isSlow: false,
            drain(endMs) {
              drains.push(`${n}`);
              return inner.drain(endMs);
            },
          });
        }
        await clock.settle();
        expect(taken).toHaveLength(backlogs.reduce((sum, { turns }) => sum + turns, 0));
        for (const name of new Set(drains)) {
          const places = drains.flatMap((drained, place) => (drained === name ? place : []));
          for (let n = 1; n < places.length; n++) {
            const between = drains.slice(places[n - 1]! + 1, places[n]);
            expect(new Set(between).size).toBe(between.length);
          }
        }
      }),
    );
  });
});
