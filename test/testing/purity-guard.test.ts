import { describe, expect, it } from 'vitest';
import { guarded } from '../../src/testing/purity-guard.js';

describe('the guard of clocks and dice', () => {
  const used = (run: () => unknown): string[] => {
    const seen: string[] = [];
    guarded((what) => seen.push(what), run);
    return seen;
  };

  it('tells what was used, and leaves what only looks like it alone', () => {
    expect(used(() => Date.now())).toEqual(['Date.now()']);
    expect(used(() => new Date())).toEqual(['new Date()']);
    expect(used(() => Date())).toEqual(['Date()']);
    expect(used(() => Math.random())).toEqual(['Math.random()']);
    expect(used(() => new Date(0).toISOString() + String(Date.UTC(2024, 0, 1)))).toEqual([]);
    expect(used(() => expect(new Date(5) instanceof Date).toBe(true))).toEqual([]);
  });

  it('puts everything back, also behind an error, and one inside another', () => {
    const [date, random] = [Date, Math.random];
    expect(used(() => used(() => Date.now()))).toEqual([]);
    expect(() =>
      guarded(
        () => {},
        () => {
          throw new Error('oh');
        },
      ),
    ).toThrow('oh');
    expect([Date, Math.random]).toEqual([date, random]);
  });
});
