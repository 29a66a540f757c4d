/** The frame of a program: arguments in, exit code out, and an error as a person reads it. */

import pc from 'picocolors';
import { RamaxError } from 'ramax';
import { InputError, UsageError } from './command-line.js';

/** Runs `main` and sets the exit code: what it returns, 2 for a wrong command line, 1 for any other error. */
export async function runProgram(main: (args: readonly string[]) => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${pc.red(messageOf(error))}\n`);
    if (error instanceof UsageError) process.stderr.write('--help shows the options\n');
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

/** What is wrong with the call or the disk fits in a line; anything else is a bug and shows where it is. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RamaxError) return `${error.code}: ${error.message}`;
  const isExplained = error instanceof InputError || 'code' in error;
  return isExplained ? error.message : (error.stack ?? error.message);
}
