/** The thread of upcasters: brings some events of older shapes to the present ones per task. */

import { type PackedAnswer, packedBodies, packedValues } from '../src/codec/packed-frames.js';
import { asRamaxError } from '../src/core/errors.js';
import type { LoadedApp } from '../src/core/loaded-app.js';
import { loadAppModule } from '../src/platform/load-module.js';
import type { UpcasterEvents, UpcasterTask } from '../src/platform/upcaster-task.js';
import { upcastEvents } from '../src/reader/upcast-events.js';

/** A pool is for one app. */
let app: Promise<LoadedApp> | undefined;

/** Does one task. */
export default async function runUpcasters(task: UpcasterTask): Promise<PackedAnswer> {
  try {
    app ??= loadAppModule(task.app);
    const { shapes } = await app;
    const events = packedBodies.unpack(task.events) as UpcasterEvents;
    return packedValues.packResult(upcastEvents(events, shapes));
  } catch (error) {
    return { error: asRamaxError(error, 'upcast_failed', 'the upcasters cannot be run').toData() };
  }
}
