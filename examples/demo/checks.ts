/** Checks of a tour: a sentence that holds or not, and what was seen. */

import { isDeepStrictEqual } from 'node:util';
import { RamaxError } from 'ramax';
import type { Check } from './report.js';

/** A check that holds when what was seen is deeply equal to what is due. */
export function checkEqual(says: string, seen: unknown, due: unknown): Check {
  const holds = isDeepStrictEqual(seen, due);
  return { says, holds, seen: holds ? shown(seen) : `${shown(seen)}, where ${shown(due)} is due` };
}

/** A check that holds when `holds` is true; `seen` is what it was told by. */
export function check(says: string, holds: boolean, seen: string): Check {
  return { says, holds, seen };
}

/** The code of the error that `call` fails with; 'no error' when it succeeds. Other errors are thrown. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no error';
  } catch (error) {
    if (error instanceof RamaxError) return error.code;
    throw error;
  }
}

const shownCharsMax = 100;

/** A value in a line. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= shownCharsMax ? text : `${text.slice(0, shownCharsMax - 1)}…`;
}
