import { describe, expect, it } from 'vitest';
import { Random } from '../../../examples/demo/random.js';

function numbers(seed: number, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
}

describe('seeded numbers', () => {
  it('are the same for the same seed and others for the next one', () => {
    expect(numbers(1, 100)).toEqual(numbers(1, 100));
    expect(numbers(1, 100)).not.toEqual(numbers(2, 100));
  });

  it('lie from 0 to 1 and fill it evenly', () => {
    const all = numbers(3, 20_000);
    expect(all.every((number) => number >= 0 && number < 1)).toBe(true);
    for (let tenth = 0; tenth < 10; tenth++) {
      const inTenth = all.filter((number) => Math.floor(number * 10) === tenth).length;
      expect(Math.abs(inTenth - 2_000)).toBeLessThan(200);
    }
  });

  it('pick every choice and no other', () => {
    const random = new Random(4);
    const picked = new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])));
    expect([...picked].sort()).toEqual(['a', 'b', 'c']);
  });
});
