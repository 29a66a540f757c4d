/** What the benchmark takes on its command line. Pure: reads no environment and prints nothing. */

import { parseArgs } from 'node:util';
import { coreGroups, type GroupName, groupNames } from './row.js';

/** The choices of one run. */
export interface BenchOptions {
  readonly groups: readonly GroupName[];
  readonly rounds: number;
  /** The measured phase of each trial, at most. */
  readonly seconds: number;
  /** Sizes with which everything runs through in a moment. */
  readonly tiny: boolean;
  /** Where the results go; undefined leaves it to the runner. */
  readonly json: string | undefined;
  /** Where the chart goes; undefined: beside the results. */
  readonly svg: string | undefined;
  /** Where the data of the trials goes, on the disk that is to be measured; undefined leaves it to the runner. */
  readonly directory: string | undefined;
  /** Shards of Ramax; undefined leaves the choice to the runtime. */
  readonly shards: number | undefined;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Usage: npm run bench -- [options]

Measures Ramax beside yardsticks without it, each trial in a process of its own, and prints one table: what was asked,
Ramax, yardstick, ratio, target, met or not. Then the cost of each trial, and what is not measured.

  --only GROUP     rows of one group; may be given several times (${coreGroups.join(', ')})
                   groups: ${groupNames.join(', ')}
  --full           all groups, also those that take long and need other software (npm run bench:full)
  --rounds N       rounds over all configurations (5)
  --seconds S      the measured phase of a trial, at most; the warm-up is at most one and a half times as long (1)
  --shards N       shard threads of Ramax (its default)
  --directory DIR  where the data goes while it runs (a fresh directory in the current one)
  --json FILE      where the results go (bench/results/<time>.json)
  --svg FILE       where the chart goes (beside the results)
  --tiny           tiny sizes: everything runs through in a moment, and the figures say nothing
  --help           this text

Exit code: 0 when every trial ran and its events were counted, 1 when one of Ramax or a yardstick did not (a peer that
cannot be run is named in the report), 2 for a wrong command line, 130 when interrupted.
`;

/**
 * The options in `args`, or 'help'.
 *
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const tiny = values.tiny ?? false;
  return {
    groups: groupsOf(values.only?.map(groupName), values.full ?? false),
    rounds: number('rounds', values.rounds ?? (tiny ? '1' : '5'), { min: 1, max: 1_000, integer: true }),
    seconds: number('seconds', values.seconds ?? (tiny ? '0.2' : '1'), {
      min: 0.1,
      max: 600,
      integer: false,
    }),
    tiny,
    json: text('json', values.json),
    svg: text('svg', values.svg),
    directory: text('directory', values.directory),
    shards:
      values.shards === undefined
        ? undefined
        : number('shards', values.shards, { min: 1, max: 16, integer: true }),
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        full: { type: 'boolean' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        tiny: { type: 'boolean' },
        json: { type: 'string' },
        svg: { type: 'string' },
        directory: { type: 'string' },
        shards: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function groupsOf(only: readonly GroupName[] | undefined, full: boolean): readonly GroupName[] {
  if (only !== undefined) return [...new Set(only)];
  return full ? groupNames : coreGroups;
}

function groupName(given: string): GroupName {
  const known = groupNames.find((name) => name === given);
  if (known !== undefined) return known;
  throw new UsageError(`--only must be one of ${groupNames.join(', ')}, but is ${JSON.stringify(given)}`);
}

interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
}

function number(name: string, given: string, { min, max, integer }: NumberRule): number {
  const value = Number(given);
  const isWellFormed = integer ? /^\d+$/.test(given) : /^\d+(\.\d+)?$/.test(given);
  if (isWellFormed && value >= min && value <= max) return value;
  const kind = integer ? 'an integer' : 'a number';
  throw new UsageError(`--${name} must be ${kind} from ${min} to ${max}, but is ${JSON.stringify(given)}`);
}

function text(name: string, given: string | undefined): string | undefined {
  if (given === '') throw new UsageError(`--${name} must not be empty`);
  return given;
}
