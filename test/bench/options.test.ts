import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError, usage } from '../../bench/options.js';

describe('the command line of the benchmark', () => {
  it('has defaults for everything', () => {
    expect(parseOptions([])).toEqual({
      only: ['w1', 'w2'],
      rounds: 5,
      seconds: 2,
      json: undefined,
      directory: undefined,
      shards: undefined,
    });
  });

  it('takes one workload, rounds, fractions of a second, shards and paths', () => {
    const line = '--only w2 --rounds 1 --seconds 0.3 --shards 2 --json a.json --directory /disk';
    expect(parseOptions(line.split(' '))).toEqual({
      only: ['w2'],
      rounds: 1,
      seconds: 0.3,
      json: 'a.json',
      directory: '/disk',
      shards: 2,
    });
  });

  it.each([
    ['--only', 'w3'],
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--seconds', 'two'],
    ['--seconds', '0'],
    ['--shards', '17'],
    ['--json', ''],
    ['--warm-up', '1'],
  ])('refuses %s %s with the name of the option', (name, value) => {
    expect(() => parseOptions([name, value])).toThrow(UsageError);
    expect(() => parseOptions([name, value])).toThrow(name);
  });

  it('names every option in its help', () => {
    expect(parseOptions(['--help'])).toBe('help');
    for (const name of ['only', 'rounds', 'seconds', 'shards', 'directory', 'json', 'help']) {
      expect(usage).toContain(`--${name}`);
    }
  });
});
