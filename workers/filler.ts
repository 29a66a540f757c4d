/** The thread of the lookups' filler: one run per task, over files that stay open. */

import { asRamaxError } from '../src/core/errors.js';
import type { LookupFiller } from '../src/event-store/port.js';
import type { FillerAnswer, FillerTask } from '../src/platform/filler-task.js';
import { loadAdapter } from '../src/platform/load-module.js';

/** A pool is for one storage. */
let filler: Promise<LookupFiller> | undefined;

/** Makes one run. */
export default async function runFill({ storage, rowsMax }: FillerTask): Promise<FillerAnswer> {
  try {
    filler ??= loadAdapter(storage).then((adapter) => adapter.openLookupFiller(storage));
    return await (await filler).fillLookups(rowsMax);
  } catch (error) {
    return { error: asRamaxError(error, 'storage', 'the lookups cannot be filled').toData() };
  }
}
