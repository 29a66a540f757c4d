/**
 * The independent checker: a data directory and a ledger, read without any code of Ramax, held against each other.
 *
 * Called by rows after each fault, while nothing or somebody else has the directory; it only reads.
 */

import { type LedgerLine, readLedger } from '../ledger.js';
import { checkLedger } from './check-ledger.js';
import { checkLog } from './check-log.js';
import { checkStoredViews, checkTold } from './check-states.js';
import { readLog, readViews } from './log-file.js';

/** What the checker says. */
export interface Verdict {
  /** Broken promises in words; empty when all are kept. */
  readonly broken: readonly string[];
  readonly acknowledged: number;
  readonly events: number;
  /** The ledger, so that nobody reads it twice. */
  readonly lines: readonly LedgerLine[];
}

/** What not to look at: figures of a directory that is being written to are not of one moment. */
export interface CheckOptions {
  /** Leave the projection files alone. Default: false. */
  readonly isLogOnly?: boolean;
  /** Records of commands may have been forgotten in the meantime. Default: false. */
  readonly hasForgotten?: boolean;
}

/** See the head of this file. */
export function checkDirectory(
  directory: string,
  ledger: string,
  { isLogOnly = false, hasForgotten = false }: CheckOptions = {},
): Verdict {
  const lines = readLedger(ledger);
  const log = readLog(directory);
  const { broken, acknowledged } = checkLedger(lines, log, hasForgotten);
  const views = log === undefined || isLogOnly ? [] : readViews(directory, log.logId);
  return {
    broken: [
      ...(log === undefined ? [] : [...checkLog(log), ...checkStoredViews(log, views)]),
      ...broken,
      ...checkTold(log, lines),
    ],
    acknowledged,
    events: log?.events.length ?? 0,
    lines,
  };
}
