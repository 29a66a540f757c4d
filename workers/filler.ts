/** The thread of the lookups' filler: one run or one clearing per task, over files that stay open. */

import { asRamaxError } from '../src/core/errors.js';
import type { LookupFiller } from '../src/event-store/port.js';
import type { FillerAnswer, FillerTask } from '../src/platform/filler-task.js';
import { loadAdapter } from '../src/platform/load-module.js';

/** A pool is for one storage. */
let filler: Promise<LookupFiller> | undefined;

/** Does one task. */
export default async function runFiller(given: FillerTask): Promise<FillerAnswer> {
  const { storage } = given;
  try {
    filler ??= loadAdapter(storage).then((adapter) => adapter.openLookupFiller(storage));
    const opened = await filler;
    if (given.task === 'fill') return await opened.fillLookups(given.rowsMax);
    await opened.scrub();
    return { done: true };
  } catch (error) {
    return { error: asRamaxError(error, 'storage', 'the lookups cannot be filled').toData() };
  }
}
