/** A row as an ordinary test: with the count for these, and its controls. */

import { describe, expect, it } from 'vitest';
import type { Row } from './row.js';
import { runRow } from './run-rows.js';
import { shimLibrary } from './shim/disk-shim.js';

/** The same every time: other seeds are tried from the command line. */
const seed = 1;
/** Far more than it takes: no test depends on how busy the machine is. */
const timeoutMs = 1_800_000;

/** Declares the tests of a row. */
export function expectSound(row: Row, trials: number = row.ciTrials): void {
  describe(`torture: ${row.what}`, () => {
    it(`breaks no promise in ${trials} ${row.unit}, and its controls are found`, {
      timeout: timeoutMs,
    }, async () => {
      const result = await runRow(row, { trials, seed, report: () => {} });
      expect(result.violations.slice(0, 10)).toEqual([]);
      expect(result.blindTo).toEqual([]);
      expect(result.trials).toBeGreaterThanOrEqual(trials);
      expect(result.faults).toBeGreaterThan(0);
    });
  });
}

/** The same for a row that needs the shim of `shim/`: skipped, with its count, where that cannot be built. */
export function expectSoundOverShim(row: Row): void {
  if (shimLibrary() !== undefined) expectSound(row);
  else it.skip(`torture: ${row.what}: SKIPPED ${row.ciTrials} ${row.unit}: no Linux, or no C compiler`);
}
