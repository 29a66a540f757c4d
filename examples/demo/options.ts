/** What the demo program takes on its command line. Pure: reads no environment and prints nothing. */

import { integerOption, readArguments, textOption, UsageError } from './command-line.js';

/** The choices of one run. */
export interface DemoOptions {
  /** A workflow log to replay instead of the generated load. */
  readonly csv: string | undefined;
  /** Import that log as the history that it is, and ask no rule. */
  readonly history: boolean;
  readonly tenants: number;
  readonly commands: number;
  /** Commands sent and not yet answered, at most. */
  readonly inFlightMax: number;
  /** Shard threads; undefined leaves the choice to the runtime. */
  readonly shards: number | undefined;
  /** The data directory; undefined means a fresh temporary one. */
  readonly directory: string | undefined;
  /** Whether a temporary directory stays. */
  readonly keep: boolean;
  readonly seed: number;
  /** Where every acknowledged command leaves a line. */
  readonly acknowledgedLog: string | undefined;
  /** Such a file, to be held against the directory. */
  readonly verifyLog: string | undefined;
  readonly quiet: boolean;
}

export const usage = `Usage: main.js [options] [log.csv[.gz]]

Without a file: sends a seeded load of CRM commands to many tenants. With a file: replays that workflow log
through the claims app, one space per department. Both then check what Ramax promises and print a summary.

  --history              import the file as history, with its own times, in place of replaying it as commands
  --tenants N            tenants of the CRM (100)
  --commands N           commands to send (100000)
  --in-flight N          commands sent and not yet answered, at most (1024)
  --shards N             shard threads, 1 to 16 (the runtime's default)
  --directory DIR        data directory, created when missing and kept (a temporary one, removed at the end)
  --keep                 keep the temporary directory
  --seed N               seed of the load (1)
  --acknowledged-log F   append one JSON line per acknowledged command to F
  --verify-log F         send nothing: hold such a file against --directory and print a one-line JSON verdict
  --quiet                no progress
  --help                 this text

Exit code: 0 when every check holds, 1 when one does not, 2 for a wrong command line, 130 or 143 when interrupted.
`;

/**
 * The options in `args`, or 'help'.
 *
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (positionals.length > 1) throw new UsageError(`expected one file at most, got ${positionals.join(' ')}`);
  const options: DemoOptions = {
    csv: positionals[0],
    history: values.history ?? false,
    tenants: integerOption('tenants', values.tenants, 1, 100_000) ?? 100,
    commands: integerOption('commands', values.commands, 0, 1_000_000_000) ?? 100_000,
    inFlightMax: integerOption('in-flight', values['in-flight'], 1, 65_536) ?? 1_024,
    shards: integerOption('shards', values.shards, 1, 16),
    directory: textOption('directory', values.directory),
    keep: values.keep ?? false,
    seed: integerOption('seed', values.seed, 0, 0xffff_ffff) ?? 1,
    acknowledgedLog: textOption('acknowledged-log', values['acknowledged-log']),
    verifyLog: textOption('verify-log', values['verify-log']),
    quiet: values.quiet ?? false,
  };
  refuseContradictions(options);
  return options;
}

function parse(args: readonly string[]) {
  return readArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      history: { type: 'boolean' },
      tenants: { type: 'string' },
      commands: { type: 'string' },
      'in-flight': { type: 'string' },
      shards: { type: 'string' },
      directory: { type: 'string' },
      keep: { type: 'boolean' },
      seed: { type: 'string' },
      'acknowledged-log': { type: 'string' },
      'verify-log': { type: 'string' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function refuseContradictions({ csv, history, directory, acknowledgedLog, verifyLog }: DemoOptions): void {
  if (history && csv === undefined) throw new UsageError('--history needs a file');
  if (verifyLog !== undefined && directory === undefined) {
    throw new UsageError('--verify-log needs --directory, the one that the commands were sent to');
  }
  if (verifyLog !== undefined && (csv !== undefined || acknowledgedLog !== undefined)) {
    throw new UsageError('--verify-log sends nothing: it takes neither a file nor --acknowledged-log');
  }
  if (csv !== undefined && acknowledgedLog !== undefined) {
    throw new UsageError('--acknowledged-log belongs to the generated load, not to a replay');
  }
}
