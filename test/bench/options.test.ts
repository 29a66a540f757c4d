import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError, usage } from '../../bench/options.js';
import { coreGroups, groupNames } from '../../bench/row.js';

describe('the command line of the benchmark', () => {
  it('has defaults for everything', () => {
    expect(parseOptions([])).toEqual({
      groups: coreGroups,
      rounds: 5,
      seconds: 1,
      tiny: false,
      json: undefined,
      svg: undefined,
      directory: undefined,
      shards: undefined,
    });
  });

  it('takes groups, rounds, fractions of a second, shards and paths', () => {
    const line =
      '--only w2 --only peers --rounds 1 --seconds 0.3 --shards 2 --json a.json --svg a.svg --directory /disk';
    expect(parseOptions(line.split(' '))).toEqual({
      groups: ['w2', 'peers'],
      rounds: 1,
      seconds: 0.3,
      tiny: false,
      json: 'a.json',
      svg: 'a.svg',
      directory: '/disk',
      shards: 2,
    });
  });

  it('runs every group with --full, and only those named with --only', () => {
    expect(parseOptions(['--full'])).toMatchObject({ groups: groupNames });
    expect(parseOptions(['--full', '--only', 'w6'])).toMatchObject({ groups: ['w6'] });
  });

  it('runs one short round with --tiny, unless told otherwise', () => {
    expect(parseOptions(['--tiny'])).toMatchObject({ tiny: true, rounds: 1, seconds: 0.2 });
    expect(parseOptions(['--tiny', '--rounds', '2'])).toMatchObject({ rounds: 2 });
  });

  it.each([
    ['--only', 'w9'],
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--seconds', 'two'],
    ['--seconds', '0'],
    ['--shards', '17'],
    ['--json', ''],
    ['--svg', ''],
    ['--warm-up', '1'],
  ])('refuses %s %s with the name of the option', (name, value) => {
    expect(() => parseOptions([name, value])).toThrow(UsageError);
    expect(() => parseOptions([name, value])).toThrow(name);
  });

  it('names every option and every group in its help', () => {
    expect(parseOptions(['--help'])).toBe('help');
    const options = [
      'only',
      'full',
      'rounds',
      'seconds',
      'tiny',
      'shards',
      'directory',
      'json',
      'svg',
      'help',
    ];
    for (const name of options) expect(usage).toContain(`--${name}`);
    for (const group of groupNames) expect(usage).toContain(group);
  });
});
