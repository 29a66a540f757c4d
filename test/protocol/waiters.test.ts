import { describe, expect, it } from 'vitest';
import { Waiters } from '../../src/protocol/waiters.js';

const waiter = () => ({ answered: () => {}, failed: () => {} });

describe('who waits at a link', () => {
  it('is found by the id of the call until it has ended, and then no more', () => {
    const waiters = new Waiters();
    const [one, other] = [waiter(), waiter()];
    const ids = [waiters.add(one), waiters.add(other)];
    expect(ids.map((id) => waiters.get(id))).toEqual([one, other]);
    expect([waiters.take(ids[0]!), waiters.take(ids[0]!), waiters.size]).toEqual([one, undefined, 1]);
    expect([waiters.get(-1), waiters.take(-1), waiters.take(99)]).toEqual([undefined, undefined, undefined]);
    expect(waiters.add(waiter())).toBe(ids[0]);
  });

  it('is no more than was open at once, however many calls there were', () => {
    const waiters = new Waiters();
    const ids = new Set<number>();
    for (let call = 0; call < 1_000; call++) {
      const pair = [waiters.add(waiter()), waiters.add(waiter())];
      for (const id of pair) {
        ids.add(id);
        waiters.take(id);
      }
    }
    expect([ids.size, waiters.size]).toEqual([2, 0]);
  });

  it('is told in the order of the calls when all have ended, whatever their ids', () => {
    const waiters = new Waiters();
    const [a, b, c, d] = [waiter(), waiter(), waiter(), waiter()];
    const first = waiters.add(a);
    waiters.add(b);
    waiters.add(c);
    waiters.take(first);
    expect(waiters.add(d)).toBe(first);
    const all = waiters.takeAll();
    expect([all.indexOf(b), all.indexOf(c), all.indexOf(d), waiters.size]).toEqual([0, 1, 2, 0]);
  });
});
