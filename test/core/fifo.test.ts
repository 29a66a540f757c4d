import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/core/fifo.js';

interface Both {
  readonly model: number[];
  readonly fifo: Fifo<number>;
}

/** A step on the queue and on the array that says how it must behave. */
type Step = (both: Both) => void;

const pushes = fc.integer({ min: 1, max: 3_000 }).map<Step>((count) => ({ model, fifo }) => {
  for (let item = 0; item < count; item++) {
    model.push(item);
    fifo.push(item);
  }
});

const shifts = fc.integer({ min: 1, max: 3_000 }).map<Step>((count) => ({ model, fifo }) => {
  const taken = Array.from({ length: count }, () => fifo.shift());
  const expected = Array.from({ length: count }, () => model.shift());
  expect(taken).toEqual(expected);
});

const peeks = fc.nat(3_000).map<Step>((count) => ({ model, fifo }) => {
  expect(fifo.peekMany(count)).toEqual(model.slice(0, count));
  expect(fifo.peek(count)).toBe(model[count]);
  expect(fifo.peek()).toBe(model[0]);
});

const takesAll = fc.constant<Step>(({ model, fifo }) => {
  expect(fifo.takeAll()).toEqual(model.splice(0));
});

describe('a Fifo', () => {
  it('behaves as an array does', () => {
    const step = fc.oneof(
      { arbitrary: pushes, weight: 3 },
      { arbitrary: shifts, weight: 3 },
      { arbitrary: peeks, weight: 3 },
      { arbitrary: takesAll, weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const both = { model: [], fifo: new Fifo<number>() };
        for (const run of steps) {
          run(both);
          expect(both.fifo.size).toBe(both.model.length);
        }
      }),
    );
  });
});
