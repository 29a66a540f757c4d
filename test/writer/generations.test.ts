import { describe, expect, it } from 'vitest';
import { Generations } from '../../src/writer/generations.js';

describe('generations', () => {
  it('make every earlier one of the space stale, and leave other spaces alone', () => {
    const generations = new Generations(3);
    const [first, other] = [generations.raise(1), generations.raise(2)];
    expect(generations.isCurrent(1, first)).toBe(true);
    const second = generations.raise(1);
    expect(generations.isCurrent(1, first)).toBe(false);
    expect(generations.isCurrent(1, second)).toBe(true);
    expect(generations.isCurrent(2, other)).toBe(true);
  });

  it('are never given twice, also not by a later owner of the log', () => {
    const [earlier, later] = [new Generations(1), new Generations(2)];
    expect(earlier.raise(1)).toBeLessThan(later.raise(1));
    expect(later.isCurrent(1, earlier.raise(1))).toBe(false);
  });

  it('end with their space', () => {
    const generations = new Generations(1);
    const generation = generations.raise(1);
    generations.close(1);
    expect(generations.isCurrent(1, generation)).toBe(false);
  });
});
