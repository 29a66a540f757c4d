import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../examples/demo/command-line.js';
import { parseOptions, usage } from '../../../examples/demo/options.js';

describe('the options of the demo', () => {
  it('have defaults', () => {
    expect(parseOptions([])).toEqual({
      csv: undefined,
      history: false,
      tenants: 100,
      commands: 100_000,
      inFlightMax: 1_024,
      shards: undefined,
      directory: undefined,
      keep: false,
      seed: 1,
      acknowledgedLog: undefined,
      verifyLog: undefined,
      quiet: false,
    });
  });

  it('are taken from the command line', () => {
    const args = [
      '--tenants',
      '5',
      '--commands=0',
      '--in-flight',
      '7',
      '--shards',
      '2',
      '--seed',
      '0',
      '--keep',
      'x.csv',
    ];
    expect(parseOptions(args)).toMatchObject({
      csv: 'x.csv',
      tenants: 5,
      commands: 0,
      inFlightMax: 7,
      shards: 2,
      seed: 0,
      keep: true,
    });
  });

  it.each([
    [['--tenants', '0'], '--tenants must be an integer from 1 to 100000, but is "0"'],
    [['--commands', '1e5'], '--commands must be an integer'],
    [['--in-flight', '1.5'], '--in-flight must be an integer'],
    [['--shards', '0'], '--shards must be an integer'],
    [['--seed=-1'], '--seed must be an integer'],
    [['--directory', ''], '--directory must not be empty'],
    [['--tenant', '5'], '--tenant'],
    [['a.csv', 'b.csv'], 'expected one file at most'],
    [['--history'], '--history needs a file'],
    [['--verify-log', 'f'], '--verify-log needs --directory'],
    [['--verify-log', 'f', '--directory', 'd', 'a.csv'], 'takes neither a file'],
    [['--acknowledged-log', 'f', 'a.csv'], 'not to a replay'],
  ])('refuse %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });

  it('are all in the help text, with the defaults that hold', () => {
    expect(parseOptions(['--help'])).toBe('help');
    for (const default_ of ['(100)', '(100000)', '(1024)', '(1)']) expect(usage).toContain(default_);
  });
});
