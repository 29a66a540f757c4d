/** What the benchmark takes on its command line. Pure: reads no environment and prints nothing. */

import { parseArgs } from 'node:util';
import { type WorkloadName, workloadNames } from './workloads.js';

/** The choices of one run. */
export interface BenchOptions {
  readonly only: readonly WorkloadName[];
  readonly rounds: number;
  /** The measured phase of each trial, at most. */
  readonly seconds: number;
  /** Where the results go; undefined leaves it to the runner. */
  readonly json: string | undefined;
  /** Where the data of the trials goes, on the disk that is to be measured; undefined leaves it to the runner. */
  readonly directory: string | undefined;
  /** Shards of Ramax; undefined leaves the choice to the runtime. */
  readonly shards: number | undefined;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `Usage: node dist/bench/main.js [options]

Measures the walk of a command (execute to synced answer) beside yardsticks without Ramax, each trial in a process of
its own, and prints tables. 16 trials a round: with the defaults, some seven minutes in all.

  --only w1|w2     one workload (both)
  --rounds N       rounds over all configurations (5)
  --seconds S      the measured phase of a trial, at most; the warm-up is at most twice as long (2)
  --shards N       shard threads of Ramax (its default)
  --directory DIR  where the data goes while it runs (a fresh directory in the current one)
  --json FILE      where the results go (bench/results/<time>.json)
  --help           this text

Exit code: 0 when every trial ran and its events were counted, 1 when one did not, 2 for a wrong command line,
130 when interrupted.
`;

/**
 * The options in `args`, or 'help'.
 *
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  return {
    only: values.only === undefined ? workloadNames : [workloadName(values.only)],
    rounds: number('rounds', values.rounds ?? '5', { min: 1, max: 1_000, integer: true }),
    seconds: number('seconds', values.seconds ?? '2', { min: 0.1, max: 600, integer: false }),
    json: text('json', values.json),
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
        only: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        json: { type: 'string' },
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

function workloadName(given: string): WorkloadName {
  const known = workloadNames.find((name) => name === given);
  if (known !== undefined) return known;
  throw new UsageError(`--only must be one of ${workloadNames.join(', ')}, but is ${JSON.stringify(given)}`);
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
