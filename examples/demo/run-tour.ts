/**
 * A tour: a program that tells a newcomer what Ramax does, a chapter at a time, and holds what it says against what it
 * sees. The data of a tour on which a check did not hold stays, as evidence.
 */

import pc from 'picocolors';
import { RamaxError } from 'ramax';
import { UsageError } from './command-line.js';
import { DataDirectory } from './data-directory.js';
import { Interruption } from './interruption.js';
import { type Check, type Colors, checkText, type Row, tableText } from './report.js';
import type { StartOptions } from './run-context.js';
import { parseTourOptions, type TourOptions, type TourPlan, tourUsage } from './tour-options.js';

/** One part of the account. */
export interface Chapter {
  readonly title: string;
  /** What happens here, in lines. */
  readonly text: readonly string[];
  readonly rows: readonly Row[];
  /** Whether what it says holds. */
  readonly checks: readonly Check[];
}

/** What a tour works with. */
export interface TourContext<Name extends string> extends StartOptions {
  readonly sizes: Readonly<Record<Name, number>>;
  /** Aborted when the tour is to stop early. */
  readonly signal: AbortSignal;
}

/** A tour as a program. */
export interface Tour<Name extends string> extends TourPlan<Name> {
  /** Tells the chapters in order, each when it has happened. */
  readonly chapters: (context: TourContext<Name>) => AsyncIterable<Chapter>;
}

/** Goes on the tour; gives the exit code. */
export async function runTour<Name extends string>(
  args: readonly string[],
  tour: Tour<Name>,
): Promise<number> {
  const options = parseTourOptions(args, tour);
  if (options !== 'help') return follow(tour, options);
  process.stdout.write(tourUsage(tour));
  return 0;
}

async function follow<Name extends string>(tour: Tour<Name>, options: TourOptions<Name>): Promise<number> {
  const interruption = new Interruption();
  const data = await DataDirectory.open(options.directory);
  const { sizes, shards } = options;
  const checks: Check[] = [];
  let isEvidence = false;
  try {
    const context = { sizes, shards, directory: data.path, signal: interruption.signal };
    for await (const chapter of tour.chapters(context)) {
      process.stdout.write(`${chapterText(chapter, pc)}\n`);
      checks.push(...chapter.checks);
      if (interruption.exitCode !== undefined) break;
    }
    isEvidence = !checks.every(({ holds }) => holds);
  } catch (error) {
    // What is interrupted fails, and says nothing about Ramax.
    if (interruption.exitCode === undefined) {
      isEvidence = error instanceof RamaxError;
      throw error;
    }
  } finally {
    const isKept = await data.leave({ keep: isEvidence });
    if (isKept) process.stderr.write(`data directory: ${data.path}\n`);
    interruption.dispose();
  }
  process.stdout.write(`${verdictText(checks, pc)}\n`);
  if (interruption.exitCode !== undefined) process.stderr.write('interrupted: the account is partial\n');
  return interruption.exitCode ?? (isEvidence ? 1 : 0);
}

/**
 * A tour counts what is there, so it begins where nothing is.
 *
 * @throws {UsageError}
 */
export function mustBeEmpty(spaces: readonly unknown[]): void {
  if (spaces.length === 0) return;
  throw new UsageError('--directory must be empty, but spaces are in it already');
}

/** A chapter as text. */
export function chapterText({ title, text, rows, checks }: Chapter, colors: Colors): string {
  const table = rows.length === 0 ? [] : [tableText(rows, colors)];
  return `${[colors.bold(title), ...text, ...table, ...checks.map((check) => checkText(check, colors))].join('\n')}\n`;
}

function verdictText(checks: readonly Check[], colors: Colors): string {
  const broken = checks.filter(({ holds }) => !holds).length;
  if (broken > 0) return colors.red(`${broken} of ${checks.length} checks do not hold`);
  return colors.green(`all ${checks.length} checks hold`);
}
