/** A weakened engine for controls: command ids are forgotten as if the time of the wall clock were that of life. */

import { withLog } from './sound.js';

const yearMs = 366 * 24 * 60 * 60 * 1_000;

export const adapter = withLog((log) => ({
  pruneCommands: (before, rowsMax) => log.pruneCommands(before + yearMs, rowsMax),
}));
