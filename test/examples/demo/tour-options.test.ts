import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../examples/demo/command-line.js';
import { parseTourOptions, tourUsage } from '../../../examples/demo/tour-options.js';

const plan = {
  about: 'A tour of houses.',
  sizes: { houses: { says: 'houses', default: 3, max: 10 }, rooms: { says: 'rooms', default: 2, max: 5 } },
};

describe('the options of a tour', () => {
  it('have defaults', () => {
    expect(parseTourOptions([], plan)).toEqual({
      sizes: { houses: 3, rooms: 2 },
      shards: undefined,
      directory: undefined,
    });
  });

  it('are read', () => {
    const args = ['--houses', '10', '--rooms=1', '--shards', '2', '--directory', 'd'];
    expect(parseTourOptions(args, plan)).toEqual({
      sizes: { houses: 10, rooms: 1 },
      shards: 2,
      directory: 'd',
    });
  });

  it.each([
    [['--houses', '11'], '--houses must be an integer from 1 to 10, but is "11"'],
    [['--rooms', '0'], '--rooms must be an integer from 1 to 5'],
    [['--shards', '17'], '--shards must be an integer from 1 to 16'],
    [['--directory', ''], '--directory must not be empty'],
    [['--house', '1'], '--house'],
    [['somewhere'], 'somewhere'],
  ])('refuse %j', (args, message) => {
    expect(() => parseTourOptions(args, plan)).toThrow(UsageError);
    expect(() => parseTourOptions(args, plan)).toThrow(message);
  });

  it('are all in the help text, with their bounds and defaults', () => {
    expect(parseTourOptions(['--help'], plan)).toBe('help');
    expect(tourUsage(plan)).toContain('A tour of houses.');
    expect(tourUsage(plan)).toMatch(/--houses N +houses, at most 10 \(3\)/);
    for (const option of ['--rooms N', '--shards N', '--directory DIR', '--help']) {
      expect(tourUsage(plan)).toContain(option);
    }
  });
});
