import { describe, expect, it } from 'vitest';
import { spreadOf } from '../../bench/spread.js';

describe('the spread of figures', () => {
  it('is the middle one and the ends, by size and not by text', () => {
    expect(spreadOf([100, 9, 20])).toEqual({ median: 20, min: 9, max: 100 });
  });

  it('takes the mean of the two in the middle of an even number', () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  it('is the figure itself for one, and an error for none', () => {
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});
