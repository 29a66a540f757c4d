/** What the tours take on their command line: their sizes, and where the data goes. Pure, like `options.ts`. */

import type { ParseArgsConfig } from 'node:util';
import { integerOption, readArguments, textOption } from './command-line.js';

/** One size of a tour. */
export interface TourSize {
  readonly says: string;
  readonly default: number;
  readonly max: number;
}

/** What a tour is and how large it may be. */
export interface TourPlan<Name extends string> {
  /** What it shows, for `--help`. */
  readonly about: string;
  /** By option: `--<name> N`. */
  readonly sizes: Readonly<Record<Name, TourSize>>;
}

/** The choices of one run. */
export interface TourOptions<Name extends string> {
  readonly sizes: Readonly<Record<Name, number>>;
  /** Shard threads; undefined leaves the choice to the runtime. */
  readonly shards: number | undefined;
  /** The data directory; undefined means a fresh temporary one. */
  readonly directory: string | undefined;
}

/**
 * The options in `args`, or 'help'.
 *
 * @throws {UsageError}
 */
export function parseTourOptions<Name extends string>(
  args: readonly string[],
  { sizes }: TourPlan<Name>,
): TourOptions<Name> | 'help' {
  const names = Object.keys(sizes) as Name[];
  const { values } = readArguments({ args: [...args], options: optionsOf(names) });
  if (values['help'] === true) return 'help';
  const textOf = (name: string): string | undefined => {
    const given = values[name];
    return typeof given === 'string' ? given : undefined;
  };
  const given = names.map((name) => {
    const { default: otherwise, max } = sizes[name];
    return [name, integerOption(name, textOf(name), 1, max) ?? otherwise];
  });
  return {
    sizes: Object.fromEntries(given) as Record<Name, number>,
    shards: integerOption('shards', textOf('shards'), 1, 16),
    directory: textOption('directory', textOf('directory')),
  };
}

/** Named by data, so that the compiler does not know them. */
function optionsOf(names: readonly string[]): NonNullable<ParseArgsConfig['options']> {
  return {
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    shards: { type: 'string' },
    directory: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  };
}

/** The text of `--help`. */
export function tourUsage<Name extends string>({ about, sizes }: TourPlan<Name>): string {
  const lines = Object.entries<TourSize>(sizes).map(([name, size]) => {
    return optionLine(`--${name} N`, `${size.says}, at most ${size.max} (${size.default})`);
  });
  return [
    'Usage: main.js [options]',
    '',
    about,
    '',
    ...lines,
    optionLine('--shards N', 'shard threads, 1 to 16 (the runtime\u2019s default)'),
    optionLine('--directory DIR', 'empty data directory, kept (a temporary one, removed at the end)'),
    optionLine('--help', 'this text'),
    '',
    'Exit code: 0 when every check holds, 1 when one does not, 2 for a wrong command line, 130 or 143 when interrupted.',
    '',
  ].join('\n');
}

function optionLine(option: string, says: string): string {
  return `  ${option.padEnd(22)} ${says}`;
}
